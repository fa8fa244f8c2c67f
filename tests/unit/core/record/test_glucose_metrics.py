"""Glucose in numbers: known values, the edges of ranges, and what cannot be computed."""

import pytest

from core.record.glucose_metrics import metrics
from schemas.units import MgDl


def of(*values: int, lows: int = 0, highs: int = 0) -> list[float | None]:
    found = metrics([MgDl(value) for value in values], lows=lows, highs=highs)
    return [found.very_low, found.low, found.in_range, found.high, found.very_high]


def test_the_edges_of_the_ranges_are_those_of_the_consensus() -> None:
    """54, 70, 180 and 250 belong to the range towards the target; marks have a range too."""
    assert [10.0, 20.0, 40.0, 20.0, 10.0] == of(53, 54, 69, 70, 71, 179, 180, 181, 250, 251)
    assert [50.0, 0.0, 25.0, 0.0, 25.0] == of(100, lows=2, highs=1)


@pytest.mark.parametrize(
    ("mean", "gmi"), [(100, 5.7), (125, 6.3), (150, 6.9), (175, 7.5), (200, 8.1), (250, 9.3)]
)
def test_the_glucose_management_indicator_is_that_of_the_table(mean: int, gmi: float) -> None:
    """Bergenstal 2018, table 1."""
    found = metrics([MgDl(mean)])

    assert found.gmi is not None
    assert gmi == pytest.approx(found.gmi, abs=0.05)


def test_variability_is_that_of_the_sample() -> None:
    """By hand: mean 100, squares 100 + 0 + 100 over two."""
    found = metrics([MgDl(90), MgDl(100), MgDl(110)])

    assert (100.0, 10.0, 10.0) == (found.mean, found.sd, found.cv)


@pytest.mark.parametrize(
    ("value", "low", "high"), [(20, 100.0, 0.0), (70, 7.8, 0.0), (112, 0.0, 0.0), (600, 0.0, 100.0)]
)
def test_risk_is_on_kovatchevs_scale(value: int, low: float, high: float) -> None:
    """10 (1.509 ((ln bg)^1.084 - 5.381))^2, made so that 20 and 600 mg/dL are 100."""
    found = metrics([MgDl(value)])

    assert found.lbgi is not None and found.hbgi is not None
    assert low == pytest.approx(found.lbgi, abs=0.2)
    assert high == pytest.approx(found.hbgi, abs=0.2)


@pytest.mark.parametrize(
    ("values", "mage"),
    [
        ([100, 200, 100, 200, 100], 100.0),
        ([100, 150, 200, 150, 100], 100.0),
        ([200, 150, 100, 150, 200], 100.0),
        ([100, 105, 200, 195, 198, 100, 103, 101, 220], 105.7),
        ([100, 100, 100], None),
        ([100], None),
    ],
)
def test_mage_is_the_mean_of_the_swings_beyond_one_sd(
    values: list[int], mage: float | None
) -> None:
    """Small ones on the way turn nothing; the last move counts as far as it went."""
    found = metrics([MgDl(value) for value in values])

    assert (mage is None) == (found.mage is None)
    assert found.mage is None or found.mage == pytest.approx(mage, abs=1.0)


def test_of_nothing_there_is_nothing() -> None:
    """None is not zero; a day of LOW alone has a share and no mean."""
    empty, marks = metrics([]), metrics([], lows=3)

    assert (0, None, None, None, None, None, None) == (
        empty.readings,
        empty.mean,
        empty.sd,
        empty.cv,
        empty.gmi,
        empty.lbgi,
        empty.mage,
    )
    assert (3, 100.0, None) == (marks.readings, marks.very_low, marks.mean)
