"""Command to reply and order to first pulse, beside a bare request and a bare durable store."""

import argparse
import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from nats.aio.msg import Msg
from rich.console import Console
from rich.table import Table

from bench.broker import broker
from bench.system import System, scratch, system
from schemas.bolus.advice import RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.delivery.device import PumpRecord
from schemas.glucose import RecordReading
from schemas.units import Actor, Grams, MilliUnits, PumpId, Speaker
from services.runtime.journal.entries import read_row
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.nats.client import BusClient
from services.runtime.nats.connection import Credentials
from services.runtime.platform.clock import SystemClock, read_clock_record
from services.runtime.ports import Outgoing

P99_MS_LIMIT = 10.0
"""[ms] aimed at for a command's outcome."""

ORDERS = 40
ADVISOR = Speaker("bolus_advisor")


async def timed(act: Callable[[], Awaitable[object]], count: int) -> list[float]:
    """Do something `count` times, one after another [ms each]."""
    found: list[float] = []
    for _ in range(count):
        start = time.perf_counter()
        await act()
        found.append((time.perf_counter() - start) * 1000)
    return found


async def bare(count: int) -> tuple[list[float], list[float]]:
    """Time a bare request and reply, and a bare durable publish with a SQLite commit."""
    async with broker() as running:
        bus = await running.bus(ADVISOR)
        client = await running.connect("console")

        subject = "basalt_service.bolus_advisor.health"
        asked = await running.connect("bolus_advisor")

        async def reply(message: Msg) -> None:
            await asked.publish(message.reply, b"{}")

        await asked.subscribe(subject, cb=reply)
        await asked.flush()
        requests = await timed(lambda: client.request(subject, b"{}", timeout=5), count)
        file = sqlite3.connect(running.folder.journal("bare"), isolation_level=None)
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("CREATE TABLE t (data BLOB)")
        last = 0

        async def durable() -> None:
            nonlocal last
            file.execute("INSERT INTO t VALUES (?)", (b"x" * 400,))
            event = Outgoing("basalt.p.event.bolus_advisor.carbs_recorded", b"x" * 400, {})
            last = await bus.publish([event], expected_last=last)

        stored = await timed(durable, count)
        for connection in (client, asked):
            await connection.close()
        await bus.close()
    return requests, stored


async def commands(running: System, count: int) -> list[float]:
    """Time advice from command to outcome on the real system."""
    clock = SystemClock(record=read_clock_record(running.folder.clock))
    client = BusClient(
        url=running.folder.read_running().url,
        credentials=Credentials("console", running.folder.seed("console")),
        actor=Actor("service:bench"),
        clock=clock,
    )
    await client.open()
    pump = PumpId("demo")
    reading = RecordReading(
        measured_at=clock.now().therapy, source="meter", unit="mg/dL", received="150"
    )
    await client.send(reading, to=Speaker("glucose_ingest"), pump=pump)
    found = await timed(
        lambda: client.send(RequestAdvice(carbs=Grams(20)), to=ADVISOR, pump=pump), count
    )
    for _ in range(ORDERS):
        await client.send(OrderBolus(amount=MilliUnits(50)), to=ADVISOR, pump=pump)
        await asyncio.sleep(0.4)
    await client.close()
    return found


def first_pulses(running: System) -> list[float]:
    """Compare the instants of orders with those of the first pulses in the pump's ledger [ms]."""
    ordered: dict[str, int] = {}
    for _, row in SqliteStore(running.folder.journal("bolus_advisor")).rows():
        if row.topic == "bolus_ordered.v1":
            read = read_row(row)
            ordered[read.entry.id] = read.head.therapy
    memory = running.folder.pump_memory(PumpId("demo"))
    file = sqlite3.connect(f"file:{memory}?mode=ro", uri=True)
    records = [
        msgspec.json.decode(data, type=PumpRecord)
        for (data,) in file.execute("SELECT record FROM history")
    ]
    return [
        float(one.starts_at - ordered[str(one.dose)])
        for one in records
        if one.kind == "bolus_started" and str(one.dose) in ordered
    ]


def row(name: str, found: list[float]) -> tuple[str, str, str, str]:
    """Give a line of the table."""
    ranked = sorted(found)
    p50, p99 = ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)]
    return name, str(len(found)), f"{p50:.1f}", f"{p99:.1f}"


def measure(count: int, path: Path) -> list[tuple[str, str, str, str]]:
    """Measure everything in one run."""
    requests, stored = asyncio.run(bare(count))
    with system(path, "--glucose", "none", "--no-person", "--speed", "1") as running:
        advice = asyncio.run(commands(running, count))
        pulses = first_pulses(running)
    return [
        row("bare request and reply", requests),
        row("bare durable publish + commit", stored),
        row("advice: command to outcome", advice),
        row("order to first pulse", pulses),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="of each")
    arguments = parser.parse_args()
    table = Table("what", "times", "p50 ms", "p99 ms", title=f"aim: p99 under {P99_MS_LIMIT} ms")
    with scratch() as path:
        for line in measure(arguments.count, path):
            table.add_row(*line)
    Console().print(table)


if __name__ == "__main__":
    main()
