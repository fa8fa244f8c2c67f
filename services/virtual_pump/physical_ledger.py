"""The world's own ledger: what each stroke physically gave, beside the pump's registers.

The pump's firmware neither writes nor reads it: it stands in a file of its own and follows what the
pump kept. A stroke has happened when the pump's memory has it; a ledger that fell behind by a loss
of power catches up at the next start, and one whose pump's memory was put back from an older copy
goes on from where the world was.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from core.models.pump_accuracy import ErrorModel, pulses_in
from core.pump.memory import PumpMemory
from schemas.delivery.device import HISTORY_PAGE_RECORDS_MAX, PULSE_MU, PumpRecord
from schemas.units import DoseId, MicroUnits, MilliUnits
from services.runtime.store_formats import sqlite_files
from services.runtime.store_formats.known import WORLD_LEDGER
from services.virtual_pump.errors import PumpMemoryError
from services.virtual_pump.state_store import PumpStore

WORLD_SUFFIX = ".world"
"""[-] of the ledger's name, in place of the memory's own."""

_LAYOUT = """
CREATE TABLE IF NOT EXISTS strokes (number INTEGER PRIMARY KEY, at INTEGER NOT NULL,
    kind TEXT NOT NULL, dose TEXT, given_uu INTEGER NOT NULL, is_in_line INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS followed (id INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL);
"""


class WorldTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all strokes ever made."""

    counted: MilliUnits
    """[mU] the strokes at their size."""
    in_body: MicroUnits
    """[uU] of basal, boluses and strokes that nobody asked for."""
    in_air: MicroUnits
    """[uU] of primes."""
    in_line: MicroUnits
    """[uU] pressed into a line that is blocked."""


class WorldLedger:
    """Every stroke of one pump in a file; opened for writing by the pump's process alone."""

    def __init__(self, path: Path, *, model: ErrorModel, seed: int) -> None:
        """Open the ledger, or begin one.

        Raises:
            StoreFormatUnknown: it is of a newer release.
            PumpMemoryError: it is broken or cannot be written.
        """
        self._path, self._model, self._seed = path, model, seed
        try:
            sqlite_files.prepare(path, WORLD_LEDGER)
            self._file = sqlite3.connect(path, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.executescript(_LAYOUT)
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def followed(self) -> int:
        """Give the number of the pump's record up to which the world is written down."""
        row = self._file.execute("SELECT sequence FROM followed").fetchone()
        return int(row[0]) if row else 0

    def follow(self, memory: PumpMemory, records: Sequence[PumpRecord]) -> None:
        """Write down what new history of the pump did in the world.

        Raises:
            PumpMemoryError: nothing was written.
        """
        try:
            self._file.execute("BEGIN IMMEDIATE")
            for record in records:
                self._happen(record)
            self._hold(memory.backlog // PULSE_MU)
            self._file.execute("INSERT OR REPLACE INTO followed VALUES (1, ?)", (memory.sequence,))
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._broken(error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _happen(self, record: PumpRecord) -> None:
        if record.kind == "released":
            self._file.execute("UPDATE strokes SET is_in_line = 0")
        (made,) = self._file.execute("SELECT coalesce(max(number), 0) FROM strokes").fetchone()
        found = pulses_in((record,), after=made, model=self._model, seed=self._seed)
        rows = [(one.number, one.at, one.kind, one.dose, one.given, 0) for one in found]
        self._file.executemany("INSERT INTO strokes VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _hold(self, pressed: int) -> None:
        """Mark the newest strokes, so that as many are in the line as the pump feels."""
        held = "SELECT count(*) FROM strokes WHERE is_in_line"
        (known,) = self._file.execute(held).fetchone()
        newest = "SELECT number FROM strokes ORDER BY number DESC LIMIT ?"
        self._file.execute(
            f"UPDATE strokes SET is_in_line = 1 WHERE number IN ({newest})",
            (max(0, pressed - known),),
        )

    def _broken(self, error: sqlite3.Error) -> PumpMemoryError:
        return PumpMemoryError(path=str(self._path), reason=f"world ledger: {error}")


class PhysicalLedgerStore:
    """The port PumpStore, which also counts what each pulse physically gave."""

    def __init__(self, store: PumpStore, ledger: WorldLedger) -> None:
        """Write down what happened while nobody looked."""
        self._store, self._ledger = store, ledger
        memory = store.load()
        if memory is None:
            return
        known = min(ledger.followed(), memory.sequence)
        if known < ledger.followed():
            # The memory was put back: the world was not, and nothing happens anew by that.
            ledger.follow(msgspec.structs.replace(memory, backlog=MilliUnits(0)), ())
        while page := store.history(after=known):
            known = page[-1].sequence
            is_last = len(page) < HISTORY_PAGE_RECORDS_MAX
            free = msgspec.structs.replace(memory, backlog=MilliUnits(0), sequence=known)
            ledger.follow(memory if is_last else free, page)

    def load(self) -> PumpMemory | None:
        """Read the registers, None for a pump that has never been on."""
        return self._store.load()

    def save(self, memory: PumpMemory, *, records: Sequence[PumpRecord]) -> None:
        """Keep registers and new history; then the world follows."""
        self._store.save(memory, records=records)
        self._ledger.follow(memory, records)

    def history(self, *, after: int) -> tuple[PumpRecord, ...]:
        """Read one page of records numbered after `after`, sorted by number."""
        return self._store.history(after=after)

    def executed(self, dose: DoseId, *, after: int) -> bool:
        """Tell whether the history numbered after `after` has this dose, however old."""
        return self._store.executed(dose, after=after)


def world_path(memory: Path) -> Path:
    """Give where the ledger of a pump stands, beside its memory."""
    return memory.with_suffix(WORLD_SUFFIX)


def sum_of(given: Iterable[int]) -> MicroUnits:
    """Add amounts [uU] up."""
    return MicroUnits(sum(given))


def read_world(path: Path) -> WorldTotals:
    """Add the ledger up, whether the pump runs or not."""
    file = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        rows = file.execute("SELECT kind, given_uu, is_in_line FROM strokes").fetchall()
    finally:
        file.close()
    return WorldTotals(
        counted=MilliUnits(len(rows) * PULSE_MU),
        in_body=sum_of(one[1] for one in rows if not one[2] and one[0] != "primed"),
        in_air=sum_of(one[1] for one in rows if not one[2] and one[0] == "primed"),
        in_line=sum_of(one[1] for one in rows if one[2]),
    )
