"""What insulin has acted by many instants: equal to each part by itself."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.models.insulin.acted
from core.models.insulin.acted import acted_units
from core.models.insulin.curves import Curve
from core.models.insulin.history import Part
from core.models.insulin.models import Bilinear, Walsh, curve_of, exponential_curve
from schemas.units import HOUR_MS, MINUTE_MS, UtcMillis
from support.simulated.mutant_pairs import is_caught

NOW = 1_800_000_000_000
CURVES = (
    exponential_curve(duration_min=360, peak_min=75, delay_min=10),
    exponential_curve(duration_min=300, peak_min=55, delay_min=0),
    curve_of(Walsh(duration_min=240, delay_min=0)),
    curve_of(Bilinear(duration_min=240, delay_min=5)),
)
LENGTHS_MS = (0, 1, 59, 61, 2_000, 40_000, 5 * MINUTE_MS, 8 * HOUR_MS)


def one_by_one(parts: Sequence[Part], instants: Sequence[UtcMillis]) -> list[float]:
    """Add up part by part, as it is defined."""

    def acted(part: Part, at: UtcMillis) -> float:
        newest, oldest = (at - part.end) / MINUTE_MS, (at - part.start) / MINUTE_MS
        return part.units * (1 - part.curve.mean_fraction(newest, oldest))

    return [math.fsum(acted(part, at) for part in parts) for at in instants]


def a_part(begin_ms: int, length_ms: int, units: float, curve: Curve) -> Part:
    start = UtcMillis(NOW + begin_ms)
    end = UtcMillis(start + length_ms)
    return Part(
        kind="basal", start=start, end=end, units=units, least=units, most=units, curve=curve
    )


PARTS = st.builds(
    a_part,
    st.integers(-30 * HOUR_MS, 3 * HOUR_MS),
    st.sampled_from(LENGTHS_MS),
    st.floats(-2, 25),
    st.sampled_from(CURVES),
)


def instants(step_ms: int, *, since: int = 0) -> list[UtcMillis]:
    return [UtcMillis(NOW + since + number * step_ms) for number in range(76)]


@given(
    st.lists(PARTS, max_size=40),
    st.sampled_from((MINUTE_MS, 5 * MINUTE_MS)),
    st.integers(-9 * HOUR_MS, HOUR_MS),
)
def test_it_is_the_sum_of_each_part(parts: list[Part], step_ms: int, since: int) -> None:
    """Whatever curves, gaps, overlaps and lengths; to 1e-8 of a unit."""
    at = instants(step_ms, since=since)
    assert one_by_one(parts, at) == pytest.approx(acted_units(parts, at), abs=1e-8)


def test_doses_that_touch_are_one() -> None:
    """Their common edge weighs nothing, as if it were not there."""
    whole = [a_part(0, 2 * HOUR_MS, 2.0, CURVES[0])]
    halves = [a_part(0, HOUR_MS, 1.0, CURVES[0]), a_part(HOUR_MS, HOUR_MS, 1.0, CURVES[0])]
    at = instants(5 * MINUTE_MS)
    assert acted_units(whole, at) == pytest.approx(acted_units(halves, at), abs=1e-12)


@pytest.mark.parametrize("curve", CURVES)
def test_nothing_before_and_all_at_the_end(curve: Curve) -> None:
    """A day after, every unit has acted, and a day before none."""
    parts = [a_part(0, 40_000, 3.0, curve), a_part(0, 0, 1.0, curve)]
    before, after = UtcMillis(NOW - 24 * HOUR_MS), UtcMillis(NOW + 24 * HOUR_MS)
    assert [0.0, 4.0] == pytest.approx(acted_units(parts, [before, after]), abs=1e-8)


def test_without_insulin_nothing_acts() -> None:
    """And without an instant there is no answer."""
    assert [0.0] * 76 == acted_units([], instants(MINUTE_MS))
    assert [] == acted_units([a_part(0, HOUR_MS, 1.0, CURVES[0])], [])


def test_the_mutant_that_forgets_what_has_ended_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its last edges would act for ever."""

    def holds() -> bool:
        parts = [a_part(-9 * HOUR_MS, HOUR_MS, 1.0, CURVES[0])]
        at = instants(MINUTE_MS)
        return one_by_one(parts, at) == pytest.approx(acted_units(parts, at), abs=1e-8)

    assert holds()
    original = core.models.insulin.acted._Moments.__init__

    def endless(self: object, *args: object) -> None:
        original(self, *args)  # type: ignore[arg-type]  # as it is called
        self._duration = 1e9  # type: ignore[attr-defined]  # what the mutant spoils

    assert is_caught(
        holds,
        lambda patch: patch.setattr(core.models.insulin.acted._Moments, "__init__", endless),
        monkeypatch,
    )
