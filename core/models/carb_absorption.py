"""How carbohydrate is absorbed: what of each meal is still to come.

Formulas: LoopAlgorithm's CarbMath; parabolic is LoopKit's older curve (after G. Scheiner).
"""

from typing import Literal

import msgspec

from schemas.units import MINUTE_MS, UtcMillis

AbsorptionModel = Literal["piecewise_linear", "linear", "parabolic"]

ABSORPTION_MIN = 180.0
"""[min] of a meal that does not say; source: LoopAlgorithm CarbMath, 3 h."""

ABSORPTION_MIN_MAX = 600.0
"""[min] longest absorption counted with; source: LoopAlgorithm CarbMath, 10 h."""

DELAY_MIN = 10.0
"""[min] from eating to the first effect; source: LoopAlgorithm CarbMath."""

OVERRUN = 1.5
"""[1] by which absorption is taken longer than entered until it is observed; source: Loop."""

RISE_END = 0.15
"""[1] of the absorption time until which the rate rises; source: PiecewiseLinearAbsorption."""

FALL_START = 0.5
"""[1] of the absorption time from which the rate falls; source: PiecewiseLinearAbsorption."""


class Meal(msgspec.Struct, frozen=True, kw_only=True):
    """Carbohydrate that was or will be eaten at an instant."""

    eaten_at: UtcMillis
    """[ms] the instant."""
    grams: float
    """[g] 0 or more."""
    absorption_min: float
    """[min] more than 0; all of it, overrun counted in."""
    delay_min: float
    """[min] 0 or more, before anything is absorbed."""
    model: AbsorptionModel
    """[-] how the rate changes over the time."""


def absorbed_g(meal: Meal, *, at: UtcMillis) -> float:
    """Give what of a meal has been absorbed [g], nothing before it is eaten."""
    minutes = (at - meal.eaten_at) / MINUTE_MS - meal.delay_min
    return meal.grams * absorbed_part(meal.model, minutes / meal.absorption_min)


def on_board_g(meal: Meal, *, at: UtcMillis) -> float:
    """Give what of a meal is still to be absorbed [g], nothing before it is eaten."""
    return 0.0 if at < meal.eaten_at else meal.grams - absorbed_g(meal, at=at)


def absorption_g_per_h(meal: Meal, *, at: UtcMillis) -> float:
    """Give how fast a meal is being absorbed [g/h]."""
    minutes = (at - meal.eaten_at) / MINUTE_MS - meal.delay_min
    rate = _rate(meal.model, minutes / meal.absorption_min)
    return meal.grams * rate / meal.absorption_min * 60


def absorbed_part(model: AbsorptionModel, time: float) -> float:
    """Give the absorbed part of a meal [1], 0 to 1, after a part of its absorption time [1]."""
    if time <= 0:
        return 0.0
    if time >= 1:
        return 1.0
    if model == "linear":
        return time
    if model == "parabolic":
        return 2 * time**2 if time <= 0.5 else 2 * time * (2 - time) - 1
    scale = 2 / (1 + FALL_START - RISE_END)
    if time < RISE_END:
        return scale * time**2 / (2 * RISE_END)
    if time < FALL_START:
        return scale * (time - RISE_END / 2)
    late = time - FALL_START
    return scale * (FALL_START - RISE_END / 2 + late * (1 - late / (2 * (1 - FALL_START))))


def _rate(model: AbsorptionModel, time: float) -> float:
    """Give the slope of `absorbed_part` [1]."""
    if not 0 < time < 1:
        return 0.0
    if model == "linear":
        return 1.0
    if model == "parabolic":
        return 4 * min(time, 1 - time)
    scale = 2 / (1 + FALL_START - RISE_END)
    return scale * min(1.0, time / RISE_END, (1 - time) / (1 - FALL_START))
