"""The limits a second time, by another way: it shares no line with `core/limits.py` (R20)."""

from collections.abc import Iterable

from core.insulin.on_board import Delivered
from schemas.delivery import DeliveryLimitsSet
from schemas.units import DAY_MS, HOUR_MS, MilliUnits, UtcMillis


def left_again(
    limits: DeliveryLimitsSet,
    boluses: Iterable[Delivered],
    basal: Iterable[Delivered],
    *,
    at: UtcMillis,
) -> tuple[int, ...]:
    """Give what single, hourly, daily and 4-h limit leave [mU]: taken off dose by dose.

    Args:
        limits: in force.
        boluses: of the last 24 h at least, unknown ones in full, any order.
        basal: of the last 24 h at least, any order.
        at: [ms] now.
    """
    hourly, daily, four = int(limits.hourly), int(limits.daily), limits.four_hours
    for is_bolus, doses in ((True, boluses), (False, basal)):
        for dose in sorted(doses, key=lambda one: one.ends_at, reverse=True):
            age = at - dose.ends_at
            if age >= DAY_MS:
                break
            daily -= min(daily, dose.amount)
            if is_bolus and age < HOUR_MS:
                hourly -= min(hourly, dose.amount)
            if four is not None and age < 4 * HOUR_MS:
                four = MilliUnits(four - min(four, dose.amount))
    found = (limits.single, hourly, daily)
    return found if four is None else (*found, four)
