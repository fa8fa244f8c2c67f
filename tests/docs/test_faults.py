"""The table of faults names tests and mutants that there are."""

import ast
import re

import pytest

from support.pages.requirement_table import names_in_tests
from support.repository import ROOT

TABLE = ROOT / "docs/faults.md"
RUN, NOT_RUN = TABLE.read_text(encoding="utf-8").split("## Not run")
ROWS = [line for line in RUN.splitlines() if re.match(r"\| [A-Z][0-9]", line)]
FAULTS = {
    *(f"K{n}" for n in range(1, 5)),
    *(f"B{n}" for n in range(1, 11)),
    *(f"N{n}" for n in range(1, 7)),
    *(f"M{n}" for n in range(1, 5)),
    *(f"S{n}" for n in range(1, 7)),
    *(f"D{n}" for n in range(1, 8)),
    *(f"T{n}" for n in range(1, 5)),
    *("A1", "A2", "A3", "A4", "A5", "C1", "C2"),
}


def known_names() -> set[str]:
    """Give functions of the tests, and what a module of them names by assignment."""
    assigned = {
        target.id
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return names_in_tests() | assigned


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:24])
def test_what_a_row_names_exists(row: str) -> None:
    """A test that was renamed proves nothing."""
    _, _, _, proof, mutant, _ = row.split("|")
    named = re.findall(r"`(\w+)`", proof)

    assert named
    assert [] == [one for one in [*named, *re.findall(r"`(\w+)`", mutant)] if one not in KNOWN]


KNOWN = known_names()


def test_each_fault_is_run_or_excepted_with_a_reason() -> None:
    """Forgotten is not the same as excepted."""
    named = set(re.findall(r"\b[KBNMSDTAC]\d+\b", "\n".join(ROWS)))
    excepted = set(re.findall(r"\b[KBNMSDTAC]\d+\b", NOT_RUN))

    assert FAULTS == named | excepted
