"""AndroidAPS BolusWizard: many terms, insulin on board of bolus and basal, nearest step."""

from fractions import Fraction
from typing import Final

from core.dosing.advice.rules.shape import ZERO, Asked, Reckoned, RuleSet, Term
from schemas.bolus.advice import AdviceReason
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
    """Add up the terms that are switched on, as the wizard does; percent is of a sum above 0."""
    off = asked.switches.off
    terms, reasons = [t for t in _terms(asked) if t.name not in off], list[AdviceReason]()
    total = sum((term.amount for term in terms), ZERO)
    if total > 0 and asked.percent != 100:
        cut = total * (asked.percent - 100) / 100
        terms.append(Term(name="percent", amount=cut))
        total += cut
        reasons.append("percent_applied")
    reasons.extend(_notes(asked))
    if total < 0:
        reasons.append("carbs_needed")
    meal = sum((t.amount for t in terms if t.name in ("food", "carbs_on_board")), ZERO)
    steps = (max(ZERO, total) / asked.step + Fraction(1, 2)) // 1
    return Reckoned(
        food=asked.food,
        correction=ZERO if "correction" in off else asked.correction,
        terms=tuple(terms),
        meal_part=min(meal, max(ZERO, total)),
        vendor=MilliUnits(steps * asked.step),
        reasons=tuple(reasons),
        carbs_needed=max(ZERO, -total) * asked.carb_ratio / 1000,
    )


def _terms(asked: Asked) -> tuple[Term, ...]:
    cob = Fraction(asked.cob * 1000, asked.carb_ratio)
    trend = Fraction((asked.trend or 0) * TREND_MIN * 1000, asked.sensitivity)
    iob, basal_iob = _on_board(asked)
    by_hand = asked.switches.manual_correction
    return (
        Term(name="food", amount=asked.food),
        Term(name="carbs_on_board", amount=cob),
        Term(name="correction", amount=asked.correction),
        Term(name="trend", amount=trend),
        Term(name="bolus_insulin_on_board", amount=Fraction(-iob)),
        Term(name="basal_insulin_on_board", amount=Fraction(-basal_iob)),
        Term(name="superbolus", amount=Fraction(asked.superbolus)),
        *((Term(name="manual_correction", amount=Fraction(by_hand)),) if by_hand else ()),
    )


def _on_board(asked: Asked) -> tuple[int, int]:
    """Give bolus and basal insulin on board that count [mU]; none of both if so switched."""
    switches = asked.switches
    if not switches.positive_iob_only or _counted_on_board(asked) >= 0:
        return asked.iob, asked.basal_iob
    return 0, 0


def _counted_on_board(asked: Asked) -> int:
    switches = asked.switches
    return (asked.iob if switches.bolus_iob else 0) + (asked.basal_iob if switches.basal_iob else 0)


def _notes(asked: Asked) -> list[AdviceReason]:
    reasons: list[AdviceReason] = []
    on_board = _counted_on_board(asked)
    if asked.switches.off:
        reasons.append("terms_switched_off")
    if asked.glucose is None:
        reasons.append("carbs_only")
    elif asked.glucose > EAT_LATER_UG_DL and asked.carbs > 0:
        reasons.append("eat_later_offered")
    if on_board > 0:
        reasons.append("insulin_on_board_subtracted")
    elif on_board < 0 and asked.switches.positive_iob_only:
        reasons.append("negative_insulin_on_board_left_out")
    elif on_board < 0:
        reasons.append("negative_insulin_on_board_added")
    return reasons


AAPS = RuleSet(
    name="aaps",
    text="food + carbs on board + correction + trend - insulin on board, to the nearest step",
    subtracts="bolus and net basal insulin on board; negative adds, unless switched off",
    is_verified=True,
    source="BolusWizard.kt, Round.kt",
    extends="meal",
    counts_trend=True,
    reckon=_reckon,
)
"""[-] the rule set."""
