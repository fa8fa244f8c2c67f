"""A pump on the bench for the contract tests: the fake by hand, the virtual pump as a process."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

from schemas.delivery.device import PumpReading
from schemas.units import MilliUnits, PumpId, UtcMillis
from services.runtime.platform.clock import (
    ClockRecord,
    FakeClock,
    SystemClock,
    boot_ns,
    wall_ms,
    write_clock_record,
)
from services.runtime.platform.signing_keys import make_secret, read_secret
from services.runtime.pump_link.address import PumpAddress
from services.runtime.pump_link.port import PumpDevice
from services.runtime.pump_link.stream_client import (
    ANSWER_TIMEOUT_S,
    Pairing,
    StreamPumpDevice,
)
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.in_process_pump import FakePumpDevice
from services.virtual_pump.state_store import FakePumpStore
from support.real.patience import PATIENCE_S
from support.repository import ROOT
from support.simulated.signed_orders import SIGNER, identity

SPEED = 60
"""[-] a bolus of 25 U takes 1000 s of therapy: 17 s, long enough to be cut short."""
FILL_U = 200
POLLS_MAX = 2_000


def line_to(folder: Path, *, timeout_s: float = ANSWER_TIMEOUT_S) -> StreamPumpDevice:
    """Open a line to the pump whose socket and key lie in a folder."""
    pairing = Pairing(PumpId("demo"), read_secret(folder / "pump.key"))
    address = PumpAddress(f"{folder}/pump", None)
    return StreamPumpDevice(address, pairing=pairing, timeout_s=timeout_s)


class Bench(Protocol):
    """A pump on the bench: lines to it, its time, and its plug."""

    def line(self) -> PumpDevice: ...

    def now(self) -> UtcMillis: ...

    async def until(self, done: Callable[[PumpReading], bool]) -> PumpReading: ...

    async def pull_and_plug(self) -> None: ...


class FakeBench:
    """The fake pump on a clock that is moved by hand."""

    def __init__(self) -> None:
        self._clock = FakeClock(therapy=UtcMillis(1_800_000_000_000))
        self._store = FakePumpStore()
        self._fill = MilliUnits(FILL_U * 1_000)
        self._host = PumpHost(
            self._store, identity=identity("demo"), now=self._clock.now(), fill=self._fill
        )
        self._lines: list[FakePumpDevice] = []

    def line(self) -> PumpDevice:
        self._lines.append(FakePumpDevice(self._clock, identity=identity("demo"), host=self._host))
        return self._lines[-1]

    def now(self) -> UtcMillis:
        return self._clock.now().therapy

    async def until(self, done: Callable[[PumpReading], bool]) -> PumpReading:
        for _ in range(POLLS_MAX):
            reading = await self.line().read(after=0)
            if done(reading):
                return reading
            self._clock.advance(therapy_ms=1_000)
        raise AssertionError("the pump did not get there")

    async def pull_and_plug(self) -> None:
        self._clock.advance(therapy_ms=60_000)
        self._host = PumpHost(
            self._store, identity=identity("demo"), now=self._clock.now(), fill=self._fill
        )
        for line in self._lines:
            line.host = self._host


class ProcessBench:
    """The virtual pump as a process behind a Unix socket."""

    def __init__(self, folder: Path, *, lines: AsyncExitStack) -> None:
        self._folder = folder
        self._lines = lines
        anchor = wall_ms()
        record = ClockRecord(real=anchor, therapy=anchor, speed=SPEED, boot_ns=boot_ns())
        write_clock_record(folder / "clock.json", record)
        self._clock = SystemClock(record=record)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def plug(self, *, faults: Path | None = None) -> None:
        words = ["--listen", f"unix:{self._folder}/pump", "--memory", f"{self._folder}/memory.db"]
        words += [
            "--clock",
            f"{self._folder}/clock.json",
            "--fill-u",
            str(FILL_U),
            "--exit-with-parent",
        ]
        key = self._folder / "orders.pub"
        key.write_text(SIGNER.public)
        make_secret(self._folder / "pump.key")
        words += ["--pump", "demo", "--trust", str(key), "--key", f"{self._folder}/pump.key"]
        if faults is not None:
            words += ["--faults", str(faults)]
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.virtual_pump", *words),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE_S):
            while b"virtual_pump.listening" not in (line := await self._stderr().readline()):
                assert line, "the pump ended before it listened"

    async def pull(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        # To the end of its pipes: one that stays open is closed by the collector, whenever that is.
        await self._process.communicate()

    async def end(self, how: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(how)
        return await self._process.wait()

    async def unleash(self) -> int:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        return await self._process.wait()

    def line(self) -> StreamPumpDevice:
        device = line_to(self._folder)
        self._lines.push_async_callback(device.close)
        return device

    def now(self) -> UtcMillis:
        return self._clock.now().therapy

    async def until(self, done: Callable[[PumpReading], bool]) -> PumpReading:
        device = self.line()
        for _ in range(POLLS_MAX):
            reading = await device.read(after=0)
            if done(reading):
                return reading
            await asyncio.sleep(0.01)
        raise AssertionError("the pump did not get there")

    async def pull_and_plug(self) -> None:
        await self.pull()
        await self.plug()

    def _stderr(self) -> asyncio.StreamReader:
        assert self._process is not None
        assert self._process.stderr is not None
        return self._process.stderr


@asynccontextmanager
async def a_process(folder: Path) -> AsyncIterator[ProcessBench]:
    async with AsyncExitStack() as lines:
        bench = ProcessBench(folder, lines=lines)
        await bench.plug()
        try:
            yield bench
        finally:
            await bench.pull()
