"""Append and scan of the same lines in both stores, in turns, in one run.

The PostgreSQL server is the tests' own, on loopback on this machine; both sync each transaction.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from schemas.units import PumpId
from services.runtime.journal.postgres.address import postgres_address
from services.runtime.journal.postgres.store import PostgresStore
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.ports import Commit, Row, Store

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.real.postgres_server import postgres_server  # noqa: E402  # the tests' own server

PUMP = PumpId("p1")
STATE = b"x" * 327
"""[-] as long as a usual line."""

ROUNDS = 5
"""[-] turns; the median stands."""

ONES = 500
"""[-] transactions of one line, as of a person's command."""


def append(store: Store, *, first: int, lines: int, batch: int) -> float:
    """Store lines from a position on, so many in a transaction; give the rate [1/s]."""
    rows = [Row(PUMP, first + number, "x.v1", STATE) for number in range(lines)]
    start = time.perf_counter()
    for at in range(0, lines, batch):
        store.commit(Commit(rows=rows[at : at + batch], stream="s", sequence=first + at))
    return lines / (time.perf_counter() - start)


def scan(store: Store) -> float:
    """Read all lines; give the rate [1/s]."""
    start = time.perf_counter()
    lines = sum(1 for _ in store.rows())
    return lines / (time.perf_counter() - start)


def measure(open_store: Callable[[], Store], lines: int) -> tuple[float, float, float]:
    """Fill a new journal and read it; give the three rates [1/s]."""
    store = open_store()
    ones = append(store, first=1, lines=ONES, batch=1)
    many = append(store, first=1 + ONES, lines=lines, batch=500)
    read = scan(store)
    store.close()
    return ones, many, read


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=50_000)
    lines: int = parser.parse_args().lines
    found: dict[str, list[tuple[float, float, float]]] = {"SQLite": [], "PostgreSQL": []}
    with postgres_server() as server, tempfile.TemporaryDirectory() as folder:
        for turn in range(ROUNDS):
            path = Path(folder) / f"{turn}.db"
            found["SQLite"].append(measure(partial(SqliteStore, path), lines))
            address = postgres_address(server.new_database(), service="bench")
            found["PostgreSQL"].append(measure(partial(PostgresStore, address), lines))
    table = Table("store", "one a transaction [1/s]", "500 a transaction [1/s]", "scan [1/s]")
    for name, rates in found.items():
        table.add_row(name, *(f"{median(one):,.0f}" for one in zip(*rates, strict=True)))
    Console().print(table)


if __name__ == "__main__":
    main()
