"""Carbs on board against Loop's own numbers and against areas worked out by hand."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from core.calc.cob import COB, CobResult
from core.calc.compute import compute
from core.kernel.errors import ScenarioError
from core.models.carb_absorption import AbsorptionModel, Meal, absorbed_part, absorption_g_per_h
from schemas.units import MINUTE_MS, UtcMillis

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
MODELS: tuple[AbsorptionModel, ...] = ("piecewise_linear", "linear", "parabolic")

LOOP_COB = {
    0: 30.0,
    10: 30.0,
    15: 29.885688157293096,
    20: 29.542752629172384,
    35: 27.142203932327391,
    40: 25.925925925925927,
    100: 11.111111111111114,
    105: 9.910836762688616,
    145: 2.7777777777777768,
    185: 0.03429355281207469,
    190: 0.0,
}
"""[g] of 30 g in 2 h by minutes; source: LoopKit CarbKit/ice_35_min_none_piecewiselinear_output."""


def cob(meals: list[tuple[float, float]], **more: Any) -> CobResult:
    """Meals by minutes before the instant and grams."""
    carbs = [{"at": (AT - timedelta(minutes=m)).isoformat(), "grams": g} for m, g in meals]
    asked = {"at": AT.isoformat(), "carbs": carbs} | more
    found = COB.run(msgspec.convert(asked, type=COB.scenario))
    assert isinstance(found, CobResult)
    return found


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(("minute", "expected"), LOOP_COB.items())
def test_a_meal_is_absorbed_as_loop_does(minute: int, expected: float) -> None:
    """Loop takes half longer than entered until it sees the absorption."""
    found = cob([(minute, 30.0)], absorption_min=120)

    assert math.isclose(expected, found.cob_g, abs_tol=1e-12)
    assert math.isclose(30.0, found.cob_g + found.absorbed_g, abs_tol=1e-12)


def test_a_line_loses_the_same_in_every_minute() -> None:
    """60 g in 3 h without delay and overrun: a third is left after two."""
    found = cob([(120, 60.0)], model="linear", delay_min=0, overrun=1)

    assert (20.0, 40.0, 20.0) == (found.cob_g, found.absorbed_g, found.rate_g_per_h)
    assert AT + timedelta(hours=1) == found.meals[0].absorbed_by


def test_a_parabola_has_half_at_half_time() -> None:
    """Its rate rises and falls in a line."""
    found = cob([(90, 60.0), (45, 60.0)], model="parabolic", delay_min=0, overrun=1)

    assert [30.0, 52.5] == [meal.cob_g for meal in found.meals]
    assert [40.0, 20.0] == [meal.rate_g_per_h for meal in found.meals]


def test_a_meal_that_is_not_eaten_yet_is_not_on_board() -> None:
    """It is named instead."""
    found = cob([(-10, 60.0), (0, 10.0)])

    assert (10.0, 0.0, 0.0) == (found.cob_g, found.absorbed_g, found.rate_g_per_h)
    assert ("1 of the meals are eaten after `at` and do not count",) == found.notes


def test_absorption_takes_ten_hours_at_most() -> None:
    """Loop looks no further back."""
    found = cob([(610, 60.0), (609, 60.0)], absorption_min=600)

    assert 0.0 == found.meals[0].cob_g < found.meals[1].cob_g


def test_a_meal_of_no_year_is_refused() -> None:
    """Arithmetic with it would leave the calendar."""
    asked = {"at": AT.isoformat(), "carbs": [{"at": "9999-12-31T23:59:00Z", "grams": 1}]}
    scenario = msgspec.convert(asked, type=COB.scenario)

    with pytest.raises(ScenarioError, match="1970 to 2199") as found:
        compute(COB, scenario, zones=lambda *_: ())
    assert "$.carbs[0].at" == found.value.path


@pytest.mark.parametrize("model", MODELS)
def test_the_rate_is_the_slope_of_what_is_absorbed(model: AbsorptionModel) -> None:
    """Grams per hour and grams must tell the same story."""
    meal = Meal(eaten_at=UtcMillis(0), grams=60, absorption_min=100, delay_min=0, model=model)

    for part in (0.07, 0.3, 0.45, 0.6, 0.95):
        slope = (absorbed_part(model, part + 1e-6) - absorbed_part(model, part - 1e-6)) / 2e-6
        rate = absorption_g_per_h(meal, at=UtcMillis(round(part * 100 * MINUTE_MS)))
        assert math.isclose(slope * 60 / 100 * 60, rate, rel_tol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_absorption_begins_with_nothing_and_ends_with_all(model: AbsorptionModel) -> None:
    """Pieces must meet where one curve goes over into the next."""
    assert (0.0, 1.0) == (absorbed_part(model, -1), absorbed_part(model, 1.5))
    for edge in (0.0, 0.15, 0.5, 1.0):
        below, above = (absorbed_part(model, edge + side) for side in (-1e-12, 1e-12))
        assert math.isclose(below, above, abs_tol=1e-10)
