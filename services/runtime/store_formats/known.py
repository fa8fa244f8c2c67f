"""The format that each kind of store has in this release, and the steps that lead to it.

A new format is a new Step at the end of its store's steps: the number is that of the last one. The
folder of the release before is kept by then (`make folder`), and a test starts on it. Format 1 is
what 0.1.0 and 0.2.0 wrote, without a number but in the pump's memory.
"""

from dataclasses import dataclass
from typing import Final

UNNUMBERED: Final = 1
"""[-] format of a store that bears no number."""

NUMBER_MAX: Final = 9_999
"""[-] a higher number is no format of any release: the file is damaged."""


@dataclass(frozen=True, slots=True)
class Step:
    """What leads from the format before to this one."""

    to: int
    """[-] the format afterwards."""
    name: str
    """[-] what is done, in words."""
    statements: tuple[str, ...] = ()
    """[-] SQL, run in one transaction with the new number; {0} is the schema of a journal."""


@dataclass(frozen=True, slots=True)
class StoreFormat:
    """One kind of store."""

    what: str
    """[-] in words."""
    steps: tuple[Step, ...]
    """[-] in order; each raises the number by one."""
    if_damaged: str
    """[-] what to do where the number is none."""
    application: int | None = None
    """[-] SQLite's application_id of such a file; any other file is none."""

    @property
    def newest(self) -> int:
        """Give the format that this release writes."""
        return self.steps[-1].to if self.steps else UNNUMBERED

    def missing(self, number: int) -> tuple[Step, ...]:
        """Give the steps that lead from a format to the newest."""
        return tuple(step for step in self.steps if step.to > number)


DATA_FOLDER: Final = StoreFormat(
    "data folder",
    steps=(Step(2, "number it"),),
    if_damaged="put back a copy of this file; where no later release ever ran, it may be removed",
)

JOURNAL: Final = StoreFormat(
    "journal",
    steps=(
        Step(
            2,
            "keep where the lines of each pump end, and number it",
            # Journals of the first days of 0.1.0 have no such table.
            (
                "CREATE TABLE IF NOT EXISTS {0}.ends (pump TEXT NOT NULL PRIMARY KEY, "
                "position BIGINT NOT NULL, link TEXT NOT NULL)",
            ),
        ),
    ),
    if_damaged="put the journal aside and start again: the past is taken over from the others",
)

PUMP_MEMORY: Final = StoreFormat(
    "pump memory",
    # Registers of format 2 count refused frames; releases that know nothing of them must not run.
    steps=(Step(2, "number it"),),
    if_damaged="put back a copy of it, or replace the pump",
    application=0x42_53_4C_50,  # 'BSLP'
)

WORLD_LEDGER: Final = StoreFormat(
    "world ledger",
    steps=(Step(2, "number it"),),
    if_damaged="put back a copy of it",
)

SNAPSHOTS: Final = StoreFormat(
    "file of snapshots",
    steps=(Step(2, "number it"),),
    if_damaged="remove it: it is made anew",
)

CHECKPOINTS: Final = StoreFormat(
    "folder of checkpoints",
    # Notes of format 2 also state the lines of the record.
    steps=(Step(2, "number it"),),
    if_damaged="put back a copy of this file; where no later release ever ran, it may be removed",
)

ARCHIVE: Final = StoreFormat(
    "archive",
    # Its number is the version in the tag of its first line.
    steps=(),
    if_damaged="have the archive made again",
)

ALL: Final = (DATA_FOLDER, JOURNAL, PUMP_MEMORY, WORLD_LEDGER, SNAPSHOTS, CHECKPOINTS, ARCHIVE)
"""[-] every kind of store."""
