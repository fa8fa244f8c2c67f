"""R86: through every clock change from 2000 to 2037 the basal is what the wall asks for.

`make test` takes the changes of some zones, one of each kind; `make nightly` those of all.
"""

import importlib.resources
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from core.models.pulses import PULSE_PARTS, Parts, due, stretches
from core.models.schedules import PLAN_MS, every_day, plan_steps
from schemas.basal.profiles import ProfileSegment, ZoneTransition
from schemas.delivery.device import PumpPlan
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, MilliUnitsPerHour, UtcMillis
from services.runtime.platform.zones import transitions

FIRST = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
LAST = int(datetime(2038, 1, 1, tzinfo=UTC).timestamp())
STRIDE_S = 12 * 3600
BEFORE_MS = 14 * HOUR_MS

RATES = tuple(300 + 170 * (7 * half_hour % 13) for half_hour in range(48))
"""[mU/h] for each half hour of the day; neighbours differ, so that a shift shows."""

WEEK = every_day(
    tuple(
        ProfileSegment(start_minute=30 * index, rate=MilliUnitsPerHour(rate))
        for index, rate in enumerate(RATES)
    )
)

Change = tuple[int, int, int]
"""Instant [s] of a change, and the offsets [s] before and after it."""


def changes_of(zone: str) -> list[Change]:
    """Find the changes by the library's own wall clock, day by day, then second by second."""
    known = zoneinfo.ZoneInfo(zone)
    offset = offset_s(known, FIRST)
    found: list[Change] = []
    for second in range(FIRST, LAST, STRIDE_S):
        if offset_s(known, second + STRIDE_S) == offset:
            continue
        low, high = second, second + STRIDE_S
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset_s(known, middle) == offset else (low, middle)
        after = offset_s(known, high)
        found.append((high, offset, after))
        offset = after
    return found


@cache
def utc(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def offset_s(zone: zoneinfo.ZoneInfo, second: int) -> int:
    return int((utc(second).astimezone(zone).utcoffset() or timedelta()).total_seconds())


ONE_OF_EACH_KIND = (
    "Europe/Berlin",  # an hour, twice a year
    "America/New_York",  # at two in the morning
    "Australia/Lord_Howe",  # half an hour
    "America/St_Johns",  # one minute after midnight, for some years
    "Antarctica/Troll",  # two hours
    "Africa/Casablanca",  # four times a year, around Ramadan
    "Asia/Pyongyang",  # the zone itself moves by half an hour
    "Pacific/Apia",  # a whole day is left out
)


def changes_of_some() -> dict[Change, str]:
    """Give every change of one zone of each kind."""
    return {change: zone for zone in ONE_OF_EACH_KIND for change in changes_of(zone)}


def all_changes() -> dict[Change, str]:
    """Give every change once, with a zone that makes it."""
    folder = importlib.resources.files("tzdata")
    names = (folder / "zones").read_text(encoding="ascii").split()
    differing = {(folder / "zoneinfo" / name).read_bytes(): name for name in names}
    return {change: zone for zone in differing.values() for change in changes_of(zone)}


def asked_parts(change: Change, start: int) -> int:
    """Add up minute by minute what the wall clock asks for over a plan [mU ms/h]."""
    second, before, after = change
    total = 0
    for at in range(start // 1000, (start + PLAN_MS) // 1000, 60):
        local = at + (after if at >= second else before)
        total += RATES[local % 86_400 // 1800] * MINUTE_MS
    return total


def is_exact(change: Change, *, known: tuple[ZoneTransition, ...], start: UtcMillis) -> bool:
    """Say whether the pulses of the plan add up to what the wall clock asks for, to one pulse."""
    steps = plan_steps(WEEK, known, temporary=None, start=start)
    end = UtcMillis(start + PLAN_MS)
    plan = PumpPlan(plan="p", steps=steps, ends_at=end)
    given = due(Parts(0), over=stretches(plan, starts_at=start, ends_at=end))
    delivered = len(given.instants) * PULSE_PARTS
    return 0 <= asked_parts(change, start) - delivered < PULSE_PARTS


@pytest.mark.requirement("R86")
@pytest.mark.parametrize(
    ("zones", "least"),
    [
        pytest.param(changes_of_some, 300, id="one of each kind"),
        pytest.param(all_changes, 1000, id="every zone", marks=pytest.mark.nightly),
    ],
)
def test_the_delivered_basal_is_the_schedule_to_one_pulse_on_every_change_of_the_clock(
    zones: Callable[[], dict[Change, str]], least: int
) -> None:
    """A day of 23 or 25 hours, or a zone that moves, gives nobody more or less than the wall."""
    changes = zones()
    wrong: list[tuple[str, Change]] = []
    missed: list[tuple[str, Change]] = []
    for change, zone in changes.items():
        second, before, after = change
        start = UtcMillis(second * 1000 - BEFORE_MS)
        deaf = (ZoneTransition(at=UtcMillis(start - DAY_MS), offset_s=before),)
        known = (*deaf, ZoneTransition(at=UtcMillis(second * 1000), offset_s=after))
        if not is_exact(change, known=known, start=start):
            wrong.append((zone, change))
        if abs(after - before) >= 3600 and is_exact(change, known=deaf, start=start):
            missed.append((zone, change))

    assert len(changes) > least
    assert [] == wrong
    assert len(missed) < len(changes) / 20, "a plan that ignores the change must be found out"


def test_the_mutant_whose_days_have_24_hours_is_caught() -> None:
    """A plan that knows no change of the clock is wrong on every change of an hour."""
    exact = []
    for change in changes_of("Europe/Berlin"):
        second, before, _ = change
        start = UtcMillis(second * 1000 - BEFORE_MS)
        deaf = (ZoneTransition(at=UtcMillis(start - DAY_MS), offset_s=before),)
        exact.append(is_exact(change, known=deaf, start=start))

    assert len(exact) > 70
    assert not any(exact)


@pytest.mark.parametrize("zone", ["Europe/Paris", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_what_core_is_handed_is_what_the_zone_does(zone: str) -> None:
    """The property above is worth as much as the transitions that the services look up."""
    wanted = changes_of(zone)
    found: set[tuple[int, int]] = set()
    for year in range(2000, 2038):
        starts_at = UtcMillis(int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1000)
        ends_at = UtcMillis(int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp()) * 1000)
        looked_up = transitions(zone, starts_at=starts_at, ends_at=ends_at)
        found.update((t.at // 1000, t.offset_s) for t in looked_up[1:])

    assert {(second, after) for second, _, after in wanted} == found
