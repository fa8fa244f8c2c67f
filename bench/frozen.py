"""A broker that stands still (kill -STOP): until each service finds it, beside the ping limit."""

import argparse
import asyncio
import os
import signal
import time
from datetime import datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.system import System, scratch, system
from bench.watching import LOOK_S, NEVER_S, all_ready_anew, pid_of, until
from core.deciders.registry import DECIDERS
from services.runtime.nats.connection import (
    PING_INTERVAL_S,
    PINGS_OUTSTANDING_MAX,
    RECONNECT_WAIT_S,
)
from services.runtime.platform.logs import configure_logs

PINGS_S = float(PING_INTERVAL_S * PINGS_OUTSTANDING_MAX)
"""[s] of silence that is borne: the pings that may stay unanswered."""

FOUND_S_LIMIT = PINGS_S + PING_INTERVAL_S
"""[s] until it must be found: the freeze may come right after a ping."""

APART_S = 3.0
"""[s] between two freezes at least; each waits a little longer, for every instant of a ping."""


class _Line(msgspec.Struct):
    event: str = ""
    timestamp: str = ""


_lines = msgspec.json.Decoder(_Line)


def found_at(path: Path, *, since: float) -> float | None:
    """Read in a service's log when it found the line dead [s of the wall clock]."""
    for text in reversed(path.read_bytes().splitlines()):
        if not text.startswith(b"{"):
            continue
        line = _lines.decode(text)
        at = datetime.fromisoformat(line.timestamp).timestamp() if line.timestamp else 0.0
        if at < since:
            return None
        if line.event == "bus.disconnected":
            return at
    return None


async def freeze(running: System) -> tuple[dict[str, float], float]:
    """Freeze the broker until all have found it; give how long each took, and the way back [s]."""
    pid = pid_of(running, "broker")
    if pid is None:
        raise RuntimeError("the broker does not run")
    found: dict[str, float] = {}
    os.kill(pid, signal.SIGSTOP)
    try:
        since = time.time()
        while len(found) < len(DECIDERS):
            if time.time() - since > NEVER_S:
                raise RuntimeError(f"found by {sorted(found)} only")
            for name in set(DECIDERS) - set(found):
                at = found_at(running.folder.log(name), since=since)
                if at is not None:
                    found[name] = at - since
            await asyncio.sleep(LOOK_S)
    finally:
        os.kill(pid, signal.SIGCONT)
    back = await until(lambda: all_ready_anew(running), since=time.perf_counter())
    return found, back


async def measure(path: Path, rounds: int) -> tuple[dict[str, list[float]], list[float]]:
    """Freeze it again and again."""
    found: dict[str, list[float]] = {name: [] for name in DECIDERS}
    backs: list[float] = []
    with system(path, "--no-person", "--speed", "60") as running:
        for number in range(rounds):
            await asyncio.sleep(APART_S + PING_INTERVAL_S * number / rounds)
            times, back = await freeze(running)
            backs.append(back)
            for name, took in times.items():
                found[name].append(took)
    return found, backs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="times that the broker is frozen")
    arguments = parser.parse_args()
    with scratch() as path:
        configure_logs(service="bench", into=path.with_suffix(".log"))
        found, backs = asyncio.run(measure(path, arguments.rounds))
    title = (
        f"{arguments.rounds} freezes, seconds; {PINGS_OUTSTANDING_MAX} pings of {PING_INTERVAL_S} s"
    )
    table = Table("what", "least", "p50", "max", "limit", title=title)
    rows = [(f"found by {name}", figures, FOUND_S_LIMIT) for name, figures in found.items()]
    rows.append(("all answer again after it goes on", backs, float(RECONNECT_WAIT_S)))
    for what, figures, limit in rows:
        ranked = sorted(figures)
        least, middle, most = ranked[0], ranked[len(ranked) // 2], ranked[-1]
        table.add_row(what, f"{least:.2f}", f"{middle:.2f}", f"{most:.2f}", f"{limit:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
