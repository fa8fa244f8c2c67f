"""Insulin on board: what of each dose has not acted yet, by the exponential model.

Formula: LoopKit's ExponentialInsulinModel (after D. Maksimovic); td is the duration, tp the peak,
tau = tp (1 - tp/td) / (1 - 2 tp/td), a = 2 tau/td, S = 1 / (1 - a + (1 + a) exp(-td/tau)).
"""

import math
from collections.abc import Iterable

import msgspec

from schemas.bolus import InsulinAction
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits, UtcMillis

DURATION_MS_MIN = Milliseconds(2 * HOUR_MS)
"""[ms] shortest duration taken; source: Omnipod, 2 h."""

DURATION_MS_MAX = Milliseconds(10 * HOUR_MS)
"""[ms] longest duration taken; source: AAPS, 9 h, 10 h in pregnancy."""

DELAY_MS_MAX = Milliseconds(30 * MINUTE_MS)
"""[ms] longest delay taken; Loop uses 10 min."""


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """Insulin that was moved between two instants, evenly."""

    starts_at: UtcMillis
    """[ms] first pulse."""
    ends_at: UtcMillis
    """[ms] last pulse."""
    amount: MilliUnits
    """[mU] 0 or more."""


def action_problem(action: InsulinAction) -> str | None:
    """Name the first field of a model that is out of range, None when all are well."""
    if not DURATION_MS_MIN <= action.duration <= DURATION_MS_MAX:
        return "insulin.duration"
    if not 0 < action.peak * 2 < action.duration:
        return "insulin.peak"
    if not 0 <= action.delay <= DELAY_MS_MAX:
        return "insulin.delay"
    return None


def fraction_on_board(action: InsulinAction, *, after: Milliseconds) -> float:
    """Give the part of a momentary dose that has not acted [1], 1 to 0.

    Args:
        action: the model; see `action_problem`.
        after: [ms] since the dose; before the delay has passed everything is on board.
    """
    time_ms = after - action.delay
    if time_ms <= 0:
        return 1.0
    if time_ms >= action.duration:
        return 0.0
    duration, peak, time = (float(value) for value in (action.duration, action.peak, time_ms))
    tau = peak * (1 - peak / duration) / (1 - 2 * peak / duration)
    rise = 2 * tau / duration
    scale = 1 / (1 - rise + (1 + rise) * math.exp(-duration / tau))
    decay = math.exp(-time / tau)
    inner = time**2 / (tau * duration * (1 - rise)) - time / tau - 1
    return 1 - scale * (1 - rise) * (inner * decay + 1)


def insulin_on_board(
    doses: Iterable[Delivered], *, action: InsulinAction, at: UtcMillis
) -> MilliUnits:
    """Add up what has not acted [mU], rounded up so that nothing on board is overlooked.

    Args:
        doses: insulin delivered, any order; what ends after `at` counts in full. A dose is taken
            at its middle, as a bolus of minutes is short beside hours of action.
        action: the model.
        at: [ms] instant.
    """
    parts = (
        dose.amount
        * fraction_on_board(action, after=Milliseconds(at - (dose.starts_at + dose.ends_at) // 2))
        for dose in doses
    )
    return MilliUnits(math.ceil(round(math.fsum(parts), 6)))


def still_acts(dose: Delivered, *, action: InsulinAction, at: UtcMillis) -> bool:
    """Say whether a dose has not acted fully yet."""
    return at - dose.ends_at < action.duration + action.delay
