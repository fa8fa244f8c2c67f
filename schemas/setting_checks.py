"""What a check of a setting found: where basal and limits do not fit, what changes by how much."""

from typing import Literal

import msgspec

from schemas.units import MilliUnits, MilliUnitsPerHour

MisfitReason = Literal[
    "above_basal_limit",
    "above_pump_maximum",
    "below_pump_minimum",
    "above_daily_limit",
    "above_calendar_day_limit",
    "above_four_hour_limit",
]
"""[-] which limit, or which end of what the pump model can give, does not fit."""

SecondWord = Literal["day_basal_changed", "carb_ratio_changed", "sensitivity_changed"]
"""[-] why a setting is taken only when somebody says so a second time, naming just that."""


class Misfit(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Where programmed basal and the limits do not fit: a rate, or an amount in a window."""

    reason: MisfitReason
    """[-] what does not fit."""
    profile: str = ""
    """[-] name of the profile; empty where nobody knows it."""
    start_minute: int | None = None
    """[min] 0 to 1439, start of the segment; of a window, of the segment that it begins in."""
    rate: MilliUnitsPerHour | None = None
    """[mU/h] asked for; none for an amount."""
    rate_limit: MilliUnitsPerHour | None = None
    """[mU/h] the most, or the least above 0, that may be."""
    amount: MilliUnits | None = None
    """[mU] programmed in the window; none for a rate."""
    amount_limit: MilliUnits | None = None
    """[mU] the most in it."""


class SettingChange(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A setting that changes by more than half."""

    reason: SecondWord
    """[-] which; by this name it is confirmed."""
    start_minute: int | None = None
    """[min] 0 to 1439, the first time of day at which it does; none for a day's basal."""
    weekday: int | None = None
    """[-] 0 for Monday, the first day on which it does; none for a ratio or a sensitivity."""
    was: int
    """[mU, mg/U or ug/dL/U] before."""
    becomes: int
    """[mU, mg/U or ug/dL/U] after."""
