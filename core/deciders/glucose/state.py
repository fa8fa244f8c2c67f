"""What glucose_ingest knows of one person."""

from typing import Final

import msgspec

from core.deciders.glucose.alert_annunciation import Annunciation
from core.dosing.glucose_history.retained_readings import RetainedReadings
from core.dosing.glucose_history.snapshot import (
    AlertSettings,
    GlucoseSnapshot,
)
from core.kernel.alarms import ActiveAlarm
from core.kernel.shared_decisions import Common
from core.models.glucose_quality import Noise, noise_of
from schemas.glucose import (
    GlucoseAlertsSet,
    GlucoseBeyondRange,
    GlucoseMeasured,
)
from schemas.message import Now
from schemas.units import HOUR_MS, MINUTE_MS, MgDl, PumpId, Speaker, UtcMillis

GLUCOSE_INGEST: Final = Speaker("glucose_ingest")


class GlucoseState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What glucose_ingest knows of one person."""

    common: Common = Common()
    """[-] alarms and faults."""
    latest: GlucoseMeasured | GlucoseBeyondRange | None = None
    """[-] the reading with the latest time of measurement."""
    readings: RetainedReadings = RetainedReadings()
    """[-] the newest readings taken."""
    counted: int = 0
    """[-] readings taken in all."""
    rejected: int = 0
    """[-] readings rejected in all."""
    snapshot: GlucoseSnapshot = GlucoseSnapshot()
    """[-] all that alerts are judged by."""
    annunciations: tuple[Annunciation, ...] = ()
    """[-] alerts that stand, in the order in which they were raised."""
    looked_at: UtcMillis = UtcMillis(0)
    """[ms] when alerts were judged last."""


class GlucoseView(msgspec.Struct, frozen=True, kw_only=True):
    """Glucose as a person sees it."""

    glucose: MgDl | None
    """[mg/dL] the latest reading, none if it was LOW or HIGH or there is none."""
    mark: str | None
    """[-] 'low' or 'high' where the device gave no number."""
    measured_at: UtcMillis | None
    """[ms] its time."""
    readings: int
    """[-] taken in all."""
    rejected: int
    """[-] rejected in all."""
    alarms: tuple[ActiveAlarm, ...]
    """[-] active, oldest first."""
    slope: int | None = None
    """[ug/dL/min] where the sensor leads; none where nobody knows."""
    noise: Noise = "unknown"
    """[-] how much its numbers jump about."""


def initial(pump: PumpId) -> GlucoseState:
    """Know nothing yet."""
    del pump
    return GlucoseState()


def settings_of(event: GlucoseAlertsSet) -> AlertSettings:
    """Give thresholds as alerts see them."""
    return AlertSettings(
        urgent_low=event.urgent_low,
        low=event.low,
        high=event.high,
        fast=event.fast / 1000,
        missing_min=event.missing // MINUTE_MS,
        measurements_a_day=event.measurements_a_day,
        set_hours=(event.set_due // HOUR_MS, event.set_overdue // HOUR_MS),
    )


def view(state: GlucoseState, now: Now) -> GlucoseView:
    """Show glucose as it stands."""
    del now
    latest = state.latest
    return GlucoseView(
        glucose=latest.glucose if isinstance(latest, GlucoseMeasured) else None,
        mark=latest.bound if isinstance(latest, GlucoseBeyondRange) else None,
        measured_at=latest.measured_at if latest else None,
        readings=state.counted,
        rejected=state.rejected,
        alarms=state.common.alarms,
        slope=round(state.snapshot.slope * 1000) if len(state.snapshot.points) > 2 else None,
        noise=noise_of(state.snapshot.points),
    )
