"""A meal recorded wrong: what the record, the totals of the day and an advice make of it."""

from typing import Any

import pytest

from core.record.daily_totals import DayBook
from core.record.provenance import Origin, explain
from schemas.bolus.advice import RecordCarbs, RequestAdvice
from schemas.bolus.orders import RecordInjection
from schemas.corrections import (
    CarbsCorrected,
    CorrectCarbs,
    CorrectDose,
    DoseCorrected,
    VoidReading,
)
from schemas.message import Event, Outcome
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    EventId,
    Grams,
    MilliUnits,
    Speaker,
    UtcMillis,
)
from schemas.wire import codec
from services.runtime.replay.lookup import Lookup, events_of
from services.runtime.replay.replay import known_by, replay
from support.simulated.fake_system import PUMP, FakeSystem

ADVISOR = "bolus_advisor"


INGEST = "glucose_ingest"


def now(system: FakeSystem) -> UtcMillis:
    return system.clock.now().therapy


def pen(system: FakeSystem, amount: int) -> DoseId:
    asked = RecordInjection(amount=MilliUnits(amount), given_at=now(system))
    return DoseId(system.ask(asked, to=ADVISOR).events[0])


def correct(system: FakeSystem, dose: str, amount: int, **fields: Any) -> Outcome:
    asked = CorrectDose(dose=DoseId(dose), amount=MilliUnits(amount), because="misread", **fields)
    return system.ask(asked, to=ADVISOR)


def eat(system: FakeSystem, grams: int) -> EventId:
    asked = RecordCarbs(grams=Grams(grams), eaten_at=now(system))
    return system.ask(asked, to=ADVISOR).events[0]


def correct_meal(system: FakeSystem, meal: str, grams: int, **fields: Any) -> Outcome:
    return system.ask(CorrectCarbs(carbs=EventId(meal), grams=Grams(grams), **fields), to=ADVISOR)


def void(system: FakeSystem, reading: str) -> Outcome:
    return system.ask(VoidReading(reading=EventId(reading), because="sugar"), to=INGEST)


def test_a_corrected_meal_counts_so(system: FakeSystem) -> None:
    """120 g were 12 g: carbohydrate on board, the view and the total follow."""
    system.glucose("150")
    meal = eat(system, 120)
    system.run(ms=30 * MINUTE_MS)
    assert correct_meal(system, meal, 12).accepted
    system.glucose("150")
    view = system.view(ADVISOR)

    assert 12 == view.carbs_total == view.last_carbs.grams
    assert view.forecast.carbs_on_board <= 12
    assert correct_meal(system, meal, 0).accepted
    assert (0, None) == (system.view(ADVISOR).carbs_total, system.view(ADVISOR).last_carbs)
    system.settle()
    assert () == system.state(INGEST).snapshot.meals


@pytest.mark.parametrize(
    ("grams", "at", "reason"),
    [
        (-1, None, "out_of_range"),
        (301, None, "out_of_range"),
        (30, HOUR_MS + 1, "time_out_of_range"),
        (30, -12 * HOUR_MS - 1, "time_out_of_range"),
        (45, None, "nothing_changed"),
    ],
)
def test_a_meal_that_cannot_be_is_refused(
    system: FakeSystem, grams: int, at: int | None, reason: str
) -> None:
    """One beyond each end."""
    meal = eat(system, 45)
    eaten_at = None if at is None else UtcMillis(now(system) + at)

    assert reason == correct_meal(system, meal, grams, eaten_at=eaten_at).reason
    assert "no_such_carbs" == correct_meal(system, "bolus_advisor:p1:9999", 30).reason
    system.run(ms=11 * HOUR_MS)
    assert "too_old" == correct_meal(system, meal, 30).reason


@pytest.mark.requirement("R93")
def test_the_record_has_both_and_each_instant_its_own(system: FakeSystem) -> None:
    """As known before the correction, and after it; live and replayed are the same."""
    dose = pen(system, 4_000)
    wrong = system.glucose("300").events[0]
    system.settle()
    before = now(system)
    system.run(ms=MINUTE_MS)
    void(system, wrong)
    correct(system, dose, 400)
    system.settle()
    advisor = system.services[Speaker(ADVISOR)].processor.decider

    then: Any = known_by(advisor, system.stores[Speaker(ADVISOR)], pump=PUMP, at=before)
    after: Any = known_by(advisor, system.stores[Speaker(ADVISOR)], pump=PUMP)
    ingest: Any = replay(system.stores[Speaker("historian")], pump=PUMP, at=before)[INGEST]
    assert 4_000 == then.insulin_on_board_most
    assert after.insulin_on_board_most <= 400
    assert 300 == ingest.glucose
    assert system.view(INGEST).glucose is None


def days(system: FakeSystem) -> list[tuple[str, int, int]]:
    book = DayBook(lambda at: "today" if at >= now(system) - DAY_MS else "before")
    for known in events_of(system.stores[Speaker("historian")], pump=PUMP):
        assert isinstance(known.body, Event)
        book.take(known.body, at=known.at, name=known.name)
    return [(day, one.pen, one.carbs) for day, one in sorted(book.days.items())]


def test_the_totals_of_a_day_follow(system: FakeSystem) -> None:
    """On the day on which it was given or eaten after all; of what was not added, nothing."""
    system.run(ms=DAY_MS)
    dose, meal = pen(system, 4_000), eat(system, 90)
    at = UtcMillis(now(system) - 2 * HOUR_MS)
    correct(system, dose, 400, given_at=at)
    correct_meal(system, meal, 9, eaten_at=at)
    system.settle()

    assert ("today", 400, 9) in days(system)
    assert all((0, 0) == one[1:] for one in days(system) if one[0] != "today")
    book = DayBook(lambda _: "today")
    said = [one for one in system.said(ADVISOR) if isinstance(one, DoseCorrected | CarbsCorrected)]
    for one in said:
        book.take(one, at=at)
    assert {} == book.days


def names_in(origin: Origin) -> set[str]:
    return {origin.name}.union(*(names_in(one) for one in origin.origins))


def test_an_advice_after_a_correction_is_explained_by_it(system: FakeSystem) -> None:
    """The tree of the advice has the dose and what corrected it; that of a correction, the dose."""
    dose = pen(system, 4_000)
    corrected = correct(system, dose, 400).events[0]
    advice = system.ask(RequestAdvice(carbs=Grams(20)), to=ADVISOR).events[0]
    system.settle()
    find = Lookup(system.stores[Speaker("historian")], pump=PUMP, journals=system.stores.get).find

    assert {dose, corrected} <= names_in(explain(advice, find))
    assert dose in names_in(explain(corrected, find))


def test_a_correction_of_a_meal_is_said_with_what_was(system: FakeSystem) -> None:
    """Who folds it needs no memory of the first word."""
    meal = eat(system, 45)
    at = UtcMillis(now(system) - HOUR_MS)
    said = codec.decode_event(correct_meal(system, meal, 30, eaten_at=at).said[0])

    assert isinstance(said, CarbsCorrected)
    assert (45, at + HOUR_MS, 30, at) == (said.was, said.was_eaten_at, said.grams, said.eaten_at)
