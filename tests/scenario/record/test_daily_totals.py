"""What each day came to: the same insulin as accounted, by kind; doubt apart."""

from datetime import UTC, datetime

import pytest

from core.record.daily_totals import DayBook
from schemas.basal.profiles import SetTemporaryRate
from schemas.bolus.advice import RecordCarbs
from schemas.bolus.orders import RecordInjection
from schemas.delivery.delivery import BolusDelivered, BolusProgressed, DeliveryGap
from schemas.delivery.mechanism import PrimePump
from schemas.delivery.pump import ResumeDelivery, SuspendDelivery
from schemas.delivery.unresolved_doses import BolusReconciled, BolusUnknown
from schemas.message import Event
from schemas.record import StorageReported
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    Grams,
    Milliseconds,
    MilliUnits,
    Speaker,
    UtcMillis,
)
from services.runtime.replay.lookup import events_of
from support.simulated.fake_system import PUMP, FakeSystem


def day_of(at: UtcMillis) -> str:
    return datetime.fromtimestamp(at / 1_000, tz=UTC).date().isoformat()


def book_of(system: FakeSystem) -> DayBook:
    book = DayBook(day_of)
    for known in events_of(system.stores[Speaker("historian")], pump=PUMP):
        assert isinstance(known.body, Event)
        book.take(known.body, at=known.at)
    return book


def test_days_add_up_to_what_was_accounted() -> None:
    """Basal, boluses and primes by the pump's count, the rest as people said."""
    system = FakeSystem()
    system.set_up()
    system.order(1_500)
    system.run(ms=26 * HOUR_MS)
    system.ask(SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS)), to="basal_scheduler")
    at = system.clock.now().therapy
    system.ask(RecordCarbs(grams=Grams(30), eaten_at=at), to="bolus_advisor")
    system.ask(RecordInjection(amount=MilliUnits(2_000), given_at=at), to="bolus_advisor")
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    system.ask(PrimePump(amount=MilliUnits(500), what="cannula"), to="actuator")
    system.ask(ResumeDelivery(), to="actuator")
    system.run(ms=10 * MINUTE_MS)

    book = book_of(system)

    first, second = (book.days[day] for day in sorted(book.days))
    view = system.view("actuator")
    assert view.basal_total == first.basal + second.basal
    assert (1_500, 0) == (first.bolus, second.bolus)
    assert (0, 30, 2_000, 500, 1) == (
        second.unknown,
        second.carbs,
        second.pen,
        second.primed,
        second.temporary_rates,
    )


DOSE = DoseId("bolus_advisor:p1:9")


def said(*events: tuple[int, Event]) -> DayBook:
    book = DayBook(day_of)
    for hour, event in events:
        book.take(event, at=UtcMillis(hour * HOUR_MS))
    return book


def unknown() -> BolusUnknown:
    return BolusUnknown(
        dose=DOSE, least=MilliUnits(200), most=MilliUnits(1_000), reason="no answer"
    )


def test_the_newest_word_about_a_dose_stands_alone() -> None:
    """Progress, then its end; a dose over midnight counts on the day of its end."""
    progress = BolusProgressed(
        dose=DOSE,
        starts_at=UtcMillis(0),
        ends_at=UtcMillis(23 * HOUR_MS),
        amount=MilliUnits(400),
        delivered=MilliUnits(400),
        odometer=MilliUnits(400),
        history_sequence=1,
    )
    ended = BolusDelivered(dose=DOSE, requested=MilliUnits(1_000), delivered=MilliUnits(1_000))

    running, over = said((23, progress)), said((23, progress), (25, ended))

    assert [400] == [day.bolus for day in running.days.values()]
    assert {"1970-01-01": 0, "1970-01-02": 1_000} == {
        name: day.bolus for name, day in over.days.items()
    }


def test_times_off_are_counted_and_other_words_are_nothing() -> None:
    """A pump that was off for a night is not a night without insulin on record."""
    off = DeliveryGap(starts_at=UtcMillis(HOUR_MS), ends_at=UtcMillis(8 * HOUR_MS))

    book = said((9, off), (9, StorageReported(free_mib=1, actor="service:test")))

    assert [1] == [day.gaps for day in book.days.values()]


def test_what_nobody_knows_stands_apart_until_it_is_settled() -> None:
    """Unknown is not zero, and not given."""
    settled = BolusReconciled(dose=DOSE, outcome="partial", delivered=MilliUnits(600))

    doubt, after = said((1, unknown())), said((1, unknown()), (2, settled))

    assert [(200, 800)] == [(day.bolus, day.unknown) for day in doubt.days.values()]
    assert [(600, 0)] == [(day.bolus, day.unknown) for day in after.days.values()]


def test_the_mutant_that_adds_every_word_up_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bolus of 1 U would be 1.4 U on its day."""
    settled = BolusReconciled(dose=DOSE, outcome="partial", delivered=MilliUnits(600))
    before = DayBook._dose

    def forgets(self: DayBook, *given: object, **rest: object) -> None:
        self._doses.clear()
        before(self, *given, **rest)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(DayBook, "_dose", forgets)

    (day,) = said((1, unknown()), (2, settled)).days.values()
    assert (800, 800) == (day.bolus, day.unknown)
