"""Writes docs/alarms.md: every alarm, its priority, what the pump does, and the FDA's list."""

import importlib
from collections.abc import Sequence
from typing import Final

from core.deciders.delivery.programme_checks import day_passed, profile_above
from core.deciders.delivery.pump_sync.restore_detection import doubted
from core.deciders.delivery.time_check import time_unproven
from core.deciders.glucose.alert_rules import RULES
from core.kernel.alarm_catalogue import PUMP_ALARMS, process_down
from core.kernel.alarms import Condition, PumpAction
from core.kernel.shared_decisions import history_missing, runtime_fault, speaker_forked
from schemas.record import RuntimeFault
from schemas.setting_checks import Misfit
from schemas.units import HOUR_MS, MilliUnits, MilliUnitsPerHour
from support.repository import ROOT

PAGE = ROOT / "docs/alarms.md"

HEAD = """# Alarms

Every alarm that a service can raise, in the words that `basalt alarms` shows. An alarm stands until
its cause is gone; one about a moment that is past, until somebody has seen it. It calls again, and
louder in time, as long as nobody reacts; once acknowledged it is quiet for 10 min.
Written by `make pages`; a test holds it equal.

## About the pump and the system

The priority is looked up from what could happen and how soon, after the table of IEC 60601-1-8.
What depends on the case is written in capitals, or as for 1 U.

| alarm | could be | how soon | priority | the pump | for | what is said |
|---|---|---|---|---|---|---|
"""

ACTIONS: Final[dict[PumpAction, str]] = {
    "motor_off": "motor off",
    "programmed_basal": "goes on with programmed basal alone",
    "as_before": "goes on as before",
}

FDA: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "occlusion": (
        ("occlusion", "occlusion_suspected"),
        "the pump notices by its pressure, which takes hours at low rates; before it glucose tells",
    ),
    "air in line": (("air_in_line",), ""),
    "free flow": (
        ("over_infusion", "balance_broken"),
        "what passes the motor unmoved no pump can count; what it moves too much is found",
    ),
    "depleted battery": (("battery_depleted", "battery_low"), ""),
    "no battery, defective battery": (
        ("pump_unreachable", "bolus_broken_off"),
        "a pump without power says nothing: whoever misses it does",
    ),
    "low or empty reservoir": (("reservoir_low", "reservoir_empty"), ""),
    "no reservoir, set not loaded": (("reservoir_missing",), ""),
    "dose or bolus limit exceeded": (
        (
            "over_infusion",
            "limits_disagree",
            "accounts_disagree",
            "extended_beyond_limit",
            "daily_limit_passed",
            "profile_above_limit",
        ),
        "an order beyond a limit is refused before anything moves, with the limit's name",
    ),
    "power-on self-test failure": (("self_test_failed",), ""),
    "memory checksum failure": (("memory_broken",), ""),
    "mechanism failure": (("motor_stuck", "motor_unasked"), ""),
    "overheating": (("overheated",), ""),
    "watchdog": (
        ("pump_unreachable", "bolus_broken_off"),
        "it ends the pump's process, which starts anew; the time without power is on record",
    ),
    "library mismatch": (
        ("accounts_disagree", "zone_unknown"),
        "limits that two services know differently; there is no drug library",
    ),
    "door open": ((), "the simulated pump has no door"),
    "stuck key": ((), "the simulated pump has no keys"),
    "tone test failure": ((), "the simulated pump has no speaker"),
}
"""[-] each condition of the FDA's guidance on infusion pumps: its alarms, and a word about it."""


MADE: Final = (
    history_missing("SERVICE"),
    process_down("SERVICE", why="WHY"),
    process_down("virtual_pump", why=""),
    speaker_forked("SERVICE"),
    runtime_fault(RuntimeFault(fault="bus_error", detail="DETAIL")),
    doubted("count_went_back", MilliUnits(1_000)),
    profile_above(
        Misfit(
            reason="above_basal_limit",
            profile="NAME",
            start_minute=0,
            rate=MilliUnitsPerHour(1_000),
            rate_limit=MilliUnitsPerHour(1_000),
        )
    ),
    day_passed(MilliUnits(1_000), MilliUnits(1_000), "in 24 h", "NAME"),
    time_unproven(HOUR_MS),
)
"""[-] conditions whose name or sentence depends on what was found."""


def conditions() -> Sequence[Condition]:
    """Find the conditions of the pump's table, those that stand in a module, and those made."""
    found = {*PUMP_ALARMS.values(), *MADE}
    for path in (ROOT / "core").rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        module = importlib.import_module(name.removesuffix(".__init__"))
        found |= {one for one in vars(module).values() if isinstance(one, Condition)}
    return sorted(found)


def names() -> set[str]:
    """Name every alarm of the page."""
    return {*RULES, *(one.alarm for one in conditions())}


def page() -> str:
    """Write the document."""
    system = [
        f"| `{one.alarm}` | {one.severity} | {one.onset} | {one.priority} | {ACTIONS[one.action]} "
        f"| {one.to} | {one.text} |"
        for one in conditions()
    ]
    glucose = [
        f"| `{name}` | {one.priority} | {one.snooze_min} min | {one.text} |"
        for name, one in sorted(RULES.items())
    ]
    listed = [
        f"| {what} | {', '.join(f'`{one}`' for one in alarms) or '-'} | {word} |"
        for what, (alarms, word) in FDA.items()
    ]
    return "\n".join(
        (
            HEAD.rstrip("\n"),
            *system,
            "\n## About glucose\n",
            "| alarm | priority | may be silenced for | what is said |\n|---|---|---|---|",
            *glucose,
            "\n## What the FDA lists\n",
            "| condition | alarm | |\n|---|---|---|",
            *listed,
            "",
        )
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(names())} alarms")
