"""What a scenario of `basalt calc bolus` asks of a rule set: checked, in whole thousandths."""

from fractions import Fraction
from typing import Final

from core.calc.bolus.shapes import AapsSwitches, BolusScenario
from core.calc.calculation import whole_milli
from core.dosing.advice.rules.aaps import WHEN_UNKNOWN
from core.dosing.advice.rules.shape import Asked, Reckoned, RuleSet, Switches, Term
from core.kernel.errors import ScenarioError
from core.models.pump_models import PumpModel, extended_problem, spreads_in_words
from schemas.units import MINUTE_MS, Milliseconds, MilliUnits

_ON_BOARD: Final = (
    "insulin_on_board",
    "bolus_insulin_on_board",
    "meal_insulin_on_board",
    "correction_insulin_on_board",
)
"""[-] terms of insulin on board, as the rule sets call them."""


def check_together(scenario: BolusScenario, model: PumpModel) -> None:
    """Refuse what does not go together.

    Raises:
        ScenarioError: with the path of the field.
    """
    minutes = scenario.duration_min
    if (scenario.purpose == "normal") != (minutes is None):
        raise ScenarioError("$.duration_min", "belongs to purpose extended or dual, and only there")
    if minutes is not None and extended_problem(model, Milliseconds(minutes * MINUTE_MS)):
        raise ScenarioError("$.duration_min", spreads_in_words(model))
    if (scenario.purpose == "dual") != (scenario.now_percent is not None):
        raise ScenarioError("$.now_percent", "belongs to purpose dual, and only there")
    if scenario.preset_u is not None and (scenario.carbs_g or scenario.correction_only):
        raise ScenarioError("$.preset_u", "a quick bolus computes nothing from carbs")
    if scenario.glucose_mg_dl is not None and scenario.glucose_mark is not None:
        raise ScenarioError("$.glucose_mark", "give the number or what stood instead of it")
    if scenario.confirmed and scenario.preset_u is None:
        raise ScenarioError("$.confirmed", "belongs to preset_u; what is computed needs no word")


def insulin_on_board(scenario: BolusScenario) -> tuple[MilliUnits, MilliUnits]:
    """Give insulin on board at least and at most [mU].

    Raises:
        ScenarioError: what is told of it contradicts itself; with the path of the field.
    """
    low, high, one = scenario.iob_least_u, scenario.iob_most_u, scenario.iob_u
    if (low is None) != (high is None):
        raise ScenarioError("$.iob_least_u", "iob_least_u and iob_most_u come together")
    if one is not None and low is not None:
        raise ScenarioError("$.iob_u", "give either iob_u or the interval")
    meal = milli(scenario.meal_iob_u, "meal_iob_u")
    if low is not None and high is not None:
        least, most = milli(low, "iob_least_u"), milli(high, "iob_most_u")
        if most < least:
            raise ScenarioError("$.iob_most_u", "below iob_least_u")
    else:
        least = most = meal if one is None else milli(one, "iob_u")
    if meal > max(0, most):
        raise ScenarioError("$.meal_iob_u", "more than all insulin on board")
    return MilliUnits(least), MilliUnits(most)


def not_told(scenario: BolusScenario, rules: RuleSet) -> dict[str, str]:
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
    off = _switches(scenario.aaps).off
    return {name: reason for name, reason in found.items() if name not in off}


def reckon(
    scenario: BolusScenario,
    rules: RuleSet,
    step: MilliUnits,
    *,
    on_board: MilliUnits,
    is_fresh: bool,
) -> Reckoned:
    """Ask a rule set, or take a preset as it is: nothing is computed for a quick bolus.

    Args:
        scenario: what is told.
        rules: which rule set.
        step: [mU] of the pump.
        on_board: [mU] of bolus insulin. What was given for meals is counted up to all of it.
        is_fresh: the glucose is young enough to count.
    """
    if scenario.preset_u is not None:
        preset = milli(scenario.preset_u, "preset_u")
        return Reckoned(
            food=Fraction(0),
            correction=Fraction(0),
            terms=(Term(name="preset", amount=Fraction(preset)),),
            meal_part=Fraction(preset),
            vendor=MilliUnits(preset),
            reasons=("preset",),
        )
    meal = min(milli(scenario.meal_iob_u, "meal_iob_u"), max(0, on_board))
    given = scenario.glucose_mg_dl if is_fresh and scenario.glucose_mark is None else None
    above = scenario.correct_above_mg_dl
    trend = scenario.trend_mg_dl_per_min
    return rules.reckon(
        Asked(
            glucose=None if given is None else milli(given, "glucose_mg_dl"),
            carbs=0 if scenario.correction_only else milli(scenario.carbs_g, "carbs_g"),
            carb_ratio=milli(scenario.carb_ratio_g_per_u, "carb_ratio_g_per_u"),
            sensitivity=milli(scenario.sensitivity_mg_dl_per_u, "sensitivity_mg_dl_per_u"),
            target_low=milli(scenario.target_low_mg_dl, "target_low_mg_dl"),
            target_high=milli(scenario.target_high_mg_dl, "target_high_mg_dl"),
            correct_above=None if above is None else milli(above, "correct_above_mg_dl"),
            meal_iob=MilliUnits(meal),
            correction_iob=MilliUnits(on_board - meal),
            basal_iob=MilliUnits(milli(scenario.basal_iob_u or 0.0, "basal_iob_u")),
            trend=None if trend is None else milli(trend, "trend_mg_dl_per_min"),
            cob=milli(scenario.cob_g or 0.0, "cob_g"),
            reverse_correction=scenario.reverse_correction,
            percent=scenario.percent,
            superbolus=MilliUnits(milli(scenario.superbolus_u, "superbolus_u")),
            switches=_switches(scenario.aaps),
            minimum=milli(scenario.safe_minimum_mg_dl, "safe_minimum_mg_dl"),
            step=step,
        )
    )


def milli(value: float, field: str) -> int:
    """Give thousandths of a field of the scenario, which must be whole."""
    return whole_milli(value, path=f"$.{field}")


def _switches(given: AapsSwitches) -> Switches:
    by_hand = whole_milli(given.manual_correction_u, path="$.aaps.manual_correction_u")
    return Switches(
        glucose=given.glucose,
        trend=given.trend,
        cob=given.cob,
        bolus_iob=given.bolus_iob,
        basal_iob=given.basal_iob,
        positive_iob_only=given.positive_iob_only,
        manual_correction=MilliUnits(by_hand),
    )
