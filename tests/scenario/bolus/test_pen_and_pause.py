"""Insulin by pen, a suspension that ends by itself, and the plan that each part of basal cites."""

from typing import Any

import pytest

from schemas.basal.profiles import BasalPlanMade, SetTemporaryRate
from schemas.bolus.advice import AcceptAdvice, BolusAdvised, RequestAdvice
from schemas.bolus.orders import OrderBolus, RecordInjection
from schemas.delivery.delivery import BasalDelivered
from schemas.delivery.pump import DeliveryResumed, ResumeDelivery, ResumeRequested, SuspendDelivery
from schemas.message import Outcome
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Grams, Milliseconds, MilliUnits, UtcMillis
from schemas.wire import codec
from support.simulated.fake_system import FakeSystem


def inject(system: FakeSystem, amount: int, *, ago: int = 0) -> Outcome:
    at = UtcMillis(system.clock.now().therapy - ago)
    asked = RecordInjection(amount=MilliUnits(amount), given_at=at)
    return system.ask(asked, to="bolus_advisor")


def test_insulin_by_pen_is_on_board_and_in_the_limits_of_both(system: FakeSystem) -> None:
    """14 U by pen and a limit of 15 U an hour: 1 U more, in advisor and actuator alike."""
    inject(system, 14_000)
    system.settle()
    over = system.ask(OrderBolus(amount=MilliUnits(1_050)), to="bolus_advisor")
    just = system.ask(OrderBolus(amount=MilliUnits(1_000)), to="bolus_advisor")
    system.run(ms=MINUTE_MS)

    assert (False, "hourly_limit") == (over.accepted, over.reason)
    assert just.accepted
    assert 14_000 < system.view("bolus_advisor").insulin_on_board_least <= 15_000
    books = [system.state(name).doses for name in ("bolus_advisor", "actuator")]
    assert books[0].boluses[0] == books[1].boluses[0]
    assert 14_000 not in (system.view("actuator").bolus_total, books[0].bolus_total)


def test_a_correction_is_reduced_by_what_the_pen_gave(system: FakeSystem) -> None:
    """And an advice from before it is not valid any more."""
    system.glucose("200")
    before = system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    inject(system, 1_500, ago=0)
    late = system.ask(AcceptAdvice(advice=before.events[0]), to="bolus_advisor")
    again = codec.decode_event(
        system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor").said[0]
    )

    assert "dose_since" == late.reason
    assert isinstance(again, BolusAdvised)
    assert (500, "insulin_on_board_subtracted") == (again.amount, again.reasons[0])


@pytest.mark.parametrize(
    ("amount", "ago", "reason"),
    [
        (0, 0, "out_of_range"),
        (100_001, 0, "out_of_range"),
        (500, -1, "time_out_of_range"),
        (500, DAY_MS + 1, "time_out_of_range"),
    ],
)
def test_an_injection_that_cannot_be_is_refused(
    system: FakeSystem, amount: int, ago: int, reason: str
) -> None:
    """One beyond each end; the ends themselves are taken."""
    refused: Any = codec.decode_event(inject(system, amount, ago=ago).said[0])

    assert (amount, reason) == (refused.amount, refused.reason)
    assert inject(system, 1, ago=DAY_MS).accepted and inject(system, 100_000).accepted


def test_a_suspension_for_a_while_ends_by_itself(system: FakeSystem) -> None:
    """30 min without insulin, then basal again; nothing is made up."""
    system.ask(SuspendDelivery(duration=Milliseconds(30 * MINUTE_MS)), to="actuator")
    system.run(ms=MINUTE_MS)
    stands, until = system.view("actuator").suspended, system.view("actuator").resume_at
    before = system.odometer
    system.run(ms=28 * MINUTE_MS)
    during = system.odometer
    system.run(ms=HOUR_MS + MINUTE_MS)

    assert stands and until is not None
    assert before == during
    assert 750 <= system.odometer - during <= 850
    assert (False, None) == (system.view("actuator").suspended, system.view("actuator").resume_at)
    assert 1 == len(system.said_of("actuator", DeliveryResumed))


def test_resumed_by_a_person_it_does_not_end_twice(system: FakeSystem) -> None:
    """And one without an end stays until somebody ends it, through a restart."""
    system.ask(SuspendDelivery(duration=Milliseconds(30 * MINUTE_MS)), to="actuator")
    system.run(ms=MINUTE_MS)
    system.ask(ResumeDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    system.ask(SuspendDelivery(), to="actuator")
    system.restart("actuator")
    system.run(ms=3 * HOUR_MS)

    assert system.view("actuator").suspended
    assert 1 == len(system.said_of("actuator", ResumeRequested))


def test_the_end_survives_the_death_of_the_actuator(system: FakeSystem) -> None:
    """Killed while the pump stands, started after the end: it resumes at once."""
    system.ask(SuspendDelivery(duration=Milliseconds(30 * MINUTE_MS)), to="actuator")
    system.run(ms=MINUTE_MS)
    system.clock.advance(therapy_ms=HOUR_MS)
    system.restart("actuator")
    system.run(ms=2 * MINUTE_MS)

    assert not system.view("actuator").suspended


@pytest.mark.parametrize("duration", [MINUTE_MS - 1, DAY_MS + 1, -1])
def test_a_while_has_bounds(system: FakeSystem, duration: int) -> None:
    """1 min to 24 h, both taken."""
    command = SuspendDelivery(duration=Milliseconds(duration))
    refused = system.ask(command, to="actuator")

    assert (False, "duration_out_of_range") == (refused.accepted, refused.reason)
    for good in (MINUTE_MS, DAY_MS):
        other = FakeSystem()
        other.set_up()
        assert other.ask(SuspendDelivery(duration=Milliseconds(good)), to="actuator").accepted


def test_each_part_of_basal_cites_the_plan_that_produced_it(system: FakeSystem) -> None:
    """A temporary rate is another plan; what it gave says so."""
    system.run(ms=HOUR_MS)
    asked = SetTemporaryRate(percent=200, duration=Milliseconds(HOUR_MS))
    system.ask(asked, to="basal_scheduler")
    system.run(ms=30 * MINUTE_MS)

    plans = [
        f"basal_scheduler:p1:{number}"
        for number, event in enumerate(system.said("basal_scheduler"), 1)
        if isinstance(event, BasalPlanMade)
    ]
    cited = list(dict.fromkeys(one.plan for one in system.said_of("actuator", BasalDelivered)))
    assert cited[-1] == plans[-1]
    assert set(cited) <= set(plans) and 2 <= len(cited)
