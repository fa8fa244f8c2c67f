"""What was recorded wrong is said to be wrong: never overwritten, counted no more from then on."""

from typing import Any

import pytest

import core.deciders.bolus.decider
import core.deciders.bolus.events
import core.deciders.bolus.staleness
import core.deciders.glucose.events
import core.dosing.insulin_account.dose_account_events
from core.dosing.glucose_history.retained_readings import RetainedReadings
from core.dosing.insulin_account.dose_account import BolusPart
from schemas.bolus.advice import AcceptAdvice, BolusAdvised, RecordCarbs, RequestAdvice
from schemas.bolus.orders import BolusOrdered, OrderBolus, RecordInjection
from schemas.corrections import (
    CorrectCarbs,
    CorrectDose,
    DoseCorrected,
    ReadingVoided,
    VoidReading,
)
from schemas.glucose import GlucoseMeasured, RecordReading
from schemas.message import Command, Outcome
from schemas.units import (
    DAY_MS,
    MINUTE_MS,
    DoseId,
    EventId,
    Grams,
    MilliUnits,
    UtcMillis,
)
from schemas.wire import codec
from support.simulated.fake_system import FakeSystem
from support.simulated.mutant_pairs import Check, Patch, Weaken, is_caught

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


def void(system: FakeSystem, reading: str) -> Outcome:
    return system.ask(VoidReading(reading=EventId(reading), because="sugar"), to=INGEST)


def advised(system: FakeSystem) -> BolusAdvised:
    outcome = system.ask(RequestAdvice(carbs=Grams(0)), to=ADVISOR)
    found = codec.decode_event(outcome.said[0])
    assert isinstance(found, BolusAdvised), found
    return found


def on_board(system: FakeSystem) -> int:
    return int(system.view(ADVISOR).insulin_on_board_most)


def both_count_the_corrected_amount(system: FakeSystem) -> bool:
    """14 U by pen were 1.4 U: advisor and actuator allow an hour's worth again."""
    dose = pen(system, 14_000)
    system.settle()
    before = system.ask(OrderBolus(amount=MilliUnits(3_000)), to=ADVISOR).reason
    correct(system, dose, 1_400)
    system.settle()
    books = [system.state(name).doses for name in (ADVISOR, "actuator")]
    counted = [
        next(one for one in book.boluses if one.dose == dose and one.is_by_pen) for book in books
    ]
    after = system.ask(OrderBolus(amount=MilliUnits(3_000)), to=ADVISOR)
    return (
        before == "hourly_limit"
        and after.accepted
        and [1_400, 1_400] == [one.amount for one in counted]
        and all(len(book.boluses) == 1 for book in books)
    )


def test_a_corrected_dose_counts_so_in_both_accounts(system: FakeSystem) -> None:
    """One that was entered ten times too large keeps nobody from insulin; on board it is less."""
    assert both_count_the_corrected_amount(system)
    assert 1_400 <= on_board(system) <= 4_400


def test_more_than_was_recorded_counts_in_the_limits(system: FakeSystem) -> None:
    """The other way: 1 U by pen was 14.5 U, and an order of 1 U is too much for the hour."""
    dose = pen(system, 1_000)
    said = codec.decode_event(correct(system, dose, 14_500).said[0])
    system.settle()

    assert isinstance(said, DoseCorrected)
    assert (14_500, 1_000, "misread") == (said.amount, said.was, said.because)
    assert "hourly_limit" == system.ask(OrderBolus(amount=MilliUnits(1_000)), to=ADVISOR).reason
    assert on_board(system) == 14_500


def pump_dose_stays(system: FakeSystem) -> bool:
    """A person says that a bolus the pump gave was nothing, or was more: it counts as counted."""
    system.order(2_000)
    system.run(ms=5 * MINUTE_MS)
    dose = last_dose(system)
    before = system.state("actuator").doses, system.state(ADVISOR).doses
    reasons = [correct(system, dose, amount).reason for amount in (0, 1_000, 3_000)]
    system.settle()
    after = system.state("actuator").doses, system.state(ADVISOR).doses
    return reasons == ["counted_by_pump"] * 3 and before == after


def last_dose(system: FakeSystem) -> DoseId:
    return DoseId(system.state(ADVISOR).doses.boluses[-1].dose)


def test_what_the_pump_counted_is_not_corrected_by_a_persons_word(system: FakeSystem) -> None:
    """No limit becomes looser for insulin that the pump gave; while it is open, neither."""
    assert pump_dose_stays(system)
    system.order(2_000)
    running = system.state(ADVISOR).doses.open[0].dose
    assert "counted_by_pump" == correct(system, running, 0).reason


def test_a_dose_is_corrected_for_a_day(system: FakeSystem) -> None:
    """24 h to the millisecond; what was corrected can be corrected again, to nothing as well."""
    dose = pen(system, 1_000)
    at = now(system)
    assert correct(system, dose, 2_000).accepted
    system.run(ms=DAY_MS - (now(system) - at))
    assert correct(system, dose, 0).accepted
    system.run(ms=1)
    assert "too_old" == correct(system, dose, 3_000).reason


def reading_is_gone(system: FakeSystem) -> bool:
    """300 by a sugary finger 3 min after 110: advice and forecast stand on the 110 again."""
    system.glucose("110")
    system.run(ms=3 * MINUTE_MS)
    wrong = system.glucose("300").events[0]
    system.settle()
    too_much = advised(system).correction
    raised = [alarm.alarm for alarm in system.view(INGEST).alarms]
    void(system, wrong)
    system.settle()
    view = system.view(INGEST)
    ahead = system.view(ADVISOR).forecast
    return (
        too_much > 0
        and "glucose_high" in raised
        and "glucose_high" not in [alarm.alarm for alarm in view.alarms]
        and (110, 110) == (view.glucose, advised(system).glucose)
        and ahead.glucose == 110
    )


def test_a_voided_reading_counts_no_more(system: FakeSystem) -> None:
    """Not in advice, forecast, alerts or the view; the reading itself stays in the record."""
    assert reading_is_gone(system)
    said = system.said(INGEST)
    assert [110, 300] == [one.glucose for one in said if isinstance(one, GlucoseMeasured)]
    (voided,) = (one for one in said if isinstance(one, ReadingVoided))
    assert ("300", "sugar") == (voided.received, voided.because)


def test_the_only_reading_voided_leaves_none(system: FakeSystem) -> None:
    """Then there is no glucose to advise by, and no alert stands on it."""
    wrong = system.glucose("45").events[0]
    system.settle()
    assert system.view(INGEST).alarms
    void(system, wrong)
    system.settle()

    assert advised(system).glucose is None
    assert system.view(ADVISOR).forecast is None
    assert (None, ()) == (system.view(INGEST).glucose, system.view(INGEST).alarms)


def test_a_picture_without_a_reading_is_as_if_it_had_never_come(system: FakeSystem) -> None:
    """Two systems, one of which never had it: the same trend, alerts and advice."""
    other, wrong = FakeSystem(), EventId("")
    other.set_up()
    for value in (120, 124, 390, 131, 136):
        for one in (system, other):
            at = now(one)
            asked = RecordReading(
                measured_at=at, source="sensor", unit="mg/dL", received=str(value), device="s"
            )
            if value != 390 or one is system:
                outcome = one.ask(asked, to=INGEST)
                if value == 390:
                    wrong = outcome.events[0]
            one.run(ms=5 * MINUTE_MS)
    void(system, wrong)
    for one in (system, other):
        one.settle()

    for name in (INGEST, ADVISOR):
        assert system.state(name).snapshot.points == other.state(name).snapshot.points
        assert system.state(name).snapshot.still == other.state(name).snapshot.still
        assert system.state(name).snapshot.low_since == other.state(name).snapshot.low_since
    assert system.state(ADVISOR).reading == other.state(ADVISOR).reading


def stays_voided(system: FakeSystem) -> bool:
    """A sensor's bridge sends again what somebody has voided."""
    at = now(system)
    asked = RecordReading(measured_at=at, source="sensor", unit="mg/dL", received="300", device="a")
    wrong = system.ask(asked, to=INGEST).events[0]
    void(system, wrong)
    system.run(ms=MINUTE_MS)
    return system.ask(asked, to=INGEST).reason == "voided" and system.view(INGEST).glucose is None


def test_a_voided_reading_does_not_come_back(system: FakeSystem) -> None:
    """By the same or by another path; another number is news."""
    assert stays_voided(system)
    at = UtcMillis(now(system) - MINUTE_MS + 5_000)
    again = RecordReading(measured_at=at, source="sensor", unit="mg/dL", received="300", device="b")
    other = RecordReading(measured_at=at, source="sensor", unit="mg/dL", received="118", device="b")

    assert "voided" == system.ask(again, to=INGEST).reason
    assert system.ask(other, to=INGEST).accepted


def advice_is_not_taken(system: FakeSystem, reason: str) -> bool:
    """Somebody holds an advice while what it stands on is corrected."""
    wrong = system.glucose("300").events[0]
    dose, meal = pen(system, 100), eat(system, 5)
    system.settle()
    asked = system.ask(RequestAdvice(carbs=Grams(0)), to=ADVISOR)
    wanted: dict[str, tuple[Command, str]] = {
        "reading_voided": (VoidReading(reading=wrong), INGEST),
        "dose_since": (CorrectDose(dose=dose, amount=MilliUnits(900)), ADVISOR),
        "carbs_since": (CorrectCarbs(carbs=meal, grams=Grams(2)), ADVISOR),
    }
    command, to = wanted[reason]
    assert system.ask(command, to=to).accepted
    system.settle()
    late = system.ask(AcceptAdvice(advice=asked.events[0]), to=ADVISOR)
    return late.reason == reason and not system.said_of(ADVISOR, BolusOrdered)


@pytest.mark.parametrize("reason", ["reading_voided", "dose_since", "carbs_since"])
def test_an_advice_from_before_a_correction_is_not_accepted(
    system: FakeSystem, reason: str
) -> None:
    """Compare-and-swap: what it heard was wrong, whatever a new one would say."""
    assert advice_is_not_taken(system, reason)


def nobody_minds(patch: Patch) -> None:
    """Let a person correct what the pump counted."""

    def as_asked(book: Any, asked: CorrectDose, *, actor: str, now: Any) -> DoseCorrected:
        del book, now
        at = UtcMillis(0)
        return DoseCorrected(
            dose=asked.dose, amount=asked.amount, given_at=at, was=asked.amount, actor=actor
        )

    patch.setattr(core.deciders.bolus.decider, "correct_dose", as_asked)


def ignored_by_the_account(patch: Patch) -> None:
    patch.setattr(
        core.dosing.insulin_account.dose_account_events, "_correct", lambda book, *_: book
    )


def added_to_the_account(patch: Patch) -> None:
    """Count the corrected amount beside the wrong one."""

    def beside(book: Any, corrected: DoseCorrected, name: str) -> Any:
        part = BolusPart(
            dose=DoseId(name),
            starts_at=corrected.given_at,
            ends_at=corrected.given_at,
            amount=corrected.amount,
        )
        return type(book)(boluses=(*book.boluses, part))

    patch.setattr(core.dosing.insulin_account.dose_account_events, "_correct", beside)


def kept_by_the_advisor(patch: Patch) -> None:
    patch.setattr(core.deciders.bolus.events, "newest_of", lambda _: None)


def kept_by_the_alerts(patch: Patch) -> None:
    patch.setattr(core.deciders.glucose.events, "snapshot_without", lambda snapshot, *_: snapshot)


def forgotten(patch: Patch) -> None:
    """Do not remember what was voided."""
    patch.setattr(
        core.deciders.glucose.events,
        "take_out",
        lambda kept, name: RetainedReadings(newest=kept.newest[:0]),
    )


def unmarked(patch: Patch) -> None:
    """Do not compare what was corrected with what an advice had heard."""
    patch.setattr(
        core.deciders.bolus.staleness, "REASONS", core.deciders.bolus.staleness.REASONS[1:3]
    )


PAIRS: list[tuple[str, Check, Weaken]] = []


def in_a_system(check: Any, *given: str) -> Check:
    def run() -> bool:
        system = FakeSystem()
        system.set_up()
        return bool(check(system, *given))

    return run


PAIRS += [
    ("ignored", in_a_system(both_count_the_corrected_amount), ignored_by_the_account),
    ("added", in_a_system(both_count_the_corrected_amount), added_to_the_account),
    ("advisor keeps", in_a_system(reading_is_gone), kept_by_the_advisor),
    ("alerts keep", in_a_system(reading_is_gone), kept_by_the_alerts),
    ("comes back", in_a_system(stays_voided), forgotten),
    ("void unmarked", in_a_system(advice_is_not_taken, "reading_voided"), unmarked),
    ("dose unmarked", in_a_system(advice_is_not_taken, "dose_since"), unmarked),
    ("pump's dose", in_a_system(pump_dose_stays), nobody_minds),
]


@pytest.mark.parametrize(
    ("check", "weaken"), [(check, weaken) for _, check, weaken in PAIRS], ids=[p[0] for p in PAIRS]
)
def test_a_mutant_of_the_corrections_is_caught(
    check: Check, weaken: Weaken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mechanism weakened: its check breaks."""
    assert check()
    assert is_caught(check, weaken, monkeypatch, breaks_by=(AssertionError, AttributeError))
