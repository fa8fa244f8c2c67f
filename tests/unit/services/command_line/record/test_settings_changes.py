"""What did I change: each field with its value before and after."""

from typing import Any

import pytest

from core.record.provenance import Known
from schemas.basal.profiles import BasalProfileSet, BasalWeekSet, ProfileSegment
from schemas.bolus.settings import BolusSettingsSet, CarbRatioSegment
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.message import Event
from schemas.units import MilligramsPerUnit, MilliUnits, MilliUnitsPerHour, UtcMillis
from services.command_line.record.settings_changes import Changes
from support.simulated.fake_system import LIMITS, SETTINGS


def known(body: Event) -> Known:
    at = UtcMillis(0)
    return Known(name="a:b:1", at=at, recorded_at=at, by="a", cause=None, body=body)


def settings(*ratios: tuple[int, int]) -> BolusSettingsSet:
    plain: dict[str, Any] = {name: getattr(SETTINGS, name) for name in SETTINGS.__struct_fields__}
    plain["carb_ratios"] = tuple(
        CarbRatioSegment(start_minute=start, carb_ratio=MilligramsPerUnit(ratio))
        for start, ratio in ratios
    )
    return BolusSettingsSet(**plain, actor="me")


def limits(single: int, *, soft: int | None = None) -> DeliveryLimitsSet:
    plain: dict[str, Any] = {name: getattr(LIMITS, name) for name in LIMITS.__struct_fields__}
    changed = {"single": MilliUnits(single), "soft": soft, "because": f"reason {single}"}
    return DeliveryLimitsSet(**{**plain, **changed}, actor=f"person:{single}")


def profile(name: str, rate: int) -> BasalProfileSet:
    segment = ProfileSegment(start_minute=0, rate=MilliUnitsPerHour(rate))
    return BasalProfileSet(name=name, zone="UTC", segments=(segment,), actor="me")


def week(first: str) -> BasalWeekSet:
    return BasalWeekSet(days=(first, *("work",) * 6), actor="me")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (settings((0, 10_000)), settings((0, 8_500)), "carb ratio 10 to 8.5"),
        (
            settings((0, 10_000)),
            settings((0, 10_000), (360, 8_000)),
            "carb ratio 10 to 00:00 10, 06:00 8",
        ),
        (limits(9_000), limits(8_000, soft=4_000), "single 9 to 8; soft none to 4"),
        (limits(9_000), limits(9_000), ""),
        (profile("work", 800), profile("work", 900), "segments 00:00 0.8 to 00:00 0.9"),
        (profile("work", 800), profile("home", 900), ""),
        (week("home"), week("work"), "days home, work, work"),
        (limits(9_000), profile("work", 900), ""),
    ],
)
def test_what_changed_is_named_with_both_values(before: Event, after: Event, text: str) -> None:
    """Who and why stand elsewhere; the first of a kind or name changes nothing."""
    changes = Changes()

    first = changes.of(known(before))
    second = changes.of(known(after))

    assert "" == first
    assert second.startswith(text)
    assert bool(text) == bool(second)
