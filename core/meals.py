"""Carbohydrate that a person has recorded, and what of it is still to be absorbed."""

import math
from collections.abc import Iterable

from core.carbs import ABSORPTION_MIN, ABSORPTION_MIN_MAX, DELAY_MIN, Meal, on_board_g
from schemas.bolus import CarbsRecorded
from schemas.units import MINUTE_MS, Grams, UtcMillis

MEALS_MAX = 50
"""[-] newest meals that are remembered."""

MEALS_MS = int((ABSORPTION_MIN_MAX + DELAY_MIN) * MINUTE_MS)
"""[ms] for which a meal can be absorbed."""


def remember_meal(
    known: tuple[CarbsRecorded, ...], eaten: CarbsRecorded, *, at: UtcMillis
) -> tuple[CarbsRecorded, ...]:
    """Add a meal, and forget those that are absorbed at an instant [ms]."""
    kept = (one for one in known if one.eaten_at > at - MEALS_MS)
    return (*kept, eaten)[-MEALS_MAX:]


def meals_of(recorded: Iterable[CarbsRecorded], *, overrun: float) -> tuple[Meal, ...]:
    """Give meals as they are absorbed: by Loop's curve in 3 h, as nobody has said how fast.

    Args:
        recorded: what was eaten and when.
        overrun: [1] by which absorption is taken longer; Loop takes 1.5 until it sees more.
    """
    return tuple(
        Meal(
            eaten_at=one.eaten_at,
            grams=float(one.grams),
            absorption_min=ABSORPTION_MIN * overrun,
            delay_min=DELAY_MIN,
            model="piecewise_linear",
        )
        for one in recorded
    )


def carbs_on_board(meals: Iterable[Meal], *, at: UtcMillis) -> Grams:
    """Give what is still to be absorbed [g], rounded down."""
    return Grams(math.floor(math.fsum(on_board_g(meal, at=at) for meal in meals)))
