"""Writes docs/requirements.md: requirement, code, tests and mutant of each."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from support.pages.requirement_exceptions import EXCEPTIONS
from support.pages.requirement_rows import ROWS as ROWS_OF_DESIGN
from support.pages.requirement_rows_of_attacks import ROWS_OF_ATTACKS
from support.repository import ROOT

ROWS = {**ROWS_OF_DESIGN, **ROWS_OF_ATTACKS}
"""[-] every row, by requirement."""

TABLE = ROOT / "docs/requirements.md"

HEAD = """# Requirements

Sections A, C, D, E, F, G and J of the safety requirements, and what attacks on the running system
brought up (R115 on): where each is kept, the tests that bear
its marker, and the mutant that a test catches: a weakened mechanism under which it fails. Written
by `make pages`; a test holds it equal.

| requirement | what | kept by | tests | mutant |
|---|---|---|---|---|
"""


def marked(path: Path) -> Iterator[tuple[str, str]]:
    """Give (requirement, test) for each marker in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            text = ast.unparse(decorator)
            if text.startswith("pytest.mark.requirement("):
                yield text.split("'")[1], node.name


def marked_tests() -> dict[str, list[tuple[str, str]]]:
    """Give, for each requirement, the files and names of its tests, sorted."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for requirement, name in marked(path):
            found[requirement].append((path.name, name))
    return found


def names_in_tests() -> set[str]:
    """Give the name of every function in the tests."""
    return {
        node.name
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def number(requirement: str) -> int:
    """Give the number of a requirement."""
    return int(requirement[1:])


def table() -> str:
    """Write the document."""
    tests = marked_tests()
    lines = []
    for name in sorted(ROWS, key=number):
        row = ROWS[name]
        files = sorted({f"`{file}`" for file, _ in tests[name]})
        counted = f"{len(tests[name])} in {', '.join(files)}" if files else "(none)"
        mutant = f"`{row.mutant}`" if row.mutant else "(none)"
        lines.append(f"| {name} | {row.text} | `{row.code}` | {counted} | {mutant} |")
    rest = [f"| {name} | {EXCEPTIONS[name]} |" for name in sorted(EXCEPTIONS, key=number)]
    exceptions = "\n## Exceptions\n\n| requirement | why |\n|---|---|\n"
    return HEAD + "\n".join(lines) + "\n" + exceptions + "\n".join(rest) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
    print(f"{TABLE.relative_to(ROOT)}: {len(ROWS)} requirements, {len(EXCEPTIONS)} exceptions")
