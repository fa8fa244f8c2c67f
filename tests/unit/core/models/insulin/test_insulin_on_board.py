"""Insulin on board against published values (LoopKit's presets, oref0's curves)."""

import math

import pytest

from core.models.insulin.on_board import Delivered, fraction_on_board, insulin_on_board
from schemas.bolus.settings import InsulinAction
from schemas.units import MINUTE_MS, Milliseconds, MilliUnits, UtcMillis

GOLDEN = {
    (360, 75, 10): (0.965974655005, 0.833799340963, 0.500576816550, 0.240573615809, 0.088977053881),
    (360, 65, 10): (0.957452510299, 0.800260938005, 0.439578318310, 0.191449442727, 0.064123061635),
    (360, 55, 10): (0.944465782738, 0.752568106052, 0.363810529999, 0.137900539866, 0.040215685882),
    (300, 29, 10): (0.844567840379, 0.474489370695, 0.094854561235, 0.013196018566, 0.001118484094),
    (300, 75, 0): (0.924970185631, 0.764005703558, 0.410579942148, 0.158796415373, 0.032924868797),
    (300, 55, 0): (0.884316691921, 0.667938566668, 0.288254250031, 0.088383167443, 0.014588049085),
    (300, 45, 0): (0.846070737186, 0.588178567539, 0.208824788035, 0.052359886962, 0.007122678069),
}
MINUTES = (30, 60, 120, 180, 240)


def action(duration: int, peak: int, delay: int) -> InsulinAction:
    return InsulinAction(
        duration=Milliseconds(duration * MINUTE_MS),
        peak=Milliseconds(peak * MINUTE_MS),
        delay=Milliseconds(delay * MINUTE_MS),
    )


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(
    ("model", "minute", "expected"),
    [
        (model, minute, value)
        for model, values in GOLDEN.items()
        for minute, value in zip(MINUTES, values, strict=True)
    ],
)
def test_the_curve_is_the_published_one(
    model: tuple[int, int, int], minute: int, expected: float
) -> None:
    """An implementation that agrees with itself only proves nothing."""
    found = fraction_on_board(action(*model), after=Milliseconds(minute * MINUTE_MS))

    assert math.isclose(expected, found, abs_tol=1e-9)


def test_before_the_delay_all_is_on_board_and_at_the_end_nothing() -> None:
    """The edges of the formula are exact."""
    adult = action(360, 75, 10)

    assert 1.0 == fraction_on_board(adult, after=Milliseconds(0))
    assert 1.0 == fraction_on_board(adult, after=Milliseconds(10 * MINUTE_MS))
    assert 0.0 == fraction_on_board(adult, after=Milliseconds(370 * MINUTE_MS))


def test_two_units_an_hour_ago_are_rounded_up_on_board() -> None:
    """2 U after an hour leave 1.667598681925 U: nothing on board is overlooked."""
    dose = Delivered(starts_at=UtcMillis(0), ends_at=UtcMillis(0), amount=MilliUnits(2_000))

    found = insulin_on_board([dose], action=action(360, 75, 10), at=UtcMillis(60 * MINUTE_MS))

    assert 1_668 == found
