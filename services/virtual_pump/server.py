"""The virtual pump's process: delivers by its own clock and answers whoever calls."""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path
from typing import cast

from core.dosing.order_protocol.authentication import LineFlaw
from schemas.message import Now
from schemas.units import MINUTE_MS, Milliseconds
from services.runtime.platform.clock import Clock
from services.runtime.platform.errors import PumpPowerLost
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.logs import get_logger
from services.runtime.pump_link.address import PumpAddress
from services.runtime.pump_link.client import act_of
from services.runtime.pump_link.line_proof import FrameRefused
from services.runtime.pump_link.protocol import (
    PROVEN_REQUEST_KIND,
    AnyAnswer,
    AnyRequest,
    Frame,
    FrameReader,
    Greeted,
    Read,
    Refused,
    WireError,
)
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.errors import PumpAddressInUse, PumpMemoryError
from services.virtual_pump.fault_script import PumpScript
from services.virtual_pump.line import PumpLine, act_in, reads_openly
from services.virtual_pump.watchdog import Watchdog

WAKE_MS_MIN = Milliseconds(20)
"""[ms] real time between two wakes at least; what falls due in between moves together."""

HEARTBEAT_MS_MAX = Milliseconds(10_000)
"""[ms] real time after which the pump notes at the latest that it is still on."""

STALL_MS_MAX = Milliseconds(60_000)
"""[ms] real time; a process that did not run for longer was off: nothing is made up."""

SELF_TEST_MS = Milliseconds(30_000)
"""[ms] real time between two self-tests; source: R79."""

FEED_S = 0.5
"""[s] real time between two feedings of the watchdog."""

LINES_MAX = 16
"""[-] open lines; one more closes the oldest."""

SEND_TIMEOUT_S = 2.0
"""[s] real time for a caller to take an answer."""

PROBE_TIMEOUT_S = 1.0
"""[s] real time to find out whether somebody listens on a socket already."""

WARNINGS_A_MINUTE_MAX = 10
"""[-] lines of log about callers, of each kind; the pump's history has the rest by count."""

READ_BYTES = 65_536
"""[B] taken from a line at once."""

log = get_logger()


class PumpServer:
    """One pump and its lines; time and callers take turns on one thread."""

    def __init__(
        self, host: PumpHost, *, clock: Clock, script: PumpScript, watchdog: Watchdog
    ) -> None:
        """Set up without listening; `host` is on."""
        self._script = script
        self._watchdog = watchdog
        self._tested_real = clock.now().real
        self._host = host
        self._reads_openly = False
        self._warned_minute = 0
        self._warned: Counter[str] = Counter()
        self._clock = clock
        self._ran_real = clock.now().real
        self._saved_real = self._ran_real
        self._changed = asyncio.Event()
        self._lines: list[asyncio.StreamWriter] = []
        self._stopping = asyncio.Event()
        self._failure: PumpMemoryError | PumpPowerLost | None = None

    async def run(self, address: PumpAddress) -> None:
        """Listen and deliver until `stop` is called, then save once more.

        Raises:
            PumpAddressInUse: another process listens there.
            OSError: the address cannot be used.
            PumpMemoryError: a step could not be kept; nothing moves after that.
        """
        server = await self._listen(address)
        feeding = asyncio.create_task(self._feed())
        try:
            await self._deliver()
        finally:
            self._watchdog.stop()
            feeding.cancel()
            server.close()
            for writer in tuple(self._lines):
                writer.transport.abort()
            _remove_socket(address)
        if self._failure is not None:
            raise self._failure
        self._catch_up(save=True)
        log.info("virtual_pump.stopped", odometer_mu=self._host.memory.odometer)

    async def _listen(self, address: PumpAddress) -> asyncio.Server:
        """Open the address, not taking it from a living process."""
        self._reads_openly = reads_openly(address)
        if await _answers(address):
            raise PumpAddressInUse(address=str(address))
        if address.port is None:
            server = await asyncio.start_unix_server(self._serve, address.host)
            opened = address
        else:
            server = await asyncio.start_server(self._serve, address.host, address.port)
            opened = PumpAddress(address.host, server.sockets[0].getsockname()[1])
        log.info(
            "virtual_pump.listening",
            address=str(opened),
            odometer_mu=self._host.memory.odometer,
            epoch=self._host.memory.epoch,
        )
        return server

    async def _deliver(self) -> None:
        """Sleep until the next pulse, deliver, and so on until told to stop."""
        while not self._stopping.is_set():
            self._changed.clear()
            now = self._catch_up()
            await self._sleep(WAKE_MS_MIN, wake=self._stopping)
            wait_ms = self._wait_ms(now) - WAKE_MS_MIN
            if wait_ms > 0 and not self._stopping.is_set():
                await self._sleep(wait_ms, wake=self._changed)

    async def _feed(self) -> None:
        """Feed the watchdog as long as this loop turns."""
        self._watchdog.start()
        while not self._stopping.is_set():
            self._watchdog.feed()
            await asyncio.sleep(FEED_S)

    def stop(self) -> None:
        """End `run` soon."""
        self._stopping.set()
        self._changed.set()

    def _wait_ms(self, now: Now) -> int:
        """Tell how long [ms real] nothing is due: no heartbeat, no self-test and no pulse."""
        heartbeat = self._saved_real + HEARTBEAT_MS_MAX - now.real
        quiet = min(heartbeat, self._tested_real + SELF_TEST_MS - now.real)
        due_at = self._host.next_pulse_at()
        if due_at is None:
            return quiet
        return min(quiet, -(-(due_at - now.therapy) // now.speed))

    async def _sleep(self, duration_ms: int, *, wake: asyncio.Event) -> None:
        """Wait for a real duration [ms] or for an event, whichever is first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(duration_ms / 1_000):
                await wake.wait()

    def _catch_up(self, *, save: bool = False) -> Now:
        """Deliver what is due by now; if the process was stopped for long, the pump was off."""
        now = self._clock.now()
        if now.real - self._ran_real > STALL_MS_MAX:
            log.warning("virtual_pump.was_off", off_ms=now.real - self._ran_real)
            self._host.power_on(now=now)
        self._ran_real = now.real
        save = save or now.real - self._saved_real >= HEARTBEAT_MS_MAX
        self._host.run_until(now=now.therapy, save=save)
        if save:
            self._saved_real = now.real
        if now.real - self._tested_real >= SELF_TEST_MS:
            self._tested_real = now.real
            self._host.self_test(now=now.therapy)
        return now

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one caller until it goes; an idle line may stay open, LINES_MAX bounds them."""
        self._lines.append(writer)
        if len(self._lines) > LINES_MAX:
            self._lines[0].transport.abort()
        frames = FrameReader()
        line = self._host.line(reads_openly=self._reads_openly)
        dropped = 0
        try:
            while data := await reader.read(READ_BYTES):
                for frame in frames.feed(data):
                    await self._reply(frame, line, writer)
                if frames.dropped_bytes > dropped:
                    dropped = frames.dropped_bytes
                    version = frames.foreign_version
                    self._warn("virtual_pump.dropped", bytes=dropped, foreign_version=version)
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await writer.drain()
        except (PumpMemoryError, PumpPowerLost) as error:
            self._failure = error
            self.stop()
        except OSError as error:
            log.info("virtual_pump.line_lost", reason=str(error))
        except asyncio.CancelledError:
            # The pump is being switched off; asyncio prints a trace for a cancelled handler.
            log.info("virtual_pump.line_ended")
        finally:
            self._lines.remove(writer)
            writer.transport.abort()

    async def _reply(self, frame: Frame, line: PumpLine, writer: asyncio.StreamWriter) -> None:
        """Answer a frame, or what the script makes of it."""
        try:
            taken = line.take(frame)
        except WireError as error:
            self._warn("virtual_pump.not_understood", reason=str(error))
            writer.write(line.write(Refused(reason="not_understood"), to=frame, is_proven=False))
            return
        except FrameRefused as error:
            refused = self._refuse(cast(LineFlaw, error.reason), act_in(frame))
            writer.write(line.write(refused, to=frame, is_proven=False))
            return
        if isinstance(taken, Greeted):
            writer.write(line.write(taken, to=frame, is_proven=False))
            return
        await self._obey(taken, frame, line, writer)

    async def _obey(
        self, request: AnyRequest, frame: Frame, line: PumpLine, writer: asyncio.StreamWriter
    ) -> None:
        """Do what is asked, and answer; the script may have the answer come late, twice or not."""
        is_proven = frame.kind == PROVEN_REQUEST_KIND
        fault = self._script.on_the_line(act_of(request))
        if fault is None:
            writer.write(line.write(self._answer(request), to=frame, is_proven=is_proven))
            failpoint("told_after")
            return
        log.warning("virtual_pump.scripted", fault=fault.fault)
        if fault.fault == "lost_request":
            return
        answer = self._answer(request)
        if fault.fault == "wrong_answer":
            answer = Refused(reason="no_reservoir")
        data = line.write(answer, to=frame, is_proven=is_proven)
        match fault.fault:
            case "wrong_answer":
                writer.write(data)
            case "late_answer":
                await asyncio.sleep(fault.late_ms / 1_000)
                writer.write(data)
            case "double_answer":
                writer.write(data + data)
            case "cut_answer":
                writer.write(data[: fault.after_bytes])
                await writer.drain()
                writer.transport.close()
            case _:  # lost_answer
                pass

    def _answer(self, request: AnyRequest) -> AnyAnswer:
        """Obey and keep."""
        now = self._catch_up()
        answer = self._host.answer(request, now=now)
        if not isinstance(request, Read):
            self._changed.set()
            log.info("virtual_pump.answered", act=act_of(request), answer=type(answer).__name__)
        return answer

    def _refuse(self, flaw: LineFlaw, act: str) -> Refused:
        """Refuse what does not prove who sent it, and remember it."""
        now = self._catch_up()
        self._warn("virtual_pump.refused_frame", reason=flaw, act=act)
        return self._host.refuse_frame(flaw, act, now=now)

    def _warn(self, what: str, **fields: object) -> None:
        """Log what a caller did wrong, so many times in a minute: a flood must not fill the log."""
        minute = self._clock.now().real // MINUTE_MS
        if minute != self._warned_minute:
            self._warned_minute, self._warned = minute, Counter()
        self._warned[what] += 1
        if self._warned[what] <= WARNINGS_A_MINUTE_MAX:
            log.warning(what, **fields)


async def _answers(address: PumpAddress) -> bool:
    """Find out whether somebody listens on a Unix socket; TCP ports tell by themselves."""
    if address.port is not None:
        return False
    with contextlib.suppress(OSError):
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            _, writer = await asyncio.open_unix_connection(address.host)
        writer.transport.abort()
        return True
    return False


def _remove_socket(address: PumpAddress) -> None:
    """Leave no dead socket behind."""
    if address.port is None:
        Path(address.host).unlink(missing_ok=True)
