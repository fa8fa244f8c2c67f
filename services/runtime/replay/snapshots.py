"""Snapshots: the states of a pump every so many lines of its record, so that any instant is near.

They are no record: they follow from it, are made anew when they are lost, and are used only where
the record has the very line that they were made at, and the rules are those of today.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from schemas.units import PumpId, UtcMillis
from services.runtime.journal.hash_chain import link_in
from services.runtime.platform.logs import get_logger
from services.runtime.platform.release import thinking
from services.runtime.ports import Row, Store
from services.runtime.replay.record_fold import NEVER, RecordFold
from services.runtime.store_formats import sqlite_files
from services.runtime.store_formats.known import SNAPSHOTS

LINES_BETWEEN: Final = 125
"""[-] of a pump's record from one snapshot to the next: some 2 ms of folding."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS thinking (sha256 TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS snapshots (
    pump TEXT NOT NULL, position INTEGER NOT NULL, link TEXT NOT NULL,
    newest INTEGER NOT NULL, oldest INTEGER NOT NULL, states BLOB NOT NULL,
    PRIMARY KEY (pump, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_newest ON snapshots (pump, newest, position);
CREATE INDEX IF NOT EXISTS by_oldest ON snapshots (pump, position, oldest);
"""

log = get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a pump's record."""

    pump: PumpId
    position: int
    """[-] of that line."""
    link: str
    """[-] of that line in the chain of the record."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The states after one line of a pump's record."""

    pump: PumpId
    position: int
    """[-] of that line."""
    link: str
    """[-] of that line in the chain of the record."""
    newest: UtcMillis
    """[ms] latest therapy time of an event up to there."""
    oldest: UtcMillis
    """[ms] earliest therapy time of an event since the snapshot before."""
    states: bytes
    """[-] packed."""

    def fold(self) -> RecordFold:
        """Go on from here.

        Raises:
            ValueError: the states cannot be read.
        """
        return RecordFold.unpacked(
            self.states, pump=self.pump, position=self.position, newest=self.newest
        )


class Snapshots:
    """All snapshots of a record, in one file; of other rules than today's it keeps none."""

    def __init__(self, path: Path, *, is_kept: bool = False) -> None:
        """Open the file.

        Args:
            path: of the file; it need not be there for who only reads.
            is_kept: make it, and empty it where it is of other rules.

        Raises:
            StoreFormatUnknown: it is of a newer release.
            sqlite3.Error: it cannot be opened, or is damaged.
        """
        if is_kept:
            sqlite_files.prepare(path, SNAPSHOTS)
        else:
            sqlite_files.assert_known(path, SNAPSHOTS)
        self._is_there = is_kept or path.is_file()
        place = f"{path.absolute().as_uri()}?mode={'rwc' if is_kept else 'ro'}"
        self._file = sqlite3.connect(place if self._is_there else ":memory:", uri=True)
        try:
            self._open(is_kept=is_kept)
        except sqlite3.Error:
            self._file.close()
            raise

    def _open(self, *, is_kept: bool) -> None:
        if is_kept:
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
        if is_kept or not self._is_there:
            self._file.executescript(_SCHEMA)
        known = self._file.execute("SELECT sha256 FROM thinking").fetchall()
        today = f"{thinking()} {LINES_BETWEEN}"
        self.is_of_today = known == [(today,)]
        if is_kept and not self.is_of_today:
            with self._file:
                self._file.execute("DELETE FROM thinking")
                self._file.execute("DELETE FROM snapshots")
                self._file.execute("INSERT INTO thinking VALUES (?)", (today,))
            self.is_of_today = True

    def put(self, snapshot: Snapshot) -> None:
        """Keep one; what stands there already makes way."""
        with self._file:
            self._file.execute(
                "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?)",
                (
                    snapshot.pump,
                    snapshot.position,
                    snapshot.link,
                    snapshot.newest,
                    snapshot.oldest,
                    snapshot.states,
                ),
            )

    def forget(self, pump: PumpId) -> None:
        """Drop all of a pump: the record is not the one that they were made of."""
        with self._file:
            self._file.execute("DELETE FROM snapshots WHERE pump=?", (pump,))

    def nearest(self, pump: PumpId, *, at: UtcMillis | None) -> Snapshot | None:
        """Give the last one with nothing in it that was decided after `at`."""
        if not self.is_of_today:
            return None
        found = self._file.execute(
            "SELECT * FROM snapshots WHERE pump=? AND newest<=? "
            "ORDER BY newest DESC, position DESC LIMIT 1",
            (pump, NEVER if at is None else at),
        ).fetchone()
        return None if found is None else Snapshot(*found)

    def behind(self, pump: PumpId, position: int, *, until: UtcMillis) -> Iterator[int]:
        """Name the snapshots after a position before which something of up to `until` arrived."""
        found = self._file.execute(
            "SELECT position FROM snapshots WHERE pump=? AND position>? AND oldest<=? "
            "ORDER BY position",
            (pump, position, until),
        )
        yield from (int(line) for (line,) in found)

    def last(self, pump: PumpId) -> Place | None:
        """Say where the last one was made."""
        found = self._file.execute(
            "SELECT pump, position, link FROM snapshots WHERE pump=? "
            "ORDER BY position DESC LIMIT 1",
            (pump,),
        ).fetchone()
        return None if found is None or not self.is_of_today else Place(*found)

    def all_of(self, pump: PumpId) -> Iterator[Snapshot]:
        """Stream those of a pump in the order of its record."""
        with closing(self._file.cursor()) as cursor:
            cursor.execute("SELECT * FROM snapshots WHERE pump=? ORDER BY position", (pump,))
            for found in cursor:
                yield Snapshot(*found)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def is_of(made: Place | Snapshot, store: Store) -> bool:
    """Say whether a record has the line that a snapshot was made at."""
    row = next(iter(store.rows_from(made.pump, made.position, count=1)), None)
    return row is not None and row.position == made.position and link_in(row) == made.link


def folded(
    store: Store, snapshots: Snapshots, *, pump: PumpId, at: UtcMillis | None
) -> RecordFold | None:
    """Fold a record up to an instant from the nearest snapshot on; None where there is none.

    What was decided until then and arrived late, however late, is found and taken in as well.
    """
    last = snapshots.last(pump)
    if last is None:
        return None
    if not is_of(last, store):
        log.warning("snapshot.of_another_record", pump=pump, line=last.position)
        return None
    nearest = snapshots.nearest(pump, at=at)
    try:
        fold = RecordFold(pump) if nearest is None else nearest.fold()
    except ValueError as error:
        log.warning("snapshot.unreadable", error=str(error))
        return None
    for rows in _rows_behind(store, snapshots, last, position=fold.position, at=at):
        fold.take(rows, until=at)
    return fold


def _rows_behind(
    store: Store, snapshots: Snapshots, last: Place, *, position: int, at: UtcMillis | None
) -> Iterator[Sequence[Row]]:
    pump, end = last.pump, last.position
    if at is not None:
        for line in snapshots.behind(pump, position, until=at):
            yield store.rows_from(pump, line - LINES_BETWEEN + 1, count=LINES_BETWEEN)
    while rows := store.rows_from(pump, end + 1, count=LINES_BETWEEN):
        yield rows
        end = rows[-1].position


class SnapshotMaker:
    """Makes the snapshots of a record that grows."""

    def __init__(self, snapshots: Snapshots, store: Store) -> None:
        """Read nothing yet."""
        self._snapshots = snapshots
        self._store = store
        self._folds: dict[PumpId, RecordFold] = {}
        self._oldest: dict[PumpId, UtcMillis] = {}

    def grow(self, pump: PumpId, *, lines: int) -> int:
        """Fold so many lines at most, and none behind the next snapshot; give how many there were.

        Raises:
            sqlite3.Error: the file cannot be written.
            One of codec.DECODE_ERRORS: a line of the record cannot be read.
        """
        fold = self._folds.get(pump)
        if fold is None:
            fold = self._folds[pump] = self._begun(pump)
        lines = min(lines, LINES_BETWEEN - fold.position % LINES_BETWEEN)
        rows = self._store.rows_from(pump, fold.position + 1, count=lines)
        self._oldest[pump] = min(fold.take(rows), self._oldest.get(pump, NEVER))
        if rows and fold.position % LINES_BETWEEN == 0:
            oldest = self._oldest.pop(pump)
            self._snapshots.put(_snapshot(fold, pump, link=link_in(rows[-1]), oldest=oldest))
        return len(rows)

    def _begun(self, pump: PumpId) -> RecordFold:
        last = self._snapshots.nearest(pump, at=None)
        if last is None:
            return RecordFold(pump)
        try:
            fold = last.fold()
            if is_of(last, self._store):
                return fold
        except ValueError as error:
            log.warning("snapshot.unreadable", line=last.position, error=str(error))
        self._snapshots.forget(pump)
        return RecordFold(pump)


def differing(store: Store, snapshots: Snapshots, *, pump: PumpId) -> Iterator[tuple[int, bool]]:
    """Hold each snapshot of a pump against a full fold: (its position, whether it differs)."""
    fold, rows = RecordFold(pump), (row for _, row in store.rows(pump=pump))
    for snapshot in snapshots.all_of(pump):
        some = tuple(islice(rows, max(0, snapshot.position - fold.position)))
        oldest, link = fold.take(some), link_in(some[-1]) if some else ""
        yield snapshot.position, _snapshot(fold, pump, link=link, oldest=oldest) != snapshot


def _snapshot(fold: RecordFold, pump: PumpId, *, link: str, oldest: UtcMillis) -> Snapshot:
    """Write the states that a fold has come to at a line of that link."""
    return Snapshot(
        pump=pump,
        position=fold.position,
        link=link,
        newest=fold.newest,
        oldest=oldest,
        states=fold.packed(),
    )
