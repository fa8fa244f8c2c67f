"""Glucose ahead of now, as LoopAlgorithm computes it: insulin, carbs and momentum on a grid.

Left out are Loop's retrospective correction and its watching of absorption: what is given is what
follows from doses, meals and the last readings alone. Sources: LoopAlgorithm LoopMath.swift,
GlucoseMath.swift, InsulinMath.swift, CarbMath.swift.
"""

import math
from collections.abc import Callable, Sequence

import msgspec

from core.models.carb_absorption import Meal, absorbed_g
from core.models.insulin.acted import acted_units
from core.models.insulin.history import Part
from schemas.units import MINUTE_MS, UtcMillis

STEP_MS = 5 * MINUTE_MS
"""[ms] of the grid; source: GlucoseMath.defaultDelta."""

MOMENTUM_MS = 15 * MINUTE_MS
"""[ms] of readings that momentum is made of, and for which it lasts; source: GlucoseMath."""

MOMENTUM_READINGS_MIN = 3
"""[-] fewer give no momentum; source: GlucoseMath.linearMomentumEffect."""

VELOCITY_MAX = 4.0
"""[mg/dL/min] of momentum upwards; source: GlucoseMath.linearMomentumEffect."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Glucose at an instant."""

    at: UtcMillis
    """[ms] the instant."""
    mg_dl: float
    """[mg/dL] measured or forecast."""


Effect = Sequence[tuple[UtcMillis, float]]
"""[ms], [mg/dL] on the grid, sorted: glucose moves by the differences."""


def grid(start: UtcMillis, end: UtcMillis) -> list[UtcMillis]:
    """Give the instants of the grid from the one at `start` or before to that at `end` or after."""
    first = start // STEP_MS * STEP_MS
    last = -(-end // STEP_MS) * STEP_MS
    return [UtcMillis(at) for at in range(first, last + 1, STEP_MS)]


def insulin_effect(
    parts: Sequence[Part], instants: Sequence[UtcMillis], *, isf: float
) -> list[tuple[UtcMillis, float]]:
    """Give what insulin has moved glucose by [mg/dL]: negative where more than scheduled acts.

    Args:
        parts: insulin relative to the schedule.
        instants: of the grid.
        isf: [mg/dL/U] insulin sensitivity.
    """
    acted = acted_units(parts, instants)
    return [(at, -isf * units) for at, units in zip(instants, acted, strict=True)]


def carb_effect(
    meals: Sequence[Meal], instants: Sequence[UtcMillis], *, csf: float
) -> list[tuple[UtcMillis, float]]:
    """Give what carbs have moved glucose by [mg/dL].

    Args:
        meals: also those still to be eaten.
        instants: of the grid.
        csf: [mg/dL/g] sensitivity divided by carb ratio.
    """
    return [(at, csf * math.fsum(absorbed_g(meal, at=at) for meal in meals)) for at in instants]


def momentum_velocity(readings: Sequence[Reading], *, at: UtcMillis) -> float | None:
    """Give how fast glucose moves [mg/dL/min], by least squares over the last 15 min.

    Args:
        readings: sorted by time.
        at: [ms] now.

    Returns:
        At most 4 upwards; None where readings are fewer than three or miss too many.
    """
    recent = [found for found in readings if at - MOMENTUM_MS <= found.at <= at]
    if len(recent) < MOMENTUM_READINGS_MIN:
        return None
    if recent[-1].at - recent[0].at >= STEP_MS * len(recent):
        return None
    minutes = [(found.at - recent[0].at) / MINUTE_MS for found in recent]
    mean_minute = math.fsum(minutes) / len(recent)
    mean_glucose = math.fsum(found.mg_dl for found in recent) / len(recent)
    spread = math.fsum((minute - mean_minute) ** 2 for minute in minutes)
    if spread == 0:
        return None
    common = math.fsum(
        (minute - mean_minute) * (found.mg_dl - mean_glucose)
        for minute, found in zip(minutes, recent, strict=True)
    )
    return min(VELOCITY_MAX, common / spread)


def momentum_effect(velocity: float, *, last: UtcMillis) -> list[tuple[UtcMillis, float]]:
    """Give what momentum moves glucose by after the last reading [mg/dL], for 15 min."""
    instants = grid(last, UtcMillis(last + MOMENTUM_MS))
    return [(at, velocity * max(0, at - last) / MINUTE_MS) for at in instants]


def predict(start: Reading, *, effects: Sequence[Effect], momentum: Effect) -> list[Reading]:
    """Add effects up to a forecast, momentum blended in and out again.

    Args:
        start: the newest reading.
        effects: each weighs the same.
        momentum: empty, or four instants or more, the first at `start` or before: its share
            falls in a line from 1 at the first step to 0 at its end.

    Returns:
        The start, then each instant of the grid after it for which there is an effect.
    """
    changes: dict[UtcMillis, float] = {}
    for effect in effects:
        for at, change in _changes(effect):
            changes[at] = changes.get(at, 0.0) + change
    if momentum:
        share = _momentum_share(momentum, start=start.at)
        for index, (at, change) in enumerate(_changes(momentum)):
            part = share(index)
            changes[at] = (1 - part) * changes.get(at, 0.0) + part * change
    points = [start]
    for at in sorted(at for at in changes if at > start.at):
        points.append(Reading(at=at, mg_dl=points[-1].mg_dl + changes[at]))
    return points


def _changes(effect: Effect) -> list[tuple[UtcMillis, float]]:
    before = [effect[0][1], *(value for _, value in effect)] if effect else []
    return [(at, value - old) for (at, value), old in zip(effect, before, strict=False)]


def _momentum_share(momentum: Effect, *, start: UtcMillis) -> Callable[[int], float]:
    count = len(momentum)
    slope = 1 / (count - 2)
    step = momentum[1][0] - momentum[0][0]
    offset = (start - momentum[0][0]) / step * slope

    def share(index: int) -> float:
        return min(1.0, max(0.0, (count - index) * slope - slope + offset))

    return share
