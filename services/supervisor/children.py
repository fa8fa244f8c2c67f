"""Child processes: started, watched, restarted with back-off, stopped; their logs in files."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from services.runtime.platform.clock import boot_ns
from services.runtime.platform.shutdown import EXIT_USAGE, end

BACKOFF_S_MIN = 0.2
"""[s] before the first restart; doubles with each."""

BACKOFF_S_MAX = 5.0
"""[s] before a restart at most."""

ALIVE_S = 10.0
"""[s] that a child must have lived for the back-off to begin anew."""

STOP_S = 5.0
"""[s] from SIGTERM to SIGKILL."""

LOG_BYTES_MAX = 5 * 1024 * 1024
"""[B] of a log at the start of its process; a longer one is set aside, the one before it lost."""

LAST_WORDS_BYTES = 4_096
"""[B] at the end of a log in which the reason for an end is looked for."""

ChildState = Literal["starting", "up", "restarting", "stopped"]


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run."""

    name: str
    """[-] of the process, and of its log."""
    command: Sequence[str]
    """[-] program and arguments."""
    log: Path
    """[-] file that takes its output."""
    guard: Callable[[int], Sequence[str]] | None = None
    """[-] command of a guard for this process id, for programs that cannot watch their parent."""


@dataclass(slots=True)
class Child:
    """One process that is kept alive until it is told to stop."""

    spec: ChildSpec
    changed: Callable[["Child"], None]
    state: ChildState = "starting"
    restarts: int = 0
    exit_code: int | None = None
    last_words: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _log_from: int = 0
    _process: asyncio.subprocess.Process | None = None
    _task: asyncio.Task[None] | None = None
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        """Name the process that runs now."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    @property
    def has_broken_files(self) -> bool:
        """Say whether its last end was for files that it cannot use."""
        return self.ended.is_set() and self.exit_code == EXIT_USAGE

    async def start(self) -> None:
        """Start the process and keep it alive from now on.

        Raises:
            OSError: the program or its log cannot be opened.
        """
        await self._spawn()
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")

    async def stop(self) -> None:
        """End the process: told first, killed after STOP_S."""
        self._told.set()
        await self._end_process()
        while self._task is not None and not self._task.done():
            # Cancelled, it would leave behind whose end it waits for, its guard above all.
            await asyncio.wait((self._task,), timeout=BACKOFF_S_MIN)
            await self._end_process()  # one that was being started when it was told
        self._turn("stopped")

    async def _end_process(self) -> None:
        process = self._process
        if process is None:
            return
        _signal(process, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            _signal(process, signal.SIGKILL)
        await _over(process)

    def renew(self) -> None:
        """Tell the process to end; another is started in its place."""
        if self._process is not None:
            _signal(self._process, signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once."""
        self._told.set()
        if self._process is not None:
            _signal(self._process, signal.SIGKILL)

    def _read_last_words(self) -> str:
        """Read why this process ended: its last line of plain text, or the signal that killed it.

        What nats-server tells at its level INF is no reason.
        """
        with contextlib.suppress(OSError), self.spec.log.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(self._log_from, size - LAST_WORDS_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
            plain = [line for line in lines if line.strip() and not line.startswith("{")]
            reasons = [line for line in plain if "[INF]" not in line]
            if reasons:
                return reasons[-1]
        if self.exit_code is not None and self.exit_code < 0:
            return f"killed by {signal.Signals(-self.exit_code).name}"
        return ""

    def _turn(self, state: ChildState) -> None:
        if state != self.state:
            self.state = state
            self.changed(self)

    async def _spawn(self) -> None:
        spec = self.spec
        with contextlib.suppress(OSError):
            if spec.log.stat().st_size > LOG_BYTES_MAX:
                spec.log.replace(spec.log.with_suffix(".old.log"))
        handle = os.open(spec.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._log_from = os.fstat(handle).st_size
            # A session of its own: Ctrl-C at the terminal reaches the supervisor alone, which
            # then stops all in order. A child sees its parent end by standard input.
            self._process = await asyncio.create_subprocess_exec(
                *spec.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=handle,
                stderr=handle,
                start_new_session=True,
            )
        finally:
            os.close(handle)
        self._turn("up")

    async def _keep(self) -> None:
        """Wait for the end of the process and start it anew, until told to stop."""
        backoff_s = BACKOFF_S_MIN
        while self._process is not None and not self._told.is_set():
            began_ns, process = boot_ns(), self._process
            guard = asyncio.create_task(self._keep_guard(process.pid))
            self.exit_code = await _over(process)
            await end(guard)
            self.last_words = self._read_last_words()
            self.ended.set()
            if self._told.is_set():
                return
            self.restarts += 1
            self._turn("restarting")
            if boot_ns() - began_ns > ALIVE_S * 1e9:
                backoff_s = BACKOFF_S_MIN
            backoff_s = await self._again(backoff_s)

    async def _again(self, backoff_s: float) -> float:
        """Start the process anew, as often as it takes; give the next pause."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff_s):
                    await self._told.wait()
                return backoff_s
            backoff_s = min(2 * backoff_s, BACKOFF_S_MAX)
            # No process table left, no memory: that passes, and the others need us.
            with contextlib.suppress(OSError):
                await self._spawn()
                return backoff_s

    async def _keep_guard(self, pid: int) -> None:
        """Keep a guard beside the process; its end by itself means that it was killed."""
        guard = self.spec.guard
        while guard is not None:
            process = await asyncio.create_subprocess_exec(
                *guard(pid), stdin=asyncio.subprocess.PIPE, start_new_session=True
            )
            try:
                await process.wait()
                await asyncio.sleep(BACKOFF_S_MIN)
            finally:
                _signal(process, signal.SIGKILL)
                await _over(process)


async def _over(process: asyncio.subprocess.Process) -> int:
    """Wait for the end of a process and let go of its line; give the exit code.

    What is not let go of complains on the screen when the event loop has ended.
    """
    exit_code = await process.wait()
    if process.stdin is not None:
        process.stdin.close()
        with contextlib.suppress(OSError):
            await process.stdin.wait_closed()
    return exit_code


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
