"""What `cob` and `forecast` are told of meals."""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from core.calc.calculation import Instant, millis
from core.models.carb_absorption import ABSORPTION_MIN_MAX, AbsorptionModel, Meal

AbsorptionMin = Annotated[float, msgspec.Meta(ge=1, le=600)]
"""[min] 1 to 600."""

CarbDelayMin = Annotated[float, msgspec.Meta(ge=0, le=120)]
"""[min] 0 to 120."""

Overrun = Annotated[float, msgspec.Meta(ge=1, le=4)]
"""[1] 1 to 4."""


class EatenMeal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Carbohydrate and when it was eaten."""

    at: Instant
    """[-] when."""
    grams: Annotated[float, msgspec.Meta(ge=0, le=1000)]
    """[g] 0 to 1000."""
    absorption_min: AbsorptionMin | None = None
    """[min] 1 to 600; as for all."""


def read_meals(
    eaten: Iterable[EatenMeal],
    *,
    model: AbsorptionModel,
    absorption_min: float,
    delay_min: float,
    overrun: float,
) -> tuple[Meal, ...]:
    """Give each meal with the time that is counted for it, and check when it was eaten.

    Args:
        eaten: any order.
        model: how the rate changes over the time.
        absorption_min: [min] of meals that do not say.
        delay_min: [min] from eating to the first effect.
        overrun: [1] by which absorption is taken longer, up to 600 min.

    Raises:
        ScenarioError: a meal was eaten in no year that can be.
    """
    meals: list[Meal] = []
    for given in eaten:
        minutes = given.absorption_min or absorption_min
        meals.append(
            Meal(
                eaten_at=millis(given.at),
                grams=given.grams,
                absorption_min=min(ABSORPTION_MIN_MAX, minutes * overrun),
                delay_min=delay_min,
                model=model,
            )
        )
    return tuple(meals)
