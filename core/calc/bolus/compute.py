"""`basalt calc bolus`: how much insulin, by the rules of any vendor, within Basalt's own guards."""

from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Final

import msgspec

from core.calc.bolus.scenario import check_together, insulin_on_board, milli, not_told, reckon
from core.calc.bolus.shapes import (
    AdviceFound,
    BolusResult,
    BolusScenario,
    ClampFound,
    FatProteinFound,
    SplitFound,
    TermFound,
)
from core.calc.calculation import Kind
from core.dosing.advice.confirmation import low_reasons
from core.dosing.advice.rules.guards import GLUCOSE_AGE_MIN_MAX, Cut, glucose_refusal, guard
from core.dosing.advice.rules.registry import RULE_SETS
from core.dosing.advice.rules.shape import Reckoned, RuleSet, floor_units
from core.dosing.advice.rules.split import later_part
from core.kernel.errors import ScenarioError
from core.models.pump_models import PUMP_MODELS, PumpModel, floor_bolus
from schemas.units import MilliUnits

ALL: Final = "all"

_KCAL_OF_FAT, _KCAL_OF_PROTEIN, _KCAL_OF_FPU, _CARBS_OF_FPU = 9, 4, 100, 10
_HOURS_OF_FPU = ((1, 3), (2, 4), (3, 5))
_HOURS_MORE = 8


_ROOMS: Final = {
    "max_bolus": "max_bolus_u",
    "hourly_limit": "hourly_left_u",
    "daily_limit": "daily_left_u",
    "max_iob": "max_iob_u",
}
"""[-] guards, in their order, and the fields that set them."""


def _run(scenario: BolusScenario) -> BolusResult:
    if scenario.target_high_mg_dl < scenario.target_low_mg_dl:
        raise ScenarioError("$.target_high_mg_dl", "below target_low_mg_dl")
    if scenario.rules != ALL and scenario.rules not in RULE_SETS:
        known = ", ".join((*RULE_SETS, ALL))
        raise ScenarioError("$.rules", f"no such rule set; known: {known}")
    if scenario.pump not in PUMP_MODELS:
        raise ScenarioError("$.pump", f"no such model; known: {', '.join(PUMP_MODELS)}")
    model = PUMP_MODELS[scenario.pump]
    check_together(scenario, model)
    step = MilliUnits(model.bolus_steps[0].step)
    names = tuple(RULE_SETS) if scenario.rules == ALL else (scenario.rules,)
    found = [_advise(scenario, RULE_SETS[name], model, step) for name in names]
    return BolusResult(
        **msgspec.structs.asdict(found[0]),
        computed_from=scenario.ids,
        fat_protein=_fat_protein(scenario, step),
        results=tuple(found) if scenario.rules == ALL else (),
    )


def _advise(
    scenario: BolusScenario, rules: RuleSet, model: PumpModel, step: MilliUnits
) -> AdviceFound:
    least, most = insulin_on_board(scenario)
    is_fresh = scenario.glucose_age_min <= GLUCOSE_AGE_MIN_MAX
    unknown = not_told(scenario, rules)
    reckoned = reckon(scenario, rules, step, on_board=most, is_fresh=is_fresh)
    best = reckon(scenario, rules, step, on_board=least, is_fresh=is_fresh)
    confirm = _confirm(scenario) if is_fresh else ()
    refused = _refusal(scenario, is_fresh=is_fresh, is_confirmed=not confirm or scenario.confirmed)
    if refused is None and reckoned.vendor is None:
        refused = "vendor_gives_no_advice"
    notes = [
        *(["unknown_dose_counted"] if most > least else []),
        *_notes(scenario, rules, is_fresh=is_fresh),
        *dict.fromkeys(unknown.values()),
        *([] if refused is None else [refused]),
    ]
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
        confirm=confirm,
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


def _notes(scenario: BolusScenario, rules: RuleSet, *, is_fresh: bool) -> list[str]:
    """Say what was missing, too old, or told in vain."""
    notes: list[str] = []
    if scenario.glucose_mg_dl is None and scenario.glucose_mark is None:
        notes.append("no_glucose")
    elif not is_fresh:
        notes.append("glucose_stale")
    if scenario.trend_mg_dl_per_min is not None and not rules.counts_trend:
        notes.append("trend_not_counted")
    return notes


def _confirm(scenario: BolusScenario) -> tuple[str, ...]:
    """Say why a quick bolus needs a second word; what is computed is refused instead."""
    if scenario.preset_u is None:
        return ()
    return tuple(
        low_reasons(
            scenario.glucose_mg_dl,
            is_low_mark=scenario.glucose_mark == "LOW",
            minimum=scenario.safe_minimum_mg_dl,
        )
    )


def _refusal(scenario: BolusScenario, *, is_fresh: bool, is_confirmed: bool) -> str | None:
    """Say why there is no advice whatever the rules; a quick bolus waits for a second word."""
    if scenario.bolus_running:
        return "bolus_running"
    if scenario.preset_u is not None:
        return None if is_confirmed else "confirmation_needed"
    if not is_fresh:
        return None
    value = scenario.glucose_mg_dl
    glucose = None if value is None else Fraction(milli(value, "glucose_mg_dl"), 1000)
    return glucose_refusal(glucose, scenario.glucose_mark, minimum=scenario.safe_minimum_mg_dl)


def _guarded(
    scenario: BolusScenario,
    reckoned: Reckoned,
    model: PumpModel,
    *,
    iob: MilliUnits,
) -> tuple[MilliUnits, tuple[Cut, ...]]:
    rooms: list[tuple[str, MilliUnits]] = []
    for name, field in _ROOMS.items():
        units: float | None = getattr(scenario, field)
        if units is not None:
            room = milli(units, field) - (max(0, iob) if name == "max_iob" else 0)
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
    """Spread the part that may be; what a limit cut is missing from what comes at once.

    What is still to be spread can be cancelled. The services do the same.
    """
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
    fat, protein = milli(scenario.fat_g, "fat_g"), milli(scenario.protein_g, "protein_g")
    count = Fraction(fat * _KCAL_OF_FAT + protein * _KCAL_OF_PROTEIN, _KCAL_OF_FPU * 1000)
    hours = next((hours for most, hours in _HOURS_OF_FPU if count <= most), _HOURS_MORE)
    carbs = count * _CARBS_OF_FPU
    ratio = milli(scenario.carb_ratio_g_per_u, "carb_ratio_g_per_u")
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
