"""What flows above a limit, by pen or by an older version, is told; basal goes on (R118)."""

import msgspec
import pytest

import core.deciders.bolus.orders
from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.delivery.programme_checks import (
    day_alarm,
    day_passed,
    limits_problem_of,
    profile_alarm,
    profile_alarm_at_start,
    profile_in_force,
)
from core.dosing.basal_programme.programme import HeardProgramme
from schemas.bolus.orders import OrderBolus, RecordInjection
from schemas.delivery.delivery import BolusRefused
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, MilliUnits
from support.simulated.fake_system import LIMITS, PROFILE, PUMP, SAID_TWICE, FakeSystem
from support.simulated.mutant_pairs import is_caught
from support.simulated.programmed import (
    alarms,
    an_older_version,
    let_in,
    limits,
    profile,
    scheduler,
    told,
)


@pytest.mark.requirement("R118")
def test_what_an_older_version_let_in_flows_on_and_is_told(system: FakeSystem) -> None:
    """With a high alarm that names profile, time and rate; it ends with a profile that fits."""
    let_in(system, profile((0, 10_000), confirmed=SAID_TWICE))
    system.run(ms=MINUTE_MS)
    before = system.odometer
    system.run(ms=HOUR_MS)

    alarm = alarms(system)["profile_above_limit"]
    assert 9_000 < system.odometer - before <= 10_050
    assert "high" == alarm.priority
    assert (
        "Profile high gives from 00:00 10 U/h, above the largest basal rate of 3 U/h" in alarm.text
    )
    assert limits(system, single=5_000, soft=1_000).accepted
    assert scheduler(system, msgspec.structs.replace(PROFILE, confirmed=SAID_TWICE)).accepted
    system.run(ms=MINUTE_MS)
    assert "profile_above_limit" not in alarms(system)


@pytest.mark.requirement("R118")
def test_it_is_told_as_soon_as_this_version_starts(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older one knew of no such alarm."""
    with an_older_version():
        monkeypatch.setattr("core.deciders.delivery.plan_capping.profile_alarm", lambda *_: ())
        assert limits(system, daily=15_000).accepted
        system.run(ms=MINUTE_MS)
    assert {} == alarms(system)

    system.restart("actuator")
    system.settle()

    text = alarms(system)["profile_above_limit"].text
    assert "gives from 00:00 up to 26.4 U, above the daily limit of 15 U" in text


@pytest.mark.requirement("R118")
def test_insulin_of_a_day_past_the_cap_alarms_and_basal_goes_on(system: FakeSystem) -> None:
    """By pen, which no limit stops: the message names the profile that goes on."""
    assert limits(system, daily=30_000).accepted
    system.run(ms=2 * HOUR_MS)
    pen = RecordInjection(amount=MilliUnits(28_450), given_at=system.clock.now().therapy)
    assert system.ask(pen, to="bolus_advisor").accepted
    assert {} == alarms(system)
    system.run(ms=HOUR_MS)

    alarm = alarms(system)["daily_limit_passed"]
    assert "high" == alarm.priority
    assert "U were given in 24 h, above the limit of 30 U" in alarm.text
    assert "basal of profile test goes on" in alarm.text
    before = system.odometer
    system.run(ms=HOUR_MS)
    assert system.odometer - before >= 750
    system.run(ms=DAY_MS)
    assert "daily_limit_passed" not in alarms(system)


def test_an_injection_past_the_cap_alarms_at_once(system: FakeSystem) -> None:
    """And a calendar day has a cap of its own; limits that are set later are held at once."""
    assert limits(system, calendar_day=30_000).accepted
    pen = RecordInjection(amount=MilliUnits(31_000), given_at=system.clock.now().therapy)
    assert system.ask(pen, to="bolus_advisor").accepted

    assert "since midnight, above the limit of 30 U" in alarms(system)["daily_limit_passed"].text
    assert limits(system).accepted
    assert {} == alarms(system)
    assert limits(system, daily=31_000).accepted
    assert {} == alarms(system)
    assert limits(system, daily=30_000).accepted
    assert ["daily_limit_passed"] == list(alarms(system))


def the_day_is_told() -> bool:
    system = FakeSystem()
    system.set_up()
    limits(system, daily=30_000)
    pen = RecordInjection(amount=MilliUnits(31_000), given_at=system.clock.now().therapy)
    system.ask(pen, to="bolus_advisor")
    return "daily_limit_passed" in alarms(system)


@pytest.mark.requirement("R118")
def test_the_mutant_that_adds_up_no_day_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The old actuator: nobody was told."""
    assert the_day_is_told()
    assert is_caught(
        the_day_is_told,
        lambda patch: patch.setattr(
            "core.deciders.delivery.programme_checks._given", lambda *_: MilliUnits(0)
        ),
        monkeypatch,
    )


@pytest.mark.requirement("R118")
def test_a_bolus_refused_because_of_basal_names_the_profile(system: FakeSystem) -> None:
    """The person must know that it is the profile that leaves no room, not a bolus."""
    assert limits(system, daily=27_000).accepted
    outcome = system.order(1_000)

    assert "daily_limit" == outcome.reason
    assert "any 24 h: basal of profile 'test' uses it up; 0.599 U may be given now" in told(outcome)

    assert limits(system, daily=30_000).accepted
    assert system.order(3_000).accepted
    system.run(ms=10 * MINUTE_MS)
    beside_a_bolus = told(system.order(1_000))
    assert "profile" not in beside_a_bolus


@pytest.mark.requirement("R118")
def test_the_actuator_names_the_profile_as_well(system: FakeSystem) -> None:
    """It checks for itself what a careless advisor orders."""
    assert limits(system, daily=27_000).accepted
    refusals: list[BolusRefused] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.deciders.bolus.orders, "breach", lambda *_, **__: None)
        system.order(1_000)
        assert limits(system, daily=29_000).accepted
        pen = RecordInjection(amount=MilliUnits(2_000), given_at=system.clock.now().therapy)
        assert system.ask(pen, to="bolus_advisor").accepted
        system.order(1_000)
        more = OrderBolus(amount=MilliUnits(12_000), confirmed=True)
        system.ask(more, to="bolus_advisor")
        refusals = system.said_of("actuator", BolusRefused)

    assert [("daily_limit", "test"), ("daily_limit", ""), ("single_limit", "")] == [
        (one.reason, one.profile) for one in refusals
    ]


def test_profiles_that_nobody_heard_are_held_by_the_plan(system: FakeSystem) -> None:
    """A record that begins with a plan: no name, and the rate all the same."""
    state = msgspec.structs.replace(system.state("actuator"), programme=HeardProgramme())
    assert state.plan_heard is not None and state.limits is not None

    low = limits_problem_of(state, msgspec.structs.replace(LIMITS, basal=1_000))
    assert low is not None and low.misfit is not None
    assert ("profile_above_limit", "basal", "") == (low.reason, low.field, low.misfit.profile)
    assert limits_problem_of(state, LIMITS) is None
    tight = msgspec.structs.replace(state.limits, basal=1_000)
    (raised,) = profile_alarm(state, state.plan_heard[1], tight)
    assert "The basal profile gives 1.2 U/h, above the largest basal rate of 1 U/h" in getattr(
        raised, "text", ""
    )


def test_before_anything_is_known_nothing_is_told(system: FakeSystem) -> None:
    """No plan, no limits, no profile: no alarm, and no name that could be wrong."""
    state = DELIVERY_DECIDER.initial(PUMP)

    assert "" == profile_in_force(state)
    assert () == day_alarm(state, system.clock.now())
    assert () == profile_alarm_at_start(state)
    assert limits_problem_of(state, LIMITS) is None
    assert (
        "programmed basal goes on" in day_passed(MilliUnits(2), MilliUnits(1), "in 24 h", "").text
    )
