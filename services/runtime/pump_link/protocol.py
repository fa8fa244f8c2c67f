"""The pump's byte protocol without input or output: frames, checksums, requests and answers.

A frame is magic (2 bytes), version (1), kind (1), request number (2), payload length (4), payload,
CRC-32 of all before it (4); numbers are big-endian. Every version keeps this outer shape. The
checksum finds broken bytes; it proves nothing about who sent them.
"""

import struct
import zlib
from typing import Literal, NamedTuple, TypeVar

import msgspec

from schemas.delivery.device import PumpPlan, PumpReading, PumpStatus, SignedOrder
from schemas.units import DoseId, MilliUnits, UtcMillis
from services.runtime.platform.errors import BasaltError

MAGIC = b"\xba\x5a"
"""[-] the first two bytes of each frame."""

WIRE_VERSION = 2
"""[-] 0 to 255; what is inside the frame."""

PAYLOAD_BYTES_MAX = 256 * 1024
"""[B] a longer payload is taken for garbage."""

REQUEST_KIND = 1
"""[-] kind of a frame to the pump."""

ANSWER_KIND = 2
"""[-] kind of a frame from the pump."""

NUMBER_MAX = 0xFFFF
"""[-] request numbers run from 0 to here and begin anew."""

_T = TypeVar("_T")
_HEADER = struct.Struct(">2sBBHI")
_CHECKSUM = struct.Struct(">I")


class WireError(BasaltError):
    """A frame came whole, but what it says is not of this protocol."""


class Frame(NamedTuple):
    """One whole frame whose checksum is right."""

    kind: int
    """[-] REQUEST_KIND or ANSWER_KIND."""
    number: int
    """[-] 0 to 65535; an answer bears the number of its request."""
    payload: bytes
    """[B] 0 to 262144."""


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="ask"):
    """Something asked of the pump."""


class Order(Request, frozen=True, kw_only=True):
    """A request that changes something, obeyed only from the controller that drives the pump."""

    epoch: int
    """[-] the epoch that the controller got by its claim."""


class Claim(Request, frozen=True, kw_only=True, tag="claim"):
    """Raise the epoch and make the sender the controller."""

    by: str = ""
    """[-] the sender's name, drawn by lot: it knows its claim by it when the answer is lost."""


class Read(Request, frozen=True, kw_only=True, tag="read"):
    """Tell the registers and a page of history."""

    after: int
    """[-] history numbered after this, 0 for all."""


class StartBolus(Order, frozen=True, kw_only=True, tag="start_bolus"):
    """Start a bolus."""

    signed: SignedOrder
    """[-] executed once, if the pump authenticates it."""


class StopBolus(Order, frozen=True, kw_only=True, tag="stop_bolus"):
    """Stop a bolus."""

    dose: DoseId
    """[-] the one to stop, no other."""


class LoadPlan(Order, frozen=True, kw_only=True, tag="load_plan"):
    """Replace the basal plan."""

    plan: PumpPlan
    """[-] the new one."""


class Suspend(Order, frozen=True, kw_only=True, tag="suspend"):
    """Stop all insulin."""

    until: UtcMillis | None = None
    """[ms] when the pump resumes by itself; none for never."""


class Resume(Order, frozen=True, kw_only=True, tag="resume"):
    """Deliver basal again."""


class Fill(Order, frozen=True, kw_only=True, tag="fill"):
    """Tell of a new reservoir."""

    amount: MilliUnits
    """[mU] what it holds."""


class Prime(Order, frozen=True, kw_only=True, tag="prime"):
    """Fill tube or cannula."""

    amount: MilliUnits
    """[mU] whole pulses."""
    what: Literal["tube", "cannula"]
    """[-] which."""


class ClearFault(Order, frozen=True, kw_only=True, tag="clear_fault"):
    """Somebody has mended what stopped the motor."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="answer"):
    """What the pump says to one request."""


class Answered(Answer, frozen=True, kw_only=True, tag="answered"):
    """Done, and in the pump's memory."""

    status: PumpStatus
    """[-] the registers after it."""


class ReadAnswered(Answer, frozen=True, kw_only=True, tag="read_answered"):
    """The registers and history asked for."""

    reading: PumpReading
    """[-] at most one page."""


class Refused(Answer, frozen=True, kw_only=True, tag="refused"):
    """Not done."""

    reason: str
    """[-] why."""


class Superseded(Answer, frozen=True, kw_only=True, tag="superseded"):
    """Not done: a controller with a higher epoch drives the pump."""

    epoch: int
    """[-] the one that drives."""


AnyRequest = (
    Claim | Read | StartBolus | StopBolus | LoadPlan | Suspend | Resume | Fill | Prime | ClearFault
)
AnyAnswer = Answered | ReadAnswered | Refused | Superseded

_REQUESTS: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_ANSWERS: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)


def encode_frame(frame: Frame, *, version: int = WIRE_VERSION) -> bytes:
    """Write a frame as bytes.

    Raises:
        WireError: the payload is longer than PAYLOAD_BYTES_MAX.
    """
    if len(frame.payload) > PAYLOAD_BYTES_MAX:
        raise WireError(f"payload of {len(frame.payload)} bytes, at most {PAYLOAD_BYTES_MAX}")
    head = _HEADER.pack(MAGIC, version, frame.kind, frame.number, len(frame.payload))
    body = head + frame.payload
    return body + _CHECKSUM.pack(zlib.crc32(body))


def encode_request(request: AnyRequest, *, number: int) -> bytes:
    """Write a request as a frame with its number [-, 0 to 65535]."""
    return encode_frame(Frame(REQUEST_KIND, number, msgspec.json.encode(request)))


def encode_answer(answer: AnyAnswer, *, number: int) -> bytes:
    """Write an answer as a frame with the number of its request [-, 0 to 65535]."""
    return encode_frame(Frame(ANSWER_KIND, number, msgspec.json.encode(answer)))


def decode_request(frame: Frame) -> AnyRequest:
    """Read a request out of its frame.

    Raises:
        WireError: the frame is no request or its payload is not one of ours.
    """
    return _decode(frame, kind=REQUEST_KIND, decoder=_REQUESTS)


def decode_answer(frame: Frame) -> AnyAnswer:
    """Read an answer out of its frame.

    Raises:
        WireError: the frame is no answer or its payload is not one of ours.
    """
    return _decode(frame, kind=ANSWER_KIND, decoder=_ANSWERS)


class FrameReader:
    """Finds frames in a stream of bytes and takes up again at the next magic after garbage."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._buffer = bytearray()
        self.dropped_bytes = 0
        """[B] bytes that were part of no frame."""
        self.foreign_version: int | None = None
        """[-] version of the last whole frame of another version; it was dropped."""

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes in and hand out the frames that are complete, in order."""
        self._buffer += data
        frames: list[Frame] = []
        while self._seek():
            _, version, kind, number, length = _HEADER.unpack_from(self._buffer)
            if length > PAYLOAD_BYTES_MAX:
                self._drop(len(MAGIC))
                continue
            end = _HEADER.size + length
            if len(self._buffer) < end + _CHECKSUM.size:
                break
            (checksum,) = _CHECKSUM.unpack_from(self._buffer, end)
            if checksum != zlib.crc32(memoryview(self._buffer)[:end]):
                self._drop(len(MAGIC))
            elif version != WIRE_VERSION:
                self.foreign_version = version
                self._drop(end + _CHECKSUM.size)
            else:
                frames.append(Frame(kind, number, bytes(self._buffer[_HEADER.size : end])))
                del self._buffer[: end + _CHECKSUM.size]
        return frames

    def _seek(self) -> bool:
        """Drop what stands before the next magic and tell whether a whole header follows."""
        at = self._buffer.find(MAGIC)
        if at < 0:
            at = len(self._buffer) - self._buffer.endswith(MAGIC[:1])
        self._drop(at)
        return len(self._buffer) >= _HEADER.size

    def _drop(self, count: int) -> None:
        self.dropped_bytes += count
        del self._buffer[:count]


def _decode(frame: Frame, *, kind: int, decoder: msgspec.json.Decoder[_T]) -> _T:
    """Read a payload of the expected kind."""
    if frame.kind != kind:
        raise WireError(f"frame of kind {frame.kind}, expected {kind}")
    try:
        return decoder.decode(frame.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"payload not understood: {error}") from error
