"""Redacted events name nobody and nothing, and are still events that tell the same story."""

from typing import Any

import msgspec
import pytest

from core.record.redaction import Redaction
from schemas.bolus.advice import AdviceTerm
from schemas.message import Event, WholeEnvelope, tag_of
from schemas.units import DAY_MS, EventId, Milliseconds, MilliUnits, PumpId, UtcMillis
from schemas.wire import codec
from services.command_line.system.schema_export.examples import INSTANT, example

SHIFT = Milliseconds(-91 * DAY_MS)


def redaction() -> Redaction:
    return Redaction(pump=PumpId("p1"), alias=PumpId("pump-1"), shift=SHIFT)


def whole(event: Event, number: int = 1) -> WholeEnvelope:
    return WholeEnvelope(
        id=EventId(f"actuator:p1:{number}"),
        at=INSTANT,
        recorded_at=UtcMillis(INSTANT + 5),
        cause="report:7",
        previous="abc",
        event=event,
    )


@pytest.mark.parametrize("kind", codec.EVENT_KINDS, ids=tag_of)
def test_each_event_is_redacted_and_stays_an_event(kind: Any) -> None:
    """Its instants move alike, nobody is named, and it reads back."""
    event: Any = example(kind)
    found = redaction().event(whole(event))
    text = codec.encode(found)
    assert codec.decode_whole(text).event == found.event
    for name in (b'"p1"', b":p1:", b"person:anna", b"in words", b"meter 7"):
        assert name not in text, name
    assert str(INSTANT).encode() not in text
    shifted = str(INSTANT + SHIFT).encode()
    assert text.count(shifted) == codec.encode(whole(event)).count(str(INSTANT).encode())


def test_the_outside_moves_along_and_what_chains_it_stays() -> None:
    found = redaction().event(whole(_said("person:anna")))
    assert (found.id, found.at, found.recorded_at, found.cause, found.previous) == (
        "actuator:pump-1:1",
        INSTANT + SHIFT,
        INSTANT + 5 + SHIFT,
        "report:7",
        "abc",
    )


def _said(actor: str) -> Event:
    kind: Any = next(one for one in codec.EVENT_KINDS if "actor" in one.__struct_fields__)
    event: Any = msgspec.structs.replace(example(kind), actor=actor)
    said: Event = event
    return said


def test_one_name_is_always_the_same_other_one() -> None:
    """Else nobody could follow who did what."""
    made = redaction()
    actors = ["person:anna", "person:ben", "program:loop", "person:anna"]
    found: list[Any] = [made.event(whole(_said(actor))).event for actor in actors]
    names = [one.actor for one in found]
    assert names[0] == names[3] != names[1]
    assert [name.partition(":")[0] for name in names] == ["person", "person", "program", "person"]


def test_the_pump_is_called_otherwise_wherever_it_stands() -> None:
    """By itself too, and another pump by another name."""
    made = redaction()
    found: list[Any] = [made.event(whole(_said(actor))).event for actor in ("p1", "actuator:p2:7")]
    assert found[0].actor == "pump-1"
    assert "p2" not in found[1].actor


def test_the_terms_of_an_advice_are_still_called_by_their_names() -> None:
    """They are nobody's, and without them no advice can be followed."""
    advised = next(kind for kind in codec.EVENT_KINDS if tag_of(kind) == "bolus_advised.v1")
    terms = (AdviceTerm(name="meal", amount=MilliUnits(100)),)
    event: Any = msgspec.structs.replace(example(advised), terms=terms)
    found: Any = redaction().event(whole(event)).event
    assert [one.name for one in found.terms] == [one.name for one in event.terms]


def test_a_kind_of_value_that_is_new_is_not_let_through() -> None:
    """Whoever adds one decides what is shared of it."""

    class Odd(Event, frozen=True, kw_only=True, tag="odd.v1"):
        """Something with a map."""

        names: dict[str, str]
        """[-] by name."""

    with pytest.raises(TypeError, match="names"):
        redaction().event(whole(Odd(names={"anna": "ben"})))
