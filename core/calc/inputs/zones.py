"""Clocks on walls in scenarios: times of day, zones by name, journeys."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from core.calc.calculation import Instant, Scenario, ZoneLookup, instant, millis
from core.calc.inputs.basal_programme import travel
from core.kernel.errors import ScenarioError
from schemas.basal.profiles import ZoneTransition
from schemas.units import DAY_MS, UtcMillis

TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""[-] 'HH:MM', 00:00 to 23:59."""

OffsetMinutes = Annotated[int, msgspec.Meta(ge=-16 * 60, le=16 * 60)]
"""[min] east of UTC positive."""


class ClockChange(Scenario, frozen=True, kw_only=True):
    """From this instant the clock on the wall is so far ahead of UTC."""

    at: Instant
    """[-] first instant."""
    offset_s: Annotated[int, msgspec.Meta(ge=-16 * 3600, le=16 * 3600)]
    """[s] east of UTC positive."""


class Journey(Scenario, frozen=True, kw_only=True):
    """From this instant the person's clock shows the time of another zone."""

    at: Instant
    """[-] first instant."""
    zone: str
    """[-] IANA name."""


class Wall(Scenario, frozen=True, kw_only=True):
    """The clock by which schedules run: a zone, a fixed offset, or its changes one by one."""

    zone: str | None = None
    """[-] IANA name, or one of the two below."""
    utc_offset_min: OffsetMinutes | None = None
    """[min] fixed, east of UTC positive."""
    changes: Annotated[tuple[ClockChange, ...], msgspec.Meta(max_length=1000)] = ()
    """[-] 1000 at most, sorted, the first at or before everything; what a zone is turned into."""
    travel: Annotated[tuple[Journey, ...], msgspec.Meta(max_length=100)] = ()
    """[-] 100 at most, sorted; with `zone` only."""


def minute_of(time: str) -> int:
    """Give the minutes after midnight of 'HH:MM'."""
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def time_of(minute: int) -> str:
    """Write minutes after midnight as 'HH:MM'."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def looked_up(wall: Wall, lookup: ZoneLookup, *, start: UtcMillis, end: UtcMillis) -> Wall:
    """Turn a zone and journeys into changes of the clock.

    Raises:
        ScenarioError: there is no such zone, or journeys are not in order.
    """
    _check_one(wall)
    if wall.zone is None:
        return wall
    since = UtcMillis(start - 2 * DAY_MS)
    legs = [(since, wall.zone, "$.wall.zone")]
    for index, journey in enumerate(wall.travel):
        at, path = millis(journey.at), f"$.wall.travel[{index}]"
        if at <= legs[-1][0]:
            raise ScenarioError(f"{path}.at", "journeys go on in time")
        legs.append((at, journey.zone, f"{path}.zone"))
    zones: list[tuple[UtcMillis, tuple[ZoneTransition, ...]]] = []
    for at, zone, path in legs:
        found = lookup(zone, UtcMillis(min(at, since)), UtcMillis(end + 2 * DAY_MS))
        if not found:
            raise ScenarioError(path, f"there is no zone {zone!r}")
        zones.append((at, found))
    changes = [ClockChange(at=instant(t.at), offset_s=t.offset_s) for t in travel(zones)]
    return Wall(changes=tuple(changes))


def transitions_of(wall: Wall, *, start: UtcMillis) -> tuple[ZoneTransition, ...]:
    """Give the changes of the clock.

    Raises:
        ScenarioError: none or several clocks are given, or their changes do not cover `start`.
    """
    _check_one(wall)
    if wall.utc_offset_min is not None:
        return (ZoneTransition(at=UtcMillis(0), offset_s=wall.utc_offset_min * 60),)
    found = [ZoneTransition(at=millis(c.at), offset_s=c.offset_s) for c in wall.changes]
    _check(found, start=start)
    return tuple(found)


def _check_one(wall: Wall) -> None:
    given = [wall.zone is not None, wall.utc_offset_min is not None, bool(wall.changes)]
    if sum(given) != 1:
        raise ScenarioError("$.wall", "give one of zone, utc_offset_min and changes")
    if wall.travel and wall.zone is None:
        raise ScenarioError("$.wall.travel", "journeys need a zone to begin in")


def _check(found: Sequence[ZoneTransition], *, start: UtcMillis) -> None:
    if not found:
        raise ScenarioError("$.wall.zone", "a zone must be looked up first")
    if found[0].at > start:
        raise ScenarioError("$.wall.changes[0].at", "the first change is after the start")
    for index in range(1, len(found)):
        if found[index].at <= found[index - 1].at:
            raise ScenarioError(f"$.wall.changes[{index}].at", "changes go on in time")
