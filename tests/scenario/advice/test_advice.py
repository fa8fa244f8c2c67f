"""Advice from request to order, on the system of fakes."""

from typing import Any

import pytest

from schemas.bolus.advice import (
    AcceptAdvice,
    AcceptanceRefused,
    AdviceAccepted,
    BolusAdvised,
    RecordCarbs,
    RequestAdvice,
)
from schemas.bolus.orders import BolusOrdered, OrderBolus
from schemas.delivery.delivery import BolusDelivered
from schemas.delivery.pump import SuspendDelivery
from schemas.glucose import RecordReading
from schemas.message import Outcome
from schemas.units import MINUTE_MS, EventId, Grams, MilliUnits, UtcMillis
from schemas.wire import codec
from support.simulated.fake_system import LIMITS, PROFILE, SETTINGS, FakeSystem, whole_day


def advise(system: FakeSystem, carbs: int = 0) -> Outcome:
    return system.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor")


def advised(system: FakeSystem, carbs: int = 0) -> BolusAdvised:
    outcome = advise(system, carbs)
    event = codec.decode_event(outcome.said[0])
    assert isinstance(event, BolusAdvised), outcome
    return event


def accept(system: FakeSystem, outcome: Outcome) -> Outcome:
    return system.ask(AcceptAdvice(advice=outcome.events[0]), to="bolus_advisor")


def test_advice_is_food_plus_correction_rounded_down(system: FakeSystem) -> None:
    """The rule itself: 43 g / 10 g/U + (183 - 120) / 40 mg/dL/U = 5.875 U, in whole pulses."""
    system.glucose("183")

    advice = advised(system, carbs=43)

    assert (4300, 1575, 5850) == (advice.food, advice.correction, advice.amount)
    assert "rounded_down" in advice.reasons


def test_below_target_the_negative_correction_is_subtracted(system: FakeSystem) -> None:
    """A person at 80 needs less for the same meal: (80 - 90) / 40 = -0.25 U."""
    system.glucose("80")

    advice = advised(system, carbs=40)

    assert (4000, -250, 3750) == (advice.food, advice.correction, advice.amount)


@pytest.mark.requirement("R13")
def test_insulin_on_board_reduces_a_correction_and_never_a_meal(system: FakeSystem) -> None:
    """Stacking corrections is how people come to harm; a meal still needs its insulin."""
    system.glucose("200")
    accept(system, advise(system))
    system.run(ms=9 * MINUTE_MS)
    system.glucose("200")

    again = advised(system, carbs=20)

    assert again.insulin_on_board_most > 1900
    assert 2000 == again.food
    assert again.correction == 2000
    assert again.amount <= 2050
    assert "insulin_on_board_subtracted" in again.reasons


@pytest.mark.requirement("R12")
def test_without_glucose_only_carbs_are_covered_and_it_says_so(system: FakeSystem) -> None:
    """Missing is not zero: no correction is made up."""
    advice = advised(system, carbs=30)

    assert 3000 == advice.amount
    assert ("no_glucose", "carbs_only") == advice.reasons[:2]
    assert advice.glucose is None


@pytest.mark.requirement("R57")
def test_a_stale_value_is_never_used(system: FakeSystem) -> None:
    """Glucose older than 10 min enters no bolus; one of 10 min exactly does."""
    system.glucose("250")
    system.run(ms=10 * MINUTE_MS)
    fresh = advised(system, carbs=30)
    system.run(ms=1)
    stale = advised(system, carbs=30)

    assert 250 == fresh.glucose
    assert stale.glucose is None
    assert 3000 == stale.amount
    assert "glucose_stale" in stale.reasons


@pytest.mark.requirement("R12")
@pytest.mark.parametrize(
    ("received", "reason"),
    [
        ("LOW", "glucose_low_mark"),
        ("HIGH", "glucose_high_mark"),
        ("9", "glucose_implausible"),
        ("900", "glucose_implausible"),
        ("69", "glucose_below_safe_minimum"),
    ],
)
def test_unusable_glucose_refuses_calculated_advice(
    system: FakeSystem, received: str, reason: str
) -> None:
    """A mark is not a number and a low person gets no advice; the reason says which."""
    system.glucose(received)

    outcome = advise(system, carbs=30)

    assert (False, reason) == (outcome.accepted, outcome.reason)


@pytest.mark.requirement("R11")
def test_at_the_safe_minimum_advice_is_given(system: FakeSystem) -> None:
    """The refusal begins below 70, not at it: a test that refuses everything would not do."""
    system.glucose("70")

    assert advise(system, carbs=30).accepted


def test_no_therapy_setting_has_a_default() -> None:
    """Without settings or limits there is no advice and no basal."""
    system = FakeSystem()
    assert "no_settings" == advise(system, carbs=30).reason
    system.ask(SETTINGS, to="bolus_advisor")
    assert "no_limits" == advise(system, carbs=30).reason
    system.ask(PROFILE, to="basal_scheduler")
    system.run(ms=MINUTE_MS)
    assert system.view("actuator").rate is None
    system.ask(LIMITS, to="actuator")
    system.run(ms=MINUTE_MS)
    assert 800 == system.view("actuator").rate


@pytest.mark.requirement("R1")
@pytest.mark.parametrize(("carbs", "amount"), [(100, 10_000), (101, 10_000), (300, 10_000)])
def test_advice_never_exceeds_the_single_limit(system: FakeSystem, carbs: int, amount: int) -> None:
    """A limit holds whatever is asked, and the cut names itself."""
    advice = advised(system, carbs=carbs)

    assert amount == advice.amount
    assert (carbs > 100) == bool(advice.clamps)
    assert all(cut.limit == "single_limit" for cut in advice.clamps)


def test_acceptance_orders_once_and_records_the_meal(system: FakeSystem) -> None:
    """The whole way: advice, acceptance, carbs, order, delivery, one dose."""
    system.glucose("180")
    outcome = advise(system, carbs=40)

    accepted = accept(system, outcome)
    system.run(ms=10 * MINUTE_MS)
    again = accept(system, outcome)

    assert accepted.accepted
    assert (False, "already_used") == (again.accepted, again.reason)
    assert [5500] == [dose.delivered for dose in system.said_of("actuator", BolusDelivered)]
    assert 40 == system.view("bolus_advisor").carbs_total


@pytest.mark.requirement("R39")
def test_an_advice_expires_after_five_minutes(system: FakeSystem) -> None:
    """Old advice describes an old person."""
    system.glucose("180")
    outcome = advise(system)
    system.run(ms=5 * MINUTE_MS)

    assert "expired" == accept(system, outcome).reason


def test_an_advice_lives_twenty_real_seconds_at_any_speed() -> None:
    """At speed 600 five therapy minutes are half a second: nobody reads that fast."""
    system = FakeSystem(speed=600)
    system.set_up()
    system.glucose("180")
    outcome = advise(system)
    system.run(ms=9 * MINUTE_MS)

    assert accept(system, outcome).accepted


def carbs_since(system: FakeSystem) -> None:
    meal = RecordCarbs(grams=Grams(10), eaten_at=system.clock.now().therapy)
    system.ask(meal, to="bolus_advisor")


def settings_since(system: FakeSystem) -> None:
    system.ask(whole_day(carb_ratio=12_000), to="bolus_advisor")


def dose_since(system: FakeSystem) -> None:
    system.ask(OrderBolus(amount=MilliUnits(100)), to="bolus_advisor")
    system.run(ms=MINUTE_MS)


def suspended_since(system: FakeSystem) -> None:
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (carbs_since, "carbs_since"),
        (settings_since, "settings_since"),
        (dose_since, "dose_since"),
        (suspended_since, "suspended"),
    ],
)
def test_what_the_advice_had_not_heard_refuses_it(
    system: FakeSystem, happens: Any, reason: str
) -> None:
    """Accepting is a compare-and-swap: an advice describes the world it was made in."""
    system.glucose("180")
    outcome = advise(system)
    happens(system)

    assert reason == accept(system, outcome).reason


def test_new_glucose_close_to_the_old_orders_the_lower_amount(system: FakeSystem) -> None:
    """A sensor speaks every 5 minutes: 0.1 U of difference must not send a person round again."""
    system.glucose("180")
    outcome = advise(system)
    system.run(ms=MINUTE_MS)
    system.glucose("177")

    assert accept(system, outcome).accepted
    assert [1400] == [order.amount for order in system.said_of("bolus_advisor", BolusOrdered)]
    assert 1400 == system.said_of("bolus_advisor", AdviceAccepted)[0].recomputed


def test_new_glucose_far_from_the_old_hands_the_new_advice_back(system: FakeSystem) -> None:
    """A person decides on what is true now."""
    system.glucose("180")
    outcome = advise(system)
    system.run(ms=MINUTE_MS)
    system.glucose("140")

    changed = accept(system, outcome)

    assert (False, "advice_changed") == (changed.accepted, changed.reason)
    assert isinstance(codec.decode_event(changed.said[1]), BolusAdvised)
    assert [] == system.said_of("bolus_advisor", BolusOrdered)


def test_an_acceptance_below_the_safe_minimum_is_withdrawn(system: FakeSystem) -> None:
    """Glucose that fell since the advice stops the dose."""
    system.glucose("130")
    outcome = advise(system, carbs=20)
    system.run(ms=MINUTE_MS)
    system.glucose("65")

    assert "advice_withdrawn" == accept(system, outcome).reason
    assert [] == system.said_of("bolus_advisor", BolusOrdered)


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        (0, "out_of_range"),
        (-50, "out_of_range"),
        (75, "not_whole_pulses"),
        (10_050, "single_limit"),
    ],
)
@pytest.mark.requirement("R1")
def test_an_amount_of_ones_own_passes_the_same_limits(
    system: FakeSystem, amount: int, reason: str
) -> None:
    """A person may decide otherwise, not beyond the limits; a negative dose is no dose."""
    outcome = system.ask(OrderBolus(amount=MilliUnits(amount)), to="bolus_advisor")

    assert (False, reason) == (outcome.accepted, outcome.reason)
    assert 0 == system.view("actuator").bolus_total


def test_an_unknown_advice_is_refused(system: FakeSystem) -> None:
    """A made-up id orders nothing."""
    outcome = system.ask(AcceptAdvice(advice=EventId("bolus_advisor:p1:99")), to="bolus_advisor")

    assert "no_such_advice" == outcome.reason
    assert 1 == len(system.said_of("bolus_advisor", AcceptanceRefused))


@pytest.mark.parametrize("minutes_ahead", [6, 1000])
def test_a_reading_from_the_future_is_rejected(system: FakeSystem, minutes_ahead: int) -> None:
    """A clock that is wrong must not keep an old value fresh."""
    at = UtcMillis(system.clock.now().therapy + minutes_ahead * MINUTE_MS)
    reading = RecordReading(measured_at=at, source="sensor", unit="mg/dL", received="120")

    assert "future" == system.ask(reading, to="glucose_ingest").reason


def test_an_ancient_reading_is_rejected(system: FakeSystem) -> None:
    """Yesterday's value is no news."""
    at = UtcMillis(system.clock.now().therapy - 25 * 60 * MINUTE_MS)
    reading = RecordReading(measured_at=at, source="sensor", unit="mg/dL", received="120")

    assert "ancient" == system.ask(reading, to="glucose_ingest").reason
