"""Basalt's own guards: named reductions that lead from a vendor's value to what is advised."""

from collections.abc import Callable, Sequence
from fractions import Fraction

import msgspec

from core.dosing.limits.limits import SAFE_MINIMUM_MG_DL
from schemas.units import MilliUnits

GLUCOSE_MG_DL_MIN, GLUCOSE_MG_DL_MAX = 10, 600
"""[mg/dL] outside it a reading is implausible; as glucose_ingest judges it."""

GLUCOSE_AGE_MIN_MAX = 10
"""[min] older glucose counts as none; source: R57."""


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """One guard at work."""

    name: str
    """[-] which guard."""
    before: MilliUnits
    """[mU] before it."""
    after: MilliUnits
    """[mU] after it, less."""


def glucose_refusal(
    glucose: Fraction | None, mark: str | None, *, minimum: float = SAFE_MINIMUM_MG_DL
) -> str | None:
    """Say why no advice may be computed from a fresh reading; None when one may.

    Args:
        glucose: [mg/dL] or none.
        mark: 'LOW' or 'HIGH' where the device gave no number.
        minimum: [mg/dL] below it there is none.
    """
    if mark is not None:
        return f"glucose_{mark.lower()}_mark"
    if glucose is None:
        return None
    if not GLUCOSE_MG_DL_MIN <= glucose <= GLUCOSE_MG_DL_MAX:
        return "glucose_implausible"
    return "glucose_below_safe_minimum" if glucose < minimum else None


def guard(
    vendor: MilliUnits,
    *,
    exact: Fraction,
    floor: Callable[[MilliUnits], MilliUnits],
    rooms: Sequence[tuple[str, MilliUnits]],
) -> tuple[MilliUnits, tuple[Cut, ...]]:
    """Cut a vendor's value: never above what it rounded, never above a limit, whole steps.

    Args:
        vendor: [mU] the vendor's own value.
        exact: [mU] the same before rounding.
        floor: rounds down to what the pump can give.
        rooms: name and amount [mU] that each limit leaves.
    """
    cuts: list[Cut] = []
    amount = vendor
    exactly = MilliUnits(int(exact // 1))
    for name, most in (("never_up", exactly), *rooms):
        amount = _cut(cuts, name, amount, MilliUnits(max(0, most)))
    amount = _cut(cuts, "whole_steps", amount, floor(amount))
    return amount, tuple(cuts)


def _cut(cuts: list[Cut], name: str, amount: MilliUnits, most: MilliUnits) -> MilliUnits:
    after = MilliUnits(min(amount, most))
    if after < amount:
        cuts.append(Cut(name=name, before=amount, after=after))
    return after
