"""Events in words: said once for the screen, for answers and for the history."""

import re
from typing import Any

import msgspec
import pytest

from core.record.event_sentences import advice_terms, sentence
from schemas.alarms import AlarmRaised
from schemas.basal.plans import BasalPlanAccepted, BasalPlanRefused
from schemas.basal.profiles import BasalPlanMade, TemporaryRateEnded, TemporaryRateStarted
from schemas.bolus.advice import BolusAdvised
from schemas.bolus.orders import BolusOrdered
from schemas.delivery.delivery import BolusStartRequested
from schemas.delivery.pump import PumpClockRead
from schemas.glucose import GlucoseMeasured
from schemas.message import Event, tag_of
from schemas.record import ProcessReported
from schemas.units import Milliseconds, MilliUnits, MilliUnitsPerHour, UtcMillis
from schemas.wire.codec import EVENT_KINDS
from schemas.wire.headers import iso_time
from services.command_line.system.schema_export.examples import example

CODE = re.compile(r"\b\d{4,}\b|\bmU\b|_|\{|\}")
"""[-] what no person should read: milliunits, milliseconds, codes, the text of a struct."""


def said(event: Any) -> str:
    return sentence(event, clock=iso_time)


def made(kind: type[Any], **changes: Any) -> Any:
    return msgspec.structs.replace(example(kind), **changes)


@pytest.mark.parametrize("kind", EVENT_KINDS, ids=tag_of)
def test_what_a_person_reads_is_in_units_and_words(kind: type[Event]) -> None:
    """A code or a number of milliunits on a screen is misread."""
    text = said(example(kind))
    words = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "", text)

    for value in msgspec.to_builtins(example(kind)).values():
        words = words.replace(str(value), "") if isinstance(value, str) else words
    assert not CODE.search(words), text


@pytest.mark.parametrize("text", ["1500 mU", "2.0 U at 1489587015478", "out_of_range"])
def test_a_number_or_code_that_no_person_should_read_is_found(text: str) -> None:
    """A check that never fails checks nothing."""
    assert CODE.search(text)


@pytest.mark.parametrize(
    ("event", "part"),
    [
        (made(BolusOrdered, amount=MilliUnits(2_000), duration=Milliseconds(0)), "2.00 U ordered"),
        (made(BolusOrdered, duration=Milliseconds(7_200_000)), "over 120 min"),
        (made(GlucoseMeasured, unit="mmol/L", received="5.6"), "(5.6 mmol/L)"),
        (made(GlucoseMeasured, unit="mg/dL", device="by hand"), "mg/dL (by hand)"),
        (made(GlucoseMeasured, device="", source="meter"), "(meter)"),
        (made(TemporaryRateStarted, percent=80, rate=None), "80 % of the profile"),
        (made(TemporaryRateStarted, percent=None, rate=MilliUnitsPerHour(500)), "0.50 U/h"),
        (made(TemporaryRateEnded, reason="superseded"), "another temporary rate took its place"),
        (made(PumpClockRead, ahead=Milliseconds(120_000)), "2 min ahead"),
        (made(PumpClockRead, ahead=Milliseconds(-120_000)), "2 min behind"),
        (made(BasalPlanAccepted, capped=True), "cut to the largest basal rate"),
        (made(BasalPlanAccepted, capped=False), "goes to the pump"),
        (made(BasalPlanRefused, reason="pump_not_heard"), "as soon as that is read"),
        (made(BasalPlanMade, ends_at=UtcMillis(0)), "until 1970-01-01T00:00:00.000Z"),
        (made(ProcessReported, why="it hung"), ": it hung"),
        (made(ProcessReported, why=""), "is "),
        (made(AlarmRaised, priority="high"), "ALARM (high)"),
    ],
    ids=lambda one: tag_of(type(one)) if isinstance(one, Event) else str(one),
)
def test_a_sentence_says_what_its_event_says(event: Event, part: str) -> None:
    """The same event reads alike on the screen, in the answer and in the history."""
    assert part in said(event)


def test_an_intent_is_told_by_nobody_as_a_fact() -> None:
    """The screen shows the first pulse, not the wish for it."""
    assert "" == said(example(BolusStartRequested))
    assert "" == said(made(BasalPlanRefused, reason="superseded"))


def test_an_advice_is_told_term_by_term() -> None:
    """Whoever cannot follow a number cannot doubt it."""
    whole = made(BolusAdvised, glucose=None, later=MilliUnits(500), reasons=())
    bare = made(BolusAdvised, later=MilliUnits(0), clamps=(), reasons=("carbs_only",))

    assert ("later", "0.50 U") in advice_terms(whole)
    assert "no fresh glucose" in dict(advice_terms(whole))["correction"]
    assert "because" not in dict(advice_terms(whole))
    assert {"food", "correction", "on board", "because"} >= {
        name.split(" ")[0] if name.startswith("food") else name for name, _ in advice_terms(bare)
    }
