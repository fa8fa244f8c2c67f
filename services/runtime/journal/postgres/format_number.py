"""The format number of a journal in PostgreSQL: one row in a table of its schema."""

from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from services.runtime.journal.postgres.recorder import IS_THERE, in_schema
from services.runtime.platform.release import version
from services.runtime.store_formats.known import JOURNAL, UNNUMBERED
from services.runtime.store_formats.stamp import Stamp, Upgraded, known_number

_READ: Final = "SELECT format, release FROM {0}.made_by"

_MAKE: Final = (
    "CREATE TABLE IF NOT EXISTS {0}.made_by (format bigint NOT NULL, release text NOT NULL)"
)

_CLEAR: Final = "DELETE FROM {0}.made_by"

_WRITE: Final = "INSERT INTO {0}.made_by VALUES (%s, %s)"


class FormatNumber:
    """Reads, writes and raises it over one connection."""

    def __init__(self, connection: psycopg.Connection[Any], *, schema: str, shown: str) -> None:
        """Read nothing yet.

        Args:
            connection: of the journal.
            schema: that the journal is in.
            shown: what the journal is called in messages.
        """
        self._connection, self._schema, self._shown = connection, schema, shown

    def known(self) -> int | None:
        """Give the number, None where there is no journal.

        Raises:
            StoreFormatUnknown: it is of a newer release, or its number is none.
        """
        stamp = self._stamp()
        return None if stamp is None else known_number(self._shown, stamp, JOURNAL)

    def prepare(self) -> Upgraded | None:
        """Number a new journal, and upgrade an older one in one transaction.

        Raises:
            StoreFormatUnknown: it is of a newer release, or its number is none.
        """
        found = self.known()
        if found == JOURNAL.newest:
            return None
        before = JOURNAL.newest if found is None else found
        with self._connection.transaction():
            for step in JOURNAL.missing(before):
                for statement in step.statements:
                    self._run(statement)
            self._run(_MAKE)
            self._run(_CLEAR)
            self._run(_WRITE, JOURNAL.newest, version())
        return None if found is None else Upgraded(JOURNAL.what, before, JOURNAL.newest)

    def _stamp(self) -> Stamp | None:
        if self._is_there("made_by"):
            row = self._run(_READ).fetchone()
            return Stamp(UNNUMBERED) if row is None else Stamp(*row)
        return Stamp(UNNUMBERED) if self._is_there("stored_events") else None

    def _is_there(self, table: str) -> bool:
        row = self._run(IS_THERE, f"{self._schema}.{table}").fetchone()
        return bool(row and row[0])

    def _run(self, statement: str, *parameters: object) -> psycopg.Cursor[Any]:
        cursor = self._connection.cursor(row_factory=tuple_row)
        return cursor.execute(in_schema(statement, self._schema), parameters)
