"""From a profile on the wall clock to steps in UTC, through any change of the clock."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from schemas.basal.profiles import (
    PROFILE_SEGMENTS_MAX,
    ProfileSegment,
    TemporaryRateStarted,
    ZoneTransition,
)
from schemas.delivery.device import PlanStep
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

EPOCH_WEEKDAY = 3
"""[-] 1 January 1970 was a Thursday; Monday is 0."""

Week = tuple[tuple[ProfileSegment, ...], ...]
"""[-] the segments of seven local days, Monday first."""


class Segment(Protocol):
    """A stretch of a local day, until the next segment or midnight."""

    @property
    def start_minute(self) -> int:
        """[min] 0 to 1439 after local midnight, by the clock on the wall."""
        ...


SegmentT = TypeVar("SegmentT", bound=Segment)


def starts_problem(segments: Sequence[Segment]) -> bool:
    """Say whether segments do not begin at midnight, go on in order and end within the day."""
    starts = [segment.start_minute for segment in segments]
    if not 1 <= len(segments) <= PROFILE_SEGMENTS_MAX or starts[0] != 0:
        return True
    return starts != sorted(set(starts)) or starts[-1] >= DAY_MINUTES


def segments_problem(segments: Sequence[ProfileSegment]) -> str | None:
    """Say what is wrong with a profile's segments: 'segments_wrong', 'rate_out_of_range', None."""
    if starts_problem(segments):
        return "segments_wrong"
    if any(not 0 <= segment.rate <= RATE_MU_PER_H_MAX for segment in segments):
        return "rate_out_of_range"
    return None


def every_day(segments: tuple[ProfileSegment, ...]) -> Week:
    """Give a week of equal days."""
    return (segments,) * 7


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


def wall_clock(transitions: Sequence[ZoneTransition], at: UtcMillis) -> tuple[int, int]:
    """Read the wall clock: the local day [d since 1970-01-01] and the minute of it, 0 to 1439."""
    day, of_day = divmod(at + offset_ms_at(transitions, at), DAY_MS)
    return day, of_day // MINUTE_MS


def weekday(local_day: int) -> int:
    """Give the day of the week of a local day, 0 for Monday."""
    return (local_day + EPOCH_WEEKDAY) % 7


def segment_at(segments: Sequence[SegmentT], local_minute: int) -> SegmentT:
    """Give the segment that the wall clock is in."""
    found = segments[0]
    for segment in segments:
        if segment.start_minute > local_minute:
            break
        found = segment
    return found


def scheduled_rate(
    week: Week, transitions: Sequence[ZoneTransition], at: UtcMillis
) -> MilliUnitsPerHour:
    """Give the rate that the clock on the wall asks for [mU/h]."""
    day, minute = wall_clock(transitions, at)
    return segment_at(week[weekday(day)], minute).rate


def plan_steps(
    week: Week,
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
    edges = rate_edges(week, transitions, starts_at=start, ends_at=end)
    if temporary is not None:
        edges.update(at for at in (temporary.starts_at, temporary.ends_at) if start < at < end)
    steps: list[PlanStep] = []
    for at in sorted(edges):
        rate = rate_with_temporary(week, transitions, temporary=temporary, at=at)
        if not steps or steps[-1].rate != rate:
            steps.append(PlanStep(at=at, rate=rate))
    return tuple(steps)


def rate_edges(
    week: Week,
    transitions: Sequence[ZoneTransition],
    *,
    starts_at: UtcMillis,
    ends_at: UtcMillis,
) -> set[UtcMillis]:
    """Name every instant [ms] of [starts_at, ends_at) at which the scheduled rate may change."""
    minutes = {segment.start_minute for segments in week for segment in segments}
    return wall_edges(minutes, transitions, starts_at=starts_at, ends_at=ends_at)


def wall_edges(
    minutes: Iterable[int],
    transitions: Sequence[ZoneTransition],
    *,
    starts_at: UtcMillis,
    ends_at: UtcMillis,
) -> set[UtcMillis]:
    """Name every instant [ms] of [starts_at, ends_at) at which the wall may show one of some times.

    Args:
        minutes: [min] after midnight.
        transitions: of the wall clock, sorted, the first at or before `starts_at`.
        starts_at: first instant, named in any case.
        ends_at: first instant after it.
    """
    edges = {starts_at, *(t.at for t in transitions if starts_at < t.at < ends_at)}
    offsets = {transition.offset_s * 1000 for transition in transitions}
    shown = tuple(minutes)
    for day in range(starts_at // DAY_MS - 1, ends_at // DAY_MS + 2):
        for minute in shown:
            wall = day * DAY_MS + minute * MINUTE_MS
            edges.update(UtcMillis(wall - offset) for offset in offsets)
    return {at for at in edges if starts_at <= at < ends_at}


def rate_with_temporary(
    week: Week,
    transitions: Sequence[ZoneTransition],
    *,
    temporary: TemporaryRateStarted | None,
    at: UtcMillis,
) -> MilliUnitsPerHour:
    """Give the rate at an instant [mU/h]; a percentage is rounded down."""
    scheduled = scheduled_rate(week, transitions, at)
    if temporary is None or not temporary.starts_at <= at < temporary.ends_at:
        return scheduled
    if temporary.rate is not None:
        return temporary.rate
    percent = 100 if temporary.percent is None else temporary.percent
    return min(RATE_MU_PER_H_MAX, MilliUnitsPerHour(scheduled * percent // 100))
