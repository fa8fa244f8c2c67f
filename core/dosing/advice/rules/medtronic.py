"""Medtronic Bolus Wizard: four cases, its firmware's rounding."""

from fractions import Fraction

from core.dosing.advice.rules.shape import ZERO, Asked, Reckoned, RuleSet, floor_to, three_terms
from schemas.bolus.advice import AdviceReason
from schemas.units import MilliUnits

TENTH_MU = 100
"""[mU] to which food and correction are rounded down."""

STROKE_MU = 25
"""[mU] to which a correction is cut first: 1/40 U."""


def _reckon(asked: Asked) -> Reckoned:
    food = floor_to(asked.food, TENTH_MU)
    strokes = Fraction(int(asked.correction / STROKE_MU) * STROKE_MU)
    correction = floor_to(strokes, TENTH_MU)
    on_board = min(max(ZERO, correction), max(0, asked.iob) + ZERO)
    reasons: list[AdviceReason] = []
    if asked.glucose is None:
        reasons.append("carbs_only")
    if on_board > 0:
        reasons.append("insulin_on_board_subtracted")
    if correction < 0:
        reasons.append("negative_correction")
    total = max(ZERO, food + correction - on_board)
    return three_terms(
        food=food,
        correction=correction,
        on_board=on_board,
        vendor=MilliUnits(int(total)),
        reasons=reasons,
    )


MEDTRONIC = RuleSet(
    name="medtronic",
    text="above target food + max(0, correction - active insulin); below it food + correction",
    subtracts="bolus insulin on board, from a positive correction only",
    is_verified=True,
    source="Veo mobile guide p. 227, Paradigm 522 p. 206",
    extends="all",
    reckon=_reckon,
)
"""[-] the rule set."""
