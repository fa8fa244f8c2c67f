"""Programmed basal against limits and pump models: refused where it is set, told where it flows."""

from typing import Any

import msgspec
import pytest

from schemas.basal.profiles import (
    SetBasalWeek,
    SetTemporaryRate,
)
from schemas.message import Outcome
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    MilliUnitsPerHour,
)
from support.simulated.fake_system import LIMITS, SAID_TWICE, FakeSystem
from support.simulated.mutant_pairs import is_caught
from support.simulated.programmed import alarms, let_in, limits, profile, scheduler, told


def absurd_profile_is_refused() -> bool:
    """35 U/h under a largest rate of 3 U/h: not a pulse of it flows."""
    system = FakeSystem()
    system.set_up()
    outcome = scheduler(system, profile((0, 35_000), confirmed=SAID_TWICE))
    system.run(ms=HOUR_MS)
    return not outcome.accepted and system.odometer < 1_000


@pytest.mark.requirement("R118")
def test_a_profile_above_the_largest_rate_is_refused_at_its_segment(system: FakeSystem) -> None:
    """The reservoir of a person was emptied by 35 U/h once."""
    outcome = scheduler(system, profile((0, 800), (390, 35_000), confirmed=SAID_TWICE))

    assert absurd_profile_is_refused()
    assert "above_basal_limit" == outcome.reason
    assert (
        "profile 'high' from 06:30: 35 U/h is above 3 U/h; that is the largest basal rate of "
        "'basalt limits'; basal goes on as before"
    ) == told(outcome)


@pytest.mark.requirement("R118")
def test_the_mutant_that_holds_nothing_against_a_limit_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The old scheduler: 35 U/h flowed until the reservoir was empty."""
    assert is_caught(
        absurd_profile_is_refused,
        lambda patch: patch.setattr("core.deciders.basal.checks._profile_misfits", lambda *_: ()),
        monkeypatch,
    )


@pytest.mark.requirement("R118")
@pytest.mark.parametrize(
    ("changes", "asked", "reason", "says"),
    [
        ({}, ((0, 3_000),), "", ""),
        ({}, ((0, 3_001),), "above_basal_limit", "from 00:00: 3.001 U/h is above 3 U/h"),
        ({"daily": 48_000}, ((0, 2_000),), "", ""),
        ({"daily": 48_000}, ((0, 2_001),), "above_daily_limit", "48.024 U in 24 h is above 48 U"),
        (
            {"calendar_day": 30_000},
            ((0, 1_000), (720, 2_000)),
            "above_calendar_day_limit",
            "from 00:00: 36 U from midnight to midnight is above 30 U",
        ),
        (
            {"four_hours": 15_000, "basal": 5_000},
            ((0, 500), (600, 4_000), (840, 500)),
            "above_four_hour_limit",
            "from 10:00: 16 U in 4 h is above 15 U",
        ),
        (
            {"pump_model": "diaconn_g8", "basal": 5_000},
            ((0, 800), (60, 4_000), (120, 800)),
            "above_pump_maximum",
            "from 01:00: 4 U/h is above 3 U/h",
        ),
        (
            {"pump_model": "tandem_tslim_x2"},
            ((0, 90), (60, 1_000)),
            "below_pump_minimum",
            "from 00:00: 0.09 U/h is below the least of 0.1 U/h",
        ),
    ],
)
@pytest.mark.parametrize("keeps", [False, True])
def test_a_profile_that_does_not_fit_is_refused_whether_it_is_used_or_kept(
    system: FakeSystem,
    changes: dict[str, Any],
    asked: tuple[tuple[int, int], ...],
    reason: str,
    says: str,
    keeps: bool,
) -> None:
    """A profile that is kept is one that somebody will use one day."""
    assert limits(system, **changes).accepted

    outcome = scheduler(system, profile(*asked, activate=not keeps, confirmed=SAID_TWICE))

    assert reason == outcome.reason
    assert says in (told(outcome) if reason else "")


@pytest.mark.requirement("R118")
def test_a_week_is_held_together_where_two_days_meet(system: FakeSystem) -> None:
    """Each of the two days has 40 U; from noon to noon there are 60 U."""
    assert limits(system, daily=45_000).accepted
    early, late = ((0, 2_500), (720, 830)), ((0, 830), (720, 2_500))
    for name, segments in (("early", early), ("late", late)):
        kept = profile(*segments, name=name, activate=False)
        assert scheduler(system, kept).accepted
    alternating = ("late", "early", "late", "early", "late", "early", "early")

    outcome = scheduler(system, SetBasalWeek(days=alternating, confirmed=SAID_TWICE))

    assert "above_daily_limit" == outcome.reason
    assert "profile 'late' from 12:00: 60 U in 24 h is above 45 U" in told(outcome)
    assert scheduler(system, SetBasalWeek(days=("early",) * 7, confirmed=SAID_TWICE)).accepted


@pytest.mark.requirement("R118")
def test_a_profile_of_one_day_is_held_with_the_days_beside_it(system: FakeSystem) -> None:
    """It is only replaced, and it is in use on a Sunday."""
    assert limits(system, daily=45_000).accepted
    late = profile((0, 830), (720, 2_500), name="late", activate=False)
    assert scheduler(system, late).accepted
    week = SetBasalWeek(days=("test",) * 6 + ("late",), confirmed=SAID_TWICE)
    assert scheduler(system, week).accepted
    system.run(ms=MINUTE_MS)

    early = profile((0, 2_500), (720, 830), name="test", activate=False, confirmed=SAID_TWICE)

    assert "above_daily_limit" == scheduler(system, early).reason


@pytest.mark.requirement("R118")
@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"rate": 3_000}, ""),
        ({"rate": 3_001}, "above_basal_limit"),
        ({"percent": 250}, ""),
    ],
)
def test_a_temporary_rate_above_the_largest_is_refused(
    system: FakeSystem, asked: dict[str, int], reason: str
) -> None:
    """It is said, not cut in silence."""
    command = SetTemporaryRate(duration=Milliseconds(8 * HOUR_MS), **asked)  # type: ignore[arg-type]  # by name

    assert reason == scheduler(system, command).reason


@pytest.mark.requirement("R118")
def test_a_temporary_rate_is_refused_for_the_segment_that_it_reaches(system: FakeSystem) -> None:
    """At 01:00 in Berlin 250 % are 2 U/h; from 06:00 on they would be 3 U/h."""
    assert limits(system, basal=2_500).accepted

    far = scheduler(system, SetTemporaryRate(percent=250, duration=Milliseconds(8 * HOUR_MS)))
    near = scheduler(system, SetTemporaryRate(percent=250, duration=Milliseconds(4 * HOUR_MS)))

    assert "above_basal_limit" == far.reason
    assert "profile 'test' from 06:00: 3 U/h is above 2.5 U/h" in told(far)
    assert near.accepted


def test_a_temporary_rate_of_more_than_the_model_gives_is_refused(system: FakeSystem) -> None:
    """Its own bound is another one than that of the limits."""
    assert limits(system, pump_model="diaconn_g8", basal=5_000).accepted

    command = SetTemporaryRate(rate=MilliUnitsPerHour(4_000), duration=Milliseconds(HOUR_MS))

    assert "above_pump_maximum" == scheduler(system, command).reason


def test_less_than_a_profile_that_was_let_in_is_never_refused(system: FakeSystem) -> None:
    """Half of 10 U/h is above the limit, and still what the person wants less of."""
    let_in(system, profile((0, 10_000), confirmed=SAID_TWICE))
    system.run(ms=MINUTE_MS)

    half = SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS))

    assert scheduler(system, half).accepted
    system.run(ms=MINUTE_MS)
    assert 5_000 == system.view("actuator").rate


def test_before_limits_are_set_a_profile_is_held_against_none(system: FakeSystem) -> None:
    """The limits are held against it then."""
    fresh = FakeSystem()
    assert scheduler(fresh, profile((0, 10_000))).accepted
    fresh.run(ms=MINUTE_MS)

    outcome = limits(fresh, daily=240_000)

    assert "profile_above_limit" == outcome.reason
    assert "basal: profile 'high' from 00:00: 10 U/h is above 3 U/h" in told(outcome)
    assert limits(fresh, daily=240_000, basal=10_000).accepted


@pytest.mark.requirement("R118")
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"basal": 1_199}, "basal: profile 'test' from 06:00: 1.2 U/h is above 1.199 U/h"),
        ({"daily": 26_399}, "daily: profile 'test' from 00:00: 26.4 U in 24 h is above 26.399 U"),
        (
            {"calendar_day": 20_000},
            "calendar_day: profile 'test' from 00:00: 26.4 U from midnight to midnight is above 20",
        ),
        (
            {"four_hours": 4_000, "hourly": 4_000, "single": 4_000},
            "four_hours: profile 'test' from 06:00: 4.8 U in 4 h is above 4 U",
        ),
        (
            {"pump_model": "diaconn_g8"},
            "",
        ),
    ],
)
def test_limits_below_what_runs_are_refused_by_profile_and_segment(
    system: FakeSystem, changes: dict[str, Any], says: str
) -> None:
    """Basal goes on and the limits stay as they were."""
    outcome = limits(system, **changes)

    assert outcome.accepted is not bool(says)
    assert says in (told(outcome) if says else "")
    system.run(ms=HOUR_MS)
    assert system.odometer >= 800
    assert {} == alarms(system)


@pytest.mark.requirement("R118")
def test_a_pump_model_that_cannot_give_the_profile_is_refused_by_segment(
    system: FakeSystem,
) -> None:
    """It would give less than is programmed."""
    assert scheduler(system, profile((0, 900), (60, 2_800), (540, 900))).reason == ""
    assert limits(system, basal=4_000).accepted
    system.run(ms=MINUTE_MS)
    assert scheduler(system, profile((0, 900), (60, 3_500), (540, 900))).accepted
    system.run(ms=MINUTE_MS)

    outcome = limits(system, pump_model="diaconn_g8", basal=4_000)

    assert "pump_cannot_give_profile" == outcome.reason
    assert "pump_model: profile 'high' from 01:00: 3.5 U/h is above 3 U/h" in told(outcome)


def test_limits_are_held_against_a_profile_that_waits(system: FakeSystem) -> None:
    """It is in force in a moment, when its zone is looked up."""
    system.post(profile((0, 2_000), confirmed=SAID_TWICE), to="basal_scheduler")
    system.services["basal_scheduler"].step()  # type: ignore[index]  # a plain name
    inbox = system.post(msgspec.structs.replace(LIMITS, basal=1_500), to="actuator")
    system.settle()

    outcome = msgspec.json.decode(system.broker.answers[inbox][-1], type=Outcome)
    # Whichever of the two was heard first: nobody is left without a word.
    assert "profile_above_limit" == outcome.reason or "profile_above_limit" in alarms(system)
