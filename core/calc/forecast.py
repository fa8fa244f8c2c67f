"""Glucose ahead of now, as Loop computes it from doses, meals and the last readings."""

import math
from typing import Annotated, Final, Literal

import msgspec

from core.calc.calculation import Instant, Kind, Result, instant, millis
from core.calc.inputs.insulin import (
    DosingScenario,
    Stretch,
    counted_parts,
    read_history,
    unknown_parts,
)
from core.calc.inputs.meals import AbsorptionMin, CarbDelayMin, EatenMeal, Overrun, read_meals
from core.calc.insulin_on_board import notes_of, tidy
from core.kernel.errors import ScenarioError
from core.models.carb_absorption import (
    ABSORPTION_MIN,
    DELAY_MIN,
    OVERRUN,
    AbsorptionModel,
    Meal,
    on_board_g,
)
from core.models.glucose_forecast import (
    Effect,
    Reading,
    carb_effect,
    grid,
    insulin_effect,
    momentum_effect,
    momentum_velocity,
    predict,
)
from core.models.insulin.history import History, Part, parts_of
from core.models.insulin.on_board import on_board
from core.models.insulin.peers import loop_steps
from schemas.units import MINUTE_MS, UtcMillis

EffectName = Literal["insulin", "carbs", "momentum"]

READING_AGE_MS_MAX: Final = 15 * MINUTE_MS
"""[ms] of the newest reading; source: LoopAlgorithm.inputDataRecencyInterval."""

DIGITS: Final = 9
"""[-] after the point of glucose."""


class MeasuredGlucose(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Glucose at an instant."""

    at: Instant
    """[-] when."""
    mg_dl: Annotated[float, msgspec.Meta(ge=1, le=1000)]
    """[mg/dL] 1 to 1000."""


class ForecastScenario(DosingScenario, frozen=True, kw_only=True):
    """What is known of a person at an instant."""

    discretisation: Literal["exact", "loop"] = "loop"
    """[-] of insulin: in steps of 5 min as Loop, or exact."""
    glucose: Annotated[tuple[MeasuredGlucose, ...], msgspec.Meta(min_length=1)]
    """[-] sorted; the newest at most 15 min old."""
    isf_mg_dl_per_u: Annotated[float, msgspec.Meta(ge=1, le=1000)]
    """[mg/dL/U] 1 to 1000; what a unit lowers glucose by."""
    cr_g_per_u: Annotated[float, msgspec.Meta(ge=0.5, le=300)] | None = None
    """[g/U] 0.5 to 300; needed if there are carbs."""
    carbs: tuple[EatenMeal, ...] = ()
    """[-] any order, also those still to be eaten."""
    carb_model: AbsorptionModel = "piecewise_linear"
    """[-] how absorption changes over its time; Loop's is piecewise_linear."""
    carb_absorption_min: AbsorptionMin = ABSORPTION_MIN
    """[min] 1 to 600; of meals that do not say."""
    carb_delay_min: CarbDelayMin = DELAY_MIN
    """[min] 0 to 120; from eating to the first effect."""
    carb_overrun: Overrun = OVERRUN
    """[1] 1 to 4; by which absorption is taken longer, up to 600 min, as Loop does until it sees
    it."""
    effects: frozenset[EffectName] = frozenset({"insulin", "carbs", "momentum"})
    """[-] what moves glucose."""
    horizon_min: Annotated[int, msgspec.Meta(ge=5, le=1440)] = 360
    """[min] 5 to 1440; how far ahead."""
    low_mg_dl: Annotated[float, msgspec.Meta(ge=40, le=200)] = 70
    """[mg/dL] 40 to 200; what counts as low."""


class ForecastPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Glucose to come."""

    at: Instant
    """[-] when."""
    mg_dl: float
    """[mg/dL] may be below zero: what would be without more carbs."""


class ForecastResult(Result, frozen=True, kw_only=True):
    """The forecast and what stands out in it."""

    points: tuple[ForecastPoint, ...]
    """[-] the newest reading, then every 5 min of the clock."""
    lowest: ForecastPoint
    """[-] the first lowest point."""
    eventual_mg_dl: float
    """[mg/dL] at the end."""
    low_at: Instant | None
    """[-] the first point below `low_mg_dl`; null if there is none."""
    velocity_mg_dl_per_min: float | None
    """[mg/dL/min] of momentum; null: the last readings give none, or it was not asked for."""
    iob_u: float
    """[U] on board at `at`, as `iob` counts it."""
    cob_g: float
    """[g] on board at `at`, as `cob` counts it."""
    complete: bool
    """[-] nothing within the insulin's action is unknown."""
    unknown: tuple[Stretch, ...]
    """[-] time within the insulin's action that is not known; counts as scheduled."""
    notes: tuple[str, ...]
    """[-] what a reader should know of the numbers."""


def _forecast(scenario: ForecastScenario) -> ForecastResult:
    if not scenario.relative:
        reason = "a forecast counts insulin relative to the schedule, which holds glucose"
        raise ScenarioError("$.relative", reason)
    history = read_history(scenario)
    readings = _readings(scenario)
    meals = read_meals(
        scenario.carbs,
        model=scenario.carb_model,
        absorption_min=scenario.carb_absorption_min,
        delay_min=scenario.carb_delay_min,
        overrun=scenario.carb_overrun,
    )
    gaps, unknown = unknown_parts(history)
    counted = counted_parts(scenario, history)
    velocity = None
    if "momentum" in scenario.effects:
        velocity = momentum_velocity(readings, at=history.at)
    last = readings[-1]
    points = tuple(
        ForecastPoint(at=instant(found.at), mg_dl=tidy(found.mg_dl, digits=DIGITS))
        for found in predict(
            last,
            effects=_effects(scenario, history, meals, start=last.at),
            momentum=() if velocity is None else momentum_effect(velocity, last=last.at),
        )
    )
    return ForecastResult(
        points=points,
        lowest=min(points, key=lambda point: point.mg_dl),
        eventual_mg_dl=points[-1].mg_dl,
        low_at=next((p.at for p in points if p.mg_dl < scenario.low_mg_dl), None),
        velocity_mg_dl_per_min=None if velocity is None else tidy(velocity),
        iob_u=tidy(on_board(counted, at=history.at).total),
        cob_g=tidy(math.fsum(on_board_g(meal, at=history.at) for meal in meals)),
        complete=not unknown and all(part.least == part.most for part in (*counted, *gaps)),
        unknown=unknown,
        notes=notes_of(scenario),
    )


def _readings(scenario: ForecastScenario) -> list[Reading]:
    found: list[Reading] = []
    at = millis(scenario.at)
    for index, given in enumerate(scenario.glucose):
        reading = Reading(at=millis(given.at), mg_dl=given.mg_dl)
        path = f"$.glucose[{index}].at"
        if found and reading.at <= found[-1].at:
            raise ScenarioError(path, "it is not after the reading before it")
        if reading.at > at:
            raise ScenarioError(path, "it is after `at`")
        found.append(reading)
    if found[-1].at < at - READING_AGE_MS_MAX:
        path = f"$.glucose[{len(found) - 1}].at"
        raise ScenarioError(path, "the newest reading is more than 15 min older than `at`")
    return found


def _effects(
    scenario: ForecastScenario, history: History, meals: tuple[Meal, ...], *, start: UtcMillis
) -> list[Effect]:
    """Compute what was asked for, on the grid from the newest reading to the horizon.

    An effect that is left out is a line of zeros, so that every forecast has all its points.
    """
    instants = grid(start, UtcMillis(history.at + scenario.horizon_min * MINUTE_MS))
    parts: list[Part] = []
    if "insulin" in scenario.effects:
        is_loop = scenario.discretisation == "loop"
        parts = loop_steps(history) if is_loop else parts_of(history, until=history.at)
    effects: list[Effect] = [insulin_effect(parts, instants, isf=scenario.isf_mg_dl_per_u)]
    if meals and "carbs" in scenario.effects:
        if scenario.cr_g_per_u is None:
            raise ScenarioError("$.cr_g_per_u", "carbs need a carb ratio")
        csf = scenario.isf_mg_dl_per_u / scenario.cr_g_per_u
        effects.append(carb_effect(meals, instants, csf=csf))
    return effects


FORECAST: Final = Kind(
    name="forecast",
    text="glucose ahead by insulin, carbs and momentum, as Loop computes it",
    scenario=ForecastScenario,
    result=ForecastResult,
    example="""
{
  "at": "2026-11-01T12:00:00Z",
  "insulin": {"model": "preset", "preset": "loop_adult"},
  "doses": [
    {"kind": "bolus", "start": "2026-11-01T11:50:00Z", "units": 3.0, "purpose": "meal"}
  ],
  "carbs": [{"at": "2026-11-01T11:55:00Z", "grams": 30}],
  "glucose": [
    {"at": "2026-11-01T11:48:00Z", "mg_dl": 118},
    {"at": "2026-11-01T11:53:00Z", "mg_dl": 121},
    {"at": "2026-11-01T11:58:00Z", "mg_dl": 125}
  ],
  "isf_mg_dl_per_u": 45,
  "cr_g_per_u": 10,
  "horizon_min": 30
}
""",
    run=_forecast,
)
"""[-] `basalt calc forecast`."""
