"""The forecast against LoopKit's fixtures and against effects worked out by hand."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from core.calc.forecast import FORECAST, ForecastResult
from core.kernel.errors import ScenarioError
from core.models.glucose_forecast import Reading, grid, momentum_effect, momentum_velocity, predict
from core.models.insulin.models import PRESETS, curve_of
from schemas.units import MINUTE_MS, UtcMillis

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
BLEND_INSULIN = (
    -96.64432176805616,
    -96.91899878577772,
    -97.14706680030386,
    -97.30954106615258,
    -97.40780654695538,
    -97.44702440741187,
    -97.428432128785,
)
BLEND_MOMENTUM = (0.0, -0.51, -1.51, -2.51, -3.51)
BLEND_FORECAST = (
    111.0,
    110.49,
    109.62122843753055,
    109.04278305705336,
    108.79723427144835,
    108.75801641099186,
    108.77660868961873,
)
"""[mg/dL] every 5 min from 09:15; source: LoopKit Fixtures/glucose_from_effects_momentum_blend."""


def minutes(value: float) -> UtcMillis:
    return UtcMillis(round(value * MINUTE_MS))


def steps(values: tuple[float, ...]) -> list[tuple[UtcMillis, float]]:
    return [(minutes(5 * index), value) for index, value in enumerate(values)]


def at(ago: float) -> str:
    return (AT - timedelta(minutes=ago)).isoformat()


def asked(**more: Any) -> dict[str, Any]:
    return {
        "at": AT.isoformat(),
        "insulin": {"model": "preset", "preset": "loop_adult"},
        "glucose": [{"at": at(0), "mg_dl": 120}],
        "isf_mg_dl_per_u": 50,
        "cr_g_per_u": 10,
    } | more


def forecast(**more: Any) -> ForecastResult:
    found = FORECAST.run(msgspec.convert(asked(**more), type=FORECAST.scenario))
    assert isinstance(found, ForecastResult)
    return found


def after(found: ForecastResult, minute: float) -> float:
    return next(p.mg_dl for p in found.points if p.at == AT + timedelta(minutes=minute))


@pytest.mark.requirement("R19")
def test_momentum_is_blended_as_loop_does() -> None:
    """Loop's own fixture: a reading between two steps, insulin that falls, momentum that falls."""
    start = Reading(at=minutes(2.45), mg_dl=111.0)

    found = predict(start, effects=[steps(BLEND_INSULIN)], momentum=steps(BLEND_MOMENTUM))

    assert [2.45, 5, 10, 15, 20, 25, 30] == [point.at / MINUTE_MS for point in found]
    for expected, point in zip(BLEND_FORECAST, found, strict=True):
        assert math.isclose(expected, point.mg_dl, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (((0, 120), (5, 123), (10, 126), (15, 129)), 0.6),
        (((0, 120), (5, 180), (10, 240), (15, 300)), 4.0),
        (((0, 300), (5, 240), (10, 180), (15, 120)), -12.0),
        (((0, 129), (5, 132), (10, 129), (15, 129)), -0.06),
        (((10, 126), (15, 129)), None),
        (((0, 120), (7, 126), (15, 129)), None),
        (((-1, 50), (5, 120), (10, 120), (15, 120)), 0.0),
        (((15, 120), (15, 120), (15, 120)), None),
    ],
)
def test_momentum_is_a_line_through_the_last_quarter_of_an_hour(
    values: tuple[tuple[float, float], ...], expected: float | None
) -> None:
    """As Loop: three readings without a hole, 4 mg/dL/min upwards at most."""
    readings = [Reading(at=minutes(minute), mg_dl=value) for minute, value in values]

    found = momentum_velocity(readings, at=minutes(15))

    if expected is None or found is None:
        assert expected is found
    else:
        assert math.isclose(expected, found, abs_tol=1e-12)


def test_momentum_lasts_a_quarter_of_an_hour_on_the_grid() -> None:
    """LoopKit's fixture of an impossible rise, cut at 4 mg/dL/min."""
    assert [(30, 0), (35, 20), (40, 40), (45, 60)] == [
        (instant / MINUTE_MS, value) for instant, value in momentum_effect(4.0, last=minutes(30))
    ]
    assert 5 == len(grid(minutes(31), minutes(46)))


def test_insulin_lowers_by_what_has_acted() -> None:
    """2 U at 50 mg/dL/U: 100 mg/dL in the end, by the curve of the model."""
    bolus = {"kind": "bolus", "start": at(0), "units": 2.0}

    found = forecast(doses=[bolus], horizon_min=400, low_mg_dl=80)

    curve = curve_of(PRESETS["loop_adult"])
    for minute in (5, 60, 180, 400):
        expected = 120 - 100 * (1 - curve.fraction(minute))
        assert math.isclose(expected, after(found, minute), abs_tol=1e-8)
    assert (20.0, 20.0, 2.0) == (found.eventual_mg_dl, found.lowest.mg_dl, found.iob_u)
    low = next(point for point in found.points if point.mg_dl < 80)
    assert low.at == found.low_at


def test_only_what_acts_from_now_on_moves_glucose() -> None:
    """What has acted is in the reading already."""
    bolus = {"kind": "bolus", "start": at(120), "units": 2.0}

    found = forecast(doses=[bolus], horizon_min=300)

    left = 2 * curve_of(PRESETS["loop_adult"]).fraction(120)
    assert math.isclose(120 - 50 * left, found.eventual_mg_dl, abs_tol=1e-8)


def test_a_suspension_raises_by_the_missing_basal() -> None:
    """An hour without 1 U/h is one unit of 50 mg/dL, in the end; in steps or exact."""
    rate = {"start": at(600), "end": at(-600), "u_per_h": 1.0}
    suspended = {"kind": "basal", "start": at(60), "end": at(0), "units": 0.0}

    loop, exact = (
        forecast(doses=[suspended], basal=[rate], discretisation=way) for way in ("loop", "exact")
    )

    fresh = -loop.iob_u
    assert math.isclose(120 + 50 * fresh, loop.eventual_mg_dl, abs_tol=0.05)
    assert math.isclose(120 - 50 * exact.iob_u, exact.eventual_mg_dl, abs_tol=0.05)


def test_carbs_raise_by_what_is_absorbed() -> None:
    """30 g at 10 g/U and 50 mg/dL/U: 150 mg/dL, all of it after 4.5 h and the delay."""
    meals = [{"at": at(0), "grams": 30}]

    found = forecast(carbs=meals, horizon_min=400)

    assert math.isclose(270.0, after(found, 280), abs_tol=1e-8)
    assert (30.0, None, 120.0) == (found.cob_g, found.low_at, found.lowest.mg_dl)


def test_a_rise_goes_on_for_a_while() -> None:
    """1 mg/dL/min, readings on the grid: 5 whole, then half of 5, then none."""
    readings = [{"at": at(10 - 5 * n), "mg_dl": 100 + 5 * n} for n in range(3)]

    found = forecast(glucose=readings)

    assert 1.0 == found.velocity_mg_dl_per_min
    assert [115.0, 117.5, 117.5] == [after(found, minute) for minute in (5, 10, 15)]


def test_an_effect_can_be_left_out() -> None:
    """What moves glucose can be looked at alone; every forecast has all its points."""
    everything = {
        "doses": [{"kind": "bolus", "start": at(0), "units": 2.0}],
        "carbs": [{"at": at(0), "grams": 30}],
        "glucose": [{"at": at(10 - 5 * n), "mg_dl": 100 + 5 * n} for n in range(3)],
    }

    found = forecast(**everything, effects=[])

    assert 73 == len(found.points)
    assert {110.0} == {point.mg_dl for point in found.points}
    assert found.velocity_mg_dl_per_min is None


@pytest.mark.parametrize(
    ("more", "path", "reason"),
    [
        ({"relative": False}, "$.relative", "relative to the schedule"),
        ({"glucose": [{"at": at(16), "mg_dl": 99}]}, "$.glucose[0].at", "15 min older"),
        ({"glucose": [{"at": at(-1), "mg_dl": 99}]}, "$.glucose[0].at", "after `at`"),
        (
            {"glucose": [{"at": at(5), "mg_dl": 99}, {"at": at(5), "mg_dl": 99}]},
            "$.glucose[1].at",
            "not after the reading before it",
        ),
        ({"carbs": [{"at": at(0), "grams": 9}], "cr_g_per_u": None}, "$.cr_g_per_u", "carb ratio"),
    ],
)
def test_a_forecast_that_cannot_be_is_refused(more: dict[str, Any], path: str, reason: str) -> None:
    """Old glucose above all: what is ahead of it has been long ago."""
    with pytest.raises(ScenarioError, match=reason) as found:
        forecast(**more)

    assert path == found.value.path


def test_a_forecast_names_what_it_does_not_know() -> None:
    """A record that begins late, or a dose that nobody saw end, is no complete basis."""
    late = forecast(covered_from=at(60))
    unseen = {"kind": "bolus", "start": at(30), "units": 1.0, "certain": False}
    uncertain = forecast(doses=[unseen], discretisation="exact")

    assert (False, 1) == (late.complete, len(late.unknown))
    assert not uncertain.complete and forecast().complete
