"""What parts of insulin add up to at an instant: on board, and acting."""

import math
from collections.abc import Iterable

import msgspec

from core.models.insulin.history import Part
from schemas.units import MINUTE_MS, UtcMillis


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
