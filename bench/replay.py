"""A year of one pump read again: scanned, decoded, folded, checked; beside a stock aggregate."""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from rich.console import Console
from rich.table import Table

from core.deciders.record.decider import RECORD_DECIDER
from schemas.delivery.delivery import BasalDelivered
from schemas.glucose import GlucoseMeasured
from schemas.message import Event, Now
from schemas.units import DAY_MS, MINUTE_MS, MgDl, MilliUnits, PumpId, Speaker, UtcMillis
from schemas.wire import codec
from services.runtime.audit.redecide import verify_decisions
from services.runtime.audit.whole_check import check_record
from services.runtime.decider_host.event_writer import seal
from services.runtime.decider_host.processor import DeciderProcessor
from services.runtime.journal.entries import RowMetadata
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.ports import FETCH_MESSAGES_MAX, Arrived, StreamHead
from services.runtime.replay.questions import day_totals, readings_by_part
from services.runtime.replay.replay import replay

YEAR_EVENTS = 300_000
"""[-] a reading each 5 min and some 540 parts of basal a day."""

PUMP = PumpId("bench")
BEGIN = 1_772_323_200_000
STEP_MS = 105_000

CHECK_LIMIT = 100_000
"""[events/s] that are chained and checked at least: 500,000 in 5 s."""

FOLD_RATIO = 0.28
"""[1] of scan and decode that a fold should reach."""

QUESTION_RATIO = 2.0
"""[1] of scan and decode that a question about few kinds should reach."""


class Stock(Aggregate):
    """What eventsourcing's own way would be: an aggregate, its events by the stock transcoder."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.total = 0

    @event("Counted")
    def count(self, amount: int) -> None:
        """Add insulin."""
        self.total += amount


def year(count: int) -> Iterator[Arrived]:
    """Say the events of a year: glucose and basal in turns, chained by their speakers."""
    heads: dict[Speaker, StreamHead] = {}
    for number in range(count):
        at = UtcMillis(BEGIN + number * STEP_MS)
        speaker, body = _said(number, at)
        when = RowMetadata(at, at, 1, 0, "", "0" * 32)
        spoken = seal(
            body,
            speaker=speaker,
            pump=PUMP,
            after=heads.get(speaker),
            cause=f"report:{number}",
            heard={},
            when=when,
        )
        heads[speaker] = spoken.head
        yield Arrived(spoken.subject, spoken.data, {}, number + 1)


def _said(number: int, at: UtcMillis) -> tuple[Speaker, Event]:
    if number % 3 == 0:
        value = MgDl(80 + number % 120)
        reading = GlucoseMeasured(
            measured_at=at, glucose=value, source="sensor", unit="mg/dL", received=str(value)
        )
        return Speaker("glucose_ingest"), reading
    basal = BasalDelivered(
        starts_at=UtcMillis(at - 3 * MINUTE_MS),
        ends_at=at,
        amount=MilliUnits(50),
        odometer=MilliUnits(50 * (number + 1)),
        history_sequence=number + 1,
    )
    return Speaker("actuator"), basal


def record(path: Path, count: int) -> SqliteStore:
    """Let a historian hear a year."""
    store = SqliteStore(path)
    processor = DeciderProcessor(decider=RECORD_DECIDER, store=store)
    processor.unit_of_work.follow(stream="bench")
    batch: list[Arrived] = []
    for arrived in year(count):
        batch.append(arrived)
        if len(batch) == FETCH_MESSAGES_MAX or arrived.sequence == count:
            now = Now(therapy=UtcMillis(BEGIN), real=UtcMillis(BEGIN), speed=1)
            processor.handle(batch, now=now)
            batch.clear()
    return store


def scan(store: SqliteStore) -> None:
    """Read every row."""
    for _ in store.rows(pump=PUMP):
        pass


def decode(store: SqliteStore) -> None:
    """Read and decode every event."""
    for _, row in store.rows(pump=PUMP):
        codec.decode_whole(row.state.partition(b"\n")[2])


def by_days(store: SqliteStore) -> None:
    """Answer one question: what did each day come to?"""
    day_totals(store, pump=PUMP, day_of=lambda at: str(at // DAY_MS))


def by_glucose(store: SqliteStore) -> None:
    """Answer another: what glucose was there each day?"""
    readings_by_part(store, pump=PUMP, parts_of=lambda at: (str(at // DAY_MS),))


def stock(count: int) -> Callable[[], object]:
    """Store a history as an aggregate of the library, in memory; give what reads it again."""
    application: Application[Any] = Application()
    one = Stock()
    for _ in range(count):
        one.count(50)
    application.save(one)
    return lambda: application.repository.get(one.id)


def seconds(act: Callable[[], object], *, times: int = 1) -> float:
    """Give the CPU time of a run [s], the least of so many: other work on the machine is left out.

    Everything here is one process that waits for nobody.
    """
    taken: list[float] = []
    for _ in range(times):
        begin = time.process_time()
        act()
        taken.append(time.process_time() - begin)
    return min(taken)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=YEAR_EVENTS, help="%(default)s")
    count: int = parser.parse_args().events
    table = Table("what", "events/s", "beside", title=f"{count:,} events of one pump, SQLite")
    with tempfile.TemporaryDirectory() as folder:
        writing = time.process_time()
        store = record(Path(folder) / "historian.db", count)
        table.add_row("heard and stored", _rate(count, time.process_time() - writing), "")
        scanned = seconds(lambda: scan(store), times=3)
        decoded = seconds(lambda: decode(store), times=3)
        table.add_row("scan", _rate(count, scanned), "")
        table.add_row("scan and decode", _rate(count, decoded), "")
        answered = seconds(lambda: by_days(store), times=3)
        for what, taken in (
            ("days added up", answered),
            ("glucose by day", seconds(lambda: by_glucose(store), times=3)),
        ):
            told = f"{decoded / taken:.2f} of scan and decode; aim {QUESTION_RATIO}"
            table.add_row(what, _rate(count, taken), told)
        folded = seconds(lambda: replay(store, pump=PUMP), times=3)
        ratio = decoded / folded
        table.add_row(
            "fold by all five services",
            _rate(count, folded),
            f"{ratio:.2f} of scan and decode; aim {FOLD_RATIO}",
        )
        checked = seconds(lambda: check_record(store, checkpoints={}))
        table.add_row(
            "links, chains and roots checked",
            _rate(count, checked),
            f"limit {CHECK_LIMIT:,}: {count / checked / CHECK_LIMIT:.1f} times",
        )
        again = seconds(lambda: verify_decisions(RECORD_DECIDER, store))
        table.add_row("the historian's decisions made again", _rate(count, again), "")
        store.close()
    few = min(count, 30_000)
    by_stock = seconds(stock(few))
    by_five, by_one = (by_stock / few * count / taken for taken in (folded, answered))
    table.add_row(
        "the library's own aggregate",
        _rate(few, by_stock),
        f"by five services {by_five:.1f}, days {by_one:.1f} times as fast",
    )
    Console().print(table)


def _rate(count: int, taken: float) -> str:
    return f"{count / taken:,.0f}"


if __name__ == "__main__":
    main()
