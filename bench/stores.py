"""Append and scan of the same lines in both stores and by the library's own recorders, in turns.

The CPU is that of this process, which a busy machine leaves alone. The PostgreSQL server is the
tests' own, on loopback on this machine; both databases sync each transaction.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple, Protocol

from eventsourcing.persistence import (
    InfrastructureFactory,
    ProcessRecorder,
    StoredEvent,
    Tracking,
)
from eventsourcing.utils import Environment
from rich.console import Console
from rich.table import Table

from schemas.units import PumpId
from services.runtime.journal.postgres.address import postgres_address
from services.runtime.journal.postgres.store import PostgresStore
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.ports import Commit, Row

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.real.postgres_server import PASSWORD, PostgresServer, postgres_server  # noqa: E402  # the tests' own server

PUMP = PumpId("p1")
STATE = b"x" * 327
"""[-] as long as a usual line."""

ROUNDS = 5
"""[-] turns; the median stands."""

ONES = 500
"""[-] transactions of one line, as of a person's command."""


SECTION_LINES = 500
"""[-] lines that the library's recorder is asked for at once."""


class Journal(Protocol):
    """What is measured of a store."""

    def commit(self, commit: Commit) -> None:
        """Store lines and a position in one transaction."""
        ...

    def rows(self) -> Iterator[object]:
        """Read all lines."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class StockJournal:
    """The library's own recorder, made by its own factory, asked for no more than that."""

    def __init__(self, environment: dict[str, str]) -> None:
        """Make the tables."""
        said = Environment("stored", {"ORIGINATOR_ID_TYPE": "text", **environment})
        self._factory: InfrastructureFactory = InfrastructureFactory.construct(said)
        self._recorder: ProcessRecorder = self._factory.process_recorder()

    def commit(self, commit: Commit) -> None:
        """Store lines and a position in one transaction."""
        self._recorder.insert_events(
            [StoredEvent(row.pump, row.position, row.topic, row.state) for row in commit.rows],
            tracking=Tracking(commit.stream, commit.sequence),
        )

    def rows(self) -> Iterator[object]:
        """Read all lines by pulling the notification log."""
        last = 0
        while page := self._recorder.select_notifications(last + 1, SECTION_LINES):
            yield from page
            last = page[-1].id

    def close(self) -> None:
        """Let go of it."""
        self._factory.close()


class Measured(NamedTuple):
    """How quick something was, and what it cost this process."""

    rate: float
    """[1/s] lines by the clock on the wall."""
    cpu: float
    """[us] of CPU a line."""


def measured(act: Callable[[], int]) -> Measured:
    """Do something with lines, and say how many they were."""
    wall, cpu = time.perf_counter(), time.process_time()
    lines = act()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(lines / wall, cpu / lines * 1e6)


def append(store: Journal, *, first: int, lines: int, batch: int) -> Measured:
    """Store lines from a position on, so many in a transaction."""
    rows = [Row(PUMP, first + number, "x.v1", STATE) for number in range(lines)]

    def act() -> int:
        for at in range(0, lines, batch):
            store.commit(Commit(rows=rows[at : at + batch], stream="s", sequence=first + at))
        return lines

    return measured(act)


def measure(open_store: Callable[[], Journal], lines: int) -> tuple[Measured, Measured, Measured]:
    """Fill a new journal and read it."""
    store = open_store()
    ones = append(store, first=1, lines=ONES, batch=1)
    many = append(store, first=1 + ONES, lines=lines, batch=500)
    read = measured(lambda: sum(1 for _ in store.rows()))
    store.close()
    return ones, many, read


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=50_000)
    lines: int = parser.parse_args().lines
    found: dict[str, list[tuple[Measured, Measured, Measured]]] = {}
    with postgres_server() as server, tempfile.TemporaryDirectory() as folder:
        for turn in range(ROUNDS):
            url = server.new_database()
            files = {
                "PERSISTENCE_MODULE": "eventsourcing.sqlite",
                "SQLITE_DBNAME": f"{folder}/stock{turn}.db",
            }
            stores: dict[str, Callable[[], Journal]] = {
                "SQLite": partial(SqliteStore, Path(folder) / f"{turn}.db"),
                "SQLite, stock": partial(StockJournal, files),
                "PostgreSQL": partial(PostgresStore, postgres_address(url, service="bench")),
                "PostgreSQL, stock": partial(StockJournal, stock_postgres(server)),
            }
            for name, open_store in stores.items():
                found.setdefault(name, []).append(measure(open_store, lines))
    table = Table("store", "one a step [1/s, us]", "500 a step [1/s, us]", "scan [1/s, us]")
    for name, rounds in found.items():
        table.add_row(name, *(_shown(one) for one in zip(*rounds, strict=True)))
    Console().print(table)


def stock_postgres(server: PostgresServer) -> dict[str, str]:
    """Make a database and say where it is, as the library wants to hear it."""
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": server.new_database().rsplit("/", 1)[1],
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": str(server.port),
        "POSTGRES_USER": "basalt",
        "POSTGRES_PASSWORD": PASSWORD,
    }


def _shown(rounds: tuple[Measured, ...]) -> str:
    rate, cpu = median(one.rate for one in rounds), median(one.cpu for one in rounds)
    return f"{rate:,.0f}, {cpu:.1f}"


if __name__ == "__main__":
    main()
