"""Time zones out of the package tzdata, the same on every machine; core is handed what they say."""

import importlib.metadata
import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from schemas.basal.profiles import ZoneTransition
from schemas.units import UtcMillis
from services.runtime.platform.errors import ZoneError

SCAN_S: Final = 6 * 3_600
"""[s] between two looks at the offset; no zone since 1970 changed twice within it."""

SPAN_DAYS_MAX: Final = 400
"""[d] looked through at once; a plan needs 2 days, a year's trace 366."""

OFFSET_MIN_MAX: Final = 16 * 60
"""[min] of a fixed offset; no clock on earth is further from UTC."""

_FIXED = re.compile(r"(?:UTC)?(?P<sign>[+-])(?P<hours>[01]\d):(?P<minutes>[0-5]\d)", re.ASCII)

LocalResolver = Callable[[int, int, int, int, int, int], tuple[UtcMillis, ...]]
"""Year, month, day, hour, minute, second to the instants [ms] they name: none, one or two."""

zoneinfo.reset_tzpath(to=())
zoneinfo.ZoneInfo.clear_cache()


def tzdata_version() -> str:
    """Name the version of the time-zone data in use, such as '2026.6'."""
    return importlib.metadata.version("tzdata")


def local_resolver(zone: str) -> LocalResolver:
    """Make a function that says which instants a wall clock in the zone names.

    Returns:
        Takes year, month, day, hour, minute and second; gives no instant where the clock was put
        forward over it, two (the first one first) where it was put back, else one. It raises
        ValueError for what no calendar holds, such as a 30th of February.

    Raises:
        ZoneError: there is no such zone.
    """
    known = _zone(zone)

    def resolve(
        year: int, month: int, day: int, hour: int, minute: int, second: int
    ) -> tuple[UtcMillis, ...]:
        wall = datetime(year, month, day, hour, minute, second, tzinfo=known)
        instants = {wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
        real = sorted(at for at in instants if _same_wall(at.astimezone(known), wall))
        return tuple(UtcMillis(int(at.timestamp()) * 1_000) for at in real)

    return resolve


def local_time(at: UtcMillis, *, zone: str) -> datetime:
    """Read the wall clock of a zone at an instant, to the millisecond.

    Raises:
        ZoneError: there is no such zone.
    """
    moment = datetime.fromtimestamp(at // 1_000, tz=UTC) + timedelta(milliseconds=at % 1_000)
    return moment.astimezone(_zone(zone))


def transitions(
    zone: str, *, starts_at: UtcMillis, ends_at: UtcMillis
) -> tuple[ZoneTransition, ...]:
    """Look up how far a zone's wall clock is ahead of UTC over a period.

    Args:
        starts_at: [ms] begin of the period.
        ends_at: [ms] its end, itself outside; at most `SPAN_DAYS_MAX` later.

    Returns:
        Sorted, never empty: the offset at `starts_at` (as of `starts_at`), then each change of the
        offset, exact to the second.

    Raises:
        ZoneError: there is no such zone.
        ValueError: the period ends before it begins or is too long.
    """
    known = _zone(zone)
    if not 0 <= ends_at - starts_at <= SPAN_DAYS_MAX * 86_400_000:
        raise ValueError(f"period of {ends_at - starts_at} ms")
    found = [ZoneTransition(at=starts_at, offset_s=_offset_s(known, starts_at // 1_000))]
    second, last = starts_at // 1_000, -(-ends_at // 1_000) - 1
    while second < last:
        step = min(second + SCAN_S, last)
        offset = _offset_s(known, step)
        if offset != found[-1].offset_s:
            changed = _first_second(known, after=second, until=step)
            found.append(ZoneTransition(at=UtcMillis(changed * 1_000), offset_s=offset))
        second = step
    return tuple(found)


def zone_lookup(zone: str, since: UtcMillis, until: UtcMillis) -> tuple[ZoneTransition, ...]:
    """Look up a zone over any length of time, for a calculation; empty for no such zone."""
    found: list[ZoneTransition] = []
    at = since
    while at < until:
        end = UtcMillis(min(until, at + SPAN_DAYS_MAX * 86_400_000))
        try:
            part = transitions(zone, starts_at=at, ends_at=end)
        except ZoneError:
            return ()
        found.extend(part[1:] if found and part[0].offset_s == found[-1].offset_s else part)
        at = end
    return tuple(found)


def _zone(zone: str) -> tzinfo:
    """Find a zone by its IANA name, or a fixed offset such as 'UTC+02:00' or '-03:30'."""
    fixed = _FIXED.fullmatch(zone)
    if fixed is not None:
        minutes = int(fixed["hours"]) * 60 + int(fixed["minutes"])
        if minutes > OFFSET_MIN_MAX:
            raise ZoneError(zone=zone)
        return timezone(timedelta(minutes=-minutes if fixed["sign"] == "-" else minutes))
    try:
        return zoneinfo.ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ZoneError(zone=zone) from error


def _same_wall(one: datetime, other: datetime) -> bool:
    return one.replace(tzinfo=None) == other.replace(tzinfo=None)


def _offset_s(zone: tzinfo, second: int) -> int:
    at = datetime.fromtimestamp(second, tz=UTC).astimezone(zone)
    return (at.utcoffset() or timedelta()) // timedelta(seconds=1)


def _first_second(zone: tzinfo, *, after: int, until: int) -> int:
    """Find the first second of the offset at `until`; `after` has another one."""
    low, high, offset = after, until, _offset_s(zone, until)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset_s(zone, middle) == offset else (middle, high)
    return high
