"""One service through the real broker and a SQLite journal, beside its parts in series.

The parts: fetch the same messages, insert the same rows, heads and commands, publish the same
events as atomic batches; each alone, in the same run, on the same broker. What the decider itself
thinks about the same entries stands in a row of its own: it is no part of the transport.
"""

import argparse
import asyncio
import gc
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import structlog
from nats.aio.client import Client
from rich.console import Console
from rich.table import Table

from bench.broker import Broker, broker
from bench.workloads import BATCH, FETCH, PUMP, WORKLOADS, Workload
from schemas.units import CommandId
from schemas.wire.subjects import BROKER_API, CLIENT_API, STREAM
from services.runtime.decider_host.event_writer import outgoing_again
from services.runtime.journal.entries import ReadEntry, read_row
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.platform.clock import SystemClock
from services.runtime.ports import Commit, Outgoing
from services.runtime.process.loop import Loop
from services.supervisor.broker.permissions import CLIENT_COMMANDS

RATIO_MIN = 0.7
"""[1] of what the parts allow in series; the limit that the runtime is held against."""

ROUNDS = 7
"""[-] turns of service and parts; the median stands against a machine that others use too."""

EVENTS_PER_S_MIN = 10_000
"""[1/s] asked of two idle cores."""


async def fill(running: Broker, load: Workload, count: int) -> None:
    """Put the messages into the stream, and wait until the broker has them on disk."""
    client = await running.connect(load.user)
    for number, message in enumerate(load.messages(count)):
        await client.publish(message.subject, message.data, headers=dict(message.headers))
        if number % BATCH == 0:
            await client.flush()
    await client.flush()
    while (await stream_end(client)) < count:
        await asyncio.sleep(0.1)
    await client.close()


async def stream_end(client: Client) -> int:
    """Ask how far the stream goes; the broker syncs each message to the disk first."""
    api = CLIENT_API if client.options["name"] in CLIENT_COMMANDS else BROKER_API
    answer = await client.request(f"{api}.STREAM.INFO.{STREAM}", timeout=60)
    return int(json.loads(answer.data)["state"]["last_seq"])


async def whole(running: Broker, load: Workload, count: int, store: Path) -> float:
    """Run the service's own loop over all messages, until the last event is in the stream [s]."""
    bus = await running.bus(load.decider.name)
    journal = SqliteStore(store)
    loop = Loop(decider=load.decider, store=journal, bus=bus, clock=SystemClock())
    running_loop = asyncio.create_task(loop.run())
    ready = asyncio.create_task(loop.ready.wait())
    await asyncio.wait([ready, running_loop], return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    start = time.perf_counter()
    while loop.handled < count or loop.outbox.pending_events:
        if running_loop.done():
            running_loop.result()
        await asyncio.sleep(0.001)
    elapsed = time.perf_counter() - start
    running_loop.cancel()
    await asyncio.wait([running_loop])
    await bus.close()
    journal.close()
    return elapsed


async def fetch_alone(running: Broker, load: Workload, count: int) -> float:
    """Only fetch the messages [s]."""
    bus = await running.bus(load.decider.name)
    heard = 0
    start = time.perf_counter()
    await bus.reset(position=0)
    while heard < count:
        heard += len(await bus.fetch())
    elapsed = time.perf_counter() - start
    await bus.close()
    return elapsed


def insert_alone(source: Path, target: Path, count: int) -> float:
    """Only store the same rows, heads and commands, in transactions of the same size [s]."""
    from_store = SqliteStore(source)
    rows = [row for _, row in from_store.rows()]
    heads = from_store.heads()
    names = [CommandId(f"c{number}") for number in range(count)]
    commands = [
        ((PUMP, name), position)
        for name in names
        if (position := from_store.command(pump=PUMP, command=name)) is not None
    ]
    to_store = SqliteStore(target)
    start = time.perf_counter()
    for first in range(0, count, FETCH):
        commit = Commit(
            rows=rows[2 * first : 2 * (first + FETCH)],
            heads=heads,
            commands=dict(commands[first : first + FETCH]),
            stream="s",
            sequence=first + FETCH,
        )
        to_store.commit(commit)
    return time.perf_counter() - start


def think_alone(load: Workload, store: Path) -> float:
    """Only decide and evolve the same entries [s]."""
    journal = SqliteStore(store)
    entries = [(read.entry, read.now, read.is_input) for read in _read_all(journal)]
    journal.close()
    state = load.decider.initial(PUMP)
    start = time.perf_counter()
    for entry, now, is_input in entries:
        if is_input:
            load.decider.decide(state, entry, now)
        state = load.decider.evolve(state, entry)
    return time.perf_counter() - start


def _read_all(journal: SqliteStore) -> Iterator[ReadEntry]:
    return (read_row(row) for _, row in journal.rows(pump=PUMP))


async def publish_alone(running: Broker, load: Workload, events: list[Outgoing]) -> float:
    """Only publish the same events as atomic batches [s]."""
    bus = await running.bus(load.decider.name)
    newest = await bus.last_own()
    last = newest.sequence if newest else 0
    start = time.perf_counter()
    for first in range(0, len(events), BATCH):
        last = await bus.publish(events[first : first + BATCH], expected_last=last)
    elapsed = time.perf_counter() - start
    await bus.close()
    return elapsed


def own_events(store: Path) -> list[Outgoing]:
    """Give the events that the service said, as they go to the stream."""
    journal = SqliteStore(store)
    return [outgoing_again(read_row(row)) for row in journal.said_after(event=None)]


async def measure(load: Workload, count: int) -> list[tuple[str, float]]:
    """Measure the whole and its parts, in turns; give the median of each [s].

    Each turn has a broker of its own: a service whose journal is new takes over what the stream
    holds of its own words, and that is not what is measured.
    """
    rounds: list[tuple[float, float, float, float, float]] = []
    for _ in range(ROUNDS):
        async with broker() as running:
            await fill(running, load, count)
            journal = running.folder.journal("whole")
            gc.collect()
            together = await whole(running, load, count, journal)
            fetched = await fetch_alone(running, load, count)
            inserted = insert_alone(journal, running.folder.journal("insert"), count)
            published = await publish_alone(running, load, own_events(journal))
            thought = think_alone(load, journal)
            rounds.append((fetched, inserted, published, thought, together))
    fetched, inserted, published, thought, together = map(median, zip(*rounds, strict=True))
    return [
        ("fetch", fetched),
        ("insert", inserted),
        ("publish", published),
        ("parts in series", fetched + inserted + published),
        ("thinking", thought),
        ("the service", together),
    ]


def main() -> None:
    """Print a table for each workload."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="messages through the service")
    count = parser.parse_args().events // FETCH * FETCH
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    console = Console()
    for load in WORKLOADS:
        found = asyncio.run(measure(load, count))
        table = Table("part", "events/s", "us/event", title=f"{load.name}; {count} events")
        for name, seconds in found:
            table.add_row(name, f"{count / seconds:,.0f}", f"{seconds / count * 1e6:.1f}")
        console.print(table)
        (_, parts), (_, thought), (_, service) = found[-3:]
        console.print(
            f"{parts / service:.2f} of its parts in series, "
            f"{parts / (service - thought):.2f} without its thinking (limit {RATIO_MIN}), "
            f"{count / found[-1][1]:,.0f} events/s (asked: {EVENTS_PER_S_MIN:,} on two idle cores)"
        )


if __name__ == "__main__":
    main()
