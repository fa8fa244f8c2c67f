"""Loop's simple calculator, the one without a forecast."""

from fractions import Fraction

from core.dosing.advice.rules.shape import ZERO, Asked, Reckoned, RuleSet, floor_units, three_terms
from schemas.bolus.advice import AdviceReason

NO_CORRECTION_UG_DL = 70_000
"""[ug/dL] no correction below it, and a warning."""

NO_MEAL_UG_DL = 55_000
"""[ug/dL] no bolus at all below it."""


def _reckon(asked: Asked) -> Reckoned:
    """Correct to the middle of the range from above it; the middle is not confirmed by a source."""
    food, glucose, reasons = asked.food, asked.glucose, list[AdviceReason]()
    correction = asked.correction
    if glucose is None:
        reasons.append("carbs_only")
    elif glucose < NO_CORRECTION_UG_DL:
        reasons.append("glucose_low")
    if correction > 0 and glucose is not None:
        middle = Fraction(asked.target_low + asked.target_high, 2)
        correction = (glucose - middle) * 1000 / asked.sensitivity
    on_board = min(max(ZERO, correction), max(0, asked.iob) + ZERO)
    if on_board > 0:
        reasons.append("insulin_on_board_subtracted")
    refused = glucose is not None and glucose < NO_MEAL_UG_DL
    if refused:
        reasons.append("below_55")
    return three_terms(
        food=food,
        correction=correction,
        on_board=on_board,
        vendor=None if refused else floor_units(food + correction - on_board, asked.step),
        reasons=reasons,
    )


LOOP = RuleSet(
    name="loop",
    text="as Basalt, to the middle of the range; nothing below 55, a warning below 70",
    subtracts="bolus insulin on board, from the correction only",
    is_verified=False,
    source="LoopConstants.swift for the thresholds; the aim is to be confirmed",
    extends="meal",
    reckon=_reckon,
)
"""[-] the rule set."""
