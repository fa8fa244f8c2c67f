"""Extended and dual boluses: which part of an advice is spread over time."""

from fractions import Fraction

from core.dosing.advice.rules.shape import Reckoned, RuleSet, floor_units
from schemas.units import MilliUnits


def later_part(
    rules: RuleSet, reckoned: Reckoned, amount: MilliUnits, *, now_percent: int, step: MilliUnits
) -> MilliUnits:
    """Give what is spread [mU], whole steps: of the meal, or of all where the vendor does so.

    Args:
        rules: the rule set that advised.
        reckoned: what it advised.
        amount: [mU] after the guards.
        now_percent: [%] of what may be spread that is given at once, 0 to 100.
        step: [mU] of the pump.
    """
    may = Fraction(amount) if rules.extends == "all" else reckoned.meal_part
    part = floor_units(floor_units(may, step) * Fraction(100 - now_percent, 100), step)
    return MilliUnits(min(part, amount))
