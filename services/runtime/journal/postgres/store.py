"""Store on eventsourcing's PostgreSQL recorder: one transaction for a whole step."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing.persistence import IntegrityError, PersistenceError
from eventsourcing.postgres import PostgresDatastore
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row, tuple_row

from services.runtime.journal.postgres import recorder
from services.runtime.journal.postgres.address import PostgresAddress, first_line
from services.runtime.journal.postgres.format_number import FormatNumber
from services.runtime.journal.postgres.recorder import JournalRecorder
from services.runtime.journal.reading import FETCH_ROWS, Dialect, JournalReader
from services.runtime.platform.errors import (
    SecondWriter,
    StoreBroken,
    StoreMissing,
    StoreUnreachable,
    StoreUnwritable,
)
from services.runtime.ports import Commit
from services.runtime.store_formats.known import JOURNAL
from services.runtime.store_formats.stamp import Upgraded

READERS_MAX = 8
"""[-] connections for reading at once; each stream that is not read to its end holds one."""

LOCK_LOOKS_MAX = 10
"""[-] looks at the lock; the server needs a moment to notice that its last holder was killed."""

LOCK_LOOK_S = 0.1
"""[s] between two looks."""

WRITER_AWAY = (psycopg.OperationalError, psycopg.InterfaceError)
"""[-] how psycopg says that the server or the line to it is gone."""

MUST_BE: Mapping[str, tuple[str, ...]] = {
    "synchronous_commit": ("on", "remote_apply"),
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "server_encoding": ("UTF8",),
}
"""[-] settings of a server that keeps what it has committed through a power cut."""

DIALECT = Dialect(number="notification_id", bytewise='"C"')
"""[-] PostgreSQL's spelling."""


class PostgresStore(JournalReader):
    """A journal in a schema of its own in a PostgreSQL database."""

    def __init__(self, address: PostgresAddress, *, writes: bool = True) -> None:
        """Connect, and make the schema if this process is to write.

        Args:
            address: of the database, and the schema in it.
            writes: this process is the one that writes; a reader takes no lock and makes nothing.

        Raises:
            StoreUnreachable: no server, no such database or user, a wrong password.
            StoreFormatUnknown: it is of a newer release.
            StoreBroken: another process writes it, it would not survive a power cut, or is not
                there to be read.
        """
        self._shown = str(address)
        self._schema = address.schema
        self._datastore = PostgresDatastore(
            "",
            "",
            "",
            "",
            "",
            pool_size=0,
            max_overflow=READERS_MAX,
            schema=address.schema,
            originator_id_type="text",
        )
        self._datastore.pool.kwargs = {**address.options, "row_factory": dict_row}
        self._writer: psycopg.Connection[Any] = self._connect(address)
        self.upgraded: Upgraded | None = None
        number = FormatNumber(self._writer, schema=address.schema, shown=self._shown)
        try:
            with self._told_plainly():
                self.number = number.known()
                self._assert_usable(writes=writes)
                self._recorder = JournalRecorder(self._datastore)
                if writes:
                    self.upgraded = number.prepare()
                    self.number = JOURNAL.newest
                    self._recorder.create_table()
                self._last = self._ask(recorder.LAST_NUMBER)
            super().__init__(DIALECT)
        except BaseException:
            self.close()
            raise

    def _connect(self, address: PostgresAddress) -> psycopg.Connection[Any]:
        try:
            text = make_conninfo(**address.options)
            return psycopg.Connection[DictRow].connect(text, autocommit=True, row_factory=dict_row)
        except psycopg.Error as error:
            raise StoreUnreachable(self._shown, first_line(error)) from error

    @contextmanager
    def _told_plainly(self) -> Iterator[None]:
        """Turn what psycopg and the library raise into one line."""
        try:
            yield
        except (*WRITER_AWAY, PersistenceError) as error:
            raise StoreUnreachable(self._shown, first_line(error)) from error
        except psycopg.Error as error:
            raise StoreBroken(self._shown, first_line(error)) from error

    def _ask(self, statement: str, *parameters: object) -> Any:
        """Ask for one value over the connection that holds the lock."""
        named = recorder.in_schema(statement, self._schema)
        with self._writer.cursor(row_factory=tuple_row) as cursor:
            found = cursor.execute(named, parameters).fetchone()
        return None if found is None else found[0]

    def _assert_usable(self, *, writes: bool) -> None:
        if not writes:
            if not self._ask(recorder.IS_THERE, f"{self._schema}.ends"):
                raise StoreMissing(self._shown, "there is no journal; has this system ever run?")
            return
        for name, wanted in MUST_BE.items():
            level = self._ask(f"SHOW {name}")
            if level not in wanted:
                raise StoreBroken(self._shown, f"{name} is {level}, not {wanted[0]}")
        if not any(self._take_lock(wait=number > 0) for number in range(LOCK_LOOKS_MAX)):
            raise StoreBroken(self._shown, "another process has this journal open")
        self._writer.execute(recorder.in_schema("CREATE SCHEMA IF NOT EXISTS {0}", self._schema))

    def _take_lock(self, *, wait: bool) -> bool:
        if wait:
            time.sleep(LOCK_LOOK_S)
        return bool(self._ask(recorder.TAKE_LOCK, self._schema))

    def commit(self, commit: Commit) -> None:
        """Store a step: all of it or nothing, durable when it returns.

        Raises:
            SecondWriter: another process wrote the same position.
            StoreUnreachable: the server went away; the step may be stored or not, and the process
                has to end: it reads at its next start which of them.
            StoreUnwritable: the server refused; nothing of the step is stored.
        """
        try:
            self._recorder.insert_step(self._writer, commit, after_row=self._last)
        except (psycopg.IntegrityError, IntegrityError) as error:
            raise SecondWriter(f"{self._shown}: {first_line(error)}") from error
        except WRITER_AWAY as error:
            if not self._writer.closed:
                raise StoreUnwritable(self._shown, first_line(error)) from error
            raise StoreUnreachable(self._shown, first_line(error)) from error
        except psycopg.Error as error:
            raise StoreUnwritable(self._shown, first_line(error)) from error
        self._last += len(commit.rows)
        self._commands.add(commit.commands)

    def _stream(self, statement: str, *parameters: object) -> Iterator[Any]:
        named = recorder.in_schema(statement.replace("?", "%s"), self._schema)
        with (
            self._told_plainly(),
            self._datastore.get_connection() as connection,
            connection.transaction(),
            connection.cursor("rows", row_factory=tuple_row) as cursor,
        ):
            cursor.execute(named, parameters, binary=True)
            while page := cursor.fetchmany(FETCH_ROWS):
                yield from page

    def close(self) -> None:
        """Let go of the server, and with it of the lock."""
        self._writer.close()
        self._datastore.close()
