"""`basalt calc basal`: ratios, sensitivity and targets by the hour, beside the rates."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from core.calc.basal.compute import BASAL
from core.calc.basal.shapes import BasalResult, BasalScenario
from core.calc.calculation import millis
from core.calc.inputs.zones import time_of
from core.dosing.advice.settings import factors_at
from core.kernel.errors import ScenarioError
from schemas.bolus.settings import BolusSettingsSet, CarbRatioSegment
from schemas.units import DAY_MS, HOUR_MS, MilligramsPerUnit, UtcMillis
from services.runtime.platform.zones import zone_lookup
from support.simulated.fake_system import SETTINGS

FLAT = {"name": "flat", "segments": [{"start": "00:00", "u_per_h": 1.0}]}


def run(**fields: Any) -> BasalResult:
    given = {
        "start": "2026-03-02T00:00:00Z",
        "end": "2026-03-03T00:00:00Z",
        "wall": {"utc_offset_min": 0},
        "profiles": [FLAT],
        **fields,
    }
    scenario = msgspec.convert(given, BasalScenario)
    if BASAL.resolve is not None:
        scenario = BASAL.resolve(scenario, zone_lookup)
    result = BASAL.run(scenario)
    return msgspec.convert(msgspec.to_builtins(result), BasalResult)


FACTORS: dict[str, Any] = {
    "carb_ratio_g_per_u": [{"start": "00:00", "value": 12}, {"start": "02:30", "value": 8.5}],
    "sensitivity_mg_dl_per_u": [{"start": "00:00", "value": 50}],
    "target_low_mg_dl": [{"start": "00:00", "value": 100}, {"start": "22:00", "value": 90}],
    "target_high_mg_dl": [{"start": "00:00", "value": 120}],
    "correct_above_mg_dl": [{"start": "00:00", "value": 150}, {"start": "12:00", "value": 130}],
}


def test_the_other_schedules_run_by_the_same_clock() -> None:
    """In Paris 02:30 is not shown on the last Sunday of March: 03:00 follows 02:00."""
    result = run(
        start="2024-03-30T23:00:00Z",
        end="2024-03-31T22:00:00Z",
        wall={"zone": "Europe/Paris"},
        factors=FACTORS,
    )
    shown = {
        name: [(f"{one.start:%H:%M}", f"{one.end:%H:%M}", one.value, one.segment) for one in found]
        for name, found in result.factors.items()
    }

    assert {
        "carb_ratio_g_per_u": [
            ("23:00", "01:00", 12.0, "00:00"),
            ("01:00", "22:00", 8.5, "02:30"),
        ],
        "sensitivity_mg_dl_per_u": [("23:00", "22:00", 50.0, "00:00")],
        "target_low_mg_dl": [
            ("23:00", "20:00", 100.0, "00:00"),
            ("20:00", "22:00", 90.0, "22:00"),
        ],
        "target_high_mg_dl": [("23:00", "22:00", 120.0, "00:00")],
        "correct_above_mg_dl": [
            ("23:00", "10:00", 150.0, "00:00"),
            ("10:00", "22:00", 130.0, "12:00"),
        ],
    } == shown


def test_every_hour_has_the_settings_that_the_services_use() -> None:
    """An autumn week by the clock of a zone, an hour at a time."""
    result = run(
        start="2024-10-25T00:00:00Z",
        end="2024-10-29T00:00:00Z",
        wall={"zone": "Europe/Paris"},
        factors=FACTORS,
    )
    ratios = result.factors["carb_ratio_g_per_u"]
    begin = millis(datetime(2024, 10, 25, tzinfo=UTC))
    clock = zone_lookup("Europe/Paris", UtcMillis(begin - DAY_MS), UtcMillis(begin + 5 * DAY_MS))
    settings = msgspec.structs.replace(
        BolusSettingsSet(**msgspec.structs.asdict(SETTINGS), actor="person:a"),
        carb_ratios=(
            CarbRatioSegment(start_minute=0, carb_ratio=MilligramsPerUnit(12_000)),
            CarbRatioSegment(start_minute=150, carb_ratio=MilligramsPerUnit(8_500)),
        ),
    )
    for half_hours in range(4 * 48):
        at = UtcMillis(begin + half_hours * HOUR_MS // 2)
        factors = factors_at(settings, clock, at=at)
        (here,) = (one for one in ratios if millis(one.start) <= at < millis(one.end))

        assert factors is not None
        assert factors.carb_ratio == here.value * 1000
        assert time_of(factors.carb_ratio_from) == here.segment


@pytest.mark.parametrize(
    ("factors", "path"),
    [
        ({"carb_ratio_g_per_u": [{"start": "00:00", "value": 0.9}]}, "carb_ratio_g_per_u[0].value"),
        ({"carb_ratio_g_per_u": [{"start": "00:00", "value": 151}]}, "carb_ratio_g_per_u[0].value"),
        (
            {"sensitivity_mg_dl_per_u": [{"start": "00:00", "value": 4}]},
            "sensitivity_mg_dl_per_u[0].value",
        ),
        ({"target_low_mg_dl": [{"start": "01:00", "value": 100}]}, "target_low_mg_dl"),
        (
            {"target_low_mg_dl": [{"start": "00:00", "value": 100.0001}]},
            "target_low_mg_dl[0].value",
        ),
        (
            {**FACTORS, "target_high_mg_dl": [{"start": "00:00", "value": 99}]},
            "target_high_mg_dl",
        ),
        (
            {
                **FACTORS,
                "correct_above_mg_dl": [
                    {"start": "00:00", "value": 150},
                    {"start": "04:00", "value": 119},
                ],
            },
            "correct_above_mg_dl",
        ),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_at_its_field(
    factors: dict[str, Any], path: str
) -> None:
    """Ranges as in `calc bolus`, and targets in order at every time of day."""
    with pytest.raises(ScenarioError) as error:
        run(factors=factors)

    assert f"$.factors.{path}" == error.value.path
