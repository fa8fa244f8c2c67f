"""Store on eventsourcing's SQLite recorder: one transaction for a whole step.

The tables beside the events: heads of speakers, where each command was heard, each end.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eventsourcing.persistence import (
    ConnectionPoolClosedError,
    IntegrityError,
    PersistenceError,
    StoredEvent,
    Tracking,
)
from eventsourcing.sqlite import (
    SQLiteAggregateRecorder,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteProcessRecorder,
)

from services.runtime.journal.reading import FETCH_ROWS, Dialect, JournalReader
from services.runtime.platform.errors import SecondWriter, StoreBroken, StoreUnwritable
from services.runtime.ports import Commit
from services.runtime.store_formats import sqlite_files
from services.runtime.store_formats.known import JOURNAL
from services.runtime.store_formats.stamp import Upgraded

TABLES = (
    "CREATE TABLE IF NOT EXISTS heads ("
    "pump TEXT NOT NULL, speaker TEXT NOT NULL, version INTEGER NOT NULL, sha256 TEXT NOT NULL, "
    "PRIMARY KEY (pump, speaker)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS commands ("
    "pump TEXT NOT NULL, command TEXT NOT NULL, position INTEGER NOT NULL, "
    "PRIMARY KEY (pump, command)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS ends ("
    "pump TEXT NOT NULL PRIMARY KEY, position INTEGER NOT NULL, link TEXT NOT NULL) WITHOUT ROWID",
)
"""[-] statements that make them."""

PUT_END = (
    "INSERT INTO ends VALUES (?,?,?) ON CONFLICT (pump) "
    "DO UPDATE SET position=excluded.position, link=excluded.link"
)
"""[-] moves the end of a pump's lines on."""

PUT_HEAD = (
    "INSERT INTO heads VALUES (?,?,?,?) ON CONFLICT (pump, speaker) "
    "DO UPDATE SET version=excluded.version, sha256=excluded.sha256"
)
"""[-] moves a head on."""

PUT_COMMAND = "INSERT INTO commands VALUES (?,?,?)"
"""[-] keeps where a command was heard."""

OLDER = "SELECT 1 FROM sqlite_master WHERE name='outcomes'"
"""[-] finds a journal of the time before the first release, which kept whole outcomes."""

HAS_ENDS = "SELECT 1 FROM sqlite_master WHERE name='ends'"
"""[-] finds a journal that says where its lines end; the first step of its upgrade makes it so."""

DIALECT = Dialect(number="rowid", bytewise="BINARY")
"""[-] SQLite's spelling."""

SCHEMA = "main"
"""[-] SQLite's name for the file that was opened."""

SYNCHRONOUS_FULL = 2
"""[-] SQLite's word for 'a commit is on the disk'; NORMAL lost 265 of 3,730 in a power cut."""


class JournalRecorder(SQLiteProcessRecorder):
    """The recorder with heads and commands in the same transaction as events and position."""

    def construct_create_table_statements(self) -> list[str]:
        """Add our tables to the library's."""
        return [*super().construct_create_table_statements(), *TABLES]

    def _insert_events(
        self,
        c: SQLiteCursor,
        stored_events: Sequence[StoredEvent],
        *,
        tracking: Tracking | None = None,
        beside: Commit | None = None,
        **_: Any,
    ) -> Sequence[int] | None:
        # All in one statement, for nobody asks for the numbers of the lines.
        SQLiteAggregateRecorder._insert_events(self, c, stored_events)
        if tracking is not None:
            self._insert_tracking(c, tracking)
        if beside is not None:
            _put_beside(c, beside)
        return None


def _put_beside(c: SQLiteCursor, step: Commit) -> None:
    """Store what a step has beside its lines and its position."""
    heads, commands, ends = step.heads.items(), step.commands.items(), step.ends.items()
    for statement, lines in (
        (PUT_HEAD, [(pump, by, head.version, head.sha256) for (pump, by), head in heads]),
        (PUT_COMMAND, [(pump, name, position) for (pump, name), position in commands]),
        (PUT_END, [(pump, end.position, end.link) for pump, end in ends]),
    ):
        if lines:
            c.executemany(statement, lines)


class SqliteStore(JournalReader):
    """A journal in one SQLite file."""

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        """Open the file.

        Args:
            path: of the file.
            writes: make it where it is not, and upgrade an older format; a reader does neither.

        Raises:
            StoreFormatUnknown: it is of a newer release.
            StoreBroken: it is no database, is damaged, or would not survive a power cut.
        """
        self._path = path
        self.upgraded: Upgraded | None = None
        try:
            if writes:
                self.upgraded = sqlite_files.prepare(path, JOURNAL)
            else:
                sqlite_files.assert_known(path, JOURNAL)
            self._datastore = SQLiteDatastore(str(path), originator_id_type="text")
            self._recorder = JournalRecorder(self._datastore)
            if writes:
                self._recorder.create_table()
            self._assert_usable()
            super().__init__(DIALECT)
        except (PersistenceError, sqlite3.Error, UnicodeDecodeError) as error:
            raise StoreBroken(str(path), f"damaged: {error}") from error

    def _assert_usable(self) -> None:
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute(OLDER)
            if cursor.fetchone() is not None:
                raise StoreBroken(str(self._path), "written before release 0.1; begin a new folder")
            cursor.execute(HAS_ENDS)
            if cursor.fetchone() is None:
                reason = (
                    "it is older than release 0.1.0; start the system on it once: that upgrades it"
                )
                raise StoreBroken(str(self._path), reason)
            cursor.execute("PRAGMA synchronous")
            level = cursor.fetchone()[0]
            cursor.execute("PRAGMA quick_check(1)")
            found = cursor.fetchone()[0]
        if level != SYNCHRONOUS_FULL:
            raise StoreBroken(str(self._path), f"PRAGMA synchronous is {level}, not FULL")
        if found != "ok":
            raise StoreBroken(str(self._path), f"damaged: {found}")

    def commit(self, commit: Commit) -> None:
        """Store a step: all of it or nothing, durable when it returns."""
        try:
            self._recorder.insert_events(
                [StoredEvent(row.pump, row.position, row.topic, row.state) for row in commit.rows],
                tracking=Tracking(commit.stream, commit.sequence) if commit.sequence else None,
                beside=commit,
            )
        except IntegrityError as error:
            raise SecondWriter(f"{self._path}: {error}") from error
        except PersistenceError as error:
            raise StoreUnwritable(str(self._path), str(error)) from error
        self._commands.add(commit.commands)

    def _stream(self, statement: str, *parameters: object) -> Iterator[Any]:
        is_left = False
        try:
            with self._datastore.transaction(commit=False) as cursor:
                raw = cursor.sqlite_cursor
                raw.row_factory = None
                raw.execute(statement.format(SCHEMA), parameters)
                try:
                    while page := raw.fetchmany(FETCH_ROWS):
                        yield from page
                except GeneratorExit:
                    is_left = True
                    raise
        except ConnectionPoolClosedError:
            # Who stopped reading in the middle may close the store before the stream.
            if not is_left:
                raise
        except (PersistenceError, sqlite3.DatabaseError) as error:
            raise StoreBroken(str(self._path), f"damaged: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._datastore.close()
