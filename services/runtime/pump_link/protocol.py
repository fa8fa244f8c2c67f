"""The pump's byte protocol without input or output: frames, checksums, requests and answers.

A frame is magic (2 bytes), version (1), kind (1), request number (2), payload length (4), payload,
CRC-32 of all before it (4); numbers are big-endian. Every version keeps this outer shape. The
checksum finds broken bytes; who sent a frame, its payload proves (`line_proof.py`).
"""

import struct
import zlib
from typing import Literal, NamedTuple, TypeVar

import msgspec

from schemas.delivery.device import PumpPlan, PumpReading, PumpStatus, SignedOrder
from schemas.units import DoseId, MilliUnits, MilliUnitsPerHour, PumpId, UtcMillis
from services.runtime.platform.errors import BasaltError
from services.runtime.pump_link.line_proof import FrameRefused, LineProof

MAGIC = b"\xba\x5a"
"""[-] the first two bytes of each frame."""

WIRE_VERSION = 3
"""[-] 0 to 255; what is inside the frame."""

PAYLOAD_BYTES_MAX = 256 * 1024
"""[B] a longer payload is taken for garbage."""

REQUEST_KIND = 1
"""[-] kind of a frame to the pump."""

ANSWER_KIND = 2
"""[-] kind of a frame from the pump."""

PROVEN_REQUEST_KIND = 3
"""[-] kind of a frame to the pump whose payload is sealed."""

PROVEN_ANSWER_KIND = 4
"""[-] kind of a frame from the pump whose payload is sealed."""

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
    """[-] REQUEST_KIND, ANSWER_KIND, or one of them proven."""
    number: int
    """[-] 0 to 65535; an answer bears the number of its request."""
    payload: bytes
    """[B] 0 to 262144."""


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="ask"):
    """Something asked of the pump."""


class Greet(Request, frozen=True, kw_only=True, tag="greet"):
    """Begin to prove what is sent on this connection."""

    nonce: str
    """[-] the controller's, hex."""


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


class LimitBasal(Order, frozen=True, kw_only=True, tag="limit_basal"):
    """Hold a maximum basal rate."""

    rate: MilliUnitsPerHour
    """[mU/h] plans above it are refused."""


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


class Greeted(Answer, frozen=True, kw_only=True, tag="greeted"):
    """From now on what is sealed with both nonces is taken."""

    nonce: str
    """[-] the pump's, hex."""
    pump: PumpId
    """[-] which pump this says it is."""


class Refused(Answer, frozen=True, kw_only=True, tag="refused"):
    """Not done."""

    reason: str
    """[-] why."""


class Superseded(Answer, frozen=True, kw_only=True, tag="superseded"):
    """Not done: a controller with a higher epoch drives the pump."""

    epoch: int
    """[-] the one that drives."""


AnyRequest = (
    Claim
    | Read
    | StartBolus
    | StopBolus
    | LoadPlan
    | LimitBasal
    | Suspend
    | Resume
    | Fill
    | Prime
    | ClearFault
)
AnyAnswer = Answered | ReadAnswered | Refused | Superseded

LineRequest = AnyRequest | Greet
"""[-] what comes over a line: all that a pump is asked, and what proves who asks."""

LineAnswer = AnyAnswer | Greeted

_REQUESTS: msgspec.json.Decoder[LineRequest] = msgspec.json.Decoder(LineRequest)
_ANSWERS: msgspec.json.Decoder[LineAnswer] = msgspec.json.Decoder(LineAnswer)


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


def encode_request(request: LineRequest, *, number: int, proof: LineProof | None = None) -> bytes:
    """Write a request as a frame with its number [-, 0 to 65535], sealed where there is a proof."""
    body = msgspec.json.encode(request)
    if proof is None:
        return encode_frame(Frame(REQUEST_KIND, number, body))
    return encode_frame(Frame(PROVEN_REQUEST_KIND, number, proof.seal(body, number=number)))


def encode_answer(answer: LineAnswer, *, number: int, proof: LineProof | None = None) -> bytes:
    """Write an answer as a frame with the number of its request, sealed where there is a proof."""
    body = msgspec.json.encode(answer)
    if proof is None:
        return encode_frame(Frame(ANSWER_KIND, number, body))
    return encode_frame(Frame(PROVEN_ANSWER_KIND, number, proof.seal(body, number=number)))


def decode_request(frame: Frame, *, proof: LineProof | None = None) -> LineRequest:
    """Read a request out of its frame, a sealed one if there is a proof.

    Raises:
        WireError: the frame is no request or its payload is not one of ours.
        FrameRefused: it proves not what it must.
    """
    kinds = (REQUEST_KIND, PROVEN_REQUEST_KIND)
    return _decode(frame, kinds=kinds, proof=proof, decoder=_REQUESTS)


def decode_answer(frame: Frame, *, proof: LineProof | None = None) -> LineAnswer:
    """Read an answer out of its frame, a sealed one if there is a proof.

    Raises:
        WireError: the frame is no answer or its payload is not one of ours.
        FrameRefused: it proves not what it must.
    """
    kinds = (ANSWER_KIND, PROVEN_ANSWER_KIND)
    return _decode(frame, kinds=kinds, proof=proof, decoder=_ANSWERS)


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


def _decode(
    frame: Frame,
    *,
    kinds: tuple[int, int],
    proof: LineProof | None,
    decoder: msgspec.json.Decoder[_T],
) -> _T:
    """Read a payload of the first kind, or a sealed one of the second."""
    open_kind, proven_kind = kinds
    if frame.kind not in kinds:
        raise WireError(f"frame of kind {frame.kind}, expected {open_kind}")
    if (frame.kind == proven_kind) != (proof is not None):
        raise FrameRefused("unproven")
    body = frame.payload if proof is None else proof.open(frame.payload, number=frame.number)
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"payload not understood: {error}") from error
