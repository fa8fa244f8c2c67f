"""docs/testing.md names every test that is left to the night, and every part of it."""

import re

import pytest

from support.nightly.parts import PARTS
from support.repository import ROOT

PAGE = ROOT / "docs/testing.md"
TABLE = re.compile(r"^\| `(tests/\S+\.py)` \| (.+) \| (.+) \|$", re.MULTILINE)


def left_to_the_night() -> set[str]:
    """Name the files with tests that only `make nightly` runs."""
    paths = (ROOT / "tests").rglob("test_*.py")
    return {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if re.search(r"pytest\.mark\.nightly", path.read_text(encoding="utf-8"))
    } - {"tests/docs/test_testing_page.py"}


def named_in(text: str) -> set[str]:
    """Name the files of which the table says what holds their kind by day."""
    return {found[0] for found in TABLE.findall(text)}


def test_each_test_that_is_left_to_the_night_has_its_stand_in() -> None:
    """What nobody runs by day is missed by whoever breaks it."""
    assert left_to_the_night() == named_in(PAGE.read_text(encoding="utf-8"))


def test_each_part_is_named() -> None:
    """A part that nobody knows of is run by nobody."""
    text = PAGE.read_text(encoding="utf-8")

    assert [] == [part.name for part in PARTS if f"`{part.name}`" not in text]


@pytest.mark.parametrize("change", ["left out", "made up"])
def test_a_row_that_is_missing_or_too_many_is_found(change: str) -> None:
    """A check that never fails checks nothing."""
    rows = [f"| `{name}` | all | one |" for name in sorted(left_to_the_night())]
    wrong = rows[1:] if change == "left out" else [*rows, "| `tests/test_x.py` | all | one |"]

    assert left_to_the_night() == named_in("\n".join(rows))
    assert left_to_the_night() != named_in("\n".join(wrong))
