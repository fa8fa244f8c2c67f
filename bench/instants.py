"""The state of a pump at any instant while its record grows to ten years: flat, or not?

A historian hears and stores a reading each 5 min and a part of basal each 3 min, and keeps
snapshots. At each age: time to the state at random instants beside a full fold, time to append,
memory of the process.
"""

import argparse
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.replay import BEGIN, PUMP, STEP_MS, YEAR_EVENTS, year
from core.deciders.record.decider import RECORD_DECIDER
from schemas.message import Now
from schemas.units import UtcMillis
from services.runtime.decider_host.processor import DeciderProcessor
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.replay.replay import replay
from services.runtime.replay.snapshots import SnapshotMaker, Snapshots

LIMIT_MS = 10.0
"""[ms] to the state at an instant."""

ASKED = 200
"""[-] instants at each age."""

HEARD_AT_ONCE = 50
"""[-] events of a step: the historian's own words bear the time of the step, an hour and a half
later than the first of them; with more, it would have lived in leaps."""

FULL_FOLD_MAX = 100_000
"""[-] events of a record that is folded whole, for comparison."""

AGES = {
    "1 day": 1 / 365,
    "1 month": 1 / 12,
    "1 year": 1.0,
    "3 years": 3.0,
    "10 years": 10.0,
}
"""[year] when it is looked at."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=float, default=10.0, help="%(default)s")
    years: float = parser.parse_args().years
    stops = {name: round(age * YEAR_EVENTS) for name, age in AGES.items() if age <= years}
    table = Table("age", "events", "state p50", "p99", "full fold", "append 50", "memory")
    table.title = f"state at {ASKED} instants; limit {LIMIT_MS:.0f} ms"
    with tempfile.TemporaryDirectory() as folder:
        for row in grown(Path(folder), stops):
            table.add_row(*row)
    Console().print(table)


def grown(folder: Path, stops: dict[str, int]) -> Iterator[tuple[str, ...]]:
    """Let a record grow, and look at it at each of these sizes."""
    store = SqliteStore(folder / "historian.db")
    snapshots = Snapshots(folder / "snapshots.db", is_kept=True)
    processor, maker = (
        DeciderProcessor(decider=RECORD_DECIDER, store=store),
        SnapshotMaker(snapshots, store),
    )
    processor.unit_of_work.follow(stream="bench")
    said, size = year(max(stops.values())), 0
    for name, stop in stops.items():
        appended: list[float] = []
        batches = range((stop - size) // HEARD_AT_ONCE + 1)
        for _ in track(batches, description=f"growing to {name}"):
            batch = list(islice(said, min(HEARD_AT_ONCE, stop - size)))
            if not batch:
                continue
            now = UtcMillis(BEGIN + (size + len(batch)) * STEP_MS)
            begin = time.perf_counter()
            processor.handle(batch, now=Now(therapy=now, real=now, speed=1))
            appended.append(time.perf_counter() - begin)
            size += len(batch)
            maker.grow(PUMP, lines=2 * HEARD_AT_ONCE)
        while maker.grow(PUMP, lines=500):
            pass
        yield (name, f"{size:,}", *_looked_at(store, snapshots, size), *_costs(appended[-200:]))


def _looked_at(store: SqliteStore, snapshots: Snapshots, size: int) -> tuple[str, str, str]:
    chance, taken = random.Random(size), list[float]()
    for _ in range(ASKED):
        at = UtcMillis(BEGIN + chance.randrange(size * STEP_MS))
        begin = time.perf_counter()
        replay(store, pump=PUMP, at=at, snapshots=snapshots)
        taken.append(1_000 * (time.perf_counter() - begin))
    whole = "-"
    if size <= FULL_FOLD_MAX:
        begin = time.perf_counter()
        replay(store, pump=PUMP)
        whole = f"{1_000 * (time.perf_counter() - begin):,.0f} ms"
    taken.sort()
    return f"{statistics.median(taken):.1f} ms", f"{taken[-ASKED // 100]:.1f} ms", whole


def _costs(appended: list[float]) -> tuple[str, str]:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return f"{1_000 * statistics.median(appended):.1f} ms", f"{memory} MiB"


if __name__ == "__main__":
    main()
