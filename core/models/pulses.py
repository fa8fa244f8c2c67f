"""Exact arithmetic of pump pulses: whole numbers only, so that no fraction of a pulse is ever lost.

A rate [mU/h] times a duration [ms] is a whole number of parts [mU ms/h]. What is owed is counted in
parts, and a change of rate carries it over as it is; delivered and requested therefore differ by
less than one pulse, always.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple, NewType

from schemas.delivery.device import PULSE_MU, PlanStep, PumpPlan
from schemas.units import DAY_MS, HOUR_MS, MilliUnitsPerHour, UtcMillis

Parts = NewType("Parts", int)
"""[mU ms/h] insulin requested and not yet delivered; 3600000 = 1 mU."""

PULSE_PARTS = Parts(PULSE_MU * HOUR_MS)
"""[mU ms/h] one pulse, 180000000; source: R29."""


class Stretch(NamedTuple):
    """A time of constant rate."""

    starts_at: UtcMillis
    """[ms] first instant."""
    ends_at: UtcMillis
    """[ms] first instant after it."""
    rate: MilliUnitsPerHour
    """[mU/h] 0 or more."""


class Due(NamedTuple):
    """The pulses of a time, and what is left owed at its end."""

    instants: tuple[UtcMillis, ...]
    """[ms] one for each pulse, sorted; may be empty."""
    owed: Parts
    """[mU ms/h] 0 to less than one pulse."""


def rate_at(plan: PumpPlan, *, at: UtcMillis) -> MilliUnitsPerHour:
    """Find the rate of a plan at an instant, before its beginning and after its end included.

    Args:
        plan: steps sorted by `at` and not empty, `ends_at` after the last of them.
        at: [ms] before the first step the first rate holds; after the end the last 24 h repeat.

    Returns:
        [mU/h] the rate.
    """
    index = bisect_right(plan.steps, _fold(plan, at=at), key=_step_at)
    return plan.steps[max(index - 1, 0)].rate


def stretches(
    plan: PumpPlan | None, *, starts_at: UtcMillis, ends_at: UtcMillis
) -> Iterator[Stretch]:
    """Cut [starts_at, ends_at) into the plan's times of constant rate.

    Args:
        plan: as for `rate_at`; none is a rate of 0.
        starts_at: [ms] first instant.
        ends_at: [ms] first instant after; not later than `starts_at` yields nothing.

    Returns:
        The stretches in order, without holes; each is at least 1 ms long, which bounds the loop.
    """
    if plan is None:
        if starts_at < ends_at:
            yield Stretch(starts_at, ends_at, MilliUnitsPerHour(0))
        return
    at = starts_at
    while at < ends_at:
        inside = _fold(plan, at=at)
        index = bisect_right(plan.steps, inside, key=_step_at)
        change = plan.steps[index].at if index < len(plan.steps) else plan.ends_at
        until = UtcMillis(min(ends_at, at + change - inside))
        yield Stretch(at, until, plan.steps[max(index - 1, 0)].rate)
        at = until


def due(owed: Parts, *, over: Iterable[Stretch]) -> Due:
    """List the pulses that fall due over stretches of constant rate.

    A pulse is due at the first whole millisecond at which a full pulse is owed, so one that is due
    at the end of a stretch belongs to it and not to the next.

    Args:
        owed: [mU ms/h] 0 to less than one pulse, at the start of the first stretch.
        over: in order.

    Returns:
        The instants [ms] and what is owed after them [mU ms/h].

    Raises:
        ValueError: `owed` is outside its range.
    """
    _check(owed)
    instants: list[UtcMillis] = []
    for stretch in over:
        total = owed + stretch.rate * (stretch.ends_at - stretch.starts_at)
        count, rest = divmod(total, PULSE_PARTS)
        instants.extend(_instant(owed, stretch=stretch, number=k) for k in range(1, count + 1))
        owed = Parts(rest)
    return Due(tuple(instants), owed)


def next_due(owed: Parts, *, over: Iterable[Stretch]) -> UtcMillis | None:
    """Find the instant of the first pulse that falls due.

    Args:
        owed: [mU ms/h] 0 to less than one pulse, at the start of the first stretch.
        over: in order.

    Returns:
        [ms] the instant, or None if no pulse falls due over the stretches.

    Raises:
        ValueError: `owed` is outside its range.
    """
    _check(owed)
    for stretch in over:
        total = Parts(owed + stretch.rate * (stretch.ends_at - stretch.starts_at))
        if total >= PULSE_PARTS:
            return _instant(owed, stretch=stretch, number=1)
        owed = total
    return None


def _instant(owed: Parts, *, stretch: Stretch, number: int) -> UtcMillis:
    """Find when the number-th pulse of a stretch is due, rounded up to a whole millisecond."""
    missing = number * PULSE_PARTS - owed
    return UtcMillis(stretch.starts_at - (-missing // stretch.rate))


def _fold(plan: PumpPlan, *, at: UtcMillis) -> UtcMillis:
    """Map an instant after the plan's end into its last 24 h, or into all of a shorter plan."""
    if at < plan.ends_at:
        return at
    period = min(DAY_MS, plan.ends_at - plan.steps[0].at)
    return UtcMillis(plan.ends_at - period + (at - plan.ends_at) % period)


def _step_at(step: PlanStep) -> UtcMillis:
    return step.at


def _check(owed: Parts) -> None:
    if not 0 <= owed < PULSE_PARTS:
        raise ValueError(f"owed is {owed} parts, not 0 to less than a pulse ({PULSE_PARTS})")
