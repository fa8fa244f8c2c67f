"""Tandem t:slim: three cases by glucose; told at second hand, so labelled unverified."""

from core.dosing.advice.rules.shape import ZERO, Asked, Reckoned, RuleSet, floor_units, three_terms
from schemas.bolus.advice import AdviceReason

STEP_MU = 10
"""[mU] of the pump's bolus."""

LOW_UG_DL = 70_000
"""[ug/dL] fixed: below it insulin on board and the negative correction are subtracted."""


def _reckon(asked: Asked) -> Reckoned:
    food, glucose, reasons = asked.food, asked.glucose, list[AdviceReason]()
    correction, on_board = asked.correction, ZERO
    if glucose is None:
        reasons.append("carbs_only")
    elif glucose < LOW_UG_DL:
        on_board = min(max(0, asked.iob) + ZERO, max(ZERO, food + correction))
        reasons.append("below_70")
    elif correction <= 0:
        correction = ZERO
        reasons.append("between_70_and_target")
    else:
        on_board = min(correction, max(0, asked.iob) + ZERO)
    if on_board > 0:
        reasons.append("insulin_on_board_subtracted")
    return three_terms(
        food=food,
        correction=correction,
        on_board=on_board,
        vendor=floor_units(food + correction - on_board, STEP_MU),
        reasons=reasons,
    )


TANDEM = RuleSet(
    name="tandem",
    text="above target as Medtronic; from 70 to target food only; below 70 everything is taken",
    subtracts="bolus insulin on board, above target from the correction, below 70 from everything",
    is_verified=False,
    source="user guide as quoted by users, 2013; the exact text is to be confirmed",
    extends="meal",
    reckon=_reckon,
)
"""[-] the rule set."""
