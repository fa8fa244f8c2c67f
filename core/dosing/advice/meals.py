"""Carbohydrate that a person has recorded, and what of it is still to be absorbed."""

import math
from collections.abc import Iterable

import msgspec

from core.models.carb_absorption import (
    ABSORPTION_MIN,
    ABSORPTION_MIN_MAX,
    DELAY_MIN,
    Meal,
    on_board_g,
)
from schemas.bolus.advice import CarbsRecorded
from schemas.corrections import CarbsCorrected
from schemas.units import MINUTE_MS, EventId, Grams, UtcMillis

MEALS_MAX = 50
"""[-] newest meals that are remembered."""

MEALS_MS = int((ABSORPTION_MIN_MAX + DELAY_MIN) * MINUTE_MS)
"""[ms] for which a meal can be absorbed."""


class Eaten(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Carbohydrate as it counts: recorded, and corrected since."""

    id: EventId
    """[-] the event that recorded it."""
    grams: Grams
    """[g] 0 or more; 0 where it was not eaten after all."""
    eaten_at: UtcMillis
    """[ms] therapy time."""
    actor: str
    """[-] who said so."""


def remember_meal(known: tuple[Eaten, ...], eaten: Eaten, *, at: UtcMillis) -> tuple[Eaten, ...]:
    """Add a meal, and forget those that are absorbed at an instant [ms]."""
    kept = (one for one in known if one.eaten_at > at - MEALS_MS)
    return (*kept, eaten)[-MEALS_MAX:]


def correct_meal(known: tuple[Eaten, ...], corrected: CarbsCorrected) -> tuple[Eaten, ...]:
    """Count a meal as somebody says that it was."""
    return tuple(
        Eaten(
            id=one.id,
            grams=corrected.grams,
            eaten_at=corrected.eaten_at,
            actor=corrected.actor,
        )
        if one.id == corrected.carbs
        else one
        for one in known
    )


def last_meal(known: Iterable[Eaten]) -> CarbsRecorded | None:
    """Give the meal that was recorded last and was eaten, as it counts."""
    eaten = [one for one in known if one.grams]
    if not eaten:
        return None
    return CarbsRecorded(grams=eaten[-1].grams, eaten_at=eaten[-1].eaten_at, actor=eaten[-1].actor)


def meals_of(recorded: Iterable[Eaten], *, overrun: float) -> tuple[Meal, ...]:
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
