"""Each reason code has a sentence, and no sentence lacks its code."""

import typing
from typing import Any

import pytest

from core.dosing.order_protocol.authentication import LineFlaw
from schemas.basal.profiles import TemporaryRateRefused
from schemas.bolus.advice import AdviceRefused
from schemas.bolus.orders import OrderRefused
from schemas.message import Event, tag_of
from schemas.units import MilliUnits
from schemas.wire import codec
from services.command_line.output.event_messages import refused
from services.command_line.output.reason_messages import OF_ANY, OF_ONE, in_words

FIELDS = ("reason", "reasons", "outcome", "fault", "confirm")


def _codes(hint: object) -> tuple[str, ...]:
    if typing.get_origin(hint) is typing.Literal:
        return tuple(str(code) for code in typing.get_args(hint))
    return tuple(code for inner in typing.get_args(hint) for code in _codes(inner))


REASONS = [
    (tag_of(kind), code)
    for kind in (*codec.EVENT_KINDS, *codec.REPORT_KINDS)
    for field, hint in typing.get_type_hints(kind).items()
    if field in FIELDS
    for code in _codes(hint)
]


@pytest.mark.parametrize(("tag", "code"), REASONS)
def test_each_reason_has_a_sentence(tag: str, code: str) -> None:
    """Somebody who is refused insulin must understand why."""
    assert code in OF_ANY or (tag, code) in OF_ONE
    assert " " in in_words(code, tag=tag)


def test_each_sentence_has_a_reason() -> None:
    """A sentence that nobody can ever read is a reason that was renamed."""
    codes = {code for _, code in REASONS} | set(_codes(LineFlaw))

    assert set() == set(OF_ANY) - codes
    assert set() == set(OF_ONE) - set(REASONS)


def test_a_text_that_is_no_code_stays_as_it_is() -> None:
    """A pump may give words of its own."""
    assert "motor jammed" == in_words("motor jammed")


@pytest.mark.parametrize(
    ("reason", "limit", "end"),
    [
        ("single_limit", 800, "for one bolus; 0.8 U may be given now"),
        ("pump_maximum", 25_000, "of the pump model, 25 U"),
        ("pump_step", 1_000, "are coarser; the next below is 1 U"),
    ],
)
def test_what_the_pump_model_could_give_is_not_what_may_be_given(
    reason: Any, limit: int, end: str
) -> None:
    """A person who then asks for it would be refused by the limit for one bolus."""
    said = refused(OrderRefused(amount=30_000, reason=reason, limit=MilliUnits(limit)))

    assert said.endswith(end)


@pytest.mark.parametrize(
    "event",
    [
        OrderRefused(amount=1_000, reason="duration_out_of_range", takes="it spreads over an hour"),
        AdviceRefused(carbs=20, reason="duration_out_of_range", takes="it spreads over an hour"),
        TemporaryRateRefused(reason="pump_model_duration", takes="it spreads over an hour"),
    ],
)
def test_whoever_is_refused_by_the_pump_model_reads_what_it_takes(event: Event) -> None:
    """Guessing again and again is no way to find it out."""
    assert refused(event).endswith("; it spreads over an hour")
