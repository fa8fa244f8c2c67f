"""The trickle: profiles, temporary rates, suspension, short and long days, dead services."""

import pytest

from schemas.basal.profiles import (
    PROFILES_MAX,
    BasalPlanMade,
    BasalProfileSet,
    BasalZoneRefused,
    CancelTemporaryRate,
    ProfileSegment,
    SetBasalProfile,
    SetBasalWeek,
    SetBasalZone,
    SetTemporaryRate,
    TemporaryRateEnded,
)
from schemas.delivery.delivery import (
    BolusStopped,
)
from schemas.delivery.pump import ResumeDelivery, SuspendDelivery
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    Speaker,
    UtcMillis,
)
from support.simulated.fake_system import LIMITS, PROFILE, FakeSystem
from support.simulated.programmed import an_older_version


def test_a_day_of_basal_equals_the_profile(system: FakeSystem) -> None:
    """18 h at 1.2 and 6 h at 0.8 U/h are 26.4 U, to the pulse."""
    system.run(ms=24 * HOUR_MS)

    assert abs(26_400 - system.odometer) <= 50
    assert system.odometer == system.accounted()


@pytest.mark.requirement("R86")
@pytest.mark.parametrize(
    ("day", "expected_mu"),
    [
        (1_774_738_800_000, 5 * 800 + 18 * 1200),  # 2026-03-29 in Berlin has 23 hours
        (1_792_879_200_000, 7 * 800 + 18 * 1200),  # 2026-10-25 in Berlin has 25 hours
    ],
)
def test_short_and_long_days_are_delivered_by_the_clock_on_the_wall(
    day: int, expected_mu: int
) -> None:
    """06:00 means 06:00: the missing or doubled hour is one of the night's rate."""
    system = FakeSystem(start=UtcMillis(day - HOUR_MS))
    system.set_up()
    system.run(ms=HOUR_MS - MINUTE_MS)
    before = system.odometer
    hours = 23 if expected_mu < 26_000 else 25
    system.run(ms=hours * HOUR_MS)

    assert abs(expected_mu - (system.odometer - before)) <= 50


def test_suspend_stops_everything_and_resume_brings_basal_alone_back(
    system: FakeSystem,
) -> None:
    """A suspended bolus stays stopped; insulin for an hour missed is not made up."""
    system.order(3_000)
    system.run(ms=MINUTE_MS)
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    stopped_at = system.odometer
    system.run(ms=HOUR_MS)
    assert stopped_at == system.odometer
    assert 0 == system.view("actuator").rate
    assert "already_suspended" == system.ask(SuspendDelivery(), to="actuator").reason

    system.ask(ResumeDelivery(), to="actuator")
    system.run(ms=HOUR_MS)

    assert 750 <= system.odometer - stopped_at <= 850
    assert ["suspended"] == [dose.reason for dose in system.said_of("actuator", BolusStopped)]


def test_a_temporary_rate_runs_and_ends(system: FakeSystem) -> None:
    """50 % for an hour is half the insulin for an hour, then the profile again."""
    before = system.odometer
    asked = SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS))
    assert system.ask(asked, to="basal_scheduler").accepted
    system.run(ms=HOUR_MS)
    during = system.odometer - before
    system.run(ms=HOUR_MS)

    assert abs(400 - during) <= 50
    assert abs(800 - (system.odometer - before - during)) <= 50
    ends = system.said_of("basal_scheduler", TemporaryRateEnded)
    assert ["expired"] == [end.reason for end in ends]
    assert "none_runs" == system.ask(CancelTemporaryRate(), to="basal_scheduler").reason


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (SetTemporaryRate(duration=Milliseconds(HOUR_MS)), "one_of_percent_and_rate"),
        (
            SetTemporaryRate(
                percent=50, rate=MilliUnitsPerHour(100), duration=Milliseconds(HOUR_MS)
            ),
            "one_of_percent_and_rate",
        ),
        (SetTemporaryRate(percent=-1, duration=Milliseconds(HOUR_MS)), "out_of_range"),
        (SetTemporaryRate(percent=251, duration=Milliseconds(HOUR_MS)), "out_of_range"),
        (SetTemporaryRate(percent=50, duration=Milliseconds(14 * MINUTE_MS)), "out_of_range"),
        (SetTemporaryRate(percent=50, duration=Milliseconds(25 * HOUR_MS)), "out_of_range"),
        (SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS + 1)), "out_of_range"),
    ],
)
def test_a_wrong_temporary_rate_is_refused(
    system: FakeSystem, asked: SetTemporaryRate, reason: str
) -> None:
    """The plan stays as it is."""
    before = system.view("basal_scheduler").plan

    assert reason == system.ask(asked, to="basal_scheduler").reason
    assert before == system.view("basal_scheduler").plan


@pytest.mark.requirement("R5")
def test_no_limit_stops_programmed_basal(system: FakeSystem) -> None:
    """A cap on boluses must not take the insulin that keeps a person alive."""
    tight = type(LIMITS)(
        single=MilliUnits(1_000),
        hourly=MilliUnits(1_000),
        daily=MilliUnits(1_000),
        basal=MilliUnitsPerHour(3_000),
    )
    with an_older_version():
        system.ask(tight, to="actuator")
    system.run(ms=12 * HOUR_MS)

    assert system.odometer > 9_000
    assert "daily_limit" == system.order(500).reason


@pytest.mark.requirement("R5")
def test_a_profile_above_the_maximum_basal_is_delivered_as_programmed(system: FakeSystem) -> None:
    """An older version let it in: no limit stops the profile, and an alarm says what flows."""
    low = type(LIMITS)(
        single=MilliUnits(1_000),
        hourly=MilliUnits(1_000),
        daily=MilliUnits(9_000),
        basal=MilliUnitsPerHour(500),
    )
    with an_older_version():
        system.ask(low, to="actuator")
    system.run(ms=MINUTE_MS)

    assert 800 == system.view("actuator").rate
    (alarm,) = system.view("actuator").alarms
    assert ("profile_above_limit", "high") == (alarm.alarm, alarm.priority)
    assert (
        "Profile test gives from 00:00 0.8 U/h, above the largest basal rate of 0.5 U/h: "
        "it goes on flowing. Set another profile, or suspend."
    ) == alarm.text


def test_without_the_scheduler_the_pump_goes_on_by_itself(system: FakeSystem) -> None:
    """A dead service never stops the trickle: 3 days on a plan of 48 h."""
    system.run(ms=MINUTE_MS)
    system.services.pop(Speaker("basal_scheduler"))
    before = system.odometer
    system.run(ms=72 * HOUR_MS)

    assert abs(3 * 26_400 - (system.odometer - before)) <= 50
    assert "plan_runs_out" in [alarm.alarm for alarm in system.view("actuator").alarms]


def test_the_plan_is_renewed_long_before_it_ends(system: FakeSystem) -> None:
    """42 hours are always left."""
    system.run(ms=30 * HOUR_MS)
    plans = system.said_of("basal_scheduler", BasalPlanMade)

    assert len(plans) >= 5
    assert system.view("basal_scheduler").plan_ends_at - system.clock.now().therapy >= 42 * HOUR_MS
    assert system.view("actuator").plan == system.view("basal_scheduler").plan


REST = SetBasalProfile(
    name="rest",
    zone=PROFILE.zone,
    segments=(ProfileSegment(start_minute=0, rate=MilliUnitsPerHour(600)),),
    activate=False,
)


def test_each_day_of_the_week_has_its_profile(system: FakeSystem) -> None:
    """Working days and days of rest differ, and a plan names every profile that it came from."""
    kept = system.ask(REST, to="basal_scheduler")
    before = system.state("basal_scheduler").programme
    days = ("rest", "rest", *[PROFILE.name] * 5)
    week = system.ask(SetBasalWeek(days=days), to="basal_scheduler")
    system.run(ms=MINUTE_MS)

    plan = system.said_of("basal_scheduler", BasalPlanMade)[-1]
    assert (True, True) == (kept.accepted, week.accepted)
    assert (PROFILE.name,) * 7 == before.days
    assert days == system.state("basal_scheduler").programme.days
    assert 2 == len(plan.profiles)
    assert {600} < {step.rate for step in plan.steps}


def test_a_profile_in_use_is_replaced_where_it_is_used(system: FakeSystem) -> None:
    """Who mends the profile of one day must not change the others."""
    system.ask(REST, to="basal_scheduler")
    system.ask(SetBasalWeek(days=("rest",) * 7), to="basal_scheduler")
    system.run(ms=MINUTE_MS)
    changed = SetBasalProfile(
        name="rest",
        zone="Asia/Tokyo",
        segments=(ProfileSegment(start_minute=0, rate=MilliUnitsPerHour(700)),),
        activate=False,
    )
    system.ask(changed, to="basal_scheduler")
    system.run(ms=MINUTE_MS)

    programme = system.state("basal_scheduler").programme
    assert (("rest",) * 7, PROFILE.zone) == (programme.days, programme.zone)
    assert [700] == [
        step.rate for step in system.said_of("basal_scheduler", BasalPlanMade)[-1].steps
    ]


@pytest.mark.requirement("R86")
def test_a_journey_moves_the_plan_with_the_clock(system: FakeSystem) -> None:
    """Who travels keeps the profile; the clock on the wall is another one."""
    before = system.said_of("basal_scheduler", BasalPlanMade)[-1].steps
    asked = system.ask(SetBasalZone(zone="America/New_York"), to="basal_scheduler")
    system.run(ms=MINUTE_MS)

    after = system.said_of("basal_scheduler", BasalPlanMade)[-1].steps
    dawn = {step.at % (24 * HOUR_MS) for step in before[1:] if step.rate == 1_200}
    later = {step.at % (24 * HOUR_MS) for step in after[1:] if step.rate == 1_200}
    assert asked.accepted
    assert "America/New_York" == system.state("basal_scheduler").programme.zone
    assert {(at + 6 * HOUR_MS) % (24 * HOUR_MS) for at in dawn} == later


def test_a_journey_to_nowhere_changes_nothing(system: FakeSystem) -> None:
    """A slip of the finger must not stop the plan."""
    system.ask(SetBasalZone(zone="Europe/Nowhere"), to="basal_scheduler")
    system.run(ms=MINUTE_MS)

    assert "unknown_zone" == system.said_of("basal_scheduler", BasalZoneRefused)[-1].reason
    assert PROFILE.zone == system.state("basal_scheduler").programme.zone
    assert system.state("basal_scheduler").waiting is None


@pytest.mark.parametrize(
    ("days", "reason"),
    [(("rest",) * 6, "days_wrong"), (("nobody",) * 7, "no_such_profile")],
)
def test_a_week_of_what_is_not_there_is_refused(
    system: FakeSystem, days: tuple[str, ...], reason: str
) -> None:
    """Nothing changes, and the person hears why."""
    refused = system.ask(SetBasalWeek(days=days), to="basal_scheduler")

    assert (False, reason) == (refused.accepted, refused.reason)


def test_without_a_profile_there_is_no_week_and_no_journey() -> None:
    """No therapy setting has a default."""
    empty = FakeSystem()

    for command in (SetBasalWeek(days=("a",) * 7), SetBasalZone(zone="Asia/Tokyo")):
        assert "no_profile" == empty.ask(command, to="basal_scheduler").reason


def test_profiles_have_a_limit_with_a_name(system: FakeSystem) -> None:
    """Nothing grows for ever; a kept name can always be replaced."""
    answers = [
        system.ask(
            SetBasalProfile(
                name=f"p{number}", zone=PROFILE.zone, segments=REST.segments, activate=False
            ),
            to="basal_scheduler",
        ).reason
        for number in range(PROFILES_MAX)
    ]

    assert ["too_many_profiles"] == [reason for reason in answers if reason]
    assert PROFILES_MAX - 1 == len(system.said_of("basal_scheduler", BasalProfileSet)) - 1
    assert system.ask(PROFILE, to="basal_scheduler").accepted
