"""Which readings count, where they lead, how noisy and how old they are."""

from typing import Literal

import pytest

from core.models.glucose_quality import (
    Reading,
    arrow_of,
    counted,
    is_flat,
    judge,
    newest,
    noise,
    stale_for,
    trend,
)
from schemas.glucose import GlucoseSource
from schemas.units import MINUTE_MS, MgDl, UtcMillis


def reading(
    minute: float,
    value: int | None = 120,
    *,
    source: GlucoseSource = "sensor",
    device: str = "a",
    late: float = 0,
    bound: Literal["low", "high"] | None = None,
) -> Reading:
    at = UtcMillis(round(minute * MINUTE_MS))
    return Reading(
        at=at,
        arrived_at=UtcMillis(at + round(late * MINUTE_MS)),
        glucose=None if value is None else MgDl(value),
        bound=bound,
        source=source,
        device=device,
    )


def at(minute: float) -> UtcMillis:
    return UtcMillis(round(minute * MINUTE_MS))


def curve(*values: int, every: float = 5) -> tuple[Reading, ...]:
    return tuple(reading(index * every, value) for index, value in enumerate(values))


@pytest.mark.parametrize(("value", "verdict"), [(9, 0), (10, 1), (600, 1), (601, 0)])
def test_what_no_living_person_has_does_not_count(value: int, verdict: int) -> None:
    """R16: a number is no glucose because a device sent it."""
    assert ("implausible", "taken")[verdict] == judge([reading(0, value)])[0]


def test_a_clock_that_is_ahead_is_found() -> None:
    """A reading from the future keeps dosing for hours on stale news."""
    assert ("taken", "future") == judge([reading(5, late=-5), reading(12, late=-5.01)])


def test_the_same_reading_twice_counts_once_and_blood_beside_a_sensor_counts() -> None:
    """Two paths bring the same reading; a meter is another source."""
    heard = [
        reading(0),
        reading(0),
        reading(0, source="meter"),
        reading(1, device="b"),
        reading(1.3, device="b"),
        reading(2, source="meter", device="x"),
    ]

    assert ("taken", "duplicate", "taken", "taken", "doubled", "taken") == judge(heard)


def test_what_was_filled_in_later_is_history_and_not_news() -> None:
    """A reading of an hour ago must not raise an alarm about now."""
    heard = [reading(60), reading(0, late=61), reading(65, late=11), reading(55)]
    verdicts = judge(heard)

    assert ("taken", "backfill", "backfill", "backfill") == verdicts
    assert [0, 55, 60, 65] == [r.at // MINUTE_MS for r in counted(heard, verdicts)]


def test_blood_counts_before_a_sensor_for_five_minutes() -> None:
    """Who has just measured believes the meter."""
    blood = reading(10, 180, source="meter")

    assert newest([]) is None
    assert newest([reading(5)]) == reading(5)
    assert blood == newest([reading(5), blood, reading(15)])
    assert reading(15.1) == newest([reading(5), blood, reading(15.1)])


@pytest.mark.parametrize(
    ("slope", "arrow"),
    [
        (3.01, "DoubleUp"),
        (3.0, "SingleUp"),
        (2.0, "FortyFiveUp"),
        (1.0, "Flat"),
        (-1.0, "Flat"),
        (-1.01, "FortyFiveDown"),
        (-2.01, "SingleDown"),
        (-3.01, "DoubleDown"),
    ],
)
def test_an_arrow_is_what_people_know_it_to_be(slope: float, arrow: str) -> None:
    """Another scale under the same arrows would mislead everybody."""
    assert arrow == arrow_of(slope)


def test_a_trend_is_the_slope_of_the_last_quarter_of_an_hour() -> None:
    """What was before it does not matter any more."""
    found = trend(curve(300, 100, 110, 120, 130), now=at(20))

    assert (2.0, "FortyFiveUp") == (found.mg_dl_per_min, found.arrow)


@pytest.mark.parametrize(
    "readings",
    [
        (),
        curve(100, 110),
        (reading(0), reading(1), reading(13.1)),
        (reading(10, source="meter"), reading(12, source="meter"), reading(14, source="meter")),
        (reading(0), reading(5, device="b"), reading(10)),
        (reading(0), reading(5, None, bound="low"), reading(10)),
        (reading(5), reading(5), reading(10)),
    ],
)
def test_without_enough_readings_of_one_sensor_there_is_no_trend(
    readings: tuple[Reading, ...],
) -> None:
    """A line through two sensors, or through a hole, leads nowhere."""
    found = trend(readings, now=at(14))

    assert (None, "NotComputable") == (found.mg_dl_per_min, found.arrow)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((100, 100, 100), "unknown"),
        ((100, 102, 104, 106, 108), "clean"),
        ((100, 110, 100, 111, 101, 112), "light"),
        ((100, 115, 100, 116, 101, 117), "medium"),
        ((100, 125, 100, 125, 100, 125, 100), "heavy"),
        ((100, 100, 100, 131), "heavy"),
        ((380, 390, 399, 401), "heavy"),
        ((50, 46, 42, 39), "light"),
    ],
)
def test_noise_has_the_classes_of_oref0(values: tuple[int, ...], name: str) -> None:
    """A controller that trusts a noisy sensor chases ghosts."""
    assert name == noise(curve(*values), now=at(5 * len(values) - 5))


def test_a_sensor_that_does_not_move_is_found() -> None:
    """A value that repeats for 45 min is a sensor that hangs."""
    assert is_flat(curve(*[120, 121] * 5), now=at(45))
    assert not is_flat(curve(*[120, 122] * 5), now=at(45))
    assert not is_flat(curve(*[120] * 7), now=at(30))
    assert not is_flat(curve(*[120] * 9, every=2), now=at(45))


@pytest.mark.requirement("R57")
@pytest.mark.parametrize(
    ("age", "stale"),
    [
        (10, ()),
        (10.01, ("advice",)),
        (12.01, ("advice", "automation")),
        (15.01, ("advice", "automation", "display")),
        (20.01, ("advice", "automation", "display", "suspension")),
    ],
)
def test_a_reading_is_too_old_for_one_purpose_before_another(
    age: float, stale: tuple[str, ...]
) -> None:
    """What a screen may show is not yet what a dose may follow."""
    assert stale == stale_for(reading(0), now=at(age))
    assert 4 == len(stale_for(None, now=at(age)))
