"""What parts of insulin add up to at an instant: on board, rounded up to milliunits, and acting."""

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from core.models.insulin.curves import Curve
from core.models.insulin.history import Part
from core.models.insulin.models import Bilinear, Linear, Walsh, curve_of, exponential_curve
from schemas.bolus.settings import InsulinAction
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits, UtcMillis

DURATION_MS_MIN = Milliseconds(2 * HOUR_MS)
"""[ms] shortest duration taken; source: Omnipod, 2 h."""

DURATION_MS_MAX = Milliseconds(10 * HOUR_MS)
"""[ms] longest duration taken; source: AAPS, 9 h, 10 h in pregnancy."""

DELAY_MS_MAX = Milliseconds(30 * MINUTE_MS)
"""[ms] longest delay taken; Loop uses 10 min."""

_MODELS: Final[dict[str, type[Bilinear | Walsh | Linear]]] = {
    "bilinear": Bilinear,
    "walsh": Walsh,
    "linear": Linear,
}

ACTIONS_KEPT = 256
"""[-] curves kept ready; a pump has one model at a time."""


class Delivered(msgspec.Struct, frozen=True, gc=False, kw_only=True):
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
    has_peak = 0 < action.peak * 2 < action.duration
    if not has_peak if action.model == "exponential" else action.peak != 0:
        return "insulin.peak"
    if not 0 <= action.delay <= DELAY_MS_MAX:
        return "insulin.delay"
    return None


@lru_cache(maxsize=ACTIONS_KEPT)
def action_curve(action: InsulinAction) -> Curve:
    """Make the curve of a pump's setting; see `action_problem`."""
    duration_min, delay_min = action.duration / MINUTE_MS, action.delay / MINUTE_MS
    if action.model == "exponential":
        peak_min = action.peak / MINUTE_MS
        return exponential_curve(duration_min=duration_min, peak_min=peak_min, delay_min=delay_min)
    model = _MODELS[action.model]
    return curve_of(model(duration_min=duration_min, delay_min=delay_min))


def fraction_on_board(action: InsulinAction, *, after: Milliseconds) -> float:
    """Give the part of a momentary dose that has not acted [1], 1 to 0.

    Args:
        action: the model; see `action_problem`.
        after: [ms] since the dose; before the delay has passed everything is on board.
    """
    return action_curve(action).fraction(after / MINUTE_MS)


def insulin_on_board(
    doses: Iterable[Delivered], *, action: InsulinAction, at: UtcMillis
) -> MilliUnits:
    """Add up what has not acted [mU], rounded up so that nothing on board is overlooked.

    Args:
        doses: insulin delivered, any order. Each is spread evenly from its first pulse to its
            last; what comes after `at` counts in full.
        action: the model.
        at: [ms] instant.
    """
    mean = action_curve(action).mean_fraction
    parts = (
        dose.amount * mean((at - dose.ends_at) / MINUTE_MS, (at - dose.starts_at) / MINUTE_MS)
        for dose in doses
    )
    return MilliUnits(math.ceil(round(math.fsum(parts), 6)))


def still_acts(dose: Delivered, *, action: InsulinAction, at: UtcMillis) -> bool:
    """Say whether a dose has not acted fully yet."""
    return at - dose.ends_at < action.duration + action.delay


class OnBoard(msgspec.Struct, frozen=True, kw_only=True):
    """Insulin on board at an instant."""

    total: float
    """[U] of all that is recorded; negative where less than scheduled was given."""
    least: float
    """[U] the least that it can be; -inf without a bound."""
    most: float
    """[U] the most that it can be; inf without a bound."""
    bolus: float
    """[U] of it from boluses and pens."""
    basal: float
    """[U] of it from basal."""
    meal: float
    """[U] of it from boluses for a meal."""
    correction: float
    """[U] of it from boluses to correct."""


def on_board(parts: Iterable[Part], *, at: UtcMillis) -> OnBoard:
    """Add up what has not acted; each part is integrated exactly, what is to come is whole."""
    bolus: list[float] = []
    basal: list[float] = []
    meal: list[float] = []
    correction: list[float] = []
    least: list[float] = []
    most: list[float] = []
    for part in parts:
        left = part.curve.mean_fraction((at - part.end) / MINUTE_MS, (at - part.start) / MINUTE_MS)
        if left == 0:  # An amount without a bound that has acted fully is no longer one.
            continue
        units = part.units * left
        (bolus if part.kind == "bolus" else basal).append(units)
        least.append(part.least * left)
        most.append(part.most * left)
        if part.purpose is not None:
            (meal if part.purpose == "meal" else correction).append(units)
    return OnBoard(
        total=math.fsum((*bolus, *basal)),
        least=math.fsum(least),
        most=math.fsum(most),
        bolus=math.fsum(bolus),
        basal=math.fsum(basal),
        meal=math.fsum(meal),
        correction=math.fsum(correction),
    )


def acting(parts: Iterable[Part], *, at: UtcMillis) -> float:
    """Add up what acts in a minute [U/min], as recorded: how fast insulin on board falls."""
    return math.fsum(
        part.units
        * part.curve.mean_activity((at - part.end) / MINUTE_MS, (at - part.start) / MINUTE_MS)
        for part in parts
    )
