"""Readings that are kept so that a wrong one can be taken out again: the cases that are rare."""

from core.dosing.glucose_history.retained_readings import (
    Kept,
    RetainedReadings,
    comes_again,
    keep,
    latest_of,
    newest_of,
    snapshot_without,
    take_out,
)
from core.dosing.glucose_history.snapshot import GlucoseSnapshot, fold_corrected_meal
from schemas.corrections import CarbsCorrected
from schemas.glucose import GlucoseMeasured, ReadingRejected, RecordReading
from schemas.units import MINUTE_MS, EventId, Grams, MgDl, UtcMillis

NOON = UtcMillis(1_772_366_400_000)


def at(minutes: int) -> UtcMillis:
    return UtcMillis(NOON + minutes * MINUTE_MS)


def measured(minutes: int, value: int, *, source: str = "meter") -> GlucoseMeasured:
    return GlucoseMeasured(
        measured_at=at(minutes),
        glucose=MgDl(value),
        source="sensor" if source == "sensor" else "meter",
        unit="mg/dL",
        received=str(value),
    )


def rejected(minutes: int) -> ReadingRejected:
    return ReadingRejected(
        measured_at=at(minutes), source="meter", unit="mg/dL", received="9", reason="implausible"
    )


def kept(*readings: GlucoseMeasured | ReadingRejected) -> RetainedReadings:
    found = RetainedReadings()
    for number, reading in enumerate(readings, start=1):
        found = keep(found, f"glucose_ingest:p1:{number}", reading, at=reading.measured_at)
    return found


def test_a_rejected_reading_leaves_the_picture_as_it_is() -> None:
    """It never entered it; nor does one that nobody keeps."""
    snapshot = GlucoseSnapshot(measured=(at(0),))
    both = kept(measured(0, 120), rejected(5))
    for name in ("glucose_ingest:p1:2", "glucose_ingest:p1:9"):
        assert snapshot_without(snapshot, both, EventId(name)) == snapshot


def test_a_rejected_reading_is_nobodys_latest() -> None:
    assert latest_of(kept(rejected(5)).counting) is None
    assert latest_of(kept(measured(0, 120), rejected(5)).counting) == measured(0, 120)


def test_of_two_readings_the_older_that_comes_later_is_not_the_latest() -> None:
    """Nor is it what an advice stands on."""
    late = kept(measured(10, 120), measured(0, 90))
    assert latest_of(late.counting) == measured(10, 120)
    newest = newest_of(late.counting)
    assert newest is not None
    assert newest.reading == measured(10, 120)
    assert newest_of(()) is None


def test_a_voided_reading_of_a_meter_comes_again_only_as_the_very_same() -> None:
    """Another value, another time or another source is another measurement."""
    gone = take_out(kept(measured(0, 120)), EventId("glucose_ingest:p1:1"))
    assert gone.voided == (Kept(EventId("glucose_ingest:p1:1"), measured(0, 120), at(0)),)

    def asked(minutes: int, value: str, source: str = "meter") -> bool:
        reading = RecordReading(
            measured_at=at(minutes),
            source="sensor" if source == "sensor" else "meter",
            unit="mg/dL",
            received=value,
        )
        return comes_again(gone, reading)

    assert asked(0, "120")
    assert not asked(0, "121")
    assert not asked(1, "120")
    assert not asked(0, "120", "sensor")


def test_a_meal_that_nobody_remembers_is_corrected_without_it() -> None:
    """It was eaten too long ago for the picture to have it."""
    corrected = CarbsCorrected(
        carbs=EventId("bolus_advisor:p1:1"),
        grams=Grams(10),
        eaten_at=at(5),
        was=Grams(20),
        was_eaten_at=at(0),
        actor="person:anna",
    )
    assert fold_corrected_meal(GlucoseSnapshot(), corrected).meals == (at(5),)
