"""Store on eventsourcing's SQLite recorder: one transaction for a whole step.

The tables beside the events: heads of speakers, where each command was heard, each end.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from eventsourcing.persistence import (
    ConnectionPoolClosedError,
    IntegrityError,
    PersistenceError,
    StoredEvent,
    Tracking,
)
from eventsourcing.sqlite import SQLiteCursor, SQLiteDatastore, SQLiteProcessRecorder

from schemas.units import CommandId, EventId, PumpId, Speaker
from services.runtime.journal import reading as journal_reading
from services.runtime.journal.reading import CommandIds, Pages, rows_behind
from services.runtime.platform.errors import SecondWriter, StoreBroken, StoreUnwritable
from services.runtime.ports import Commit, End, Head, Row

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

GET_COMMAND = "SELECT position FROM commands WHERE pump=? AND command=?"
"""[-] finds where a command was heard."""

COMMANDS = "SELECT pump, command FROM commands LIMIT ?"
"""[-] names the commands ever heard."""

ALL_COMMANDS = "SELECT pump, command, position FROM commands ORDER BY pump, command"
"""[-] reads where all commands were heard."""

ROWS_FROM = (
    "SELECT * FROM stored_events WHERE originator_id=? AND originator_version>=? "
    "ORDER BY originator_version LIMIT ?"
)
"""[-] reads a pump's rows from a position on."""

OLDER = "SELECT 1 FROM sqlite_master WHERE name='outcomes'"
"""[-] finds a journal of the time before the first release, which kept whole outcomes."""

SAID_NOT_HEARD = "topic NOT LIKE 'heard %' AND topic NOT LIKE 'adopted %'"
"""[-] picks the service's own events."""


SYNCHRONOUS_FULL = 2
"""[-] SQLite's word for 'a commit is on the disk'; NORMAL lost 265 of 3,730 in a power cut."""


class JournalRecorder(SQLiteProcessRecorder):
    """The recorder with heads and commands in the same transaction as events and position."""

    def construct_create_table_statements(self) -> list[str]:
        """Add our tables to the library's."""
        return [*super().construct_create_table_statements(), *TABLES]

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        commit: Commit = kwargs["commit"]
        c.executemany(
            self.insert_events_statement,
            [(row.pump, row.position, row.topic, row.state) for row in commit.rows],
        )
        if commit.heads:
            c.executemany(
                PUT_HEAD,
                [
                    (pump, speaker, head.version, head.sha256)
                    for (pump, speaker), head in commit.heads.items()
                ],
            )
        if commit.commands:
            c.executemany(
                PUT_COMMAND,
                [(pump, name, position) for (pump, name), position in commit.commands.items()],
            )
        if commit.ends:
            ends = [(pump, end.position, end.link) for pump, end in commit.ends.items()]
            c.executemany(PUT_END, ends)
        if commit.sequence:
            self._insert_tracking(c, Tracking(commit.stream, commit.sequence))
        return None


class SqliteStore:
    """A journal in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            StoreBroken: it is no database, is damaged, or would not survive a power cut.
        """
        self._path = path
        try:
            self._datastore = SQLiteDatastore(str(path), originator_id_type="text")
            self._recorder = JournalRecorder(self._datastore)
            self._recorder.create_table()
            self._assert_usable()
            self._commands = CommandIds(self._known_commands(), position_of=self._position_of)
            self._pages = Pages()
        except (PersistenceError, sqlite3.Error, UnicodeDecodeError) as error:
            raise StoreBroken(str(path), f"damaged: {error}") from error

    def _assert_usable(self) -> None:
        with self._datastore.transaction(commit=False) as cursor:
            cursor.execute(OLDER)
            if cursor.fetchone() is not None:
                raise StoreBroken(str(self._path), "written before release 0.1; begin a new folder")
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
            self._recorder.insert_events((), commit=commit)
        except IntegrityError as error:
            raise SecondWriter(f"{self._path}: {error}") from error
        except PersistenceError as error:
            raise StoreUnwritable(str(self._path), str(error)) from error
        self._commands.add(commit.commands)

    def _stream(self, statement: str, parameters: Sequence[object] = ()) -> Iterator[Any]:
        is_left = False
        try:
            with self._datastore.transaction(commit=False) as cursor:
                raw = cursor.sqlite_cursor
                raw.row_factory = None
                raw.execute(statement, parameters)
                try:
                    while page := raw.fetchmany(journal_reading.FETCH_ROWS):
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

    def rows(
        self, *, pump: PumpId | None = None, after_row: int = 0, newest_first: bool = False
    ) -> Iterator[tuple[int, Row]]:
        """Stream (row number, row) in the order of storing, or from the newest back."""
        # Of one pump by its own index, whose order is the same: by row number all would be sorted.
        where, key = ("AND originator_id=? ", "originator_version") if pump else ("", "rowid")
        way = "DESC" if newest_first else "ASC"
        found = self._stream(
            f"SELECT rowid, * FROM stored_events WHERE rowid>? {where}ORDER BY {key} {way}",  # noqa: S608  # no foreign text
            (after_row, pump) if pump else (after_row,),
        )
        for number, name, position, topic, state in found:
            yield number, Row(PumpId(name), position, topic, state)

    def said_after(self, *, event: EventId | None) -> Iterator[Row]:
        """Stream this service's own events stored after the one named, or all."""
        said = self._stream(
            f"SELECT * FROM stored_events WHERE {SAID_NOT_HEARD} ORDER BY rowid"  # noqa: S608  # no foreign text
        )
        yield from rows_behind((Row(PumpId(pump), *rest) for pump, *rest in said), event)

    def history(
        self, *, speaker: Speaker, pump: PumpId, first: int, last: int, own: bool
    ) -> Iterator[bytes]:
        """Stream the stored bytes of a speaker's events first..last, heard or own."""
        which = SAID_NOT_HEARD if own else f"NOT ({SAID_NOT_HEARD})"
        statement = (
            "SELECT originator_version, state FROM stored_events "  # noqa: S608  # no foreign text
            f"WHERE originator_id=? AND originator_version>=? AND {which} "
            "ORDER BY originator_version"
        )
        yield from self._pages.read(
            lambda position: self._stream(statement, (pump, position)),
            speaker=speaker,
            pump=pump,
            first=first,
            last=last,
            own=own,
        )

    def heads(self) -> Mapping[tuple[PumpId, Speaker], Head]:
        """Read all heads."""
        return {
            (PumpId(pump), Speaker(speaker)): Head(version, sha256)
            for pump, speaker, version, sha256 in self._stream("SELECT * FROM heads")
        }

    def ends(self) -> Mapping[PumpId, End]:
        """Read where the lines of each pump end."""
        return {
            PumpId(pump): End(position, link)
            for pump, position, link in self._stream("SELECT * FROM ends")
        }

    def command(self, *, pump: PumpId, command: CommandId) -> int | None:
        """Find the position at which a command was heard, None if it never was."""
        return self._commands.position(pump, command)

    def knows(self, *, pump: PumpId, command: CommandId) -> bool:
        """Say whether a command was ever heard."""
        return self._commands.has(pump, command)

    def _position_of(self, pump: PumpId, command: CommandId) -> int | None:
        found = next(self._stream(GET_COMMAND, (pump, command)), None)
        return None if found is None else int(found[0])

    def commands(self) -> Iterator[tuple[PumpId, CommandId, int]]:
        """Stream where each command was heard, by pump and id."""
        yield from self._stream(ALL_COMMANDS)

    def rows_from(self, pump: PumpId, position: int, *, count: int) -> Sequence[Row]:
        """Read the rows of a pump from a position on, `count` at most."""
        found = self._stream(ROWS_FROM, (pump, position, count))
        return [Row(PumpId(name), at, topic, state) for name, at, topic, state in found]

    def _known_commands(self) -> Iterator[tuple[str, str]]:
        return self._stream(COMMANDS, (journal_reading.COMMANDS_KEPT_MAX + 1,))

    def sequence(self, *, stream: str) -> int:
        """Read the position in the stream created at that instant, 0 if never heard."""
        return self._recorder.max_tracking_id(stream) or 0

    def streams(self) -> Sequence[str]:
        """Read the creation times of all streams ever followed."""
        statement = "SELECT application_name FROM tracking WHERE application_name != ?"
        ours = (self._recorder.table_migration_identifier,)
        return [name for (name,) in self._stream(statement, ours)]

    def close(self) -> None:
        """Let go of the file."""
        self._datastore.close()
