"""Where basal and limits do not fit, and what must be said a second time, in words."""

from collections.abc import Sequence
from typing import Final

from core.formats.amounts import print_rate, print_ratio, print_units
from core.formats.display import of_day
from schemas.setting_checks import Misfit, MisfitReason, SettingChange
from schemas.units import MilligramsPerUnit, MilliUnits, MilliUnitsPerHour

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
"""[-] of the week, Monday first."""

_WINDOWS: Final[dict[MisfitReason, str]] = {
    "above_daily_limit": "in 24 h",
    "above_calendar_day_limit": "from midnight to midnight",
    "above_four_hour_limit": "in 4 h",
}
"""[-] in which an amount is programmed."""


def programmed(misfit: Misfit) -> str:
    """Say which profile asks from when on for how much, and what may be."""
    name = f"profile {misfit.profile!r}" if misfit.profile else "the profile in force"
    since = "" if misfit.start_minute is None else f" from {of_day(misfit.start_minute)}"
    bound = "below the least of" if misfit.reason == "below_pump_minimum" else "above"
    if misfit.rate is not None:
        rate, most = print_rate(misfit.rate), misfit.rate_limit or MilliUnitsPerHour(0)
        return f"{name}{since}: {rate} U/h is {bound} {print_rate(most)} U/h"
    amount, most_units = misfit.amount or MilliUnits(0), misfit.amount_limit or MilliUnits(0)
    window = _WINDOWS.get(misfit.reason, "")
    return f"{name}{since}: {print_units(amount)} U {window} is above {print_units(most_units)} U"


def second_word(changes: Sequence[SettingChange]) -> str:
    """Say what changes by more than half, and how it is said a second time."""
    told = "; ".join(map(_change, changes))
    options = " ".join(f"--confirm {one.reason}" for one in changes)
    return f"{told}; nothing is changed. If you mean it, say it a second time with {options}"


def _change(change: SettingChange) -> str:
    if change.reason == "day_basal_changed":
        day = "" if change.weekday is None else f" of {DAYS[change.weekday]}"
        was, becomes = MilliUnits(change.was), MilliUnits(change.becomes)
        return f"basal{day} changes from {print_units(was)} U to {print_units(becomes)} U"
    what, unit = (
        ("carbohydrate ratio", "g/U")
        if change.reason == "carb_ratio_changed"
        else ("sensitivity", "mg/dL/U")
    )
    since = "" if change.start_minute is None else f" from {of_day(change.start_minute)}"
    was_text, becomes_text = (
        print_ratio(MilligramsPerUnit(value)) for value in (change.was, change.becomes)
    )
    return f"the {what}{since} changes from {was_text} to {becomes_text} {unit}"
