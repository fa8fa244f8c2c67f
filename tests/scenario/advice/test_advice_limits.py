"""Advice within the limits that the order will meet: basal to come, and time to be spread over."""

from typing import Any

import msgspec
import pytest

from schemas.bolus.advice import RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.units import HOUR_MS, MINUTE_MS, Grams, MgDl, Milliseconds, MilliUnits
from schemas.wire import codec
from services.virtual_pump.in_process_pump import FakePumpDevice
from services.virtual_pump.state_store import FakePumpStore
from support.simulated.fake_system import IDENTITY, LIMITS, PROFILE, SETTINGS, FakeHouse


@pytest.fixture
def house() -> FakeHouse:
    ready = FakeHouse()
    ready.set_up()
    ready.glucose("110")
    return ready


def advised(house: FakeHouse, *, carbs: int, hours: int = 0) -> Any:
    wanted = RequestAdvice(carbs=Grams(carbs), duration=Milliseconds(hours * HOUR_MS))
    return codec.decode_event(house.ask(wanted, to="bolus_advisor").said[0])


def limit(house: FakeHouse, **limits: int) -> None:
    assert house.ask(msgspec.structs.replace(LIMITS, **limits), to="actuator").accepted


@pytest.mark.requirement("R4")
def test_an_advice_leaves_room_for_the_basal_that_is_to_come(house: FakeHouse) -> None:
    """26.4 U a day by the profile leave 3.6 U of 30: no advice may break a limit tomorrow."""
    limit(house, daily=30_000)

    advice = advised(house, carbs=60)

    assert 3_500 <= advice.amount <= 3_600
    assert "daily_limit" == advice.clamps[0].limit


def test_an_advice_to_be_spread_fits_where_it_will_flow(house: FakeHouse) -> None:
    """More basal flows in the hours to come than now: what fits at once does not fit there."""
    limit(house, single=2_000, hourly=5_000, four_hours=5_500, daily=40_000)

    at_once, spread = (advised(house, carbs=20, hours=hours) for hours in (0, 8))
    above = OrderBolus(amount=MilliUnits(spread.amount + 50), duration=Milliseconds(8 * HOUR_MS))

    assert (2_000, ()) == (at_once.amount, at_once.clamps)
    assert 1_000 < spread.amount < 2_000
    assert "four_hour_limit" == spread.clamps[0].limit
    assert "four_hour_limit" == house.ask(above, to="bolus_advisor").reason


@pytest.mark.parametrize(
    ("glucose", "reason"), [("110", "no_settings"), ("65", "glucose_below_safe_minimum")]
)
def test_without_settings_the_houses_own_minimum_holds(glucose: str, reason: str) -> None:
    """What is missing is named; a low glucose comes before it."""
    house = FakeHouse()
    house.ask(LIMITS, to="actuator")
    house.ask(PROFILE, to="basal_scheduler")
    house.glucose(glucose)

    refused = advised(house, carbs=20)

    assert (reason, "") == (refused.reason, refused.takes)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("glucose", ["60", "65", "69"])
def test_omnipods_minimum_is_the_one_that_is_set(house: FakeHouse, glucose: str) -> None:
    """From the safe minimum on there is advice, by its own rules too."""
    low = msgspec.structs.replace(SETTINGS, rules="omnipod", safe_minimum=MgDl(60))
    assert house.ask(low, to="bolus_advisor").accepted
    house.run(ms=MINUTE_MS)
    house.glucose(glucose)

    assert glucose == str(advised(house, carbs=40).glucose)


@pytest.mark.requirement("R4")
def test_an_order_leaves_room_for_the_basal_that_is_to_come(house: FakeHouse) -> None:
    """The advisor says so itself, with what is left; the actuator need not refuse it."""
    limit(house, daily=30_000)

    asked = OrderBolus(amount=MilliUnits(4_000))
    refused: Any = codec.decode_event(house.ask(asked, to="bolus_advisor").said[0])

    assert (4_000, "daily_limit") == (refused.amount, refused.reason)
    assert 3_500 <= refused.limit <= 3_600


def test_a_pump_that_cannot_be_asked_is_named_with_the_amount() -> None:
    """Who asked for how much must be seen in the refusal."""
    house = FakeHouse()
    house.line_is_cut = True
    house.set_up()
    asked = OrderBolus(amount=MilliUnits(500))
    unheard: Any = codec.decode_event(house.ask(asked, to="bolus_advisor").said[0])
    house.line_is_cut = False
    house.run(ms=HOUR_MS)
    house.pump = FakePumpDevice(house.clock, identity=IDENTITY, store=FakePumpStore())
    house.restart("actuator")
    house.run(ms=MINUTE_MS)
    doubted: Any = codec.decode_event(house.ask(asked, to="bolus_advisor").said[0])

    assert (500, "pump_not_heard") == (unheard.amount, unheard.reason)
    assert (500, "pump_doubted") == (doubted.amount, doubted.reason)


@pytest.mark.parametrize(
    ("minimum", "field"),
    [(49, "safe_minimum"), (50, None), (101, "safe_minimum")],
)
def test_a_safe_minimum_out_of_range_is_refused_by_name(
    house: FakeHouse, minimum: int, field: str | None
) -> None:
    """The name of the field, not of another."""
    asked = msgspec.structs.replace(SETTINGS, safe_minimum=MgDl(minimum))
    answer: Any = codec.decode_event(house.ask(asked, to="bolus_advisor").said[0])

    assert field == getattr(answer, "field", None)
