"""One service through the real broker and a SQLite journal, beside its parts in series.

The service is glucose_ingest: each command heard gives one event said, so one event costs a
fetch, two rows and an outcome in one transaction, and its share of an atomic batch.
"""

import argparse
import asyncio
import gc
import json
import time
from pathlib import Path

from nats.aio.client import Client
from rich.console import Console
from rich.table import Table

from bench.broker import Broker, broker
from core.glucose import GLUCOSE_DECIDER
from schemas import codec
from schemas.glucose import RecordReading
from schemas.message import CommandEnvelope, Deadline
from schemas.subjects import STREAM, command_subject
from schemas.units import Actor, CommandId, PumpId, UtcMillis
from services.runtime.clock import SystemClock
from services.runtime.joining import Joining
from services.runtime.machine import Machine
from services.runtime.outbox import Outbox
from services.runtime.ports import Arrived, Commit, Outgoing
from services.runtime.sqlite_store import SqliteStore

PUMP = PumpId("bench")
RATIO_MIN = 0.7
"""[1] of what the parts allow in series; the limit that the service is held against."""

PUBLISH_BATCH = 500


async def fill(running: Broker, count: int) -> None:
    """Put commands into the stream, as a client would."""
    client = await running.connect("console")
    subject = command_subject(pump=PUMP, service=GLUCOSE_DECIDER.name, name="record_reading")
    now = SystemClock().now()
    expires = Deadline(
        therapy=UtcMillis(now.therapy + 3_600_000), real=UtcMillis(now.real + 3_600_000)
    )
    for number in range(count):
        reading = RecordReading(
            measured_at=UtcMillis(now.therapy - (count - number) * 1000),
            source="sensor",
            unit="mg/dL",
            received=str(80 + number % 100),
            device="bench",
        )
        envelope = CommandEnvelope(
            id=CommandId(f"c{number}"),
            actor=Actor("service:bench"),
            expires=expires,
            command=codec.encode_raw(reading),
        )
        await client.publish(subject, codec.encode(envelope), headers={"Basalt-Bench": "1"})
        if number % 500 == 499:
            await client.flush()
    await client.flush()
    while (await stream_end(client)) < count:
        await asyncio.sleep(0.1)
    await client.close()


async def stream_end(client: Client) -> int:
    """Ask how far the stream goes; the broker syncs each message to the disk first."""
    answer = await client.request(f"$JS.API.STREAM.INFO.{STREAM}", timeout=60)
    return int(json.loads(answer.data)["state"]["last_seq"])


async def whole(running: Broker, count: int, store: Path) -> float:
    """Run the service's own machine, store, bus and outbox over all commands [s]."""
    bus = await running.bus(GLUCOSE_DECIDER.name)
    journal = SqliteStore(store)
    machine = Machine(decider=GLUCOSE_DECIDER, store=journal)
    outbox = Outbox(bus=bus, store=journal, speaker=GLUCOSE_DECIDER.name)
    clock = SystemClock()
    await Joining(machine=machine, outbox=outbox, bus=bus, store=journal).join(now=clock.now())
    speaking = asyncio.create_task(outbox.run())
    heard = 0
    start = time.perf_counter()
    while heard < count:
        arrived = await bus.fetch()
        step = machine.handle(list(arrived), now=clock.now())
        outbox.put(step.decisions)
        heard += len(arrived)
    while outbox.pending_events:
        await asyncio.sleep(0.001)
    elapsed = time.perf_counter() - start
    speaking.cancel()
    await bus.close()
    journal.close()
    return elapsed


async def fetch_alone(running: Broker, count: int) -> tuple[float, list[Arrived]]:
    """Only fetch the commands [s]."""
    bus = await running.bus(GLUCOSE_DECIDER.name)
    await bus.reset(position=0)
    found: list[Arrived] = []
    start = time.perf_counter()
    while len(found) < count:
        found.extend(await bus.fetch())
    elapsed = time.perf_counter() - start
    await bus.close()
    return elapsed, found


def insert_alone(source: Path, target: Path, count: int) -> float:
    """Only store the same rows, heads and outcomes, in transactions of the same size [s]."""
    from_store = SqliteStore(source)
    rows = [row for _, row in from_store.rows()]
    heads = from_store.heads()
    names = [CommandId(f"c{number}") for number in range(count)]
    outcomes = [(PUMP, name, from_store.outcome(pump=PUMP, command=name) or b"") for name in names]
    to_store = SqliteStore(target)
    per_step, sequence = PUBLISH_BATCH, 0
    start = time.perf_counter()
    for first in range(0, count, per_step):
        sequence += per_step
        commit = Commit(
            rows=rows[2 * first : 2 * (first + per_step)],
            heads=heads,
            outcomes=outcomes[first : first + per_step],
            stream="s",
            sequence=sequence,
        )
        to_store.commit(commit)
    return time.perf_counter() - start


async def publish_alone(running: Broker, events: list[Outgoing]) -> float:
    """Only publish the same events as atomic batches [s]."""
    bus = await running.bus(GLUCOSE_DECIDER.name)
    newest = await bus.last_own()
    last = newest.sequence if newest else 0
    start = time.perf_counter()
    for first in range(0, len(events), PUBLISH_BATCH):
        last = await bus.publish(events[first : first + PUBLISH_BATCH], expected_last=last)
    elapsed = time.perf_counter() - start
    await bus.close()
    return elapsed


async def own_events(running: Broker, count: int, store: Path) -> list[Outgoing]:
    """Give the events that the service said, as they go to the stream."""
    from services.runtime.entries import read_row  # noqa: PLC0415  # only here
    from services.runtime.speech import outgoing_again  # noqa: PLC0415  # only here

    del running
    journal = SqliteStore(store)
    return [outgoing_again(read_row(row)) for row in journal.said_after(event=None)][:count]


async def measure(count: int) -> list[tuple[str, float]]:
    """Measure the whole and its parts on one broker."""
    async with broker() as running:
        await fill(running, count)
        journal = running.folder.journal("whole")
        gc.collect()
        together = await whole(running, count, journal)
        fetched, _ = await fetch_alone(running, count)
        inserted = insert_alone(journal, running.folder.journal("insert"), count)
        events = await own_events(running, count, journal)
        published = await publish_alone(running, events)
    return [
        ("fetch", fetched),
        ("insert", inserted),
        ("publish", published),
        ("parts in series", fetched + inserted + published),
        ("the service", together),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="events through the service")
    arguments = parser.parse_args()
    count = arguments.events // PUBLISH_BATCH * PUBLISH_BATCH
    found = asyncio.run(measure(count))
    table = Table("part", "events/s", "us/event", title=f"{count} events, sync_interval: always")
    for name, seconds in found:
        table.add_row(name, f"{count / seconds:,.0f}", f"{seconds / count * 1e6:.1f}")
    console = Console()
    console.print(table)
    ratio = found[-2][1] / found[-1][1]
    console.print(f"the service runs at {ratio:.2f} of its parts in series (limit {RATIO_MIN})")


if __name__ == "__main__":
    main()
