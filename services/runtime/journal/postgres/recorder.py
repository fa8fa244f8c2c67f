"""What a journal says to PostgreSQL: its tables, and the statements over them.

eventsourcing's PostgreSQL recorder with everything that a step stores beside its events.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import psycopg
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder
from psycopg.sql import SQL, Composed, Identifier

from services.runtime.ports import Commit

TABLES = (
    "CREATE TABLE IF NOT EXISTS {0}.heads ("
    "pump text NOT NULL, speaker text NOT NULL, version bigint NOT NULL, sha256 text NOT NULL, "
    "PRIMARY KEY (pump, speaker))",
    "CREATE TABLE IF NOT EXISTS {0}.commands ("
    "pump text NOT NULL, command text NOT NULL, position bigint NOT NULL, "
    "PRIMARY KEY (pump, command))",
    "CREATE TABLE IF NOT EXISTS {0}.ends ("
    "pump text NOT NULL PRIMARY KEY, position bigint NOT NULL, link text NOT NULL)",
)
"""[-] statements that make the tables beside the library's."""

PUT_ROWS = (
    "INSERT INTO {0}.stored_events "
    "(originator_id, originator_version, topic, state, notification_id) "
    "SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::bytea[], %s::bigint[])"
)
"""[-] stores lines under numbers that the store gives: the library's own have holes."""

PUT_HEADS = (
    "INSERT INTO {0}.heads SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[]) "
    "ON CONFLICT (pump, speaker) DO UPDATE SET version=excluded.version, sha256=excluded.sha256"
)
"""[-] moves heads on."""

PUT_COMMANDS = "INSERT INTO {0}.commands SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[])"
"""[-] keeps where commands were heard."""

PUT_ENDS = (
    "INSERT INTO {0}.ends SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[]) "
    "ON CONFLICT (pump) DO UPDATE SET position=excluded.position, link=excluded.link"
)
"""[-] moves the ends of pumps' lines on."""

LAST_NUMBER = "SELECT coalesce(max(notification_id), 0) FROM {0}.stored_events"
"""[-] number of the newest line."""

TAKE_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
"""[-] one process for one journal: held as long as its connection lives."""

IS_THERE = "SELECT to_regclass(%s) IS NOT NULL"
"""[-] says whether a table is there."""


@cache
def in_schema(statement: str, schema: str) -> Composed:
    """Name the journal's own schema where a statement says {0}."""
    text = SQL(statement)  # pyright: ignore[reportArgumentType]  # no foreign text
    return text.format(Identifier(schema))


class JournalRecorder(PostgresProcessRecorder):
    """The recorder with heads, commands and ends in the transaction of events and position."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        """Add our tables to the library's."""
        super().__init__(
            datastore, events_table_name="stored_events", tracking_table_name="tracking"
        )
        for table in TABLES:
            self.sql_create_statements.append(in_schema(table, self.datastore.schema))

    def insert_step(
        self, writer: psycopg.Connection[Any], commit: Commit, *, after_row: int
    ) -> None:
        """Store a step over the connection that holds the lock.

        The library's `insert_events` tries ten times, over any connection: a step of which nobody
        knows whether it is stored would be stored by a process that has lost its lock. Followers
        are told as the library tells them: who subscribes looks for new lines only then.
        """
        with writer.transaction(), writer.cursor() as cursor:
            for statement, lines in _parts(commit, after_row):
                if lines:
                    named = in_schema(statement, self.datastore.schema)
                    cursor.execute(named, [list(column) for column in zip(*lines, strict=True)])
            if commit.sequence:
                self._insert_tracking(cursor, Tracking(commit.stream, commit.sequence))
            if commit.rows:
                self._notify_channel(cursor)


def _parts(commit: Commit, after_row: int) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    yield (
        PUT_ROWS,
        [
            (row.pump, row.position, row.topic, row.state, number)
            for number, row in enumerate(commit.rows, start=after_row + 1)
        ],
    )
    yield (
        PUT_HEADS,
        [(pump, by, head.version, head.sha256) for (pump, by), head in commit.heads.items()],
    )
    yield (
        PUT_COMMANDS,
        [(pump, name, position) for (pump, name), position in commit.commands.items()],
    )
    yield (
        PUT_ENDS,
        [(pump, end.position, end.link) for pump, end in commit.ends.items()],
    )
