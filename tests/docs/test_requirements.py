"""Every requirement is kept somewhere, tested by marker, or excepted with a reason."""

import ast
from pathlib import Path

import pytest

from support.pages.requirement_exceptions import EXCEPTIONS, SECTIONS
from support.pages.requirement_table import ROWS, TABLE, marked_tests, names_in_tests, table
from support.repository import ROOT

NAMES = names_in_tests()


def test_the_table_is_what_the_tests_say() -> None:
    """Otherwise: make pages."""
    assert table() == TABLE.read_text(encoding="utf-8")


def test_each_requirement_has_a_row_or_a_reason() -> None:
    """Forgotten is not the same as excepted."""
    assert {f"R{one}" for one in SECTIONS} == set(ROWS) | set(EXCEPTIONS)
    assert not set(ROWS) & set(EXCEPTIONS)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_what_a_row_names_exists(name: str) -> None:
    """A row that names code which was renamed proves nothing."""
    file, symbol = ROWS[name].code.split(":")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    names = {getattr(node, "name", "") for node in tree.body}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            names.add(ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target))

    assert (ROOT / file).is_file() and symbol in names
    assert ROWS[name].mutant in NAMES


def test_a_marker_names_a_requirement_that_exists() -> None:
    """A typing error in a marker is a requirement without a test."""
    known = {f"R{one}" for one in range(1, 137)}
    assert set(marked_tests()) <= known
    assert Path(TABLE).is_file()
