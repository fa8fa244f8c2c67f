"""Glucose over a time in numbers: ranges, mean, variability and risk, as clinics report them.

Sources: ranges and GMI, International Consensus on Time in Range (2019) and Bergenstal (2018);
LBGI and HBGI, Kovatchev (1997, 2006); MAGE, Service (1970), of which many variants are about.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, stdev
from typing import Final

import msgspec

from schemas.units import MgDl

VERY_LOW, LOW, HIGH, VERY_HIGH = MgDl(54), MgDl(70), MgDl(180), MgDl(250)
"""[mg/dL] below, below, above, above; 70 and 180 themselves are in range; source: consensus."""

MAGE_VARIANT: Final = "Service 1970: mean of the swings beyond one SD, rises and falls"
"""[-] there is no common MAGE: five programs give 15 to 147 mg/dL for one trace."""


class GlucoseMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """What so many readings come to; all are counted alike."""

    readings: int
    """[-] numbers; LOW and HIGH count in their range and in nothing else."""
    mean: float | None
    """[mg/dL] none without a number."""
    sd: float | None
    """[mg/dL] sample standard deviation; none of fewer than two."""
    cv: float | None
    """[%] of the mean."""
    gmi: float | None
    """[%] glucose management indicator, 3.31 + 0.02392 mean."""
    very_low: float
    """[%] of readings below 54 mg/dL."""
    low: float
    """[%] 54 to below 70."""
    in_range: float
    """[%] 70 to 180, both included."""
    high: float
    """[%] above 180 to 250."""
    very_high: float
    """[%] above 250."""
    lbgi: float | None
    """[-] low blood glucose index."""
    hbgi: float | None
    """[-] high blood glucose index."""
    mage: float | None
    """[mg/dL] MAGE_VARIANT; none where no swing is so large."""


def metrics(values: Sequence[MgDl], *, lows: int = 0, highs: int = 0) -> GlucoseMetrics:
    """Reduce readings to numbers.

    Args:
        values: [mg/dL] in the order of time.
        lows: [-] readings that said LOW, below every number.
        highs: [-] readings that said HIGH.
    """
    count = len(values) + lows + highs
    mean = fmean(values) if values else None
    sd = stdev(values) if len(values) > 1 else None
    risks = [_risk(value) for value in values]
    return GlucoseMetrics(
        readings=count,
        mean=mean,
        sd=sd,
        cv=None if sd is None or not mean else 100 * sd / mean,
        gmi=None if mean is None else 3.31 + 0.02392 * mean,
        very_low=_share(lows + sum(value < VERY_LOW for value in values), count),
        low=_share(sum(VERY_LOW <= value < LOW for value in values), count),
        in_range=_share(sum(LOW <= value <= HIGH for value in values), count),
        high=_share(sum(HIGH < value <= VERY_HIGH for value in values), count),
        very_high=_share(highs + sum(value > VERY_HIGH for value in values), count),
        lbgi=fmean(10 * min(0.0, risk) ** 2 for risk in risks) if risks else None,
        hbgi=fmean(10 * max(0.0, risk) ** 2 for risk in risks) if risks else None,
        mage=_mage(values, sd),
    )


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _risk(value: MgDl) -> float:
    """Make the scale of glucose symmetric; 112.5 mg/dL is no risk. Source: Kovatchev (1997)."""
    return 1.509 * (math.pow(math.log(max(1, value)), 1.084) - 5.381)


def _mage(values: Sequence[MgDl], sd: float | None) -> float | None:
    """Take the mean of the swings between turning points, each of them larger than one SD."""
    if sd is None:
        return None
    swings = [abs(later - earlier) for earlier, later in pairwise(_turning_points(values, sd))]
    return fmean(swings) if swings else None


def _turning_points(values: Sequence[MgDl], sd: float) -> list[MgDl]:
    """Give the peaks and troughs beyond which glucose turned by more than one SD.

    The last one is as far as the last move went: it has no turn yet.
    """
    points: list[MgDl] = []
    least = most = values[0]
    way = 0
    for value in values[1:]:
        least, most = min(least, value), max(most, value)
        if way >= 0 and most - value > sd:
            points.append(most)
            way, least, most = -1, value, value
        elif way <= 0 and value - least > sd:
            points.append(least)
            way, least, most = 1, value, value
    return [*points, most if way > 0 else least] if way else points
