"""From a profile on the wall clock to steps in UTC, through any change of the clock."""

from collections.abc import Sequence

from schemas.basal import (
    PROFILE_SEGMENTS_MAX,
    BasalProfileSet,
    ProfileSegment,
    TemporaryRateStarted,
    ZoneTransition,
)
from schemas.device import PlanStep
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    MilliUnitsPerHour,
    UtcMillis,
)

PLAN_MS = Milliseconds(48 * HOUR_MS)
"""[ms] length of the plan that the pump is given."""

RATE_MU_PER_H_MAX = MilliUnitsPerHour(35_000)
"""[mU/h] largest basal rate of any pump known; source: Medtronic, 35 U/h."""

DAY_MINUTES = 1440
"""[min] from midnight to midnight by the clock on the wall."""


def segments_problem(segments: Sequence[ProfileSegment]) -> str | None:
    """Say what is wrong with a profile's segments: 'segments_wrong', 'rate_out_of_range', None."""
    starts = [segment.start_minute for segment in segments]
    if not 1 <= len(segments) <= PROFILE_SEGMENTS_MAX or starts[0] != 0:
        return "segments_wrong"
    if starts != sorted(set(starts)) or starts[-1] >= DAY_MINUTES:
        return "segments_wrong"
    if any(not 0 <= segment.rate <= RATE_MU_PER_H_MAX for segment in segments):
        return "rate_out_of_range"
    return None


def offset_ms_at(transitions: Sequence[ZoneTransition], at: UtcMillis) -> Milliseconds:
    """Give how far the wall clock is ahead of UTC.

    Args:
        transitions: sorted, the first at or before `at`.
        at: [ms] instant.
    """
    offset_s = transitions[0].offset_s
    for transition in transitions:
        if transition.at > at:
            break
        offset_s = transition.offset_s
    return Milliseconds(offset_s * 1000)


def scheduled_rate(
    profile: BasalProfileSet, transitions: Sequence[ZoneTransition], at: UtcMillis
) -> MilliUnitsPerHour:
    """Give the rate that the clock on the wall asks for [mU/h]."""
    local_minute = (at + offset_ms_at(transitions, at)) % DAY_MS // MINUTE_MS
    rate = profile.segments[0].rate
    for segment in profile.segments:
        if segment.start_minute > local_minute:
            break
        rate = segment.rate
    return rate


def plan_steps(
    profile: BasalProfileSet,
    transitions: Sequence[ZoneTransition],
    *,
    temporary: TemporaryRateStarted | None,
    start: UtcMillis,
) -> tuple[PlanStep, ...]:
    """Lay out the rates from `start` for PLAN_MS.

    The 23-hour and the 25-hour day need no case of their own: every instant at which the wall
    clock can show a segment's start, and every change of the clock, is looked at (R86).

    Returns:
        Steps of differing rates, sorted, the first at `start`.
    """
    end = UtcMillis(start + PLAN_MS)
    edges = {start, *(t.at for t in transitions if start < t.at < end)}
    edges.update(_segment_starts(profile, transitions, start, end))
    if temporary is not None:
        edges.update(at for at in (temporary.starts_at, temporary.ends_at) if start < at < end)
    steps: list[PlanStep] = []
    for at in sorted(edges):
        rate = rate_with_temporary(profile, transitions, temporary=temporary, at=at)
        if not steps or steps[-1].rate != rate:
            steps.append(PlanStep(at=at, rate=rate))
    return tuple(steps)


def rate_with_temporary(
    profile: BasalProfileSet,
    transitions: Sequence[ZoneTransition],
    *,
    temporary: TemporaryRateStarted | None,
    at: UtcMillis,
) -> MilliUnitsPerHour:
    """Give the rate at an instant [mU/h]; a percentage is rounded down."""
    scheduled = scheduled_rate(profile, transitions, at)
    if temporary is None or not temporary.starts_at <= at < temporary.ends_at:
        return scheduled
    if temporary.rate is not None:
        return temporary.rate
    percent = 100 if temporary.percent is None else temporary.percent
    return min(RATE_MU_PER_H_MAX, MilliUnitsPerHour(scheduled * percent // 100))


def _segment_starts(
    profile: BasalProfileSet,
    transitions: Sequence[ZoneTransition],
    start: UtcMillis,
    end: UtcMillis,
) -> set[UtcMillis]:
    offsets = {transition.offset_s * 1000 for transition in transitions}
    first_day = start // DAY_MS - 1
    last_day = end // DAY_MS + 1
    found: set[UtcMillis] = set()
    for day in range(first_day, last_day + 1):
        for segment in profile.segments:
            wall = day * DAY_MS + segment.start_minute * MINUTE_MS
            found.update(UtcMillis(wall - offset) for offset in offsets)
    return {at for at in found if start < at < end}
