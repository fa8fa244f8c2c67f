"""A service's start while its journal grows: from all lines, and from a snapshot of its state."""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.replay import record
from core.deciders.record.decider import RECORD_DECIDER
from core.kernel.decider import Decider
from services.runtime.decider_host.processor import DeciderProcessor
from services.runtime.decider_host.state_snapshot import StateFile, write_snapshot
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.process.state_keeper import LINES_BETWEEN

LINES = (820, 8_200, 300_000)
"""[-] events of a day, ten days and a year: a reading each 5 min and some 540 parts of basal."""

TIMES_LIMIT = 2.0
"""[1] of a start on an empty journal in which every start should end."""

IMPORTED = "import services.historian.__main__"
"""[-] what each start does before it reads anything."""


def seconds(act: Callable[[], object]) -> float:
    """Give the CPU time of a run [s]."""
    begin = time.process_time()
    act()
    return time.process_time() - begin


def bare_start_s() -> float:
    """Give the CPU time in which a process of the service has imported what it needs [s]."""
    code = f"import time\n{IMPORTED}\nprint(time.process_time())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  # our own Python
    return float(found.stdout)


def begin(path: Path, state: Path | None) -> DeciderProcessor[Any]:
    """Fold a journal as a start does."""
    store = SqliteStore(path)
    file = StateFile(state) if state else None
    decider: Decider[Any] = RECORD_DECIDER
    try:
        return DeciderProcessor(decider=decider, store=store, snapshot=file)
    finally:
        store.close()


def worst_state(path: Path, state: Path, lines: int) -> None:
    """Make the snapshot that leaves a start the most to fold: as many lines as may come between."""
    begun = begin(path, None) if lines <= LINES_BETWEEN else None
    if begun is not None:
        return  # no snapshot is made of so short a journal
    with tempfile.TemporaryDirectory() as folder:
        shorter = Path(folder) / "shorter.db"
        store = record(shorter, lines - LINES_BETWEEN)
        store.close()
        store = SqliteStore(shorter)
        data = DeciderProcessor(decider=RECORD_DECIDER, store=store).unit_of_work.snapshot()
        store.close()
    if data is not None:
        write_snapshot(state, data)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=LINES, help="%(default)s")
    counts: list[int] = parser.parse_args().lines
    table = Table("events", "from all lines", "from a snapshot", "beside", title="CPU of a start")
    bare = bare_start_s()
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.db"
        nothing = bare + seconds(lambda: begin(empty, None))
        table.add_row("0", f"{nothing:.2f} s", "", "")
        for count in counts:
            path, state = Path(folder) / f"{count}.db", Path(folder) / f"{count}.state"
            record(path, count).close()
            worst_state(path, state, count)
            whole = bare + seconds(lambda path=path: begin(path, None))  # type: ignore[misc]  # bound now
            quick = bare + seconds(lambda path=path, state=state: begin(path, state))  # type: ignore[misc]  # bound now
            told = f"{quick / nothing:.1f} times an empty journal; limit {TIMES_LIMIT:.0f}"
            table.add_row(f"{count:,}", f"{whole:.2f} s", f"{quick:.2f} s", told)
    Console().print(table)


if __name__ == "__main__":
    main()
