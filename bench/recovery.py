"""kill -9 of each process: until it is healthy again, beside a bare start of the same module."""

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.system import System, scratch, system
from bench.watching import all_ready_anew, client_of, delivery, is_ready, pid_of, until
from core.deciders.registry import DECIDERS
from services.runtime.nats.client import BusClient
from services.runtime.platform.logs import configure_logs
from services.supervisor.broker.server import find_broker
from services.supervisor.children import ALIVE_S, BACKOFF_S_MIN

RECOVERY_S_LIMIT = 5.0
"""[s] aimed at, from kill -9 to ready, the slowest of all."""

BUSY = ("--no-person", "--speed", "600")
"""[-] basal alone gives a pulse about every 0.3 s of real time then."""

PUMP = "virtual_pump"
VICTIMS = (*DECIDERS, PUMP, "broker")


def bare_s(name: str) -> float:
    """Start a Python process that imports the module and ends; for the broker, start it bare."""
    start = time.perf_counter()
    if name == "broker":
        return bare_broker_s(start)
    module = f"services.{name}.__main__"
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def bare_broker_s(start: float) -> float:
    """Start a broker without anything in it, until it takes a connection."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [find_broker(), "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        while True:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    return time.perf_counter() - start
            time.sleep(0.002)
    finally:
        server.kill()
        server.wait()


async def recover(running: System, client: BusClient, name: str) -> tuple[float, float | None]:
    """Kill one process; give the time until it is ready, and until the next pulse is counted [s].

    The pump is ready when the actuator has accounted for the time that it was off.
    """
    old = pid_of(running, name)
    before = await delivery(client)
    if old is None or before is None:
        raise RuntimeError(f"{name} does not run, or the actuator knows nothing")
    os.kill(old, signal.SIGKILL)
    start = time.perf_counter()

    async def ready() -> bool:
        if name == "broker":
            return await all_ready_anew(running)
        if name != PUMP:
            return await is_ready(client, name, not_pid=old)
        seen = await delivery(client)
        return seen is not None and seen.gaps > before.gaps

    async def counted() -> bool:
        seen = await delivery(client)
        return seen is not None and seen.odometer > before.odometer and await ready()

    ready_s = await until(ready, since=start)
    if name not in ("actuator", PUMP):
        return ready_s, None
    return ready_s, await until(counted, since=start)


async def measure(path: Path, rounds: int) -> dict[str, list[tuple[float, float | None, float]]]:
    """Kill one after another, each only when it has lived long enough to be started at once."""
    found: dict[str, list[tuple[float, float | None, float]]] = {name: [] for name in VICTIMS}
    with system(path, *BUSY) as running:
        client = await client_of(running)
        for _ in range(rounds):
            for name in VICTIMS:
                await asyncio.sleep(ALIVE_S / (len(VICTIMS) - 1))
                if name == "broker":
                    await client.close()
                    client = await client_of(running)
                ready_s, pulse_s = await recover(running, client, name)
                found[name].append((ready_s, pulse_s, bare_s(name)))
                if name == "broker":
                    await client.close()
                    client = await client_of(running)
        await client.close()
    return found


def median(figures: list[float]) -> float:
    """Give the middle one."""
    return sorted(figures)[len(figures) // 2]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="kills of each process")
    arguments = parser.parse_args()
    with scratch() as path:
        configure_logs(service="bench", into=path.with_suffix(".log"))
        found = asyncio.run(measure(path, arguments.rounds))
    title = (
        f"{arguments.rounds} kills of each, seconds; aim: ready within {RECOVERY_S_LIMIT:.0f} s, "
        f"of which {BACKOFF_S_MIN} s are the pause before a start"
    )
    columns = ("killed", "ready p50", "ready max", "next pulse p50", "bare start p50", "ratio")
    table = Table(*columns, title=title)
    for name, figures in found.items():
        ready = [ready_s for ready_s, _, _ in figures]
        pulses = [pulse_s for _, pulse_s, _ in figures if pulse_s is not None]
        bare = median([bare for _, _, bare in figures])
        table.add_row(
            name,
            f"{median(ready):.2f}",
            f"{max(ready):.2f}",
            f"{median(pulses):.2f}" if pulses else "",
            f"{bare:.2f}",
            f"{median(ready) / bare:.1f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
