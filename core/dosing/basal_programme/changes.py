"""Whether the basal of a day changes so much that somebody must say it a second time."""

from core.dosing.basal_programme.fit import day_total
from core.dosing.basal_programme.programme import Programme
from schemas.setting_checks import SettingChange


def day_change(before: Programme, after: Programme) -> SettingChange | None:
    """Give the first day whose basal changes by more than half; None where none does.

    Without a programme before, there is nothing that could have been mistaken for it.
    """
    if not before.days:
        return None
    pairs = zip(before.week, after.week, strict=True)
    for number, (old, new) in enumerate(pairs):
        was, becomes = day_total(old), day_total(new)
        if abs(becomes - was) * 2 > was:
            return SettingChange(
                reason="day_basal_changed", weekday=number, was=was, becomes=becomes
            )
    return None
