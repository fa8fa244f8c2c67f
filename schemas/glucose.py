"""Messages about glucose: readings as they came, beyond the meter's range, refused; forecasts."""

from typing import Literal

import msgspec

from schemas.message import Command, Event, Refusal, require
from schemas.units import HOUR_MS, MINUTE_MS, EventId, Grams, MgDl, Milliseconds, UtcMillis

GlucoseSource = Literal["meter", "sensor"]
GlucoseUnit = Literal["mg/dL", "mmol/L"]
RejectionReason = Literal[
    "not_a_number", "implausible", "future", "ancient", "duplicate", "doubled", "voided"
]


class RecordReading(Command, frozen=True, kw_only=True, tag="record_reading.v1"):
    """A meter, a sensor or a person brings one reading; handled by glucose_ingest."""

    measured_at: UtcMillis
    """[ms] when the device measured, therapy time."""
    source: GlucoseSource
    """[-] a drop of blood or a continuous sensor."""
    unit: GlucoseUnit
    """[-] the unit of `received`."""
    received: str
    """[in `unit`] the number or LOW or HIGH, letter for letter."""
    device: str = ""
    """[-] maker, model or id of the device, as it names itself."""


class GlucoseMeasured(Event, frozen=True, kw_only=True, tag="glucose_measured.v1"):
    """A plausible reading; published by glucose_ingest, consumed by all who look at glucose."""

    measured_at: UtcMillis
    """[ms] when the device measured, therapy time."""
    glucose: MgDl
    """[mg/dL] 10 to 1000."""
    source: GlucoseSource
    """[-] a drop of blood or a continuous sensor."""
    unit: GlucoseUnit
    """[-] the unit of `received`."""
    received: str
    """[in `unit`] the number letter for letter."""
    device: str = ""
    """[-] the device, as it names itself."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(10 <= self.glucose <= 1000, text="glucose is 10 to 1000 mg/dL")


class GlucoseBeyondRange(Event, frozen=True, kw_only=True, tag="glucose_beyond_range.v1"):
    """The device showed LOW or HIGH, which is not a number; published by glucose_ingest."""

    measured_at: UtcMillis
    """[ms] when the device measured, therapy time."""
    bound: Literal["low", "high"]
    """[-] which end of the device's range was left."""
    source: GlucoseSource
    """[-] a drop of blood or a continuous sensor."""
    received: str
    """[-] LOW or HIGH, letter for letter."""
    device: str = ""
    """[-] the device, as it names itself."""


class SetGlucoseAlerts(Command, frozen=True, kw_only=True, tag="set_glucose_alerts.v1"):
    """Alert by these thresholds from now on; handled by glucose_ingest."""

    urgent_low: MgDl = MgDl(54)
    """[mg/dL] 40 to 100; below it."""
    low: MgDl = MgDl(70)
    """[mg/dL] 50 to 150, above urgent_low; below it."""
    high: MgDl = MgDl(250)
    """[mg/dL] 120 to 400, above low; above it."""
    fast: int = 2000
    """[ug/dL/min] 1000 to 10000; rising or falling at least so."""
    missing: Milliseconds = Milliseconds(20 * MINUTE_MS)
    """[ms] 5 to 240 min without a sensor's reading."""
    measurements_a_day: int = 4
    """[-] 0 to 24 by meter, without a sensor; 0 for no reminder."""
    set_due: Milliseconds = Milliseconds(48 * HOUR_MS)
    """[ms] 24 to 168 h of an infusion set: due."""
    set_overdue: Milliseconds = Milliseconds(72 * HOUR_MS)
    """[ms] set_due to 168 h: overdue."""
    because: str = ""
    """[-] the person's reason, in words."""


class GlucoseAlertsSet(Event, frozen=True, kw_only=True, tag="glucose_alerts_set.v1"):
    """The thresholds of alerts have changed; published by glucose_ingest."""

    urgent_low: MgDl
    """[mg/dL] below it."""
    low: MgDl
    """[mg/dL] below it."""
    high: MgDl
    """[mg/dL] above it."""
    fast: int
    """[ug/dL/min] rising or falling at least so."""
    missing: Milliseconds
    """[ms] without a sensor's reading."""
    measurements_a_day: int
    """[-] by meter, without a sensor."""
    set_due: Milliseconds
    """[ms] of an infusion set."""
    set_overdue: Milliseconds
    """[ms] of an infusion set."""
    actor: str
    """[-] who set them."""
    because: str = ""
    """[-] the person's reason, in words."""


class GlucoseAlertsRefused(Refusal, frozen=True, kw_only=True, tag="glucose_alerts_refused.v1"):
    """The thresholds stay as they were; published by glucose_ingest."""

    reason: Literal["out_of_range"]
    """[-] why."""
    field: str
    """[-] the first field that is wrong."""


class ReadingRejected(Refusal, frozen=True, kw_only=True, tag="reading_rejected.v1"):
    """A reading that nobody may dose by; published by glucose_ingest."""

    measured_at: UtcMillis
    """[ms] the time that the device claimed, therapy time."""
    reason: RejectionReason
    """[-] why."""
    source: GlucoseSource
    """[-] a drop of blood or a continuous sensor."""
    unit: GlucoseUnit
    """[-] the unit of `received`."""
    received: str
    """[in `unit`] letter for letter."""


class ForecastPoint(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Glucose at an instant to come."""

    at: UtcMillis
    """[ms] the instant."""
    glucose: int
    """[mg/dL] may be below zero: what would be without more carbohydrate."""


class GlucoseForecast(Event, frozen=True, kw_only=True, tag="glucose_forecast.v1"):
    """Where insulin, carbohydrate and momentum lead from a reading; published by bolus_advisor.

    Insulin counts relative to the profile, doses of unknown outcome in full. No advice follows
    from it: it is for the eye, and for the alert about a low to come.
    """

    reading: EventId
    """[-] from which it starts."""
    measured_at: UtcMillis
    """[ms] when that was measured."""
    glucose: MgDl
    """[mg/dL] of it."""
    points: tuple[ForecastPoint, ...]
    """[-] every 5 min for half an hour, then every 30 min for 6 h."""
    lowest: ForecastPoint
    """[-] the first lowest of all points, those in between counted."""
    eventual: int
    """[mg/dL] at the end."""
    carbs_on_board: Grams
    """[g] still to be absorbed, rounded down."""
    velocity: int | None = None
    """[ug/dL/min] of momentum; none where the last readings give none."""
    is_whole: bool = True
    """[-] all insulin that can act is on record, and known."""
