"""The port PumpDevice over a byte stream, a Unix socket or TCP, each frame proven."""

import asyncio
import contextlib
from dataclasses import dataclass

from schemas.units import PumpId
from services.runtime.platform.errors import PumpRefusedError, PumpTimeout
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.logs import get_logger
from services.runtime.pump_link.address import PumpAddress
from services.runtime.pump_link.client import PumpCaller, act_of
from services.runtime.pump_link.line_proof import FrameRefused, LineProof, Nonces, new_nonce
from services.runtime.pump_link.protocol import (
    NUMBER_MAX,
    REQUEST_KIND,
    WIRE_VERSION,
    AnyAnswer,
    AnyRequest,
    Frame,
    FrameReader,
    Greet,
    Greeted,
    LineAnswer,
    LineRequest,
    Refused,
    WireError,
    decode_answer,
    encode_frame,
    encode_request,
)

ANSWER_TIMEOUT_S = 2.0
"""[s] real time for one request; one pulse of a bolus takes as long."""

READ_BYTES = 65_536
"""[B] taken from the line at once."""


OLDER_VERSIONS = (2,)
"""[-] of the protocol; a pump that speaks one answers nothing else and is named."""

PROBE_S = 0.3
"""[s] for a pump that did not greet to show that it speaks an older version."""

log = get_logger()


@dataclass(slots=True)
class _Line:
    """One connection; bytes of an answer that came too late die with it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    frames: FrameReader
    proof: LineProof | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which pump is called, and the key that it shares with its controller."""

    pump: PumpId
    key: bytes


class StreamPumpDevice(PumpCaller):
    """Calls a pump over a line opened when needed and dropped whenever an answer is missing."""

    def __init__(
        self,
        address: PumpAddress,
        *,
        pairing: Pairing | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        """Set up without connecting.

        Args:
            address: where the pump listens.
            pairing: with whom every frame is proven; without it a pump is read at most.
            timeout_s: [s] real time for one request, its connection included.
        """
        super().__init__()
        self._address = address
        self._pairing = pairing
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()
        self._line: _Line | None = None
        self._number = 0

    async def _ask(self, request: AnyRequest) -> AnyAnswer:
        """Send one request and wait for the answer with its number, one at a time."""
        async with self._lock:
            answered = False
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._exchange(request)
                answered = True
            except (OSError, EOFError, WireError, FrameRefused) as error:
                raise PumpTimeout(act=act_of(request)) from error
            finally:
                if not answered:
                    self._drop()
            return answer

    async def _exchange(self, request: AnyRequest) -> AnyAnswer:
        """Write the request and read frames until its answer comes; the caller limits the time."""
        line = await self._connected()
        answer = await self._call(line, request)
        if isinstance(answer, Greeted):
            raise WireError("the pump greets where it was asked")
        return answer

    async def _call(self, line: _Line, request: LineRequest) -> LineAnswer:
        self._number = (self._number + 1) & NUMBER_MAX
        line.writer.write(encode_request(request, number=self._number, proof=line.proof))
        await line.writer.drain()
        failpoint("frame_written")
        while True:
            data = await line.reader.read(READ_BYTES)
            if not data:
                raise EOFError("the pump closed the line")
            for frame in line.frames.feed(data):
                if frame.number == self._number:
                    return self._read_answer(line, frame)
            if line.frames.foreign_version is not None:
                raise WireError(f"the pump speaks version {line.frames.foreign_version}")

    def _read_answer(self, line: _Line, frame: Frame) -> LineAnswer:
        """Read an answer; one that proves nothing is believed where it refuses, and for no more."""
        try:
            return decode_answer(frame, proof=line.proof)
        except FrameRefused:
            with contextlib.suppress(FrameRefused, WireError):
                if isinstance(refused := decode_answer(frame), Refused):
                    raise PumpRefusedError(reason=refused.reason) from None
            raise

    async def _connected(self) -> _Line:
        """Give the open line, or open one if there is none or the pump has closed it."""
        if self._line is not None and self._line.reader.at_eof():
            self._drop()
        if self._line is None:
            host, port = self._address
            reader, writer = await (
                asyncio.open_unix_connection(host)
                if port is None
                else asyncio.open_connection(host, port)
            )
            self._line = _Line(reader, writer, FrameReader())
            if self._pairing is not None:
                await self._greet(self._line, self._pairing)
        return self._line

    async def _greet(self, line: _Line, pairing: Pairing) -> None:
        """Agree on what proves the frames of this connection.

        Raises:
            PumpRefusedError: it is another pump, or one of an older version.
        """
        nonce = new_nonce()
        try:
            async with asyncio.timeout(self._timeout_s / 2):
                greeted = await self._call(line, Greet(nonce=nonce))
        except TimeoutError:
            await self._name_older_version(line)
            raise
        if not isinstance(greeted, Greeted):
            raise WireError("the pump does not greet")
        if greeted.pump != pairing.pump:
            raise PumpRefusedError(reason="other_pump")
        nonces = Nonces(nonce, greeted.nonce)
        line.proof = LineProof(pairing.key, pump=pairing.pump, nonces=nonces, is_pump=False)

    async def _name_older_version(self, line: _Line) -> None:
        """Find out whether a pump that does not greet speaks a version before this one."""
        for version in OLDER_VERSIONS:
            ask = Frame(REQUEST_KIND, self._number, b'{"ask":"read","after":0}')
            line.writer.write(encode_frame(ask, version=version))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PROBE_S):
                    line.frames.feed(await line.reader.read(READ_BYTES))
            if line.frames.foreign_version == version:
                log.error("pump_line.older_pump", version=version, needed=WIRE_VERSION)
                raise PumpRefusedError(reason="older_pump")

    def _drop(self) -> None:
        """Close the line at once, without waiting for what is still to be sent."""
        if self._line is not None:
            self._line.writer.transport.abort()
            self._line = None

    async def close(self) -> None:
        """Let go of the line, after the request in flight."""
        async with self._lock:
            self._drop()
