"""AndroidAPS BolusWizard: many terms, insulin on board of bolus and basal, nearest step."""

from fractions import Fraction
from typing import Final

from core.rules.shape import ZERO, Asked, Reckoned, RuleSet, Term
from schemas.bolus import AdviceReason
from schemas.units import MilliUnits

TREND_MIN = 15
"""[min] ahead that the trend is taken: three times the mean change of 5 min."""

EAT_LATER_UG_DL = 180_000
"""[ug/dL] above it AAPS offers to give insulin now and eat later."""


WHEN_UNKNOWN: Final[dict[str, AdviceReason]] = {
    "trend": "trend_not_counted",
    "basal_insulin_on_board": "basal_not_counted",
    "carbs_on_board": "carbs_not_counted",
}
"""[-] terms that are left out while nobody knows them, and what is said instead."""


def _reckon(asked: Asked) -> Reckoned:
    food, correction, reasons = asked.food, asked.correction, list[AdviceReason]()
    cob = Fraction(asked.cob * 1000, asked.carb_ratio)
    trend = Fraction((asked.trend or 0) * TREND_MIN * 1000, asked.sensitivity)
    terms = [
        Term(name="food", amount=food),
        Term(name="carbs_on_board", amount=cob),
        Term(name="correction", amount=correction),
        Term(name="trend", amount=trend),
        Term(name="bolus_insulin_on_board", amount=Fraction(-asked.iob)),
        Term(name="basal_insulin_on_board", amount=Fraction(-asked.basal_iob)),
        Term(name="superbolus", amount=Fraction(asked.superbolus)),
    ]
    total = sum((term.amount for term in terms), ZERO)
    if total > 0 and asked.percent != 100:
        cut = total * (asked.percent - 100) / 100
        terms.append(Term(name="percent", amount=cut))
        total += cut
        reasons.append("percent_applied")
    if asked.glucose is None:
        reasons.append("carbs_only")
    elif asked.glucose > EAT_LATER_UG_DL and asked.carbs > 0:
        reasons.append("eat_later_offered")
    if asked.iob + asked.basal_iob < 0:
        reasons.append("negative_insulin_on_board_added")
    elif asked.iob + asked.basal_iob > 0:
        reasons.append("insulin_on_board_subtracted")
    if total < 0:
        reasons.append("carbs_needed")
    steps = (max(ZERO, total) / asked.step + Fraction(1, 2)) // 1
    return Reckoned(
        food=food,
        correction=correction,
        terms=tuple(terms),
        meal_part=min(food + cob, max(ZERO, total)),
        vendor=MilliUnits(steps * asked.step),
        reasons=tuple(reasons),
        carbs_needed=max(ZERO, -total) * asked.carb_ratio / 1000,
    )


AAPS = RuleSet(
    name="aaps",
    text="food + carbs on board + correction + trend - insulin on board, to the nearest step",
    subtracts="bolus and net basal insulin on board; negative adds",
    is_verified=True,
    source="BolusWizard.kt, Round.kt",
    extends="meal",
    counts_trend=True,
    reckon=_reckon,
)
"""[-] the rule set."""
