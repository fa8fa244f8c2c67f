"""Ypsomed mylife, method 1: insulin on board is subtracted from everything."""

from core.dosing.advice.rules.shape import ZERO, Asked, Reckoned, RuleSet, floor_units, three_terms
from schemas.bolus.advice import AdviceReason


def _reckon(asked: Asked) -> Reckoned:
    food, correction, reasons = asked.food, asked.correction, list[AdviceReason]()
    on_board = ZERO
    if asked.glucose is None:
        reasons.append("carbs_only")
    else:
        on_board = min(max(0, asked.iob) + ZERO, max(ZERO, food + correction))
    if on_board > 0:
        reasons.append("insulin_on_board_subtracted")
    if correction < 0:
        reasons.append("negative_correction")
    return three_terms(
        food=food,
        correction=correction,
        on_board=on_board,
        vendor=floor_units(food + correction - on_board, asked.step),
        reasons=reasons,
    )


YPSOMED = RuleSet(
    name="ypsomed",
    text="food + correction - insulin on board",
    subtracts="bolus insulin on board, from everything",
    is_verified=True,
    source="mylife user guide 700009424, p. 23",
    extends="meal",
    reckon=_reckon,
)
"""[-] the rule set."""
