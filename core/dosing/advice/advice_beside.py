"""What AndroidAPS counts beside insulin of boluses: trend, carbohydrate and basal on board."""

import math
from typing import Final

import msgspec

from core.dosing.advice.inputs import Basis
from core.dosing.advice.meals import carbs_on_board, meals_of
from core.dosing.advice.projection import record_of
from core.dosing.advice.rules.aaps import WHEN_UNKNOWN
from core.dosing.advice.rules.registry import RULE_SETS
from core.models.glucose_quality import trend_of
from core.models.insulin.sums import on_board
from schemas.bolus.advice import AdviceReason
from schemas.bolus.settings import BolusSettingsSet
from schemas.glucose import GlucoseMeasured
from schemas.units import MilliUnits, UtcMillis

AS_ENTERED: Final = 1.0
"""[1] no longer than entered: carbohydrate on board asks for insulin, so it is not overstated."""


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """Terms that one rule set has; what nobody knows is none, never nothing."""

    is_asked: bool = False
    """[-] the rule set counts them."""
    trend: int | None = None
    """[ug/dL/min] where the sensor leads."""
    carbs: int = 0
    """[mg] of carbohydrate on board."""
    basal: MilliUnits | None = None
    """[mU] of basal on board beyond the profile, rounded up."""

    @property
    def unknown(self) -> dict[str, AdviceReason]:
        """Name the terms that are left out, and say so."""
        if not self.is_asked:
            return {}
        known = {"trend": self.trend, "basal_insulin_on_board": self.basal}
        return {name: WHEN_UNKNOWN[name] for name, value in known.items() if value is None}


def beside(
    basis: Basis, settings: BolusSettingsSet, glucose: GlucoseMeasured | None, *, at: UtcMillis
) -> Beside:
    """Give what AndroidAPS counts; nothing for the other rule sets.

    Args:
        basis: what the advisor knows.
        settings: in force.
        glucose: by which the advice is computed; a drop of blood has no trend.
        at: [ms] now.
    """
    if not RULE_SETS[settings.rules].counts_trend:
        return Beside()
    slope = None
    if glucose is not None and glucose.source == "sensor":
        slope = trend_of(basis.points).mg_dl_per_min
    record = record_of(basis, settings.insulin, at=at)
    basal = math.ceil(round(on_board(record.parts, at=at).basal * 1000, 6))
    return Beside(
        is_asked=True,
        trend=None if slope is None else math.floor(slope * 1000),
        carbs=carbs_on_board(meals_of(basis.meals, overrun=AS_ENTERED), at=at) * 1000,
        basal=MilliUnits(basal) if record.is_basal_whole else None,
    )
