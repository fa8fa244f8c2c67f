"""`basalt calc bolus`: how much insulin, by the rules of any vendor, within the house's guards."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Final

import msgspec

from core.calc.bolus_shapes import (
    AdviceFound,
    BolusResult,
    BolusScenario,
    ClampFound,
    FatProteinFound,
    SplitFound,
    TermFound,
)
from core.calc.kind import Kind, whole_milli
from core.errors import ScenarioError
from core.pump_models import PUMP_MODELS, PumpModel, floor_bolus
from core.rules.aaps import WHEN_UNKNOWN
from core.rules.guards import GLUCOSE_AGE_MIN_MAX, Cut, glucose_refusal, guard
from core.rules.registry import RULE_SETS
from core.rules.shape import Asked, Reckoned, RuleSet, Term, floor_units
from core.rules.split import later_part
from schemas.units import MilliUnits

ALL: Final = "all"

_KCAL_OF_FAT, _KCAL_OF_PROTEIN, _KCAL_OF_FPU, _CARBS_OF_FPU = 9, 4, 100, 10
_HOURS_OF_FPU = ((1, 3), (2, 4), (3, 5))
_HOURS_MORE = 8


def _run(scenario: BolusScenario) -> BolusResult:
    if scenario.target_high_mg_dl < scenario.target_low_mg_dl:
        raise ScenarioError("$.target_high_mg_dl", "below target_low_mg_dl")
    if scenario.rules != ALL and scenario.rules not in RULE_SETS:
        known = ", ".join((*RULE_SETS, ALL))
        raise ScenarioError("$.rules", f"no such rule set; known: {known}")
    if scenario.pump not in PUMP_MODELS:
        raise ScenarioError("$.pump", f"no such model; known: {', '.join(PUMP_MODELS)}")
    _check_purpose(scenario)
    model = PUMP_MODELS[scenario.pump]
    step = MilliUnits(model.bolus_steps[0].step)
    names = tuple(RULE_SETS) if scenario.rules == ALL else (scenario.rules,)
    found = [_advise(scenario, RULE_SETS[name], model, step) for name in names]
    return BolusResult(
        **msgspec.structs.asdict(found[0]),
        computed_from=scenario.ids,
        fat_protein=_fat_protein(scenario, step),
        results=tuple(found) if scenario.rules == ALL else (),
    )


def _check_purpose(scenario: BolusScenario) -> None:
    if (scenario.purpose == "normal") != (scenario.duration_min is None):
        raise ScenarioError("$.duration_min", "belongs to purpose extended or dual, and only there")
    if (scenario.purpose == "dual") != (scenario.now_percent is not None):
        raise ScenarioError("$.now_percent", "belongs to purpose dual, and only there")
    if scenario.preset_u is not None and (scenario.carbs_g or scenario.correction_only):
        raise ScenarioError("$.preset_u", "a quick bolus computes nothing from carbs")


_ON_BOARD: Final = (
    "insulin_on_board",
    "bolus_insulin_on_board",
    "meal_insulin_on_board",
    "correction_insulin_on_board",
)
"""[-] terms of insulin on board, as the rule sets call them."""


def _advise(
    scenario: BolusScenario, rules: RuleSet, model: PumpModel, step: MilliUnits
) -> AdviceFound:
    least, most, notes = _on_board(scenario)
    fresh = scenario.glucose_age_min <= GLUCOSE_AGE_MIN_MAX
    has_glucose = scenario.glucose_mg_dl is not None or scenario.glucose_mark is not None
    if has_glucose and not fresh:
        notes.append("glucose_stale")
    elif not has_glucose:
        notes.append("no_glucose")
    if scenario.trend_mg_dl_per_min is not None and not rules.counts_trend:
        notes.append("trend_not_counted")
    unknown = _unknown(scenario, rules)
    notes.extend(dict.fromkeys(unknown.values()))
    refused = "bolus_running" if scenario.bolus_running else None
    value = scenario.glucose_mg_dl
    if fresh and refused is None:
        glucose = None if value is None else Fraction(_milli(value, "glucose_mg_dl"), 1000)
        minimum = scenario.safe_minimum_mg_dl
        refused = glucose_refusal(glucose, scenario.glucose_mark, minimum=minimum)
    reckoned = _reckon(scenario, rules, step, iob=most, fresh=fresh)
    best = _reckon(scenario, rules, step, iob=least, fresh=fresh)
    if refused is None and reckoned.vendor is None:
        refused = "vendor_gives_no_advice"
    if refused == "glucose_below_safe_minimum" or refused == "vendor_gives_no_advice":
        notes.append(refused)
    amount, cuts = _guarded(scenario, reckoned, model, iob=most)
    other, _ = _guarded(scenario, best, model, iob=least)
    is_refused = refused is not None
    return AdviceFound(
        rules=rules.name,
        verified=rules.is_verified,
        subtracts=rules.subtracts,
        food_u=_units(reckoned.food),
        correction_u=_units(reckoned.correction),
        vendor_u=None if reckoned.vendor is None else reckoned.vendor / 1000,
        advice_u=None if is_refused else amount / 1000,
        advice_least_iob_u=None if is_refused else other / 1000,
        refused=refused,
        reasons=_reasons(notes, reckoned, rules, amount=None if is_refused else amount),
        terms=tuple(
            TermFound(name=t.name, units=_units(t.amount))
            for t in reckoned.terms
            if t.name not in unknown
        ),
        clamps=() if is_refused else tuple(_clamp(cut) for cut in cuts),
        split=None if is_refused else _split(scenario, rules, reckoned, amount, step),
        carbs_needed_g=_units(reckoned.carbs_needed),
    )


def _unknown(scenario: BolusScenario, rules: RuleSet) -> dict[str, str]:
    """Name the terms of a rule set that the scenario says nothing of, and the reason of each.

    They count as nothing, and are not shown as if they were known to be nothing.
    """
    if scenario.preset_u is not None:
        return {}
    found: dict[str, str] = {}
    if scenario.iob_u is None and scenario.iob_most_u is None and not scenario.meal_iob_u:
        found = dict.fromkeys(_ON_BOARD, "insulin_on_board_not_given")
    if not rules.counts_trend:
        return found
    told = {
        "trend": scenario.trend_mg_dl_per_min,
        "basal_insulin_on_board": scenario.basal_iob_u,
        "carbs_on_board": scenario.cob_g,
    }
    found.update({name: WHEN_UNKNOWN[name] for name, value in told.items() if value is None})
    return found


def _on_board(scenario: BolusScenario) -> tuple[MilliUnits, MilliUnits, list[str]]:
    """Give insulin on board at least and at most [mU], and what must be said about it."""
    low, high, one = scenario.iob_least_u, scenario.iob_most_u, scenario.iob_u
    if (low is None) != (high is None):
        raise ScenarioError("$.iob_least_u", "iob_least_u and iob_most_u come together")
    if one is not None and low is not None:
        raise ScenarioError("$.iob_u", "give either iob_u or the interval")
    meal = _milli(scenario.meal_iob_u, "meal_iob_u")
    if low is not None and high is not None:
        least, most = _milli(low, "iob_least_u"), _milli(high, "iob_most_u")
        if most < least:
            raise ScenarioError("$.iob_most_u", "below iob_least_u")
        notes = ["unknown_dose_counted"] if most > least else []
        return MilliUnits(least), MilliUnits(most), notes
    if one is None:
        return MilliUnits(meal), MilliUnits(meal), []
    known = MilliUnits(_milli(one, "iob_u"))
    return known, known, []


def _reckon(
    scenario: BolusScenario, rules: RuleSet, step: MilliUnits, *, iob: MilliUnits, fresh: bool
) -> Reckoned:
    if scenario.preset_u is not None:
        preset = _milli(scenario.preset_u, "preset_u")
        return Reckoned(
            food=Fraction(0),
            correction=Fraction(0),
            terms=(Term(name="preset", amount=Fraction(preset)),),
            meal_part=Fraction(preset),
            vendor=MilliUnits(preset),
            reasons=("preset",),
        )
    meal = min(_milli(scenario.meal_iob_u, "meal_iob_u"), max(0, iob))
    given = scenario.glucose_mg_dl if fresh and scenario.glucose_mark is None else None
    above = scenario.correct_above_mg_dl
    trend = scenario.trend_mg_dl_per_min
    return rules.reckon(
        Asked(
            glucose=None if given is None else _milli(given, "glucose_mg_dl"),
            carbs=0 if scenario.correction_only else _milli(scenario.carbs_g, "carbs_g"),
            carb_ratio=_milli(scenario.carb_ratio_g_per_u, "carb_ratio_g_per_u"),
            sensitivity=_milli(scenario.sensitivity_mg_dl_per_u, "sensitivity_mg_dl_per_u"),
            target_low=_milli(scenario.target_low_mg_dl, "target_low_mg_dl"),
            target_high=_milli(scenario.target_high_mg_dl, "target_high_mg_dl"),
            correct_above=None if above is None else _milli(above, "correct_above_mg_dl"),
            meal_iob=MilliUnits(meal),
            correction_iob=MilliUnits(iob - meal),
            basal_iob=MilliUnits(_milli(scenario.basal_iob_u or 0.0, "basal_iob_u")),
            trend=None if trend is None else _milli(trend, "trend_mg_dl_per_min"),
            cob=_milli(scenario.cob_g or 0.0, "cob_g"),
            reverse_correction=scenario.reverse_correction,
            percent=scenario.percent,
            superbolus=MilliUnits(_milli(scenario.superbolus_u, "superbolus_u")),
            minimum=_milli(scenario.safe_minimum_mg_dl, "safe_minimum_mg_dl"),
            step=step,
        )
    )


def _guarded(
    scenario: BolusScenario,
    reckoned: Reckoned,
    model: PumpModel,
    *,
    iob: MilliUnits,
) -> tuple[MilliUnits, tuple[Cut, ...]]:
    rooms: list[tuple[str, MilliUnits]] = []
    for name, units in (
        ("max_bolus", scenario.max_bolus_u),
        ("hourly_limit", scenario.hourly_left_u),
        ("daily_limit", scenario.daily_left_u),
        ("max_iob", scenario.max_iob_u),
    ):
        if units is not None:
            room = _milli(units, f"{name}_u") - (max(0, iob) if name == "max_iob" else 0)
            rooms.append((name, MilliUnits(room)))
    if model.bolus_max is not None:
        rooms.append(("pump_maximum", model.bolus_max))
    vendor = MilliUnits(reckoned.vendor or 0)
    return guard(vendor, exact=reckoned.exact, floor=partial(floor_bolus, model), rooms=rooms)


def _reasons(
    notes: Sequence[str], reckoned: Reckoned, rules: RuleSet, *, amount: int | None
) -> tuple[str, ...]:
    last = ["nothing_needed"] if amount == 0 else []
    label = [] if rules.is_verified else ["rules_unverified"]
    return (*notes, *reckoned.reasons, *label, *last)


def _split(
    scenario: BolusScenario,
    rules: RuleSet,
    reckoned: Reckoned,
    amount: MilliUnits,
    step: MilliUnits,
) -> SplitFound:
    """Spread the part that may be; what a limit cut is cut from the part over time."""
    later = 0
    if scenario.purpose != "normal":
        percent = scenario.now_percent or 0
        later = later_part(rules, reckoned, amount, now_percent=percent, step=step)
    return SplitFound(
        now_u=(amount - later) / 1000,
        later_u=later / 1000,
        duration_min=scenario.duration_min or 0,
    )


def _fat_protein(scenario: BolusScenario, step: MilliUnits) -> FatProteinFound | None:
    if not (scenario.fat_g or scenario.protein_g):
        return None
    fat, protein = _milli(scenario.fat_g, "fat_g"), _milli(scenario.protein_g, "protein_g")
    count = Fraction(fat * _KCAL_OF_FAT + protein * _KCAL_OF_PROTEIN, _KCAL_OF_FPU * 1000)
    hours = next((hours for most, hours in _HOURS_OF_FPU if count <= most), _HOURS_MORE)
    carbs = count * _CARBS_OF_FPU
    ratio = _milli(scenario.carb_ratio_g_per_u, "carb_ratio_g_per_u")
    return FatProteinFound(
        fat_protein_units=round(float(count), 6),
        carbs_g=round(float(carbs), 6),
        units=floor_units(carbs * 1_000_000 / ratio, step) / 1000,
        duration_min=hours * 60,
    )


def _clamp(cut: Cut) -> ClampFound:
    return ClampFound(name=cut.name, before_u=cut.before / 1000, after_u=cut.after / 1000)


def _units(amount: Fraction) -> float:
    return round(float(amount / 1000), 9) + 0.0


def _milli(value: float, field: str) -> int:
    return whole_milli(value, path=f"$.{field}")


BOLUS: Final = Kind(
    name="bolus",
    text="how much insulin, by the rules of any vendor or of all side by side",
    scenario=BolusScenario,
    result=BolusResult,
    example="""{
  "rules": "medtronic",
  "glucose_mg_dl": 200, "carbs_g": 0, "iob_u": 1.9,
  "carb_ratio_g_per_u": 12, "sensitivity_mg_dl_per_u": 40,
  "target_low_mg_dl": 90, "target_high_mg_dl": 120
}""",
    run=_run,
)
"""[-] the calculation."""
