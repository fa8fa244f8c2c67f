"""Many instants at once: the same numbers as dose by dose."""

import math
import random
from itertools import accumulate

import pytest

from core.models.insulin.models import PRESETS, Linear, PresetName, Walsh, curve_of
from core.models.insulin.series import Pulse, SlidingSum, on_board_now, on_board_series
from schemas.units import DAY_MS, MINUTE_MS, UtcMillis

START = 1_793_534_400_000


def pulses(count: int) -> list[Pulse]:
    """Doses at random times over two days, some at the same instant, some negative."""
    chance = random.Random(7)
    gaps = accumulate(chance.choice((0, 1, 30_000, 900_000)) for _ in range(count))
    return [(UtcMillis(START + gap), chance.uniform(-0.1, 2.0)) for gap in gaps]


def by_dose(given: list[Pulse], at: UtcMillis, name: PresetName) -> float:
    curve = curve_of(PRESETS[name])
    return math.fsum(
        units * curve.fraction((at - when) / MINUTE_MS) for when, units in given if when <= at
    )


@pytest.mark.parametrize("name", PRESETS)
def test_a_series_is_what_each_dose_adds_up_to(name: PresetName) -> None:
    """A faster way that gives other numbers would be no way at all."""
    given = pulses(600)
    instants = [UtcMillis(START - 60_000 + 300_000 * n) for n in range(900)]

    found = on_board_series(given, curve=curve_of(PRESETS[name]), instants=instants)

    for at, value in zip(instants, found, strict=True):
        assert math.isclose(by_dose(given, at, name), value, abs_tol=1e-11)


def test_one_instant_is_what_each_dose_adds_up_to() -> None:
    """Also at the very instants of doses, and when all have acted."""
    given, curve = pulses(300), curve_of(PRESETS["loop_adult"])

    for at in (given[0][0], given[100][0], given[-1][0], UtcMillis(given[-1][0] + DAY_MS)):
        found = on_board_now(given, curve=curve, at=at)
        assert math.isclose(by_dose(given, at, "loop_adult"), found, abs_tol=1e-12)
    assert 0.0 == on_board_now(given, curve=curve, at=UtcMillis(given[-1][0] + DAY_MS))


def test_after_everything_has_acted_nothing_is_left() -> None:
    """Not even the rounding of a month of sums."""
    given, curve = pulses(300), curve_of(PRESETS["loop_fiasp"])
    later = UtcMillis(given[-1][0] + DAY_MS)

    found = on_board_series(given, curve=curve, instants=[given[-1][0], later, later])

    assert found[0] > 1 and [0.0, 0.0] == found[1:]


def test_what_is_out_of_order_is_refused() -> None:
    """A sum that goes forward only cannot look back."""
    running = SlidingSum(curve_of(PRESETS["loop_adult"]))
    running.give((UtcMillis(1_000), 1.0))

    with pytest.raises(ValueError, match="dose is out of order"):
        running.give((UtcMillis(999), 1.0))
    assert 1.0 == running.at(UtcMillis(2_000))
    with pytest.raises(ValueError, match="dose is out of order"):
        running.give((UtcMillis(1_999), 1.0))
    with pytest.raises(ValueError, match="instant is out of order"):
        running.at(UtcMillis(1_999))


@pytest.mark.parametrize("model", [Linear(duration_min=240), Walsh(duration_min=240)])
def test_only_the_exponential_curve_slides(model: Linear | Walsh) -> None:
    """The others are no solution of an equation that could be stepped."""
    with pytest.raises(TypeError, match="Piecewise"):
        SlidingSum(curve_of(model))


def test_a_dose_is_on_board_at_its_very_instant() -> None:
    """Whole, and once: asked again it is not taken in again."""
    running = SlidingSum(curve_of(PRESETS["loop_adult"]))
    running.give((UtcMillis(START), 1.5))

    assert [0.0, 1.5, 1.5] == [running.at(UtcMillis(START + later)) for later in (-1, 0, 0)]
