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
from support.simulated.fake_system import IDENTITY, LIMITS, PROFILE, SETTINGS, FakeSystem


@pytest.fixture
def system() -> FakeSystem:
    ready = FakeSystem()
    ready.set_up()
    ready.glucose("110")
    return ready


def advised(system: FakeSystem, *, carbs: int, hours: int = 0) -> Any:
    wanted = RequestAdvice(carbs=Grams(carbs), duration=Milliseconds(hours * HOUR_MS))
    return codec.decode_event(system.ask(wanted, to="bolus_advisor").said[0])


def limit(system: FakeSystem, **limits: int) -> None:
    assert system.ask(msgspec.structs.replace(LIMITS, **limits), to="actuator").accepted


@pytest.mark.requirement("R4")
def test_an_advice_leaves_room_for_the_basal_that_is_to_come(system: FakeSystem) -> None:
    """26.4 U a day by the profile leave 3.6 U of 30: no advice may break a limit tomorrow."""
    limit(system, daily=30_000)

    advice = advised(system, carbs=60)

    assert 3_500 <= advice.amount <= 3_600
    assert "daily_limit" == advice.clamps[0].limit


def test_an_advice_to_be_spread_fits_where_it_will_flow(system: FakeSystem) -> None:
    """More basal flows in the hours to come than now: what fits at once does not fit there."""
    limit(system, single=2_000, hourly=5_000, four_hours=5_500, daily=40_000)

    at_once, spread = (advised(system, carbs=20, hours=hours) for hours in (0, 8))
    above = OrderBolus(amount=MilliUnits(spread.amount + 50), duration=Milliseconds(8 * HOUR_MS))

    assert (2_000, ()) == (at_once.amount, at_once.clamps)
    assert 1_000 < spread.amount < 2_000
    assert "four_hour_limit" == spread.clamps[0].limit
    assert "four_hour_limit" == system.ask(above, to="bolus_advisor").reason


@pytest.mark.parametrize(
    ("glucose", "reason"), [("110", "no_settings"), ("65", "glucose_below_safe_minimum")]
)
def test_without_settings_basalts_own_minimum_holds(glucose: str, reason: str) -> None:
    """What is missing is named; a low glucose comes before it."""
    system = FakeSystem()
    system.ask(LIMITS, to="actuator")
    system.ask(PROFILE, to="basal_scheduler")
    system.glucose(glucose)

    refused = advised(system, carbs=20)

    assert (reason, "") == (refused.reason, refused.takes)


@pytest.mark.requirement("R11")
@pytest.mark.parametrize("glucose", ["60", "65", "69"])
def test_omnipods_minimum_is_the_one_that_is_set(system: FakeSystem, glucose: str) -> None:
    """From the safe minimum on there is advice, by its own rules too."""
    low = msgspec.structs.replace(SETTINGS, rules="omnipod", safe_minimum=MgDl(60))
    assert system.ask(low, to="bolus_advisor").accepted
    system.run(ms=MINUTE_MS)
    system.glucose(glucose)

    assert glucose == str(advised(system, carbs=40).glucose)


@pytest.mark.requirement("R4")
def test_an_order_leaves_room_for_the_basal_that_is_to_come(system: FakeSystem) -> None:
    """The advisor says so itself, with what is left; the actuator need not refuse it."""
    limit(system, daily=30_000)

    asked = OrderBolus(amount=MilliUnits(4_000))
    refused: Any = codec.decode_event(system.ask(asked, to="bolus_advisor").said[0])

    assert (4_000, "daily_limit") == (refused.amount, refused.reason)
    assert 3_500 <= refused.limit <= 3_600


def test_a_pump_that_cannot_be_asked_is_named_with_the_amount() -> None:
    """Who asked for how much must be seen in the refusal."""
    system = FakeSystem()
    system.line_is_cut = True
    system.set_up()
    asked = OrderBolus(amount=MilliUnits(500))
    unheard: Any = codec.decode_event(system.ask(asked, to="bolus_advisor").said[0])
    system.line_is_cut = False
    system.run(ms=HOUR_MS)
    system.pump = FakePumpDevice(system.clock, identity=IDENTITY, store=FakePumpStore())
    system.restart("actuator")
    system.run(ms=MINUTE_MS)
    doubted: Any = codec.decode_event(system.ask(asked, to="bolus_advisor").said[0])

    assert (500, "pump_not_heard") == (unheard.amount, unheard.reason)
    assert (500, "pump_doubted") == (doubted.amount, doubted.reason)


@pytest.mark.parametrize(
    ("minimum", "field"),
    [(49, "safe_minimum"), (50, None), (101, "safe_minimum")],
)
def test_a_safe_minimum_out_of_range_is_refused_by_name(
    system: FakeSystem, minimum: int, field: str | None
) -> None:
    """The name of the field, not of another."""
    asked = msgspec.structs.replace(SETTINGS, safe_minimum=MgDl(minimum))
    answer: Any = codec.decode_event(system.ask(asked, to="bolus_advisor").said[0])

    assert field == getattr(answer, "field", None)
