"""When an amount needs a second word: after a low, above a soft limit, far from what was meant.

What is computed is refused below the safe minimum (R11). An amount of a person's own, a preset too,
is computed by nobody: below 70 mg/dL, or below the safe minimum where that is set higher, it is
given after a second word. `basalt calc bolus` and the services follow this one rule.

Nothing here makes an amount larger or smaller; the hard limits come after it, whatever is
confirmed (R3, R15).
"""

from collections.abc import Sequence
from statistics import median_low

import msgspec

from core.dosing.advice.inputs import Reading
from schemas.bolus.advice import ConfirmReason
from schemas.glucose import GlucoseBeyondRange, GlucoseMeasured
from schemas.units import MINUTE_MS, MgDl, Milliseconds, MilliUnits, UtcMillis

LOW_MG_DL = MgDl(70)
"""[mg/dL] below it an amount of one's own must be confirmed, however low the safe minimum is."""

FRESH_MS_MAX = Milliseconds(10 * MINUTE_MS)
"""[ms] older glucose says nothing of now; source: R57."""

FIVEFOLD = 5
"""[-] an edit that makes a dose so many times larger; source: the lost decimal point of 2023."""

RECENT_KEPT = 20
"""[-] boluses whose amounts are remembered."""

RECENT_MIN = 5
"""[-] boluses known before one can be far from what is usual; project's own choice."""

MUCH_LARGER = 2
"""[-] times the largest of the recent boluses; project's own choice."""

RUN_LENGTH = 3
"""[-] boluses in a row above average that make a run; project's own choice."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """An amount that somebody wants given, and what it is held against."""

    amount: MilliUnits
    """[mU] in all."""
    advised: MilliUnits | None = None
    """[mU] what the advice was; none for an amount without one."""
    soft: MilliUnits | None = None
    """[mU] the soft limit; none where none is set."""
    reading: Reading | None = None
    """[-] the newest."""
    safe_minimum: MgDl = LOW_MG_DL
    """[mg/dL] below it nothing is advised."""
    recent: Sequence[MilliUnits] = ()
    """[mU] the last boluses, oldest first; may be empty."""


def confirm_reasons(wish: Wish, *, at: UtcMillis) -> tuple[ConfirmReason, ...]:
    """Give every reason why an amount must be confirmed at an instant [ms]; empty for none."""
    found: list[ConfirmReason] = []
    is_own = wish.advised is None or wish.amount != wish.advised
    if is_own:
        found.extend(_low(wish, at=at))
    if wish.soft is not None and wish.amount > wish.soft:
        found.append("above_soft_limit")
    if wish.advised is not None and is_own and wish.amount >= wish.advised * FIVEFOLD:
        found.append("changed_fivefold")
    if len(wish.recent) >= RECENT_MIN and wish.amount > MUCH_LARGER * max(wish.recent):
        found.append("much_larger_than_recent")
    if _is_run(wish):
        found.append("run_of_large_doses")
    return tuple(found)


def remember(recent: tuple[MilliUnits, ...], amount: MilliUnits) -> tuple[MilliUnits, ...]:
    """Add a bolus to those remembered."""
    return (*recent, amount)[-RECENT_KEPT:]


def low_reasons(glucose: float | None, *, is_low_mark: bool, minimum: float) -> list[ConfirmReason]:
    """Say why glucose of now asks for a second word before an amount of one's own.

    Args:
        glucose: [mg/dL] fresh and plausible, or none.
        is_low_mark: the device shows LOW instead of a number.
        minimum: [mg/dL] below it nothing is advised.
    """
    if is_low_mark or (glucose is not None and glucose < LOW_MG_DL):
        return ["glucose_below_70"]
    return ["below_safe_minimum"] if glucose is not None and glucose < minimum else []


def _low(wish: Wish, *, at: UtcMillis) -> list[ConfirmReason]:
    reading = wish.reading
    if reading is None or at - reading.measured_at > FRESH_MS_MAX:
        return []
    return low_reasons(
        reading.glucose if isinstance(reading, GlucoseMeasured) else None,
        is_low_mark=isinstance(reading, GlucoseBeyondRange) and reading.bound == "low",
        minimum=wish.safe_minimum,
    )


def _is_run(wish: Wish) -> bool:
    """Say whether this and the ones right before it are all well above what was usual before."""
    before, last = wish.recent[: 1 - RUN_LENGTH], wish.recent[1 - RUN_LENGTH :]
    if len(before) < RECENT_MIN:
        return False
    usual = median_low(before)
    return all(2 * one > 3 * usual for one in (*last, wish.amount))
