"""The port PumpDevice over a byte stream: a Unix socket or TCP."""

import asyncio
from typing import NamedTuple

from services.runtime.platform.errors import PumpTimeout
from services.runtime.platform.failpoints import failpoint
from services.runtime.pump_link.address import PumpAddress
from services.runtime.pump_link.client import PumpCaller, act_of
from services.runtime.pump_link.protocol import (
    NUMBER_MAX,
    AnyAnswer,
    AnyRequest,
    FrameReader,
    WireError,
    decode_answer,
    encode_request,
)

ANSWER_TIMEOUT_S = 2.0
"""[s] real time for one request; one pulse of a bolus takes as long."""

READ_BYTES = 65_536
"""[B] taken from the line at once."""


class _Line(NamedTuple):
    """One connection; bytes of an answer that came too late die with it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    frames: FrameReader


class StreamPumpDevice(PumpCaller):
    """Calls a pump over a line opened when needed and dropped whenever an answer is missing."""

    def __init__(self, address: PumpAddress, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """Set up without connecting.

        Args:
            address: where the pump listens.
            timeout_s: [s] real time for one request, its connection included.
        """
        super().__init__()
        self._address = address
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()
        self._line: _Line | None = None
        self._number = 0

    async def _ask(self, request: AnyRequest) -> AnyAnswer:
        """Send one request and wait for the answer with its number, one at a time."""
        async with self._lock:
            self._number = (self._number + 1) & NUMBER_MAX
            answered = False
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await self._exchange(request)
                answered = True
            except (OSError, EOFError, WireError) as error:
                raise PumpTimeout(act=act_of(request)) from error
            finally:
                if not answered:
                    self._drop()
            return answer

    async def _exchange(self, request: AnyRequest) -> AnyAnswer:
        """Write the request and read frames until its answer comes; the caller limits the time."""
        line = await self._connected()
        line.writer.write(encode_request(request, number=self._number))
        await line.writer.drain()
        failpoint("frame_written")
        while True:
            data = await line.reader.read(READ_BYTES)
            if not data:
                raise EOFError("the pump closed the line")
            for frame in line.frames.feed(data):
                if frame.number == self._number:
                    return decode_answer(frame)
            if line.frames.foreign_version is not None:
                raise WireError(f"the pump speaks version {line.frames.foreign_version}")

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
        return self._line

    def _drop(self) -> None:
        """Close the line at once, without waiting for what is still to be sent."""
        if self._line is not None:
            self._line.writer.transport.abort()
            self._line = None

    async def close(self) -> None:
        """Let go of the line, after the request in flight."""
        async with self._lock:
            self._drop()
