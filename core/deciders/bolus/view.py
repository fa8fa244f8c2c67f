"""What bolus_advisor shows a person."""

import msgspec

from core.deciders.bolus.state import BolusState
from core.kernel.alarms import ActiveAlarm
from schemas.bolus.advice import BolusAdvised, CarbsRecorded
from schemas.bolus.orders import BolusPresetSet
from schemas.glucose import GlucoseForecast
from schemas.message import Now
from schemas.units import EventId, Grams, MilliUnits


class BolusView(msgspec.Struct, frozen=True, kw_only=True):
    """Boluses as a person sees them."""

    insulin_on_board_least: MilliUnits | None
    """[mU] bolus insulin, open doses left out; none without settings."""
    insulin_on_board_most: MilliUnits | None
    """[mU] bolus insulin, open doses counted in full."""
    advice: EventId | None
    """[-] the newest advice."""
    advised: MilliUnits | None
    """[mU] its amount."""
    carbs_total: Grams
    """[g] recorded in all."""
    alarms: tuple[ActiveAlarm, ...]
    """[-] active, oldest first."""
    advice_terms: BolusAdvised | None = None
    """[-] the newest advice with every term."""
    last_carbs: CarbsRecorded | None = None
    """[-] the newest recorded."""
    rules: str | None = None
    """[-] name of the rule set in force, none without settings."""
    zone: str | None = None
    """[-] IANA name of the zone by whose clock the settings run."""
    presets: tuple[BolusPresetSet, ...] = ()
    """[-] kept by name, sorted."""
    forecast: GlucoseForecast | None = None
    """[-] the newest; of a reading that may be old."""
    versions_seen: dict[str, int] = msgspec.field(default_factory=dict, name="heard")
    """[-] newest event of each speaker that told of a dose, carbs or settings shown here; who
    accepts an advice says by it what they had seen."""


def view(state: BolusState, now: Now) -> BolusView:
    """Show boluses as they stand at `now`."""
    least: MilliUnits | None = None
    most: MilliUnits | None = None
    if state.settings is not None:
        least, most = state.doses.on_board(state.settings.insulin, at=now.therapy)
    newest = state.advices[-1] if state.advices else None
    return BolusView(
        insulin_on_board_least=least,
        insulin_on_board_most=most,
        advice=newest.id if newest else None,
        advised=newest.advised.amount if newest else None,
        carbs_total=state.carbs_total,
        alarms=state.common.alarms,
        advice_terms=newest.advised if newest else None,
        last_carbs=state.last_carbs,
        rules=state.settings.rules if state.settings else None,
        zone=state.clock.zone or None,
        presets=state.presets,
        forecast=state.forecast,
        versions_seen=state.newest_changes.heard,
    )
