"""Hard limits on boluses: how much more may be given now, and which limit says so.

Every window is checked at the instant of asking: for a dose given now the window that ends now
holds the most, since doses only ever leave it later (R4).
"""

from collections.abc import Sequence

import msgspec

from core.insulin.on_board import Delivered
from core.limits_again import left_again
from core.pump_models import PUMP_MODELS
from schemas.bolus import LimitName
from schemas.delivery import DeliveryLimitsSet, SetDeliveryLimits
from schemas.device import PULSE_MU
from schemas.units import DAY_MS, HOUR_MS, Milliseconds, MilliUnits, UtcMillis

SINGLE_MU_MAX = MilliUnits(25_000)
"""[mU] largest bolus that anybody may set; source: Tandem, 25 U."""

BASAL_MU_PER_H_MAX = 30_000
"""[mU/h] largest basal rate that anybody may set; source: Omnipod, 30 U/h."""

HOURLY_MU_MAX = MilliUnits(75_000)
"""[mU] largest hourly limit; project's own choice, three of the largest boluses."""

DAILY_MU_MAX = MilliUnits(500_000)
"""[mU] largest daily limit; project's own choice, above any insulin resistance."""

FOUR_HOURS_MS = Milliseconds(4 * HOUR_MS)
"""[ms] window of the optional limit for a meal and its corrections."""

SAFE_MINIMUM_MG_DL = 70
"""[mg/dL] below it no insulin is advised; source: Omnipod 5, default 70."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What was given, and what may have been given, so far."""

    boluses: tuple[Delivered, ...] = ()
    """[-] boluses of the last 24 h at least, unknown ones in full, any order."""
    basal: tuple[Delivered, ...] = ()
    """[-] basal of the last 24 h at least, any order."""


class Headroom(msgspec.Struct, frozen=True, kw_only=True):
    """The most that may be given now, and the limit that says so."""

    limit: LimitName
    """[-] which limit."""
    amount: MilliUnits
    """[mU] 0 or more."""


def limits_problem(limits: SetDeliveryLimits) -> str | None:
    """Name the first limit that is out of range, None when all are well."""
    if not PULSE_MU <= limits.single <= SINGLE_MU_MAX:
        return "single"
    if not limits.single <= limits.hourly <= HOURLY_MU_MAX:
        return "hourly"
    if not limits.hourly <= limits.daily <= DAILY_MU_MAX:
        return "daily"
    if limits.four_hours is not None and not limits.hourly <= limits.four_hours <= limits.daily:
        return "four_hours"
    if not PULSE_MU <= limits.basal <= BASAL_MU_PER_H_MAX:
        return "basal"
    if limits.soft is not None and not PULSE_MU <= limits.soft <= limits.single:
        return "soft"
    if limits.pump_model not in PUMP_MODELS:
        return "pump_model"
    return None


def within(doses: Sequence[Delivered], *, since: UtcMillis) -> MilliUnits:
    """Add up the insulin of doses that ended after an instant [mU]; a part counts in full."""
    return MilliUnits(sum(dose.amount for dose in doses if dose.ends_at > since))


def headrooms(limits: DeliveryLimitsSet, given: Given, *, at: UtcMillis) -> tuple[Headroom, ...]:
    """Give what each limit still allows at an instant: single, hourly, daily, 4 h where it is set.

    Computed twice; where the two differ by a milliunit, 'limits_disagree' comes first and allows
    nothing.
    """
    found = _headrooms(limits, given, at=at)
    again = left_again(limits, given.boluses, given.basal, at=at)
    if tuple(room.amount for room in found) == again:
        return found
    return (Headroom(limit="limits_disagree", amount=MilliUnits(0)), *found)


def _headrooms(limits: DeliveryLimitsSet, given: Given, *, at: UtcMillis) -> tuple[Headroom, ...]:
    hour = within(given.boluses, since=UtcMillis(at - HOUR_MS))
    since_day = UtcMillis(at - DAY_MS)
    day = within(given.boluses, since=since_day) + within(given.basal, since=since_day)
    found = (
        Headroom(limit="single_limit", amount=limits.single),
        Headroom(limit="hourly_limit", amount=_left(limits.hourly, hour)),
        Headroom(limit="daily_limit", amount=_left(limits.daily, day)),
    )
    if limits.four_hours is None:
        return found
    since_four = UtcMillis(at - FOUR_HOURS_MS)
    four = within(given.boluses, since=since_four) + within(given.basal, since=since_four)
    return (*found, Headroom(limit="four_hour_limit", amount=_left(limits.four_hours, four)))


def breach(
    amount: MilliUnits, limits: DeliveryLimitsSet, given: Given, *, at: UtcMillis
) -> Headroom | None:
    """Name the first limit that an amount would break, None when it may be given."""
    rooms = headrooms(limits, given, at=at)
    return next((room for room in rooms if amount > room.amount), None)


def whole_pulses(amount: int) -> MilliUnits:
    """Round down to whole pulses [mU]; a negative amount is none."""
    return MilliUnits(max(0, amount) // PULSE_MU * PULSE_MU)


def _left(limit: MilliUnits, used: int) -> MilliUnits:
    return MilliUnits(max(0, limit - used))
