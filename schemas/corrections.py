"""Messages about a record that was wrong: never an overwrite, always somebody's word."""

from typing import Literal

from schemas.glucose import GlucoseSource
from schemas.message import Command, Event, Refusal, require
from schemas.units import DoseId, EventId, Grams, MilliUnits, UtcMillis


class VoidReading(Command, frozen=True, kw_only=True, tag="void_reading.v1"):
    """Count a reading that was wrong no more; handled by glucose_ingest."""

    reading: EventId
    """[-] the event of the reading."""
    because: str = ""
    """[-] the person's reason, in words."""


class ReadingVoided(Event, frozen=True, kw_only=True, tag="reading_voided.v1"):
    """A reading was wrong and counts no more; it stays recorded; published by glucose_ingest."""

    reading: EventId
    """[-] the event of the reading."""
    measured_at: UtcMillis
    """[ms] when it was measured, therapy time."""
    source: GlucoseSource
    """[-] of the reading."""
    received: str
    """[-] of the reading, letter for letter."""
    actor: str
    """[-] who said so."""
    because: str = ""
    """[-] the person's reason, in words."""


class VoidingRefused(Refusal, frozen=True, kw_only=True, tag="voiding_refused.v1"):
    """The reading counts as before; published by glucose_ingest."""

    reading: str
    """[-] as named, at most 64 characters."""
    reason: Literal["no_such_reading", "already_voided", "too_old"]
    """[-] why."""


class CorrectDose(Command, frozen=True, kw_only=True, tag="correct_dose.v1"):
    """Count another amount by pen or syringe than was recorded; handled by bolus_advisor."""

    dose: DoseId
    """[-] the InjectionRecorded."""
    amount: MilliUnits
    """[mU] 0 to 100000; 0 for none."""
    given_at: UtcMillis | None = None
    """[ms] therapy time, 24 h before now to now; none for the time that is on record."""
    because: str = ""
    """[-] the person's reason, in words."""


class DoseCorrected(Event, frozen=True, kw_only=True, tag="dose_corrected.v1"):
    """Insulin by pen was recorded wrong; published by bolus_advisor; it counts so in every account.

    What the pump counted is never corrected: its count is the fact, and no limit becomes looser.
    """

    dose: DoseId
    """[-] the InjectionRecorded."""
    amount: MilliUnits
    """[mU] 0 to 100000; from now on."""
    given_at: UtcMillis
    """[ms] therapy time; from now on."""
    was: MilliUnits
    """[mU] counted until now."""
    actor: str
    """[-] who said so."""
    because: str = ""
    """[-] the person's reason, in words."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(0 <= self.amount <= 100_000, text="an injection is 0 to 100000 mU")


class DoseCorrectionRefused(Refusal, frozen=True, kw_only=True, tag="dose_correction_refused.v1"):
    """The dose counts as before; published by bolus_advisor."""

    dose: str
    """[-] as named, at most 64 characters."""
    reason: Literal[
        "no_such_dose",
        "counted_by_pump",
        "too_old",
        "out_of_range",
        "time_out_of_range",
        "nothing_changed",
    ]
    """[-] why."""


class CorrectCarbs(Command, frozen=True, kw_only=True, tag="correct_carbs.v1"):
    """Count other carbohydrate than was recorded; handled by bolus_advisor."""

    carbs: EventId
    """[-] the CarbsRecorded."""
    grams: Grams
    """[g] 0 to 300; 0 for none."""
    eaten_at: UtcMillis | None = None
    """[ms] therapy time, 12 h before now to 1 h after; none for the time that is on record."""
    because: str = ""
    """[-] the person's reason, in words."""


class CarbsCorrected(Event, frozen=True, kw_only=True, tag="carbs_corrected.v1"):
    """Carbohydrate was recorded wrong; published by bolus_advisor, consumed by glucose_ingest."""

    carbs: EventId
    """[-] the CarbsRecorded."""
    grams: Grams
    """[g] 0 to 300; from now on."""
    eaten_at: UtcMillis
    """[ms] therapy time; from now on."""
    was: Grams
    """[g] counted until now."""
    was_eaten_at: UtcMillis
    """[ms] therapy time that counted until now."""
    actor: str
    """[-] who said so."""
    because: str = ""
    """[-] the person's reason, in words."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(0 <= self.grams <= 300, text="carbs are 0 to 300 g")


class CarbsCorrectionRefused(Refusal, frozen=True, kw_only=True, tag="carbs_correction_refused.v1"):
    """Carbohydrate counts as before; published by bolus_advisor."""

    carbs: str
    """[-] as named, at most 64 characters."""
    reason: Literal[
        "no_such_carbs", "too_old", "out_of_range", "time_out_of_range", "nothing_changed"
    ]
    """[-] why."""
