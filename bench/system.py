"""`basalt up` for a benchmark: started on a folder of its own, stopped at the end."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.runtime.platform.data_folder import DataFolder

READY_S_MAX = 60.0
"""[s] until a system that is not ready counts as broken."""


@dataclass(frozen=True, slots=True)
class System:
    """A running system."""

    folder: DataFolder
    pid: int
    ready_s: float

    def processes(self) -> list[int]:
        """Give the process ids of the supervisor and everything below it."""
        found, queue = [self.pid], [self.pid]
        while queue:
            pid = queue.pop()
            try:
                listing = Path(f"/proc/{pid}/task/{pid}/children").read_text()
            except FileNotFoundError:
                continue
            below = [int(child) for child in listing.split()]
            found.extend(below)
            queue.extend(below)
        return found


@contextmanager
def system(path: Path, *arguments: str) -> Iterator[System]:
    """Start `basalt up` and wait until it says that it is ready."""
    folder = DataFolder(path)
    program = Path(sys.executable).parent / "basalt"
    command = [str(program), "up", "--data", str(path), "--no-screen", *arguments]
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not folder.running.exists():
            if process.poll() is not None or time.monotonic() - start > READY_S_MAX:
                raise RuntimeError(f"{' '.join(command)} did not become ready")
            time.sleep(0.01)
        yield System(folder, process.pid, time.monotonic() - start)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that goes at the end."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name) / "data"
