"""Basalt's own rule: insulin on board reduces a correction, never the meal (ADR 0012)."""

from core.dosing.advice.rules.shape import ZERO, Asked, Reckoned, RuleSet, floor_units, three_terms
from schemas.bolus.advice import AdviceReason


def _reckon(asked: Asked) -> Reckoned:
    reasons: list[AdviceReason] = []
    correction = asked.correction
    is_small = asked.correct_above is not None and (asked.glucose or 0) <= asked.correct_above
    if correction > 0 and is_small:
        correction = ZERO
        reasons.append("not_above_correct_above")
    on_board = min(max(ZERO, correction), max(0, asked.iob) + ZERO)
    if asked.glucose is None:
        reasons.append("carbs_only")
    if on_board > 0:
        reasons.append("insulin_on_board_subtracted")
    if correction < 0:
        reasons.append("negative_correction")
    total = asked.food + correction - on_board
    return three_terms(
        food=asked.food,
        correction=correction,
        on_board=on_board,
        vendor=floor_units(total, asked.step),
        reasons=reasons,
    )


BASALT = RuleSet(
    name="basalt",
    text="a correction is reduced by insulin on board to 0 at most; below target it takes away",
    subtracts="bolus insulin on board, from the correction only",
    is_verified=True,
    source="ADR 0012",
    extends="meal",
    reckon=_reckon,
)
"""[-] the rule set."""
