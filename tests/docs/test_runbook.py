"""The runbook leaves out no alarm and no exit code, and speaks of none that is gone."""

import re
from typing import get_args

import pytest

from schemas.record import FaultName
from services.command_line.output import exit_codes
from services.runtime.platform import shutdown
from services.virtual_pump.watchdog import EXIT_WATCHDOG
from support.pages.alarm_page import names
from support.repository import ROOT

RUNBOOK = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")


def first_cells(text: str) -> set[str]:
    """Give what stands in the first cell of each row of a table: names in backticks, or codes."""
    found: set[str] = set()
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith(("| alarm", "| code")):
            cell = line.split(" | ")[0].removeprefix("| ")
            found.update(re.findall(r"`([^`]+)`", cell) or [cell])
    return found


def unknown_alarms(text: str) -> set[str]:
    """Name alarms without a row, and rows without an alarm."""
    faults = {f"runtime_{fault}" for fault in get_args(FaultName)}
    rows = {cell for cell in first_cells(text) if not cell.isdigit()}
    return rows ^ (names() | faults)


@pytest.mark.requirement("R66")
def test_each_alarm_says_what_it_means_for_the_insulin_and_what_to_do() -> None:
    """Whoever is woken by an alarm reads this page first."""
    assert set() == unknown_alarms(RUNBOOK)


@pytest.mark.parametrize("gone", ["occlusion", "runtime_bus_error", "glucose_flat"])
def test_a_row_that_is_missing_is_found(gone: str) -> None:
    """A check that never fails checks nothing."""
    assert {gone} == unknown_alarms(RUNBOOK.replace(f"`{gone}`", "``x")) - {"``x"} - {"x"} - {""}


def test_each_exit_code_has_its_row() -> None:
    """A script that calls Basalt branches on them."""
    codes = {
        value
        for module in (exit_codes, shutdown)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, int)
    }

    assert {str(code) for code in codes | {EXIT_WATCHDOG}} <= first_cells(RUNBOOK)
