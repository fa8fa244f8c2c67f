"""The shape that every bolus rule set has: what it is asked, and what it answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import msgspec

from schemas.bolus.advice import AdviceReason
from schemas.units import MilliUnits

ZERO = Fraction(0)


class Switches(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has switched on or off in AndroidAPS's wizard, and typed into it."""

    glucose: bool = True
    """[-] correct to the target."""
    trend: bool = True
    """[-] count where glucose leads."""
    cob: bool = True
    """[-] count carbohydrate on board."""
    bolus_iob: bool = True
    """[-] subtract insulin on board of boluses."""
    basal_iob: bool = True
    """[-] subtract insulin on board of basal beyond the schedule."""
    positive_iob_only: bool = False
    """[-] insulin on board that is negative in all adds nothing."""
    manual_correction: MilliUnits = MilliUnits(0)
    """[mU] added by hand, negative to take away."""

    @property
    def off(self) -> frozenset[str]:
        """Name the terms that are switched off."""
        switched = {
            "correction": self.glucose,
            "trend": self.trend,
            "carbs_on_board": self.cob,
            "bolus_insulin_on_board": self.bolus_iob,
            "basal_insulin_on_board": self.basal_iob,
        }
        return frozenset(name for name, is_on in switched.items() if not is_on)


ALL_ON = Switches()
"""[-] every term of the wizard counts."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """All that a bolus calculator is told; whole thousandths of the field's units."""

    glucose: int | None
    """[ug/dL] fresh and plausible, or none."""
    carbs: int
    """[mg] about to be eaten."""
    carb_ratio: int
    """[mg/U] above 0."""
    sensitivity: int
    """[ug/dL/U] above 0."""
    target_low: int
    """[ug/dL] lower end; a single target is both ends."""
    target_high: int
    """[ug/dL] upper end."""
    correct_above: int | None = None
    """[ug/dL] no correction up to here; the upper end of the target where none is given."""
    meal_iob: MilliUnits = MilliUnits(0)
    """[mU] on board of meal boluses."""
    correction_iob: MilliUnits = MilliUnits(0)
    """[mU] on board of corrections, and of what nobody has told apart."""
    basal_iob: MilliUnits = MilliUnits(0)
    """[mU] on board of basal beyond the schedule; negative after less than scheduled."""
    trend: int | None = None
    """[ug/dL/min] where glucose leads."""
    cob: int = 0
    """[mg] of carbohydrate on board."""
    reverse_correction: bool = True
    """[-] Omnipod: glucose below target takes from the meal."""
    percent: int = 100
    """[%] AAPS: of what was computed is advised."""
    superbolus: MilliUnits = MilliUnits(0)
    """[mU] AAPS: basal of the next two hours given now."""
    switches: Switches = ALL_ON
    """[-] AAPS: which terms count."""
    minimum: int = 70_000
    """[ug/dL] Omnipod: no calculation below it; 70 mg/dL at most, whatever is set."""
    step: MilliUnits = MilliUnits(50)
    """[mU] of the pump's bolus."""

    @property
    def food(self) -> Fraction:
        """Give what the meal needs [mU]: carbs / ratio."""
        return Fraction(self.carbs * 1000, self.carb_ratio)

    @property
    def iob(self) -> MilliUnits:
        """Give bolus insulin on board of any purpose [mU]."""
        return MilliUnits(self.meal_iob + self.correction_iob)

    @property
    def correction(self) -> Fraction:
        """Give what leads back to the nearer end of the target [mU], 0 inside or not known."""
        if self.glucose is None:
            return ZERO
        above = self.glucose - self.target_high
        distance = above if above > 0 else min(0, self.glucose - self.target_low)
        return Fraction(distance * 1000, self.sensitivity)


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One addend."""

    name: str
    """[-] what it is."""
    amount: Fraction
    """[mU] negative where it takes away."""


class Reckoned(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor's rule makes of it."""

    food: Fraction
    """[mU] for the meal, the vendor's rounding included."""
    correction: Fraction
    """[mU] before insulin on board, the vendor's rounding included."""
    terms: tuple[Term, ...]
    """[-] every addend; they sum to what is then rounded and never below 0."""
    meal_part: Fraction
    """[mU] of the sum that is for the meal, 0 or more."""
    vendor: MilliUnits | None
    """[mU] the vendor's own value, rounded its way; none where it refuses."""
    reasons: tuple[AdviceReason, ...] = ()
    """[-] codes, in the order in which they came up."""
    carbs_needed: Fraction = ZERO
    """[mg] AAPS: to eat instead, where the sum is below 0."""

    @property
    def exact(self) -> Fraction:
        """Give the sum before rounding [mU], 0 or more."""
        return max(ZERO, sum((term.amount for term in self.terms), ZERO))


def three_terms(
    *,
    food: Fraction,
    correction: Fraction,
    on_board: Fraction,
    vendor: MilliUnits | None,
    reasons: Sequence[AdviceReason],
) -> Reckoned:
    """Answer with food + correction - insulin on board, as most rule sets do.

    Args:
        food: [mU] for the meal.
        correction: [mU] before insulin on board, negative below the target.
        on_board: [mU] subtracted, 0 or more.
        vendor: [mU] the vendor's own value.
        reasons: codes, in the order in which they came up.
    """
    return Reckoned(
        food=food,
        correction=correction,
        terms=(
            Term(name="food", amount=food),
            Term(name="correction", amount=correction),
            Term(name="insulin_on_board", amount=-on_board),
        ),
        meal_part=max(ZERO, food + min(ZERO, correction - on_board)),
        vendor=vendor,
        reasons=tuple(reasons),
    )


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """One vendor's bolus calculator."""

    name: str
    """[-] as in a scenario."""
    text: str
    """[-] its way of subtracting, in a sentence."""
    subtracts: str
    """[-] which insulin on board."""
    is_verified: bool
    """[-] the vendor's own text confirms every case."""
    source: str
    """[-] where the rule stands."""
    extends: Literal["meal", "all"]
    """[-] which part an extended bolus may spread."""
    reckon: Callable[[Asked], Reckoned]
    """[-] the rule, pure."""
    counts_trend: bool = False
    """[-] where glucose leads is a term of it."""


def floor_to(amount: Fraction, step: int) -> Fraction:
    """Round towards minus infinity to whole steps [mU]."""
    return Fraction(amount // step * step)


def ceil_to(amount: int, step: int) -> MilliUnits:
    """Round away from nothing on board to whole steps [mU]."""
    return MilliUnits(-(-amount // step) * step)


def floor_units(amount: Fraction, step: int) -> MilliUnits:
    """Round down to whole steps [mU], never below 0."""
    return MilliUnits(int(max(ZERO, amount) // step * step))
