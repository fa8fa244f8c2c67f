"""Laws of steps, of what is spread, of carbohydrate, of glucose in two units, and of limits."""

import math
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calc.bolus.compute import BOLUS
from core.calc.bolus.shapes import BolusScenario
from core.calc.limits.compute import LIMITS
from core.calc.limits.shapes import LimitsScenario
from core.dosing.advice.rules.registry import RULE_SETS
from core.formats.glucose_values import parse_glucose
from core.models.carb_absorption import (
    AbsorptionModel,
    Meal,
    absorbed_g,
    absorption_g_per_h,
    on_board_g,
)
from core.models.pump_models import PUMP_MODELS, PumpModel, floor_bolus, floor_rate, floor_to
from schemas.units import MINUTE_MS, MilliUnits, MilliUnitsPerHour, UtcMillis

AT = UtcMillis(1_793_534_400_000)
models = st.sampled_from(list(PUMP_MODELS.values()))
amounts = st.integers(-1_000, 60_000)
absorptions: st.SearchStrategy[AbsorptionModel] = st.sampled_from(
    ("piecewise_linear", "linear", "parabolic")
)
meals = st.builds(
    Meal,
    eaten_at=st.just(AT),
    grams=st.floats(0, 300),
    absorption_min=st.floats(30, 900),
    delay_min=st.floats(0, 60),
    model=absorptions,
)
ages = st.integers(-60, 1_500).map(lambda minutes: minutes * MINUTE_MS)


@pytest.mark.requirement("R17")
@given(model=models, amount=amounts, more=st.integers(0, 5_000))
def test_steps_never_go_up_and_keep_the_order(model: PumpModel, amount: int, more: int) -> None:
    """What is given is at most what was asked, is a step, and more for more."""
    bolus = floor_bolus(model, MilliUnits(amount))
    rate = floor_rate(model, MilliUnitsPerHour(amount))

    assert 0 <= bolus <= max(0, amount)
    assert 0 <= rate <= max(0, amount)
    assert bolus == floor_bolus(model, bolus)
    assert rate == floor_rate(model, rate)
    assert bolus <= floor_bolus(model, MilliUnits(amount + more))
    assert rate <= floor_rate(model, MilliUnitsPerHour(amount + more))
    if amount > 0:
        step = max(band.step for band in model.bolus_steps)
        assert amount - floor_to(model.bolus_steps, amount) < step


@given(
    name=st.sampled_from(sorted(RULE_SETS)),
    carbs=st.integers(0, 200),
    glucose=st.none() | st.integers(70, 400),
    iob=st.integers(0, 100).map(lambda tenths: tenths / 10),
    now=st.integers(0, 100),
    most=st.none() | st.integers(0, 100).map(lambda tenths: tenths / 10),
)
def test_the_parts_of_what_is_spread_are_all_of_it(
    name: str, carbs: int, glucose: int | None, iob: float, now: int, most: float | None
) -> None:
    """Nothing is lost and nothing added; a part at once never grows the sum."""
    fields: dict[str, Any] = {
        "rules": name,
        "carb_ratio_g_per_u": 10,
        "sensitivity_mg_dl_per_u": 40,
        "target_low_mg_dl": 90,
        "target_high_mg_dl": 120,
        "glucose_mg_dl": glucose,
        "carbs_g": carbs,
        "iob_u": iob,
        "max_bolus_u": most,
    }
    whole: Any = BOLUS.run(msgspec.convert(fields, BolusScenario))
    spread = {**fields, "purpose": "dual", "duration_min": 60, "now_percent": now}
    found: Any = BOLUS.run(msgspec.convert(spread, BolusScenario))

    assert whole.advice_u == found.advice_u
    assert min(found.split.now_u, found.split.later_u) >= 0
    assert math.isclose(found.advice_u, found.split.now_u + found.split.later_u, abs_tol=1e-9)


@given(meal=meals, age=ages.map(abs), later=ages.map(abs))
def test_carbohydrate_on_board_only_falls(meal: Meal, age: int, later: int) -> None:
    """From all of it to nothing, once it is eaten; what is absorbed is the rest."""
    one, other = (UtcMillis(AT + ms) for ms in sorted((age, later)))

    assert 0 <= on_board_g(meal, at=other) <= on_board_g(meal, at=one) <= meal.grams
    assert math.isclose(meal.grams, on_board_g(meal, at=one) + absorbed_g(meal, at=one))
    assert absorption_g_per_h(meal, at=one) >= 0
    end_ms = math.ceil((meal.delay_min + meal.absorption_min) * MINUTE_MS)
    assert 0 == on_board_g(meal, at=UtcMillis(AT + end_ms + MINUTE_MS))


@given(meal=meals, age=ages, by=st.integers(-(10**11), 10**11), part=st.floats(0, 1))
def test_meals_add_up_and_only_the_time_since_counts(
    meal: Meal, age: int, by: int, part: float
) -> None:
    """Eaten in two parts, or in another year, it is the same meal."""
    at = UtcMillis(AT + age)
    first = msgspec.structs.replace(meal, grams=meal.grams * part)
    second = msgspec.structs.replace(meal, grams=meal.grams - first.grams)
    moved = msgspec.structs.replace(meal, eaten_at=UtcMillis(AT + by))
    whole = on_board_g(meal, at=at)

    assert math.isclose(
        whole, on_board_g(first, at=at) + on_board_g(second, at=at), rel_tol=1e-9, abs_tol=1e-9
    )
    assert whole == on_board_g(moved, at=UtcMillis(at + by))


@pytest.mark.requirement("R17")
@given(tenths=st.integers(10, 333))
def test_glucose_in_the_other_unit_comes_back(tenths: int) -> None:
    """0.1 mmol/L is 1.8 mg/dL: whole mg/dL lose none of it."""
    text = f"{tenths // 10}.{tenths % 10}"
    glucose = parse_glucose(text, unit="mmol/L").glucose

    assert glucose is not None
    assert abs(glucose - Fraction(tenths, 10) * Fraction("18.0156")) <= Fraction(1, 2)
    assert tenths == round(glucose / Fraction("18.0156") * 10)
    assert glucose == parse_glucose(str(glucose), unit="mg/dL").glucose


@given(
    asked=st.integers(1, 30_000),
    given_u=st.integers(0, 20),
    ago=st.integers(0, 1_500),
    single=st.integers(0, 25),
    day=st.integers(0, 80),
    more=st.integers(0, 10),
)
def test_what_the_limits_allow_grows_with_them_and_with_nothing_else(
    asked: int, given_u: int, ago: int, single: int, day: int, more: int
) -> None:
    """Never more than asked; a wider limit takes nothing, insulin given before adds nothing."""

    def allowed(*, single: int, day: int, units: int) -> float:
        start = f"2026-11-01T{(1_439 - ago % 1_440) // 60:02d}:{(1_439 - ago % 1_440) % 60:02d}:00Z"
        scenario = {
            "at": "2026-11-02T00:00:00Z",
            "bolus_u": asked / 1000,
            "doses": [{"kind": "bolus", "start": start, "end": start, "units": units}],
            "limits": {"single_u": single, "day_u": day},
        }
        found: Any = LIMITS.run(msgspec.convert(scenario, LimitsScenario))
        assert found.checked_twice
        return float(found.allowed_u)

    here = allowed(single=single, day=day, units=given_u)

    assert 0 <= here <= asked / 1000
    assert here <= min(single, max(0, day - given_u))
    assert here <= allowed(single=single + more, day=day + more, units=given_u)
    assert here >= allowed(single=single, day=day, units=given_u + more)
