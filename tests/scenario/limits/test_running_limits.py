"""Limits against what runs already: insulin that nobody foresaw, and limits that are lowered."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import core.deciders.delivery.decider
from core.deciders.delivery.enforce_running import halt_extended, hold_again
from core.deciders.delivery.pump_sync.history import OWN_ACTOR
from core.dosing.insulin_account.dose_account import DoseBook, OpenDose
from schemas.alarms import AlarmRaised
from schemas.basal.plans import BasalPlanAccepted
from schemas.basal.profiles import CancelTemporaryRate, SetTemporaryRate, TemporaryRateEnded
from schemas.bolus.orders import OrderBolus, RecordInjection
from schemas.delivery.delivery import BolusCancelled
from schemas.units import HOUR_MS, MINUTE_MS, DoseId, Milliseconds, MilliUnits, MilliUnitsPerHour
from support.simulated.fake_system import LIMITS, FakeSystem

pytestmark = pytest.mark.requirement("R5")


def system_with(**changes: object) -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    assert system.ask(msgspec.structs.replace(LIMITS, **changes), to="actuator").accepted
    return system


def inject(system: FakeSystem, amount: int) -> None:
    pen = RecordInjection(amount=MilliUnits(amount), given_at=system.clock.now().therapy)
    assert system.ask(pen, to="bolus_advisor").accepted


def spread(system: FakeSystem, amount: int, hours: int) -> None:
    asked = OrderBolus(
        amount=MilliUnits(amount), duration=Milliseconds(hours * HOUR_MS), confirmed=True
    )
    assert system.ask(asked, to="bolus_advisor").accepted


def alarms(system: FakeSystem) -> set[str]:
    return {alarm.alarm for alarm in system.view("actuator").alarms}


def rate_after_a_pen(system: FakeSystem) -> int:
    rate = SetTemporaryRate(percent=200, duration=Milliseconds(8 * HOUR_MS))
    assert system.ask(rate, to="basal_scheduler").accepted
    system.run(ms=HOUR_MS)
    inject(system, 20_000)
    system.run(ms=MINUTE_MS)
    return int(system.view("actuator").rate)


def given_after_a_pen(system: FakeSystem) -> int:
    spread(system, 8_000, 4)
    system.run(ms=HOUR_MS)
    inject(system, 9_000)
    system.run(ms=5 * HOUR_MS)
    return int(system.view("actuator").bolus_total)


def test_a_rate_above_the_profile_is_cut_when_insulin_comes_from_a_pen() -> None:
    """Not at the next plan, which may be six hours off."""
    system = system_with(daily=MilliUnits(40_000))

    assert 800 == rate_after_a_pen(system)
    assert "basal_capped" in alarms(system)


def test_the_rest_of_a_spread_bolus_is_stopped_when_there_is_no_room_for_it() -> None:
    """What is given stays given; a person is told."""
    system = system_with(daily=MilliUnits(36_000))

    assert given_after_a_pen(system) < 3_000
    assert "extended_beyond_limit" in alarms(system)


def test_a_spread_bolus_for_which_there_is_room_goes_on() -> None:
    """A pen alone is no reason."""
    system = system_with()
    spread(system, 4_000, 2)
    system.run(ms=HOUR_MS)
    inject(system, 2_000)
    system.run(ms=2 * HOUR_MS)

    assert 4_000 == system.view("actuator").last_extended.delivered
    assert "extended_beyond_limit" not in alarms(system)


def test_limits_that_are_lowered_hold_for_what_runs() -> None:
    """Whoever lowers a limit means now."""
    system = system_with()
    spread(system, 8_000, 4)
    system.run(ms=HOUR_MS)
    lowered = msgspec.structs.replace(
        LIMITS, single=MilliUnits(1_000), hourly=MilliUnits(1_000), daily=MilliUnits(30_000)
    )
    system.ask(lowered, to="actuator")
    system.run(ms=4 * HOUR_MS)

    assert system.view("actuator").bolus_total < 3_000
    assert "extended_beyond_limit" in alarms(system)


def test_what_is_ordered_and_not_begun_is_not_stopped() -> None:
    """Its start is held against the limits of then; a stop of nothing would be a false record."""
    system = system_with()
    spread(system, 4_000, 1)
    system.run(ms=2 * HOUR_MS)
    state = system.state("actuator")
    waiting = OpenDose(
        dose=DoseId("bolus_advisor:demo:99"),
        amount=MilliUnits(8_000),
        since=system.clock.now().therapy,
        is_extended=True,
    )
    tight = msgspec.structs.replace(state.limits, daily=MilliUnits(1_000))
    state = msgspec.structs.replace(state, doses=DoseBook(open=(waiting,)), limits=tight)

    assert () == halt_extended(state, system.clock.now())


def spreading() -> tuple[Any, Any]:
    """The actuator's state an hour into 8 U over 4 h, and now."""
    system = system_with(hourly=MilliUnits(20_000))
    spread(system, 8_000, 4)
    system.run(ms=HOUR_MS)
    return system.state("actuator"), system.clock.now()


def limited(state: Any, **limits: object) -> Any:
    return msgspec.structs.replace(state, limits=msgspec.structs.replace(state.limits, **limits))


def test_the_rest_of_what_flows_must_fit_spread_and_not_at_once() -> None:
    """2 U an hour fit into 3 an hour; into 1.5 they do not, and who stops it is on record."""
    state, now = spreading()

    assert () == halt_extended(limited(state, hourly=MilliUnits(3_000)), now)
    assert () == halt_extended(limited(state, single=MilliUnits(1_000)), now)
    cancelled, alarm = halt_extended(limited(state, hourly=MilliUnits(1_500)), now)
    assert isinstance(cancelled, BolusCancelled) and isinstance(alarm, AlarmRaised)
    assert (state.doses.extended.dose, OWN_ACTOR) == (cancelled.dose, cancelled.actor)
    assert "extended_beyond_limit" == alarm.alarm


def test_a_rest_that_just_fits_goes_on() -> None:
    """Its own order not counted a second time; pulses counted together count from their last."""
    state, now = spreading()
    least = next(
        hourly
        for hourly in range(1_500, 3_000)
        if not halt_extended(limited(state, hourly=MilliUnits(hourly)), now)
    )

    assert 2_350 == least


@pytest.mark.parametrize("missing", [{"last_extended": None}, {"limits": None}, {"cancelled": 1}])
def test_what_is_not_known_or_ends_already_is_not_stopped(missing: dict[str, Any]) -> None:
    """Each is enough."""
    state, now = spreading()
    tight = limited(state, hourly=MilliUnits(1_000))
    if "cancelled" in missing:
        missing = {"cancelled": (state.doses.extended.dose,)}
    other = msgspec.structs.replace(state.last_extended, dose=DoseId("bolus_advisor:demo:98"))

    assert () != halt_extended(tight, now)
    assert () == halt_extended(msgspec.structs.replace(tight, **missing), now)
    assert () == halt_extended(msgspec.structs.replace(tight, last_extended=other), now)


def test_insulin_that_has_acted_leaves_room_on_board() -> None:
    """5 U of five hours ago are no reason to stop 4 U of now."""
    system = system_with(on_board=MilliUnits(6_000))
    inject(system, 5_000)
    system.run(ms=6 * HOUR_MS)
    spread(system, 4_000, 2)
    system.run(ms=10 * MINUTE_MS)

    assert () == halt_extended(system.state("actuator"), system.clock.now())


def test_a_pen_that_leaves_room_changes_no_rate() -> None:
    """A plan that is the same is not sent again."""
    system = system_with()
    rate = SetTemporaryRate(percent=200, duration=Milliseconds(HOUR_MS))
    assert system.ask(rate, to="basal_scheduler").accepted
    plans = system.said_of("actuator", BasalPlanAccepted)
    inject(system, 50)

    assert plans == system.said_of("actuator", BasalPlanAccepted)
    assert 1_600 == system.view("actuator").rate
    assert set() == alarms(system)


@pytest.mark.parametrize(
    "missing",
    [{"plan_heard": None}, {"limits": None}, {"plan": None}, {"is_superseded": True}],
)
def test_without_a_plan_or_limits_or_the_pump_nothing_is_cut(missing: dict[str, Any]) -> None:
    """Each of them is enough; with all of them the rate above the profile is cut."""
    system = system_with()
    rate = SetTemporaryRate(percent=200, duration=Milliseconds(HOUR_MS))
    assert system.ask(rate, to="basal_scheduler").accepted
    state = system.state("actuator")
    tight = msgspec.structs.replace(state.limits, basal=MilliUnitsPerHour(900))
    whole = msgspec.structs.replace(state, limits=tight)
    now = system.clock.now()

    assert () == hold_again(msgspec.structs.replace(whole, **missing), now)
    (accepted,) = (one for one in hold_again(whole, now) if isinstance(one, BasalPlanAccepted))
    assert 900 == max(step.rate for step in accepted.steps if step.at <= now.therapy)


def test_a_pen_before_any_limits_are_set_is_taken() -> None:
    """Nothing runs yet that could be cut."""
    system = FakeSystem()
    inject(system, 2_000)

    assert 2_000 == system.state("actuator").doses.boluses[0].amount
    assert set() == alarms(system)


@pytest.mark.parametrize(
    ("measured", "as_built", "limit"),
    [(rate_after_a_pen, 800, 40_000), (given_after_a_pen, 2_000, 36_000)],
)
def test_the_mutant_that_looks_at_limits_once_is_caught(
    measured: Callable[[FakeSystem], int],
    as_built: int,
    limit: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would let all of it flow."""
    monkeypatch.setattr(core.deciders.delivery.decider, "hold_again", lambda *_: ())
    system = system_with(daily=MilliUnits(limit))

    assert measured(system) > as_built + 500


def test_who_cancels_a_temporary_rate_and_why_is_kept() -> None:
    """Every setting is an event with actor and reason."""
    system = system_with()
    rate = SetTemporaryRate(percent=80, duration=Milliseconds(HOUR_MS), because="run")
    system.ask(rate, to="basal_scheduler")
    system.ask(CancelTemporaryRate(because="rain"), to="basal_scheduler", actor="person:bob")

    ended = system.said_of("basal_scheduler", TemporaryRateEnded)[-1]
    assert ("cancelled", "person:bob", "rain") == (ended.reason, ended.actor, ended.because)
