"""Each vendor's rule stated a second time, in units and as the guides word it, over a grid.

The grid stands on every threshold and one step beside it, so that a rule that is off by one
milligram, one comparison or one sign differs somewhere.
"""

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import Any

import pytest

from core.dosing.advice.rules.registry import RULE_SETS
from core.dosing.advice.rules.shape import Asked
from schemas.units import MilliUnits

GLUCOSES = (None, 40, 54, 55, 56, 69, 70, 71, 85, 90, 91, 119, 120, 121, 150, 151, 180, 181, 210)
CARBS_MG = (0, 1, 2, 40_000)
MEAL_IOB = (0, 770, 2_500)
CORRECTION_IOB = (-700, 0, 1, 330, 2_000)
EXTRAS: tuple[dict[str, Any], ...] = (
    {},
    {"correct_above": 150_000, "reverse_correction": False, "basal_iob": 400},
    {"trend": 1_000, "cob": 7_000, "percent": 80, "superbolus": 600, "basal_iob": -900},
)

RATIO, FALL, LOW, HIGH = Fraction(10), Fraction(40), Fraction(90), Fraction(120)

Terms = dict[str, Fraction]
Verdict = tuple[Terms, Fraction | None, Fraction, list[str]]
"""Addends [U], the vendor's value [U] or none, the meal's part [U], reasons."""


class Case:
    """What a person sees, in units and grams."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.glucose = None if asked.glucose is None else Fraction(asked.glucose, 1000)
        self.carbs = Fraction(asked.carbs, 1000)
        self.food = self.carbs / RATIO
        self.meal_iob = Fraction(asked.meal_iob, 1000)
        self.correction_iob = Fraction(asked.correction_iob, 1000)
        self.iob = self.meal_iob + self.correction_iob
        self.board = max(Fraction(0), self.iob)
        self.correction = Fraction(0)
        if self.glucose is not None and self.glucose > HIGH:
            self.correction = (self.glucose - HIGH) / FALL
        elif self.glucose is not None and self.glucose < LOW:
            self.correction = (self.glucose - LOW) / FALL


def down(amount: Fraction, step: str) -> Fraction:
    return floor(amount / Fraction(step)) * Fraction(step)


def positive(amount: Fraction) -> Fraction:
    return max(Fraction(0), amount)


def note(reasons: list[str], text: str, *, when: bool) -> None:
    if when:
        reasons.append(text)


def basalt(case: Case) -> Verdict:
    reasons: list[str] = []
    correction = case.correction
    above = case.asked.correct_above
    small = above is not None and case.glucose is not None and case.glucose <= Fraction(above, 1000)
    if correction > 0 and small:
        correction = Fraction(0)
        reasons.append("not_above_correct_above")
    taken = min(positive(correction), case.board)
    note(reasons, "carbs_only", when=case.glucose is None)
    note(reasons, "insulin_on_board_subtracted", when=taken > 0)
    note(reasons, "negative_correction", when=correction < 0)
    terms = {"food": case.food, "correction": correction, "insulin_on_board": -taken}
    vendor = down(positive(case.food + correction - taken), "0.05")
    return terms, vendor, positive(case.food + min(Fraction(0), correction)), reasons


def medtronic(case: Case) -> Verdict:
    food = down(case.food, "0.1")
    fortieths = Fraction(int(case.correction * 40), 40)
    correction = down(fortieths, "0.1")
    taken = min(positive(correction), case.board)
    reasons: list[str] = []
    note(reasons, "carbs_only", when=case.glucose is None)
    note(reasons, "insulin_on_board_subtracted", when=taken > 0)
    note(reasons, "negative_correction", when=correction < 0)
    total = positive(food + correction - taken)
    terms = {"food": food, "correction": correction, "insulin_on_board": -taken}
    return terms, down(total, "0.001"), positive(food + min(Fraction(0), correction)), reasons


def tandem(case: Case) -> Verdict:
    correction, taken = case.correction, Fraction(0)
    reasons: list[str] = []
    if case.glucose is None:
        reasons.append("carbs_only")
    elif case.glucose < 70:
        taken = min(case.board, positive(case.food + correction))
        reasons.append("below_70")
    elif case.glucose <= HIGH:
        correction = Fraction(0)
        reasons.append("between_70_and_target")
    else:
        taken = min(correction, case.board)
    note(reasons, "insulin_on_board_subtracted", when=taken > 0)
    terms = {"food": case.food, "correction": correction, "insulin_on_board": -taken}
    vendor = down(positive(case.food + correction - taken), "0.01")
    return terms, vendor, positive(case.food + min(Fraction(0), correction - taken)), reasons


def ypsomed(case: Case) -> Verdict:
    taken = Fraction(0)
    if case.glucose is not None:
        taken = min(case.board, positive(case.food + case.correction))
    reasons: list[str] = []
    note(reasons, "carbs_only", when=case.glucose is None)
    note(reasons, "insulin_on_board_subtracted", when=taken > 0)
    note(reasons, "negative_correction", when=case.correction < 0)
    terms = {"food": case.food, "correction": case.correction, "insulin_on_board": -taken}
    vendor = down(positive(case.food + case.correction - taken), "0.05")
    meal = positive(case.food + min(Fraction(0), case.correction - taken))
    return terms, vendor, meal, reasons


def omnipod(case: Case) -> Verdict:
    reasons: list[str] = []
    correction = case.correction
    may_reverse = case.asked.reverse_correction and case.carbs > 0
    if correction < 0 and not may_reverse:
        correction = Fraction(0)
    above = case.asked.correct_above
    limit = HIGH if above is None else Fraction(above, 1000)
    if correction > 0 and case.glucose is not None and case.glucose <= limit:
        correction = Fraction(0)
        reasons.append("not_above_correct_above")
    note(reasons, "reverse_correction", when=correction < 0)
    meal, rest = Fraction(0), Fraction(0)
    if case.glucose is None:
        reasons.append("carbs_only")
    else:
        twentieths = Fraction(ceil(positive(case.meal_iob) * 20), 20)
        meal = min(positive(correction), twentieths)
        others = Fraction(ceil(positive(case.correction_iob) * 20), 20)
        rest = min(others, positive(case.food + correction - meal))
    note(reasons, "insulin_on_board_subtracted", when=meal + rest > 0)
    refused = case.glucose is not None and case.glucose < 70
    note(reasons, "below_minimum_for_calculations", when=refused)
    terms = {
        "food": case.food,
        "correction": correction,
        "meal_insulin_on_board": -meal,
        "correction_insulin_on_board": -rest,
    }
    left = positive(correction) - meal - rest
    part = positive(case.food + min(Fraction(0), correction) + min(Fraction(0), left))
    total = case.food + correction - meal - rest
    return terms, None if refused else down(positive(total), "0.05"), part, reasons


def loop(case: Case) -> Verdict:
    reasons: list[str] = []
    correction = case.correction
    if case.glucose is None:
        reasons.append("carbs_only")
    elif case.glucose < 70:
        reasons.append("glucose_low")
    if case.glucose is not None and correction > 0:
        correction = (case.glucose - (LOW + HIGH) / 2) / FALL
    taken = min(positive(correction), case.board)
    note(reasons, "insulin_on_board_subtracted", when=taken > 0)
    refused = case.glucose is not None and case.glucose < 55
    note(reasons, "below_55", when=refused)
    terms = {"food": case.food, "correction": correction, "insulin_on_board": -taken}
    vendor = None if refused else down(positive(case.food + correction - taken), "0.05")
    return terms, vendor, positive(case.food + min(Fraction(0), correction)), reasons


def aaps(case: Case) -> Verdict:
    asked, reasons = case.asked, list[str]()
    basal = Fraction(asked.basal_iob, 1000)
    terms = {
        "food": case.food,
        "carbs_on_board": Fraction(asked.cob, 1000) / RATIO,
        "correction": case.correction,
        "trend": Fraction(asked.trend or 0, 1000) * 15 / FALL,
        "bolus_insulin_on_board": -case.iob,
        "basal_insulin_on_board": -basal,
        "superbolus": Fraction(asked.superbolus, 1000),
    }
    total = sum(terms.values(), Fraction(0))
    if total > 0 and asked.percent != 100:
        terms["percent"] = total * Fraction(asked.percent, 100) - total
        total = total * Fraction(asked.percent, 100)
        reasons.append("percent_applied")
    note(reasons, "carbs_only", when=case.glucose is None)
    late = case.glucose is not None and case.glucose > 180 and case.carbs > 0
    note(reasons, "eat_later_offered", when=late)
    note(reasons, "negative_insulin_on_board_added", when=case.iob + basal < 0)
    note(reasons, "insulin_on_board_subtracted", when=case.iob + basal > 0)
    note(reasons, "carbs_needed", when=total < 0)
    nearest = floor(positive(total) * 20 + Fraction(1, 2)) * Fraction("0.05")
    meal = min(case.food + terms["carbs_on_board"], positive(total))
    return terms, nearest, meal, reasons


AGAIN: dict[str, Callable[[Case], Verdict]] = {
    "basalt": basalt,
    "omnipod": omnipod,
    "medtronic": medtronic,
    "tandem": tandem,
    "ypsomed": ypsomed,
    "aaps": aaps,
    "loop": loop,
}


def cases() -> list[Asked]:
    found = []
    for glucose, carbs, meal, correction, extra in product(
        GLUCOSES, CARBS_MG, MEAL_IOB, CORRECTION_IOB, EXTRAS
    ):
        asked = {
            "glucose": None if glucose is None else glucose * 1000,
            "carbs": carbs,
            "carb_ratio": 10_000,
            "sensitivity": 40_000,
            "target_low": 90_000,
            "target_high": 120_000,
            "meal_iob": MilliUnits(meal),
            "correction_iob": MilliUnits(correction),
            **extra,
        }
        found.append(Asked(**asked))
    return found


@pytest.mark.parametrize("name", list(RULE_SETS))
def test_the_rule_is_what_its_vendor_says(name: str) -> None:
    """Addends, value, the meal's part and every reason, for 3,420 questions."""
    for asked in cases():
        reckoned = RULE_SETS[name].reckon(asked)
        terms, vendor, meal, reasons = AGAIN[name](Case(asked))

        assert terms == {one.name: one.amount / 1000 for one in reckoned.terms}, asked
        assert vendor == (None if reckoned.vendor is None else Fraction(reckoned.vendor, 1000))
        assert meal == reckoned.meal_part / 1000, asked
        assert tuple(reasons) == reckoned.reasons, asked
        assert terms["food"] == reckoned.food / 1000
        assert terms["correction"] == reckoned.correction / 1000
        exact = sum(terms.values(), Fraction(0))
        needed = positive(-exact) * RATIO if name == "aaps" else Fraction(0)
        assert needed == reckoned.carbs_needed / 1000
        assert positive(exact) == reckoned.exact / 1000


def test_every_rule_set_is_stated_a_second_time() -> None:
    """A new vendor comes with its second statement."""
    assert set(RULE_SETS) == set(AGAIN)
