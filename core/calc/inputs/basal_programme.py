"""A basal programme as a whole: profiles by weekday, travel, temporary rates, suspension."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from core.models.pump_models import PumpModel, floor_rate
from core.models.schedules import (
    RATE_MU_PER_H_MAX,
    Week,
    rate_edges,
    segment_at,
    wall_clock,
    weekday,
)
from schemas.basal.profiles import ZoneTransition
from schemas.units import HOUR_MS, MilliUnitsPerHour, UtcMillis

PERCENT: Final = 100
"""[%] of the profile, the profile itself."""

StepSource = Literal["profile", "temporary", "suspended"]
RateClamp = Literal["basal_limit", "pump_maximum", "pump_minimum", "pump_step"]


class Temporary(msgspec.Struct, frozen=True, kw_only=True):
    """Another rate for a while; the one that began last counts, and ends those before it."""

    starts_at: UtcMillis
    """[ms] first instant."""
    ends_at: UtcMillis
    """[ms] the profile again from here: its end, its cancellation or a newer one."""
    percent: int | None = None
    """[%] of the profile, 0 or more; this or `rate`."""
    rate: MilliUnitsPerHour | None = None
    """[mU/h] instead of the profile."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """No insulin flows."""

    starts_at: UtcMillis
    """[ms] first instant."""
    ends_at: UtcMillis | None = None
    """[ms] first instant after it; None for a suspension that nobody ended."""


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that says how much basal flows when."""

    week: Week
    """[-] segments of seven local days, Monday first."""
    names: tuple[str, ...]
    """[-] the profile of each of these days."""
    transitions: tuple[ZoneTransition, ...]
    """[-] of the wall clock, travel included; sorted, the first at or before what is asked."""
    temporaries: tuple[Temporary, ...] = ()
    """[-] sorted by start, none reaching into the next."""
    pauses: tuple[Pause, ...] = ()
    """[-] sorted by start, none reaching into the next."""
    model: PumpModel | None = None
    """[-] whose steps and maxima hold; None for exact rates."""
    rate_max: MilliUnitsPerHour = RATE_MU_PER_H_MAX
    """[mU/h] the person's own limit: it cuts temporary rates above the profile, not the profile."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of constant rate, and where it comes from."""

    at: UtcMillis
    """[ms] first instant."""
    rate: MilliUnitsPerHour
    """[mU/h] delivered."""
    asked: MilliUnitsPerHour
    """[mU/h] before steps and maxima."""
    source: StepSource
    """[-] what decides it."""
    profile: str
    """[-] name of the profile of that local day."""
    start_minute: int
    """[min] start of its segment."""
    clamps: tuple[RateClamp, ...] = ()
    """[-] why `rate` is below `asked`, in order."""


def travel(
    zones: Sequence[tuple[UtcMillis, Sequence[ZoneTransition]]],
) -> tuple[ZoneTransition, ...]:
    """Join the transitions of one zone after the other: a journey is a change of the clock.

    Args:
        zones: [ms] from when, and the zone's transitions, the first of them at or before it;
            sorted, not empty.
    """
    joined: list[ZoneTransition] = []
    for index, (since, transitions) in enumerate(zones):
        until = zones[index + 1][0] if index + 1 < len(zones) else None
        here = [t for t in transitions if t.at <= since][-1:]
        joined.extend(ZoneTransition(at=since, offset_s=t.offset_s) for t in here)
        joined.extend(t for t in transitions if t.at > since and (until is None or t.at < until))
    return tuple(joined)


def program_steps(
    program: Program, *, starts_at: UtcMillis, ends_at: UtcMillis
) -> tuple[Step, ...]:
    """Lay out [starts_at, ends_at): steps that differ in rate or source, sorted."""
    edges = rate_edges(program.week, program.transitions, starts_at=starts_at, ends_at=ends_at)
    for temporary in program.temporaries:
        edges |= {temporary.starts_at, temporary.ends_at}
    for pause in program.pauses:
        edges |= {pause.starts_at, pause.ends_at or pause.starts_at}
    steps: list[Step] = []
    for at in sorted(edge for edge in edges if starts_at <= edge < ends_at):
        step = step_at(program, at)
        if not steps or msgspec.structs.replace(step, at=steps[-1].at) != steps[-1]:
            steps.append(step)
    return tuple(steps)


def step_at(program: Program, at: UtcMillis) -> Step:
    """Say what flows at an instant, and why."""
    day, minute = wall_clock(program.transitions, at)
    weekday_now = weekday(day)
    segment = segment_at(program.week[weekday_now], minute)
    source: StepSource = "profile"
    asked = segment.rate
    running = next((one for one in program.temporaries if one.starts_at <= at < one.ends_at), None)
    if running is not None:
        source, asked = "temporary", _temporary_rate(running, segment.rate)
    if _is_paused(program.pauses, at):
        source, asked = "suspended", MilliUnitsPerHour(0)
    rate, clamps = _cut(program, asked, scheduled=segment.rate)
    return Step(
        at=at,
        rate=rate,
        asked=asked,
        source=source,
        profile=program.names[weekday_now],
        start_minute=segment.start_minute,
        clamps=clamps,
    )


def programmed(steps: Sequence[Step], *, ends_at: UtcMillis) -> int:
    """Add up what steps deliver until `ends_at` [mU ms/h], exact; 3600000 of it are 1 mU."""
    ends = [*(step.at for step in steps[1:]), ends_at]
    return sum(step.rate * (end - step.at) for step, end in zip(steps, ends, strict=True))


def parts_to_units(parts: int) -> float:
    """Give insulin in units [U] from exact parts [mU ms/h]."""
    return parts / HOUR_MS / 1000


def _is_paused(pauses: Sequence[Pause], at: UtcMillis) -> bool:
    return any(p.starts_at <= at and (p.ends_at is None or at < p.ends_at) for p in pauses)


def _temporary_rate(temporary: Temporary, scheduled: MilliUnitsPerHour) -> MilliUnitsPerHour:
    if temporary.rate is not None:
        return temporary.rate
    percent = PERCENT if temporary.percent is None else temporary.percent
    return MilliUnitsPerHour(scheduled * percent // PERCENT)


def _cut(
    program: Program, asked: MilliUnitsPerHour, *, scheduled: MilliUnitsPerHour
) -> tuple[MilliUnitsPerHour, tuple[RateClamp, ...]]:
    """Cut a rate: to the person's limit where it is above the profile, then to the pump."""
    clamps: list[RateClamp] = []
    rate = asked
    allowed = max(program.rate_max, scheduled)
    if rate > allowed:
        rate = MilliUnitsPerHour(allowed)
        clamps.append("basal_limit")
    if program.model is None:
        return rate, tuple(clamps)
    most = program.model.basal_max
    if most is not None and rate > most:
        rate = most
        clamps.append("pump_maximum")
    floored = floor_rate(program.model, rate)
    if floored == 0 < rate:
        clamps.append("pump_minimum")
    elif floored < rate:
        clamps.append("pump_step")
    return floored, tuple(clamps)
