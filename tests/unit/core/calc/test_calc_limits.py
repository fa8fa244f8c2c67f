"""`basalt calc limits`: every position of every window, computed twice, never programmed basal."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calc.limits.compute import LIMITS
from core.calc.limits.shapes import LIMIT_FIELDS, LimitsGiven, LimitsResult, LimitsScenario
from core.dosing.limits import caps_sweep as sweep
from core.kernel.errors import ScenarioError
from core.models.calendar_days import days_between
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    UtcMillis,
)
from services.runtime.platform import zones

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def dose(start_min: float, units: float, *, minutes: float = 0, kind: str = "bolus") -> Any:
    start = NOON + timedelta(minutes=start_min)
    end = start + timedelta(minutes=minutes)
    return {"kind": kind, "start": start.isoformat(), "end": end.isoformat(), "units": units}


def run(**fields: Any) -> LimitsResult:
    scenario = msgspec.convert({"at": NOON.isoformat(), "limits": {}, **fields}, LimitsScenario)
    assert LIMITS.resolve is not None
    result = LIMITS.run(
        LIMITS.resolve(scenario, lambda zone, a, b: zones.transitions(zone, starts_at=a, ends_at=b))
    )
    return msgspec.convert(msgspec.to_builtins(result), LimitsResult)


@pytest.mark.parametrize(
    ("limits", "fields", "allowed", "limit"),
    [
        ({"single_u": 5}, {}, 5.0, "single"),
        ({"iob_u": 5}, {"iob_u": 2}, 3.0, "iob"),
        ({"hourly_u": 8}, {"doses": [dose(-30, 3)]}, 5.0, "hourly"),
        ({"hourly_u": 8}, {"doses": [dose(-59.9, 3)]}, 5.0, "hourly"),
        ({"four_hours_u": 8}, {"doses": [dose(-230, 3)]}, 5.0, "four_hours"),
        ({"day_u": 30}, {"doses": [dose(-1440, 48, minutes=2880, kind="basal")]}, 6.0, "day"),
        # What is still to come counts: the fullest window lies ahead.
        ({"hourly_u": 8}, {"doses": [dose(30, 3)]}, 5.0, "hourly"),
        # 5 U over 2 h from now are 2.5 U in the hour to come.
        ({"hourly_u": 8}, {"doses": [dose(0, 5, minutes=120)]}, 5.5, "hourly"),
        # An extended bolus may take half the hour's room in each of its two hours.
        ({"hourly_u": 3}, {"duration_min": 120}, 6.0, "hourly"),
        ({"combined_u_per_h": 4}, {"duration_min": 120, "scheduled_u_per_h": 1}, 6.0, "combined"),
    ],
)
@pytest.mark.requirement("R4")
def test_each_limit_cuts_and_says_so(
    limits: dict[str, Any], fields: dict[str, Any], allowed: float, limit: str
) -> None:
    """By hand."""
    found = run(bolus_u=7.0, limits=limits, **fields)

    assert (allowed, True) == (found.allowed_u, found.checked_twice)
    assert [(limit, 7.0, allowed)] == [(cut.limit, cut.before, cut.after) for cut in found.cuts]
    ((field, value),) = limits.items()
    assert [(value, f"$.limits.{field}")] == [(cut.value, cut.source) for cut in found.cuts]


def test_every_limit_has_the_field_that_sets_it() -> None:
    """A cut whose source nobody can find is a riddle."""
    cutting = set(LimitsGiven.__struct_fields__) - {"lockout_min", "soft_u"}

    assert cutting == set(LIMIT_FIELDS.values())


def test_a_dose_that_left_the_window_counts_no_more() -> None:
    """After exactly 60 min."""
    assert 7.0 == run(bolus_u=7, limits={"hourly_u": 8}, doses=[dose(-60, 3)]).allowed_u


@pytest.mark.parametrize(
    ("origin", "minutes", "refused"),
    [
        ("person", 0, None),
        ("automatic", 2.9, "lockout"),
        ("automatic", 3, None),
        ("remote", 14.9, "lockout"),
        ("remote", 15, None),
    ],
)
@pytest.mark.requirement("R6")
def test_the_lockout_depends_on_who_asks(origin: str, minutes: float, refused: str | None) -> None:
    """0, 3 and 15 min."""
    found = run(bolus_u=1, origin=origin, doses=[dose(-minutes, 1)])

    assert refused == found.refused


@pytest.mark.parametrize(
    ("day", "begin", "hours"),
    [
        ("2026-03-29", "2026-03-28T23:00:00", 23),
        ("2026-10-25", "2026-10-24T22:00:00", 25),
        ("2026-11-01", "2026-10-31T23:00:00", 24),
    ],
)
def test_a_calendar_day_has_23_to_25_hours(day: str, begin: str, hours: int) -> None:
    """From midnight to midnight by the clock on the wall."""
    at = f"{day}T12:00:00Z"
    (room,) = run(
        at=at, bolus_u=1, limits={"calendar_day_u": 9}, wall={"zone": "Europe/Paris"}
    ).headrooms
    assert room.window_start is not None and room.window_end is not None
    assert begin == room.window_start.strftime("%Y-%m-%dT%H:%M:%S")
    assert timedelta(hours=hours) == room.window_end - room.window_start


@given(
    zone=st.sampled_from(["Europe/Paris", "America/Santiago", "Asia/Beirut", "Pacific/Apia"]),
    hours=st.integers(0, 24 * 365 * 20),
)
def test_days_begin_where_the_zone_says(zone: str, hours: int) -> None:
    """Against the standard library, midnights that do not exist included."""
    start = UtcMillis(1_100_000_000_000 + hours * HOUR_MS)
    known = zones.transitions(
        zone, starts_at=UtcMillis(start - 3 * DAY_MS), ends_at=UtcMillis(start + 3 * DAY_MS)
    )
    ((begin, until),) = days_between(known, start=start, end=UtcMillis(start + 1))

    def date(at: int) -> Any:
        return datetime.fromtimestamp(at / 1000, tz=ZoneInfo(zone)).date()

    assert begin <= start < until
    assert date(begin) == date(start) == date(until - 1)
    assert date(begin - 1) < date(start) < date(until)


@pytest.mark.parametrize(
    ("limits", "allowed", "limit"),
    [
        ({"basal_u_per_h": 2}, 2.0, "basal_absolute"),
        ({"basal_times_present": 2}, 2.0, "basal_times_present"),
        ({"basal_times_largest": 2}, 2.4, "basal_times_largest"),
        ({"iob_u": 1}, 2.0, "iob"),
        ({"day_u": 0}, 1.0, "day"),
    ],
)
@pytest.mark.requirement("R5")
def test_a_rate_is_cut_to_the_profile_at_most(
    limits: dict[str, Any], allowed: float, limit: str
) -> None:
    """No cap ever stops programmed basal."""
    found = run(
        rate_u_per_h=3,
        duration_min=60,
        scheduled_u_per_h=1,
        largest_u_per_h=1.2,
        limits=limits,
        doses=[dose(-60, 5)],
    )
    assert (allowed, [limit]) == (found.allowed_u_per_h, [cut.limit for cut in found.cuts])


def test_a_lower_rate_is_never_cut() -> None:
    """Less than the profile adds nothing to any limit."""
    found = run(rate_u_per_h=0.5, duration_min=60, scheduled_u_per_h=1, limits={"day_u": 0})

    assert (0.5, ()) == (found.allowed_u_per_h, found.cuts)


def test_large_requests_are_flagged() -> None:
    """Above the soft limit, and more than twice the largest of a day."""
    found = run(bolus_u=7, limits={"soft_u": 5}, doses=[dose(-300, 3), dose(-1500, 9)])

    assert ("confirm_above_soft_limit", "larger_than_recent") == found.flags
    assert () == run(bolus_u=6, limits={"soft_u": 6}, doses=[dose(-300, 3)]).flags


def test_a_limit_that_leaves_nothing_refuses() -> None:
    """With its name."""
    assert "hourly" == run(bolus_u=1, limits={"hourly_u": 3}, doses=[dose(-5, 4)]).refused


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "$.bolus_u"),
        ({"bolus_u": 1, "rate_u_per_h": 1}, "$.bolus_u"),
        ({"rate_u_per_h": 1}, "$.duration_min"),
        ({"bolus_u": 1, "doses": [dose(0, 1, minutes=-1)]}, "$.doses[0].end"),
        ({"bolus_u": 1, "limits": {"calendar_day_u": 5}}, "$.wall"),
    ],
)
def test_what_cannot_be_is_refused_by_its_path(fields: dict[str, Any], path: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ScenarioError) as error:
        run(**fields)
    assert path == error.value.path


def test_where_they_disagree_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bolus is refused, the rate falls to the profile's, and basal flows."""
    monkeypatch.setattr(
        "core.calc.limits.compute.rooms_twice", lambda asked: (sweep.rooms(asked), False)
    )
    bolus = run(bolus_u=1, limits={"single_u": 5})
    rate = run(rate_u_per_h=3, duration_min=30, scheduled_u_per_h=1, limits={"day_u": 99})

    assert (0.0, "limits_disagree", False) == (bolus.allowed_u, bolus.refused, bolus.checked_twice)
    assert (1.0, "limits_disagree") == (rate.allowed_u_per_h, rate.refused)


def test_a_combined_rate_does_not_bind_a_bolus_at_the_pumps_speed() -> None:
    """The pump slows it; nothing of it is cut."""
    found = run(bolus_u=2, scheduled_u_per_h=1, limits={"combined_u_per_h": 4})

    assert (2.0, None, 3.0) == (found.allowed_u, found.refused, found.bolus_rate_u_per_h)
    assert None is run(bolus_u=2).bolus_rate_u_per_h
    lasting = run(bolus_u=2, duration_min=60, limits={"combined_u_per_h": 4})
    assert None is lasting.bolus_rate_u_per_h


@pytest.mark.parametrize("combined", [1, 0.5])
@pytest.mark.requirement("R7")
def test_basal_that_takes_all_of_the_combined_rate_leaves_no_bolus(combined: float) -> None:
    """It could only flow on top."""
    found = run(bolus_u=2, scheduled_u_per_h=1, limits={"combined_u_per_h": combined})

    assert (0.0, "combined", 0.0) == (found.allowed_u, found.refused, found.bolus_rate_u_per_h)


@pytest.mark.parametrize("module", ["sliding", "sweep"])
@pytest.mark.requirement("R20")
def test_a_mutant_of_either_way_is_noticed(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate of a milliunit more falls to the profile; a lockout that one forgets is a refusal."""
    monkeypatch.setattr(f"core.dosing.limits.caps_{module}.allowed_rate", lambda asked: asked.rate)
    rate = run(
        rate_u_per_h=3, duration_min=30, scheduled_u_per_h=1, limits={"basal_u_per_h": 2.999}
    )
    monkeypatch.setattr(f"core.dosing.limits.caps_{module}.is_locked", lambda *_, **__: False)
    bolus = run(bolus_u=1, origin="remote", doses=[dose(-1, 1)])

    assert (1.0, "limits_disagree", False) == (
        rate.allowed_u_per_h,
        rate.refused,
        rate.checked_twice,
    )
    assert (0.0, "limits_disagree") == (bolus.allowed_u, bolus.refused)


def test_less_than_a_milliunit_is_no_bolus() -> None:
    """Found by a property: rounded to nothing it was cut by no limit and had no reason."""
    with pytest.raises(msgspec.ValidationError, match=r"bolus_u"):
        run(bolus_u=1e-300, limits={"single_u": 5})

    assert 0.001 == run(bolus_u=0.001, limits={"single_u": 5}).allowed_u
