"""Writes docs/dose-lifecycle.md: the states of a dose and the steps between, from their table."""

from typing import Final

from core.record.dose_lifecycle import OPEN, STEPS
from support.repository import ROOT

PAGE: Final = ROOT / "docs/dose-lifecycle.md"

HEAD = """# The life of a dose

A bolus is one dose from its order to its account. Each event of a record moves one dose by one
step; a step that is not in the diagram must not happen, and `basalt verify orders` finds it. The
names stand in `core/record/dose_lifecycle.py:STEPS`.

- *unknown* means that insulin may have been given: it counts in full in every limit, and nothing
  is sent again. Only the pump's own count, or a person's word until that is read, ends it.
- *settled* is a person's word; the pump's count replaces it.
- *found* is insulin that the pump gave and nobody here ordered.

Written by `make pages` from that table; a test holds it equal.
"""


def page() -> str:
    """Write the document."""
    arrows = [f"    {before} --> {after}: {step}" for (before, step), after in STEPS.items()]
    ends = sorted(set(STEPS.values()) - OPEN - {before for before, _ in STEPS})
    lines = [
        HEAD,
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> unheard_of",
        *arrows,
        *(f"    {end} --> [*]" for end in ends),
        "```",
        "",
        "| state | step | next state |",
        "|---|---|---|",
        *(f"| {before} | {step} | {after} |" for (before, step), after in STEPS.items()),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(STEPS)} steps")
