"""Advice from request to order, on the house of fakes."""

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
from support.simulated.fake_system import LIMITS, PROFILE, SETTINGS, FakeHouse, whole_day


def advise(house: FakeHouse, carbs: int = 0) -> Outcome:
    return house.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor")


def advised(house: FakeHouse, carbs: int = 0) -> BolusAdvised:
    outcome = advise(house, carbs)
    event = codec.decode_event(outcome.said[0])
    assert isinstance(event, BolusAdvised), outcome
    return event


def accept(house: FakeHouse, outcome: Outcome) -> Outcome:
    return house.ask(AcceptAdvice(advice=outcome.events[0]), to="bolus_advisor")


def test_advice_is_food_plus_correction_rounded_down(house: FakeHouse) -> None:
    """The rule itself: 43 g / 10 g/U + (183 - 120) / 40 mg/dL/U = 5.875 U, in whole pulses."""
    house.glucose("183")

    advice = advised(house, carbs=43)

    assert (4300, 1575, 5850) == (advice.food, advice.correction, advice.amount)
    assert "rounded_down" in advice.reasons


def test_below_target_the_negative_correction_is_subtracted(house: FakeHouse) -> None:
    """A person at 80 needs less for the same meal: (80 - 90) / 40 = -0.25 U."""
    house.glucose("80")

    advice = advised(house, carbs=40)

    assert (4000, -250, 3750) == (advice.food, advice.correction, advice.amount)


@pytest.mark.requirement("R13")
def test_insulin_on_board_reduces_a_correction_and_never_a_meal(house: FakeHouse) -> None:
    """Stacking corrections is how people come to harm; a meal still needs its insulin."""
    house.glucose("200")
    accept(house, advise(house))
    house.run(ms=9 * MINUTE_MS)
    house.glucose("200")

    again = advised(house, carbs=20)

    assert again.insulin_on_board_most > 1900
    assert 2000 == again.food
    assert again.correction == 2000
    assert again.amount <= 2050
    assert "insulin_on_board_subtracted" in again.reasons


@pytest.mark.requirement("R12")
def test_without_glucose_only_carbs_are_covered_and_it_says_so(house: FakeHouse) -> None:
    """Missing is not zero: no correction is made up."""
    advice = advised(house, carbs=30)

    assert 3000 == advice.amount
    assert ("no_glucose", "carbs_only") == advice.reasons[:2]
    assert advice.glucose is None


@pytest.mark.requirement("R57")
def test_a_stale_value_is_never_used(house: FakeHouse) -> None:
    """Glucose older than 10 min enters no bolus; one of 10 min exactly does."""
    house.glucose("250")
    house.run(ms=10 * MINUTE_MS)
    fresh = advised(house, carbs=30)
    house.run(ms=1)
    stale = advised(house, carbs=30)

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
    house: FakeHouse, received: str, reason: str
) -> None:
    """A mark is not a number and a low person gets no advice; the reason says which."""
    house.glucose(received)

    outcome = advise(house, carbs=30)

    assert (False, reason) == (outcome.accepted, outcome.reason)


@pytest.mark.requirement("R11")
def test_at_the_safe_minimum_advice_is_given(house: FakeHouse) -> None:
    """The refusal begins below 70, not at it: a test that refuses everything would not do."""
    house.glucose("70")

    assert advise(house, carbs=30).accepted


def test_no_therapy_setting_has_a_default() -> None:
    """Without settings or limits there is no advice and no basal."""
    house = FakeHouse()
    assert "no_settings" == advise(house, carbs=30).reason
    house.ask(SETTINGS, to="bolus_advisor")
    assert "no_limits" == advise(house, carbs=30).reason
    house.ask(PROFILE, to="basal_scheduler")
    house.run(ms=MINUTE_MS)
    assert house.view("actuator").rate is None
    house.ask(LIMITS, to="actuator")
    house.run(ms=MINUTE_MS)
    assert 800 == house.view("actuator").rate


@pytest.mark.requirement("R1")
@pytest.mark.parametrize(("carbs", "amount"), [(100, 10_000), (101, 10_000), (300, 10_000)])
def test_advice_never_exceeds_the_single_limit(house: FakeHouse, carbs: int, amount: int) -> None:
    """A limit holds whatever is asked, and the cut names itself."""
    advice = advised(house, carbs=carbs)

    assert amount == advice.amount
    assert (carbs > 100) == bool(advice.clamps)
    assert all(cut.limit == "single_limit" for cut in advice.clamps)


def test_acceptance_orders_once_and_records_the_meal(house: FakeHouse) -> None:
    """The whole way: advice, acceptance, carbs, order, delivery, one dose."""
    house.glucose("180")
    outcome = advise(house, carbs=40)

    accepted = accept(house, outcome)
    house.run(ms=10 * MINUTE_MS)
    again = accept(house, outcome)

    assert accepted.accepted
    assert (False, "already_used") == (again.accepted, again.reason)
    assert [5500] == [dose.delivered for dose in house.said_of("actuator", BolusDelivered)]
    assert 40 == house.view("bolus_advisor").carbs_total


@pytest.mark.requirement("R39")
def test_an_advice_expires_after_five_minutes(house: FakeHouse) -> None:
    """Old advice describes an old person."""
    house.glucose("180")
    outcome = advise(house)
    house.run(ms=5 * MINUTE_MS)

    assert "expired" == accept(house, outcome).reason


def test_an_advice_lives_twenty_real_seconds_at_any_speed() -> None:
    """At speed 600 five therapy minutes are half a second: nobody reads that fast."""
    house = FakeHouse(speed=600)
    house.set_up()
    house.glucose("180")
    outcome = advise(house)
    house.run(ms=9 * MINUTE_MS)

    assert accept(house, outcome).accepted


def carbs_since(house: FakeHouse) -> None:
    meal = RecordCarbs(grams=Grams(10), eaten_at=house.clock.now().therapy)
    house.ask(meal, to="bolus_advisor")


def settings_since(house: FakeHouse) -> None:
    house.ask(whole_day(carb_ratio=12_000), to="bolus_advisor")


def dose_since(house: FakeHouse) -> None:
    house.ask(OrderBolus(amount=MilliUnits(100)), to="bolus_advisor")
    house.run(ms=MINUTE_MS)


def suspended_since(house: FakeHouse) -> None:
    house.ask(SuspendDelivery(), to="actuator")
    house.run(ms=MINUTE_MS)


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
    house: FakeHouse, happens: Any, reason: str
) -> None:
    """Accepting is a compare-and-swap: an advice describes the world it was made in."""
    house.glucose("180")
    outcome = advise(house)
    happens(house)

    assert reason == accept(house, outcome).reason


def test_new_glucose_close_to_the_old_orders_the_lower_amount(house: FakeHouse) -> None:
    """A sensor speaks every 5 minutes: 0.1 U of difference must not send a person round again."""
    house.glucose("180")
    outcome = advise(house)
    house.run(ms=MINUTE_MS)
    house.glucose("177")

    assert accept(house, outcome).accepted
    assert [1400] == [order.amount for order in house.said_of("bolus_advisor", BolusOrdered)]
    assert 1400 == house.said_of("bolus_advisor", AdviceAccepted)[0].recomputed


def test_new_glucose_far_from_the_old_hands_the_new_advice_back(house: FakeHouse) -> None:
    """A person decides on what is true now."""
    house.glucose("180")
    outcome = advise(house)
    house.run(ms=MINUTE_MS)
    house.glucose("140")

    changed = accept(house, outcome)

    assert (False, "advice_changed") == (changed.accepted, changed.reason)
    assert isinstance(codec.decode_event(changed.said[1]), BolusAdvised)
    assert [] == house.said_of("bolus_advisor", BolusOrdered)


def test_an_acceptance_below_the_safe_minimum_is_withdrawn(house: FakeHouse) -> None:
    """Glucose that fell since the advice stops the dose."""
    house.glucose("130")
    outcome = advise(house, carbs=20)
    house.run(ms=MINUTE_MS)
    house.glucose("65")

    assert "advice_withdrawn" == accept(house, outcome).reason
    assert [] == house.said_of("bolus_advisor", BolusOrdered)


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
    house: FakeHouse, amount: int, reason: str
) -> None:
    """A person may decide otherwise, not beyond the limits; a negative dose is no dose."""
    outcome = house.ask(OrderBolus(amount=MilliUnits(amount)), to="bolus_advisor")

    assert (False, reason) == (outcome.accepted, outcome.reason)
    assert 0 == house.view("actuator").bolus_total


def test_an_unknown_advice_is_refused(house: FakeHouse) -> None:
    """A made-up id orders nothing."""
    outcome = house.ask(AcceptAdvice(advice=EventId("bolus_advisor:p1:99")), to="bolus_advisor")

    assert "no_such_advice" == outcome.reason
    assert 1 == len(house.said_of("bolus_advisor", AcceptanceRefused))


@pytest.mark.parametrize("minutes_ahead", [6, 1000])
def test_a_reading_from_the_future_is_rejected(house: FakeHouse, minutes_ahead: int) -> None:
    """A clock that is wrong must not keep an old value fresh."""
    at = UtcMillis(house.clock.now().therapy + minutes_ahead * MINUTE_MS)
    reading = RecordReading(measured_at=at, source="sensor", unit="mg/dL", received="120")

    assert "future" == house.ask(reading, to="glucose_ingest").reason


def test_an_ancient_reading_is_rejected(house: FakeHouse) -> None:
    """Yesterday's value is no news."""
    at = UtcMillis(house.clock.now().therapy - 25 * 60 * MINUTE_MS)
    reading = RecordReading(measured_at=at, source="sensor", unit="mg/dL", received="120")

    assert "ancient" == house.ask(reading, to="glucose_ingest").reason
