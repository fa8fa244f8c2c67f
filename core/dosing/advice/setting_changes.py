"""Which ratios and sensitivities change so much that somebody must say it a second time."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from core.models.schedules import Segment, segment_at
from schemas.bolus.settings import BolusSettingsSet, SetBolusSettings
from schemas.setting_checks import SecondWord, SettingChange

SegmentT = TypeVar("SegmentT", bound=Segment)


def setting_changes(
    before: BolusSettingsSet | None, after: SetBolusSettings
) -> tuple[SettingChange, ...]:
    """Give the first change by more than half of ratio and of sensitivity; empty for none.

    Insulin is carbohydrate divided by the ratio: a change counts where the value, or the insulin
    that follows from it, changes by more than half. Without settings before, there is nothing that
    could have been mistaken for them.
    """
    if before is None:
        return ()
    found = (
        _first(
            "carb_ratio_changed", before.carb_ratios, after.carb_ratios, lambda one: one.carb_ratio
        ),
        _first(
            "sensitivity_changed",
            before.sensitivities,
            after.sensitivities,
            lambda one: one.sensitivity,
        ),
    )
    return tuple(one for one in found if one is not None)


def _first(
    reason: SecondWord,
    before: Sequence[SegmentT],
    after: Sequence[SegmentT],
    value: Callable[[SegmentT], int],
) -> SettingChange | None:
    """Look wherever one of the two schedules begins a segment."""
    for minute in sorted({one.start_minute for one in (*before, *after)}):
        was, becomes = value(segment_at(before, minute)), value(segment_at(after, minute))
        if 2 * max(was, becomes) > 3 * min(was, becomes):
            return SettingChange(reason=reason, start_minute=minute, was=was, becomes=becomes)
    return None
