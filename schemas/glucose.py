"""What can be said of glucose: readings as they came, beyond the meter's range, and refused."""

from typing import Literal

from schemas.message import Command, Event, Refusal, require
from schemas.units import MgDl, UtcMillis

GlucoseSource = Literal["meter", "sensor"]
GlucoseUnit = Literal["mg/dL", "mmol/L"]
RejectionReason = Literal["not_a_number", "implausible", "future", "ancient", "duplicate"]


class RecordReading(Command, frozen=True, kw_only=True, tag="record_reading.v1"):
    """A meter, a sensor or a person brings one reading; obeyed by glucose_ingest."""

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
    """A plausible reading; said by glucose_ingest, heard by all who look at glucose."""

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
    """The device showed LOW or HIGH, which is not a number; said by glucose_ingest."""

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


class ReadingRejected(Refusal, frozen=True, kw_only=True, tag="reading_rejected.v1"):
    """A reading that nobody may dose by; said by glucose_ingest."""

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
