"""Omnipod DASH and 5: meal and correction insulin on board are subtracted apart."""

from core.dosing.advice.rules.shape import (
    ZERO,
    Asked,
    Reckoned,
    RuleSet,
    Term,
    ceil_to,
    floor_units,
)
from schemas.bolus.advice import AdviceReason

STEP_MU = 50
"""[mU] bolus down, insulin on board up."""

GLUCOSE_UG_DL_MIN = 70_000
"""[ug/dL] Minimum BG for Calcs: 50 to 70, as the safe minimum is set, and 70 at most."""


def _reckon(asked: Asked) -> Reckoned:
    """Subtract meal insulin from the correction alone, then correction insulin, then from the meal.

    The trend of a sensor is left out: Omnipod 5 publishes its bound (+30 %), not its formula.
    """
    food, reasons = asked.food, list[AdviceReason]()
    glucose = asked.glucose
    correction = asked.correction
    if correction < 0 and not (asked.carbs > 0 and asked.reverse_correction):
        correction = ZERO
    threshold = asked.target_high if asked.correct_above is None else asked.correct_above
    if correction > 0 and glucose is not None and glucose <= threshold:
        correction = ZERO
        reasons.append("not_above_correct_above")
    if correction < 0:
        reasons.append("reverse_correction")
    from_meal_iob, rest_iob = ZERO, ZERO
    if glucose is None:
        reasons.append("carbs_only")
    else:
        meal_iob = ceil_to(max(0, asked.meal_iob), STEP_MU)
        from_meal_iob = min(max(ZERO, correction), meal_iob + ZERO)
        left = max(ZERO, food + correction - from_meal_iob)
        rest_iob = min(ceil_to(max(0, asked.correction_iob), STEP_MU) + ZERO, left)
    if from_meal_iob + rest_iob > 0:
        reasons.append("insulin_on_board_subtracted")
    total = food + correction - from_meal_iob - rest_iob
    refused = glucose is not None and glucose < min(asked.minimum, GLUCOSE_UG_DL_MIN)
    if refused:
        reasons.append("below_minimum_for_calculations")
    corrected = max(ZERO, correction) - from_meal_iob - rest_iob
    return Reckoned(
        food=food,
        correction=correction,
        terms=(
            Term(name="food", amount=food),
            Term(name="correction", amount=correction),
            Term(name="meal_insulin_on_board", amount=-from_meal_iob),
            Term(name="correction_insulin_on_board", amount=-rest_iob),
        ),
        meal_part=max(ZERO, food + min(ZERO, correction) + min(ZERO, corrected)),
        vendor=None if refused else floor_units(total, STEP_MU),
        reasons=tuple(reasons),
    )


OMNIPOD = RuleSet(
    name="omnipod",
    text="meal insulin on board from the correction; correction insulin from it, then the meal",
    subtracts="bolus insulin on board, of meals and of corrections apart",
    is_verified=True,
    source="Omnipod DASH technical guide, p. 78 and 168",
    extends="meal",
    reckon=_reckon,
)
"""[-] the rule set."""
