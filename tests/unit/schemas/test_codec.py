"""The vocabulary on the wire: equal structs, equal bytes, for ever."""

from typing import Any

import msgspec
import pytest

from schemas.delivery.delivery import BasalDelivered, BolusProgressed
from schemas.glucose import GlucoseMeasured, RecordReading
from schemas.message import event_id, parse_event_id, tag_of
from schemas.units import DoseId, MgDl, MilliUnits, PumpId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.subjects import event_subject, is_reply_inbox, is_token, parse_subject
from schemas.wire.upcasts import UPCASTS, Upcast
from support.repository import DATA

TAGS = DATA / "tags-0.1.0.txt"

MEASURED = GlucoseMeasured(
    measured_at=UtcMillis(1_700_000_000_000),
    glucose=MgDl(123),
    source="sensor",
    unit="mg/dL",
    received="123",
)


def test_an_event_has_one_spelling() -> None:
    """Hashes are over these bytes: a field's order or a default must never move."""
    expected = (
        b'{"type":"glucose_measured.v1","measured_at":1700000000000,"glucose":123,'
        b'"source":"sensor","unit":"mg/dL","received":"123"}'
    )

    assert expected == codec.encode(MEASURED)
    assert MEASURED == codec.decode_event(expected)


def test_a_released_tag_is_never_removed() -> None:
    """The record of yesterday is read by the code of tomorrow."""
    kinds = (*codec.EVENT_KINDS, *codec.COMMAND_KINDS, *codec.REPORT_KINDS)
    known = {tag_of(kind) for kind in kinds}

    assert set(TAGS.read_text().split()) <= known | set(UPCASTS)


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"never_heard.v1"}',
        b'{"type":"glucose_measured.v1","glucose":"many"}',
        b'{"type":"glucose_measured.v1","measured_at":1,"glucose":5.0,"source":"sensor",'
        b'"unit":"mg/dL","received":"5"}',
        b'{"type":"glucose_measured.v1","measured_at":1,"glucose":9,"source":"sensor",'
        b'"unit":"mg/dL","received":"9"}',
        b"{}",
        b"[]",
        b"\xff",
    ],
)
def test_what_cannot_be_is_not_decoded(data: bytes) -> None:
    """Unknown, wrong, out of range: an error that is caught, never a guess."""
    with pytest.raises(codec.DECODE_ERRORS):
        codec.decode_event(data)


@pytest.mark.parametrize(
    "make",
    [
        lambda: msgspec.structs.replace(MEASURED, glucose=MgDl(9)),
        lambda: BasalDelivered(
            starts_at=UtcMillis(0),
            ends_at=UtcMillis(0),
            amount=MilliUnits(-50),
            odometer=MilliUnits(0),
            history_sequence=1,
        ),
        lambda: BolusProgressed(
            dose=DoseId("d"),
            starts_at=UtcMillis(0),
            ends_at=UtcMillis(0),
            amount=MilliUnits(100),
            delivered=MilliUnits(50),
            odometer=MilliUnits(0),
            history_sequence=1,
        ),
    ],
)
@pytest.mark.requirement("R38")
def test_an_event_out_of_range_cannot_be_made(make: Any) -> None:
    """Our own code is checked as foreign bytes are: delivered is never negative."""
    with pytest.raises(ValueError, match="is|part"):
        make()


def test_an_unknown_field_of_a_newer_release_is_read_over() -> None:
    """A newer writer may add a field; the bytes are kept, the rest is understood."""
    newer = codec.encode(MEASURED)[:-1] + b',"mood":"good"}'

    assert MEASURED == codec.decode_event(newer)


def test_old_events_are_brought_up_step_by_step() -> None:
    """v1 to v2 to v3, each step a function of its own."""
    steps = {
        "meal.v1": Upcast("meal.v2", lambda old: {"grams": old["g"]}),
        "meal.v2": Upcast("meal.v3", lambda old: {**old, "fat": 0}),
    }

    brought = codec.upcast(b'{"type":"meal.v1","g":40}', steps=steps)

    assert {"type": "meal.v3", "grams": 40, "fat": 0} == brought
    assert codec.upcast(b'{"type":"meal.v3"}', steps=steps) is None


def test_upcasts_that_lead_nowhere_are_found() -> None:
    """A circle of upcasts must not hang a replay."""
    with pytest.raises(ValueError, match="upcasts"):
        codec.upcast(b'{"type":"a.v1"}', steps={"a.v1": Upcast("a.v1", lambda old: old)})


def test_a_command_is_not_an_event() -> None:
    """Nobody can smuggle a command into the record as something that happened."""
    command = RecordReading(measured_at=UtcMillis(1), source="meter", unit="mg/dL", received="100")

    with pytest.raises(codec.DECODE_ERRORS):
        codec.decode_event(codec.encode(command))


@pytest.mark.parametrize("text", ["a:b", "a:b:0", "a:b:01", "a:b:-1", "a:b:x", "a:b:\u0661", ""])
def test_an_event_id_is_read_one_way(text: str) -> None:
    """Versions count from one, in ASCII digits."""
    with pytest.raises(ValueError):
        parse_event_id(text)


def test_ids_and_subjects_are_read_as_they_are_written() -> None:
    """Write, read, write."""
    me, pump = Speaker("actuator"), PumpId("p1")
    name = event_id(speaker=me, pump=pump, version=7)
    parts = parse_subject(event_subject(pump=pump, speaker=me, name="x"))

    assert (me, pump, 7) == parse_event_id(name)
    assert (pump, "event", me, "x") == (parts.pump, parts.kind, parts.service, parts.name)


@pytest.mark.parametrize("text", ["", "A", "a.b", "a*", ">", "p" * 33, "é"])
def test_a_pump_id_is_one_token(text: str) -> None:
    """A pump named '*' would be every pump."""
    assert not is_token(text)


@pytest.mark.parametrize("text", ["basalt_reply.a", "basalt_reply.a.b.c", "basalt_reply.*.b", "x"])
def test_a_reply_inbox_is_two_tokens(text: str) -> None:
    """Anything else could be a subject that a service may publish and a client may not."""
    assert not is_reply_inbox(text)
    assert is_reply_inbox("basalt_reply.a.b")
