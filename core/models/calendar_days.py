"""Days by a clock on the wall: 23, 24 or 25 hours from midnight to midnight."""

from collections.abc import Sequence

from schemas.basal.profiles import ZoneTransition
from schemas.units import DAY_MS, UtcMillis


def days_between(
    transitions: Sequence[ZoneTransition], *, start: UtcMillis, end: UtcMillis
) -> tuple[tuple[UtcMillis, UtcMillis], ...]:
    """Give the days that hold any instant from start to end [ms]: begin, and begin of the next.

    A day begins at the first instant at which the clock shows its date or a later one.

    Args:
        transitions: of the clock, sorted, the first a day before the start at the latest.
        start: [ms] first instant.
        end: [ms] first instant after it.
    """
    offsets = [change.offset_s * 1000 for change in transitions]
    first = (start + min(offsets)) // DAY_MS - 1
    last = (end + max(offsets)) // DAY_MS + 2
    begins = [_midnight(transitions, day) for day in range(first, last + 1)]
    pairs = zip(begins, begins[1:], strict=False)
    return tuple((begin, until) for begin, until in pairs if begin < end and until > start)


def days_through(
    midnights: Sequence[UtcMillis], *, start: UtcMillis, end: UtcMillis
) -> tuple[tuple[UtcMillis, UtcMillis], ...]:
    """Give the days that hold any instant from start to end [ms], out of known midnights.

    After the last one known a day has 24 h; that is wrong by an hour at most, where nobody could
    say for two days what the clock shows.

    Args:
        midnights: sorted; empty gives no day.
        start: [ms] first instant.
        end: [ms] first instant after it.
    """
    last = midnights[-1] if midnights else end
    later = (UtcMillis(at) for at in range(last + DAY_MS, end + DAY_MS, DAY_MS))
    begins = (*midnights, *later)
    pairs = zip(begins, begins[1:], strict=False)
    return tuple((begin, until) for begin, until in pairs if begin < end and until > start)


def _midnight(transitions: Sequence[ZoneTransition], day: int) -> UtcMillis:
    """Give the first instant at which the clock shows this day or a later one."""
    ends: list[float] = [*(change.at for change in transitions[1:]), float("inf")]
    shown = (
        (at if change is transitions[0] else max(at, change.at), until)
        for change, until in zip(transitions, ends, strict=True)
        for at in (day * DAY_MS - change.offset_s * 1000,)
    )
    return UtcMillis(next(at for at, until in shown if at < until))
