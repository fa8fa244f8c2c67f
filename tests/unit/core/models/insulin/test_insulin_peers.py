"""Loop's and oref0's ways of counting against numbers out of their own tests and code."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from core.calc.insulin_on_board import IOB, IobResult
from core.models.insulin.history import Dose, History, Rate
from core.models.insulin.models import PRESETS, curve_of
from core.models.insulin.peers import loop_parts, oref0_parts, rounded_half_up
from schemas.units import HOUR_MS, MINUTE_MS, UtcMillis

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
RAPID = {"model": "preset", "preset": "oref0_rapid_acting"}

LOOP_TIMELINE = {
    0: 2,
    10: 2,
    15: 1.9951801931502304,
    30: 1.9319493100094967,
    60: 1.6675986819250066,
    95: 1.2745969995494661,
    180: 0.4811472316173049,
    240: 0.17795410776243648,
    365: 0.00014976498479968292,
    370: 0,
}
"""[U] after 2 U in a minute; source: LoopAlgorithm Tests/Fixtures/iob_timeline.json."""

LOOP_BASAL_EFFECT = {
    0: 0.0,
    10: 0.0,
    15: -0.008033011416282616,
    20: -0.038849033428092566,
    35: -0.3887954707819904,
    60: -2.3367054422379145,
    65: -2.9803884627450197,
    70: -3.716068524763217,
    120: -13.902507224472615,
    240: -33.990773265907926,
    420: -39.999750391692004,
    425: -40.0,
}
"""[mg/dL] of 1 U/h over schedule for an hour at 40 mg/dL/U; source: LoopKit
Fixtures/InsulinKit/effect_from_basal_output_exponential.json."""


def history(dose: Dose, *, at: int, u_per_h: float) -> History:
    rate = Rate(start=UtcMillis(-HOUR_MS), end=UtcMillis(9 * HOUR_MS), u_per_h=u_per_h)
    return History(at=UtcMillis(at * MINUTE_MS), curve=dose.curve, doses=(dose,), schedule=(rate,))


def iob(doses: list[dict[str, Any]], discretisation: str, **more: Any) -> Any:
    asked = {
        "at": AT.isoformat(),
        "insulin": RAPID,
        "doses": doses,
        "discretisation": discretisation,
    }
    found = IOB.run(msgspec.convert(asked | more, type=IOB.scenario))
    assert isinstance(found, IobResult)
    return found


def dose(kind: str, start: float, end: float, units: float) -> dict[str, Any]:
    first, last = ((AT - timedelta(minutes=m)).isoformat() for m in (start, end))
    return {"kind": kind, "start": first, "end": last, "units": units}


def rates(*rows: tuple[float, float, float]) -> list[dict[str, Any]]:
    return [
        {
            "start": (AT - timedelta(minutes=start)).isoformat(),
            "end": (AT - timedelta(minutes=end)).isoformat(),
            "u_per_h": rate,
        }
        for start, end, rate in rows
    ]


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(("minute", "expected"), LOOP_TIMELINE.items())
def test_a_bolus_is_counted_as_loop_does(minute: int, expected: float) -> None:
    """Loop takes a dose of up to 5.25 min as one moment, at its start."""
    adult = {"model": "preset", "preset": "loop_adult"}

    found = iob([dose("bolus", minute, minute - 1, 2.0)], "loop", insulin=adult)

    assert math.isclose(expected, found.iob_u, abs_tol=1e-12)


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(("minute", "expected"), LOOP_BASAL_EFFECT.items())
def test_a_rate_acts_as_loop_says(minute: int, expected: float) -> None:
    """Loop's steps of five minutes, also those of the next minutes that it counts ahead."""
    given = Dose(
        kind="basal",
        start=UtcMillis(0),
        end=UtcMillis(HOUR_MS),
        units=2.0,
        curve=curve_of(PRESETS["loop_adult"]),
    )

    parts = loop_parts(history(given, at=minute, u_per_h=1.0))

    acted = (
        part.units * (1 - part.curve.fraction(minute - part.start / MINUTE_MS)) for part in parts
    )
    assert math.isclose(expected, -40 * math.fsum(acted), abs_tol=1e-12)


def test_loop_counts_some_of_a_running_rates_future() -> None:
    """4 U/h over 1 U/h, 10 min in: 0.5 U more than scheduled is there, Loop says 1.25 U."""
    running = [dose("basal", 10, -20, 2.0)]
    adult = {"model": "preset", "preset": "loop_adult"}
    more = {"basal": rates((99, -99, 1.0)), "insulin": adult}

    assert 1.25 == iob(running, "loop", **more).iob_u
    assert math.isclose(0.5, iob(running, "exact", **more).iob_u, abs_tol=1e-12)


def test_loop_counts_nothing_of_a_stretch_that_is_still_to_come() -> None:
    """A rate that is cut by the schedule after the present counts with its first stretch."""
    running = [dose("basal", 10, -30, 2.0)]
    more = {"basal": rates((99, -20, 1.0), (-20, -99, 0.0)), "insulin": RAPID}

    # 30 min of 2 U/h net: steps at 0, 5 and 10 min
    assert math.isclose(0.5, iob(running, "loop", **more).iob_u, abs_tol=3e-3)


def test_oref0_makes_pulses_of_a_temporary_rate() -> None:
    """1 U/h over schedule for 30 min are ten pulses, 3 min apart, by whole minutes."""
    found = iob([dose("basal", 60, 30, 1.0)], "oref0", basal=rates((99, -99, 1.0)))

    curve = curve_of(PRESETS["oref0_rapid_acting"])
    pulses = math.fsum(0.05 * curve.fraction(60 - 3 * n) for n in range(10))
    assert (round(pulses, 3), 0.0) == (found.basal_iob_u, found.bolus_iob_u)


def test_oref0_cuts_long_rates_and_counts_up_to_a_minute_ahead() -> None:
    """Zero for 45 min at 2 U/h are pulses of -0.05 U: 20 in 30 min, then 11 in 16 min."""
    found = iob([dose("basal", 45, -60, 0.0)], "oref0", basal=rates((99, -99, 2.0)))

    curve = curve_of(PRESETS["oref0_rapid_acting"])
    ages = [45 - 1.5 * n for n in range(20)] + [15 - 16 / 11 * n for n in range(11)]
    pulses = math.fsum(-0.05 * curve.fraction(math.floor(age + 0.5)) for age in ages)
    assert math.isclose(pulses, found.iob_u, abs_tol=5.1e-4)


def test_oref0_takes_boluses_at_their_start_and_small_ones_for_basal() -> None:
    """It tells basal from bolus by size alone, and knows no extended bolus."""
    found = iob(
        [dose("bolus", 60, 0, 2.0), dose("bolus", 60, 60, 0.05), dose("bolus", 9, 9, 0.1)], "oref0"
    )

    curve = curve_of(PRESETS["oref0_rapid_acting"])
    bolus = 2.0 * curve.fraction(60) + 0.1 * curve.fraction(9)
    assert math.isclose(bolus, found.bolus_iob_u, abs_tol=5.1e-4)
    assert math.isclose(0.05 * curve.fraction(60), found.basal_iob_u, abs_tol=5.1e-4)


@pytest.mark.parametrize(
    ("insulin", "after_min", "expected"),
    [
        ({"model": "exponential", "duration_min": 180, "peak_min": 75}, 60, 0.764),
        ({"model": "bilinear", "duration_min": 120}, 60, 0.711),
        ({"model": "bilinear", "duration_min": 180}, 180, 0.0),
    ],
)
def test_oref0_has_a_shortest_duration(
    insulin: dict[str, Any], after_min: float, expected: float
) -> None:
    """5 h for the exponential curves and 3 h for the bilinear one, whatever is set."""
    found = iob([dose("bolus", after_min, after_min, 1.0)], "oref0", insulin=insulin)

    assert expected == found.iob_u
    assert found.insulin.duration_min == {"exponential": 300, "bilinear": 180}[insulin["model"]]


def test_oref0_forgets_what_is_older_than_its_duration() -> None:
    """Of a rate that ran over that edge the younger pulses count."""
    found = iob([dose("basal", 320, 290, 2.0)], "oref0", basal=rates((999, -99, 1.0)))

    curve = curve_of(PRESETS["oref0_rapid_acting"])
    left = math.fsum(0.05 * curve.fraction(320 - 1.5 * n) for n in range(20))
    assert math.isclose(left, found.iob_u, abs_tol=1e-3)


def test_oref0_leaves_unknown_bounds_unknown() -> None:
    """A record that begins late stays an open question in any way of counting."""
    late = (AT - timedelta(minutes=30)).isoformat()

    found = iob([dose("bolus", 20, 20, 1.0)], "oref0", covered_from=late)

    assert (None, None, False) == (found.iob_least_u, found.iob_most_u, found.complete)


@pytest.mark.parametrize(("value", "expected"), [(2.5, 3.0), (-2.5, -2.0), (-2.51, -3.0)])
def test_halves_are_rounded_as_javascript_does(value: float, expected: float) -> None:
    """Towards more, also below zero."""
    assert expected == rounded_half_up(value, digits=0)


def test_oref0_rounds_the_pulses_of_each_half_hour_by_itself() -> None:
    """0.26 U in an hour are three pulses and three, not five and a rest."""
    given = Dose(
        kind="basal",
        start=UtcMillis(0),
        end=UtcMillis(HOUR_MS),
        units=0.26,
        curve=curve_of(PRESETS["oref0_rapid_acting"]),
    )

    parts = oref0_parts(history(given, at=60, u_per_h=0.0))

    assert [0, 10, 20, 30, 40, 50] == [part.start // MINUTE_MS for part in parts]
