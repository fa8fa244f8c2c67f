"""What share of the mutants of the core the tests catch, and the survivors without a reason.

Reads what `mutmut run` left in the folder mutants, and docs/mutants.md, which gives each survivor
its reason. Ends with 1 where a group is below the share that is wanted, or a survivor has no
reason. `make mutants` calls it.
"""

import ast
import difflib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

CAUGHT_MIN: Final = 0.95
"""[1] of the mutants of each group; the issue's own figure."""

MUTANTS: Final = Path("mutants")
REASONS: Final = Path("docs/mutants.md")

GROUPS: Final = {
    "limits": (
        "core.dosing.limits",
        "core.dosing.insulin_account.bolus_lockout",
        "core.deciders.delivery.enforce_running",
        "core.deciders.basal.temporary_rates",
        "core.models.pump_models",
    ),
    "pulses": ("core.models.pulses", "core.pump.pulse_instants", "core.models.pulse_scheduler"),
    "bolus": (
        "core.dosing.advice",
        "core.deciders.bolus",
        "core.dosing.order_protocol.deadlines",
        "core.record.dose_lifecycle",
    ),
    "insulin": ("core.models.insulin", "core.dosing.insulin_account.insulin_history"),
}
"""[-] the first that a module's name begins with."""

SURVIVED: Final = frozenset({0, 33})
"""[-] how the tests ended: all well, or none that calls the function."""


class Mutant(NamedTuple):
    """One change of the core, and whether a test noticed."""

    name: str
    exit_code: int | None

    @property
    def module(self) -> str:
        return self.name.rsplit(".", 1)[0]

    @property
    def group(self) -> str:
        return group_of(self.module)


def group_of(module: str) -> str:
    """Name the group that a module belongs to."""
    return next(
        group
        for group, prefixes in GROUPS.items()
        if any(module.startswith(prefix) for prefix in prefixes)
    )


def mutants() -> list[Mutant]:
    """Read every mutant and how its tests ended."""
    found: list[Mutant] = []
    for path in sorted(MUTANTS.rglob("*.meta")):
        codes = json.loads(path.read_text())["exit_code_by_key"]
        found.extend(Mutant(name, code) for name, code in codes.items())
    return found


@cache
def functions(module: str) -> dict[str, list[str]]:
    """Read every function of a module in all its versions, line by line."""
    text = (MUTANTS / Path(*module.split(".")).with_suffix(".py")).read_text()
    lines = text.splitlines()
    return {
        node.name: lines[node.lineno : node.end_lineno]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }


def change(mutant: Mutant) -> str:
    """Write what was changed: the lines that differ, without their indentation."""
    versions = functions(mutant.module)
    name = mutant.name.rsplit(".", 1)[1]
    before = versions[name.rsplit("__mutmut_", 1)[0] + "__mutmut_orig"]
    return " / ".join(_differences(before, versions[name]))


def _differences(before: list[str], after: list[str]) -> Iterator[str]:
    for line in difflib.unified_diff(before, after, lineterm="", n=0):
        if not line.startswith(("---", "+++", "@@")):
            yield f"{line[0]} {line[1:].strip()}"


def without_reason(survivors: Sequence[Mutant]) -> list[Mutant]:
    """Give the survivors that have no reason in docs/mutants.md."""
    reasons = REASONS.read_text()
    return [one for one in survivors if f"`{one.name}`" not in reasons]


def main() -> int:
    """Print the table; 0 where every group is well and every survivor has its reason."""
    found = mutants()
    if not found or any(one.exit_code is None for one in found):
        print("the run is not finished: mutmut run --max-children 2", file=sys.stderr)
        return 1
    survivors = [one for one in found if one.exit_code in SURVIVED]
    counts, left = Counter(one.group for one in found), Counter(one.group for one in survivors)
    table = Table("group", "mutants", "survived", "caught", title="mutants of the core")
    shares = {group: 1 - left[group] / counts[group] for group in GROUPS}
    for group, share in shares.items():
        table.add_row(group, str(counts[group]), str(left[group]), f"{share:.1%}")
    Console().print(table)
    unexplained = without_reason(survivors)
    for one in unexplained:
        print(f"| `{one.name}` | `{change(one)}` |  |")
    if unexplained:
        print(f"{len(unexplained)} survivors have no reason in {REASONS}", file=sys.stderr)
    return int(bool(unexplained) or min(shares.values()) < CAUGHT_MIN)


if __name__ == "__main__":
    sys.exit(main())
