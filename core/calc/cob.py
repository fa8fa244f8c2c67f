"""Carbs on board of meals: what is still to be absorbed."""

import math
from datetime import timedelta
from typing import Final

import msgspec

from core.calc.calculation import Instant, Kind, Result, Scenario, millis
from core.calc.inputs.meals import AbsorptionMin, CarbDelayMin, EatenMeal, Overrun, read_meals
from core.calc.insulin_on_board import tidy
from core.models.carb_absorption import (
    ABSORPTION_MIN,
    DELAY_MIN,
    OVERRUN,
    AbsorptionModel,
    absorbed_g,
    absorption_g_per_h,
    on_board_g,
)


class CobScenario(Scenario, frozen=True, kw_only=True):
    """Meals, and the instant that is asked about."""

    at: Instant
    """[-] the instant."""
    carbs: tuple[EatenMeal, ...] = ()
    """[-] any order."""
    model: AbsorptionModel = "piecewise_linear"
    """[-] how the rate changes over the time; Loop's is piecewise_linear."""
    absorption_min: AbsorptionMin = ABSORPTION_MIN
    """[min] 1 to 600; of meals that do not say."""
    delay_min: CarbDelayMin = DELAY_MIN
    """[min] 0 to 120; from eating to the first effect."""
    overrun: Overrun = OVERRUN
    """[1] 1 to 4; by which absorption is taken longer, up to 600 min, as Loop does until it sees
    it; 1 takes the time as entered."""


class MealOnBoard(msgspec.Struct, frozen=True, kw_only=True):
    """One meal at the instant, in the order of the scenario."""

    at: Instant
    """[-] when it was eaten."""
    grams: float
    """[g] all of it."""
    cob_g: float
    """[g] still to be absorbed; 0 before it is eaten."""
    absorbed_g: float
    """[g] absorbed."""
    rate_g_per_h: float
    """[g/h] how fast it is being absorbed."""
    absorbed_by: Instant
    """[-] when all of it is absorbed."""


class CobResult(Result, frozen=True, kw_only=True):
    """Carbs on board at an instant."""

    cob_g: float
    """[g] still to be absorbed of all meals eaten."""
    absorbed_g: float
    """[g] absorbed of all meals eaten."""
    rate_g_per_h: float
    """[g/h] how fast they are being absorbed."""
    meals: tuple[MealOnBoard, ...]
    """[-] each meal."""
    notes: tuple[str, ...]
    """[-] what a reader should know of the number."""


def _cob(scenario: CobScenario) -> CobResult:
    at = millis(scenario.at)
    found = read_meals(
        scenario.carbs,
        model=scenario.model,
        absorption_min=scenario.absorption_min,
        delay_min=scenario.delay_min,
        overrun=scenario.overrun,
    )
    meals = tuple(
        MealOnBoard(
            at=eaten.at,
            grams=eaten.grams,
            cob_g=tidy(on_board_g(meal, at=at)),
            absorbed_g=tidy(absorbed_g(meal, at=at)),
            rate_g_per_h=tidy(absorption_g_per_h(meal, at=at)),
            absorbed_by=eaten.at + timedelta(minutes=meal.delay_min + meal.absorption_min),
        )
        for eaten, meal in zip(scenario.carbs, found, strict=True)
    )
    later = sum(meal.at > scenario.at for meal in meals)
    return CobResult(
        cob_g=tidy(math.fsum(meal.cob_g for meal in meals)),
        absorbed_g=tidy(math.fsum(meal.absorbed_g for meal in meals)),
        rate_g_per_h=tidy(math.fsum(meal.rate_g_per_h for meal in meals)),
        meals=meals,
        notes=(f"{later} of the meals are eaten after `at` and do not count",) if later else (),
    )


COB: Final = Kind(
    name="cob",
    text="carbs on board of meals, as Loop absorbs them or by a line or a parabola",
    scenario=CobScenario,
    result=CobResult,
    example="""
{
  "at": "2026-11-01T12:00:00Z",
  "carbs": [
    {"at": "2026-11-01T11:00:00Z", "grams": 60},
    {"at": "2026-11-01T11:40:00Z", "grams": 15, "absorption_min": 30}
  ]
}
""",
    run=_cob,
)
"""[-] `basalt calc cob`."""
