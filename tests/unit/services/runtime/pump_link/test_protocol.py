"""The pump's frames survive every way of cutting them, and broken bytes are never obeyed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.delivery.device import PlanStep, PumpOrder, PumpPlan
from schemas.units import DoseId, Milliseconds, MilliUnits, MilliUnitsPerHour, PumpId, UtcMillis
from services.runtime.pump_link.protocol import (
    ANSWER_KIND,
    PAYLOAD_BYTES_MAX,
    REQUEST_KIND,
    AnyRequest,
    Claim,
    Fill,
    Frame,
    FrameReader,
    LoadPlan,
    Read,
    Refused,
    Resume,
    StartBolus,
    StopBolus,
    Suspend,
    WireError,
    decode_answer,
    decode_request,
    encode_answer,
    encode_frame,
    encode_request,
)
from support.simulated.signed_orders import sign

PLAN = PumpPlan(
    plan="basal:demo:1",
    steps=(PlanStep(at=UtcMillis(0), rate=MilliUnitsPerHour(1_000)),),
    ends_at=UtcMillis(86_400_000),
)

ORDER = PumpOrder(
    pump=PumpId("demo"),
    dose=DoseId("bolus_advisor:demo:7"),
    amount=MilliUnits(1_200),
    challenge="c",
    not_after=Milliseconds(30_000),
)

REQUESTS: tuple[AnyRequest, ...] = (
    Claim(),
    Read(after=7),
    StartBolus(epoch=1, signed=sign(ORDER)),
    StopBolus(epoch=1, dose=DoseId("ºZ")),
    LoadPlan(epoch=1, plan=PLAN),
    Suspend(epoch=1),
    Suspend(epoch=1, until=UtcMillis(1_800_000_000_000)),
    Resume(epoch=1),
    Fill(epoch=1, amount=MilliUnits(200_000)),
)

FRAMES = st.lists(
    st.builds(Frame, st.sampled_from((1, 2)), st.integers(0, 65_535), st.binary(max_size=60)),
    max_size=5,
)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_each_request_comes_back_as_it_was_sent(request_: AnyRequest) -> None:
    """What the motor does must be what was asked."""
    (frame,) = FrameReader().feed(encode_request(request_, number=65_535))

    assert request_ == decode_request(frame)
    assert frame.number == 65_535


@given(FRAMES, st.lists(st.integers(0, 500), max_size=20))
def test_any_cutting_of_the_stream_gives_the_same_frames(
    frames: list[Frame], cuts: list[int]
) -> None:
    """A stream has no borders of its own."""
    stream = b"".join(encode_frame(frame) for frame in frames)
    reader, found, start = FrameReader(), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        found += reader.feed(stream[start:cut])
        start = max(start, min(cut, len(stream)))

    assert frames == found
    assert reader.dropped_bytes == 0


@pytest.mark.requirement("R41")
@given(FRAMES.filter(bool), st.data())
def test_one_broken_byte_never_yields_a_wrong_frame(
    frames: list[Frame], data: st.DataObject
) -> None:
    """A bolus whose amount was broken on the line is lost, not given."""
    stream = bytearray(b"".join(encode_frame(frame) for frame in frames))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= data.draw(st.integers(1, 255))

    found = FrameReader().feed(bytes(stream))

    remaining = iter(frames)
    assert all(frame in remaining for frame in found)
    assert len(found) < len(frames)


@given(st.binary(max_size=300), FRAMES)
def test_after_garbage_the_reader_takes_up_again(garbage: bytes, frames: list[Frame]) -> None:
    """A line that was disturbed once must not stay deaf."""
    garbage = garbage.replace(b"\xba", b"")
    reader = FrameReader()

    found = reader.feed(garbage + b"".join(encode_frame(frame) for frame in frames))

    assert frames == found
    assert reader.dropped_bytes == len(garbage)


@pytest.mark.requirement("R41")
@given(st.lists(st.binary(max_size=200), max_size=10))
def test_random_bytes_neither_raise_nor_pile_up(chunks: list[bytes]) -> None:
    """Whatever a caller sends, the pump goes on."""
    reader = FrameReader()

    assert [] == [frame for chunk in chunks for frame in reader.feed(b"\xba\x5a" + chunk)]


def test_a_frame_of_another_version_is_told_from_garbage() -> None:
    """'Wrong version' is something that a person can act upon."""
    reader = FrameReader()
    later = encode_frame(Frame(REQUEST_KIND, 1, b"{}"), version=9)

    found = reader.feed(later + encode_request(Claim(), number=2))

    assert [2] == [frame.number for frame in found]
    assert reader.foreign_version == 9


def test_a_length_beyond_the_limit_is_garbage_at_once() -> None:
    """Else one broken length would make the reader wait for gigabytes."""
    head = b"\xba\x5a\x01\x01\x00\x01" + (PAYLOAD_BYTES_MAX + 1).to_bytes(4, "big")

    found = FrameReader().feed(head + encode_request(Claim(), number=2))

    assert [2] == [frame.number for frame in found]
    with pytest.raises(WireError, match="at most"):
        encode_frame(Frame(REQUEST_KIND, 1, bytes(PAYLOAD_BYTES_MAX + 1)))


@pytest.mark.requirement("R41")
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"ask":"prime"}',
        b'{"ask":"fill","epoch":1,"amount":1.5}',
        b'{"ask":"fill","amount":1000}',
        b'{"ask":"start_bolus","epoch":1,"dose":null,"amount":50}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_payload_that_is_no_request_is_refused(payload: bytes) -> None:
    """The checksum says that it arrived, not that it makes sense."""
    with pytest.raises(WireError):
        decode_request(Frame(REQUEST_KIND, 1, payload))


def test_an_answer_is_no_request_and_the_other_way_round() -> None:
    """An echo on the line must not be obeyed."""
    (answer,) = FrameReader().feed(encode_answer(Refused(reason="suspended"), number=1))
    (request,) = FrameReader().feed(encode_request(Claim(), number=1))

    assert Refused(reason="suspended") == decode_answer(answer)
    assert answer.kind == ANSWER_KIND
    with pytest.raises(WireError, match="kind"):
        decode_request(answer)
    with pytest.raises(WireError, match="kind"):
        decode_answer(request)
