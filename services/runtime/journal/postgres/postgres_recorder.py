"""eventsourcing's PostgreSQL recorder with everything that a step stores beside its events."""

from collections.abc import Iterator
from typing import Any

import psycopg
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder

from services.runtime.journal.postgres import recorder as postgres_schema
from services.runtime.ports import Commit


class JournalRecorder(PostgresProcessRecorder):
    """The recorder with heads, commands and ends in the transaction of events and position."""

    def __init__(self, datastore: PostgresDatastore) -> None:
        """Add our tables to the library's."""
        super().__init__(
            datastore, events_table_name="stored_events", tracking_table_name="tracking"
        )
        for table in postgres_schema.TABLES:
            self.sql_create_statements.append(
                postgres_schema.in_schema(table, self.datastore.schema)
            )

    def insert_step(
        self, writer: psycopg.Connection[Any], commit: Commit, *, after_row: int
    ) -> None:
        """Store a step over the connection that holds the lock.

        The library's `insert_events` tries ten times, over any connection: a step of which nobody
        knows whether it is stored would be stored by a process that has lost its lock.
        """
        with writer.transaction(), writer.cursor() as cursor:
            for statement, lines in _parts(commit, after_row):
                if lines:
                    named = postgres_schema.in_schema(statement, self.datastore.schema)
                    cursor.execute(named, [list(column) for column in zip(*lines, strict=True)])
            if commit.sequence:
                self._insert_tracking(cursor, Tracking(commit.stream, commit.sequence))


def _parts(commit: Commit, after_row: int) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    yield (
        postgres_schema.PUT_ROWS,
        [
            (row.pump, row.position, row.topic, row.state, number)
            for number, row in enumerate(commit.rows, start=after_row + 1)
        ],
    )
    yield (
        postgres_schema.PUT_HEADS,
        [(pump, by, head.version, head.sha256) for (pump, by), head in commit.heads.items()],
    )
    yield (
        postgres_schema.PUT_COMMANDS,
        [(pump, name, position) for (pump, name), position in commit.commands.items()],
    )
    yield (
        postgres_schema.PUT_ENDS,
        [(pump, end.position, end.link) for pump, end in commit.ends.items()],
    )
