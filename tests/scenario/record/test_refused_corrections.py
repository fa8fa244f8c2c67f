"""Corrections that cannot be: refused by name, and nothing changes."""

from typing import Any

import pytest

from schemas.bolus.orders import RecordInjection
from schemas.corrections import (
    CorrectDose,
    VoidReading,
)
from schemas.message import Outcome
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    EventId,
    MilliUnits,
    UtcMillis,
)
from support.simulated.fake_system import FakeSystem

ADVISOR = "bolus_advisor"


INGEST = "glucose_ingest"


def now(system: FakeSystem) -> UtcMillis:
    return system.clock.now().therapy


def pen(system: FakeSystem, amount: int) -> DoseId:
    asked = RecordInjection(amount=MilliUnits(amount), given_at=now(system))
    return DoseId(system.ask(asked, to=ADVISOR).events[0])


def correct(system: FakeSystem, dose: str, amount: int, **fields: Any) -> Outcome:
    asked = CorrectDose(dose=DoseId(dose), amount=MilliUnits(amount), because="misread", **fields)
    return system.ask(asked, to=ADVISOR)


def void(system: FakeSystem, reading: str) -> Outcome:
    return system.ask(VoidReading(reading=EventId(reading), because="sugar"), to=INGEST)


@pytest.mark.parametrize(
    ("amount", "at", "reason"),
    [
        (-1, None, "out_of_range"),
        (100_001, None, "out_of_range"),
        (500, MINUTE_MS, "time_out_of_range"),
        (500, -DAY_MS - 1, "time_out_of_range"),
        (1_000, None, "nothing_changed"),
    ],
)
def test_a_correction_that_cannot_be_is_refused(
    system: FakeSystem, amount: int, at: int | None, reason: str
) -> None:
    """One beyond each end; and one that says what is on record."""
    dose = pen(system, 1_000)
    given_at = None if at is None else UtcMillis(now(system) + at)

    assert reason == correct(system, dose, amount, given_at=given_at).reason
    assert "no_such_dose" == correct(system, "bolus_advisor:p1:9999", 500).reason


def test_what_cannot_be_voided_is_refused(system: FakeSystem) -> None:
    """Twice, never, not a reading, older than a day, of another pump, no id at all."""
    first = system.glucose("110").events[0]
    assert void(system, first).accepted
    assert "already_voided" == void(system, first).reason
    old = system.glucose("120", at=UtcMillis(now(system) - 2 * HOUR_MS)).events[0]
    for name in ("glucose_ingest:p1:9999", "glucose_ingest:p2:1", "bolus_advisor:p1:1", "x" * 99):
        assert "no_such_reading" == void(system, name).reason
    system.run(ms=22 * HOUR_MS)
    assert void(system, old).accepted
    last = system.glucose("130").events[0]
    system.run(ms=DAY_MS + 1)
    assert "too_old" == void(system, last).reason


def test_a_reading_that_is_kept_no_more_is_too_old(system: FakeSystem) -> None:
    """400 readings of a minute each: the first is out of reach, the last ones are not."""
    names = []
    for _ in range(400):
        system.run(ms=MINUTE_MS)
        names.append(system.glucose("120").events[0])

    assert "too_old" == void(system, names[0]).reason
    assert void(system, names[120]).accepted and void(system, names[-1]).accepted
