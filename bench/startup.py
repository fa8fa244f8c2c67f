"""`basalt up` from start to ready, first and second time, and what the idle system costs."""

import os
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.system import System, scratch, system

IDLE_S = 30.0
"""[s] that the idle system is watched."""

READY_S_LIMIT = 5.0
"""[s] in which the second start must be ready."""

CPU_LIMIT = 0.10
"""[core] that the idle system may use."""

IDLE = ("--glucose", "none", "--no-person", "--speed", "1")


def cpu_s(pids: list[int]) -> float:
    """Add up the CPU time of processes [s]."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pids: list[int]) -> float:
    """Add up the proportional set sizes of processes [MB]."""
    total_kb = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total_kb += int(line.split()[1])
    return total_kb / 1024


def idle(running: System) -> tuple[float, float, int]:
    """Watch the idle system: cores used, memory [MB], processes."""
    time.sleep(5)
    pids = running.processes()
    before = cpu_s(pids)
    time.sleep(IDLE_S)
    return (cpu_s(pids) - before) / IDLE_S, memory_mb(pids), len(pids)


def main() -> None:
    """Print the table."""
    with scratch() as path:
        with system(path, *IDLE) as first:
            first_s = first.ready_s
        with system(path, *IDLE) as second:
            cores, memory, count = idle(second)
            second_s = second.ready_s
    table = Table("what", "figure", "limit", title="basalt up, speed 1, nobody doing anything")
    table.add_row("first start to ready", f"{first_s:.1f} s", "")
    table.add_row("second start to ready", f"{second_s:.1f} s", f"{READY_S_LIMIT:.0f} s")
    table.add_row("idle, of one core", f"{cores:.1%}", f"{CPU_LIMIT:.0%}")
    table.add_row(f"memory of {count} processes", f"{memory:.0f} MB", "")
    Console().print(table)


if __name__ == "__main__":
    main()
