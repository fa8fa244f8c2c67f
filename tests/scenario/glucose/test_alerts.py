"""What glucose_ingest tells a person: at once, again, louder, silent when asked."""

from typing import Any

import pytest

from schemas.alarms import AlarmCleared, AlarmRaised, AlarmRepeated, AlarmSnoozed, SnoozeAlarm
from schemas.bolus.advice import RecordCarbs
from schemas.glucose import GlucoseAlertsSet, RecordReading, SetGlucoseAlerts
from schemas.message import Command, Outcome
from schemas.units import HOUR_MS, MINUTE_MS, Grams, MgDl, Milliseconds
from support.simulated.fake_system import FakeSystem


def sensor(system: FakeSystem, value: str) -> Outcome:
    now = system.clock.now().therapy
    reading = RecordReading(measured_at=now, source="sensor", unit="mg/dL", received=value)
    return system.ask(reading, to="glucose_ingest")


def alarms(system: FakeSystem, kind: type[Any]) -> list[str]:
    return [event.alarm for event in system.said_of("glucose_ingest", kind)]


def ask(system: FakeSystem, command: Command) -> Outcome:
    return system.ask(command, to="glucose_ingest")


@pytest.mark.requirement("R62")
def test_a_low_that_nobody_reacts_to_sounds_again_and_louder(system: FakeSystem) -> None:
    """A person asleep hears the third one."""
    sensor(system, "65")
    system.run(ms=16 * MINUTE_MS)

    repeated = system.said_of("glucose_ingest", AlarmRepeated)
    assert ["glucose_low"] == alarms(system, AlarmRaised)
    assert {"glucose_low"} == {event.alarm for event in repeated}
    assert [2, 3, 4] == [event.count for event in repeated]
    assert "high" == repeated[-1].priority
    assert "high" == system.view("glucose_ingest").alarms[0].priority


@pytest.mark.requirement("R62")
def test_a_silenced_low_sounds_again_after_15_min(system: FakeSystem) -> None:
    """Silence has an end."""
    sensor(system, "65")
    asked_at = system.clock.now().therapy
    assert ask(system, SnoozeAlarm(alarm="glucose_low")).accepted
    system.run(ms=14 * MINUTE_MS)
    assert [] == alarms(system, AlarmRepeated)
    system.run(ms=2 * MINUTE_MS)

    assert ["glucose_low"] == alarms(system, AlarmRepeated)
    until = [event.until for event in system.said_of("glucose_ingest", AlarmSnoozed)]
    assert [asked_at + 15 * MINUTE_MS] == until


def test_what_does_not_stand_is_not_silenced(system: FakeSystem) -> None:
    """A person must not believe that something is silent which is not there."""
    outcome = ask(system, SnoozeAlarm(alarm="glucose_low"))

    assert (False, "not_active") == (outcome.accepted, outcome.reason)


@pytest.mark.requirement("R58")
@pytest.mark.requirement("R62")
def test_a_sensor_that_falls_silent_is_told(system: FakeSystem) -> None:
    """No reading is not a good reading."""
    sensor(system, "120")
    system.run(ms=19 * MINUTE_MS)
    assert [] == alarms(system, AlarmRaised)
    system.run(ms=2 * MINUTE_MS)
    assert ["glucose_missing"] == alarms(system, AlarmRaised)
    sensor(system, "118")

    assert ["glucose_missing"] == alarms(system, AlarmCleared)


def test_two_hours_after_a_meal_a_person_without_sensor_is_reminded(system: FakeSystem) -> None:
    """glucose_ingest hears of the meal from the bolus advisor."""
    system.glucose("120")
    eaten_at = system.clock.now().therapy
    system.ask(RecordCarbs(grams=Grams(40), eaten_at=eaten_at), to="bolus_advisor")
    system.run(ms=2 * HOUR_MS + MINUTE_MS)

    assert "measure_after_meal" in alarms(system, AlarmRaised)


def test_thresholds_are_an_event_with_its_actor_and_hold_at_once(system: FakeSystem) -> None:
    """What is set takes effect on what is known already."""
    sensor(system, "78")
    assert [] == alarms(system, AlarmRaised)
    assert ask(system, SetGlucoseAlerts(low=MgDl(80))).accepted

    assert ["glucose_low"] == alarms(system, AlarmRaised)
    (changed,) = system.said_of("glucose_ingest", GlucoseAlertsSet)
    assert (80, True) == (changed.low, bool(changed.actor))


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("urgent_low", SetGlucoseAlerts(urgent_low=MgDl(39))),
        ("low", SetGlucoseAlerts(low=MgDl(151))),
        ("low", SetGlucoseAlerts(urgent_low=MgDl(90), low=MgDl(80))),
        ("high", SetGlucoseAlerts(low=MgDl(140), high=MgDl(130))),
        ("fast", SetGlucoseAlerts(fast=999)),
        ("missing", SetGlucoseAlerts(missing=Milliseconds(4 * MINUTE_MS))),
        ("measurements_a_day", SetGlucoseAlerts(measurements_a_day=25)),
        ("set_overdue", SetGlucoseAlerts(set_due=Milliseconds(80 * HOUR_MS))),
    ],
)
def test_thresholds_out_of_range_are_refused_by_name(
    system: FakeSystem, field: str, wrong: SetGlucoseAlerts
) -> None:
    """The old ones stay."""
    outcome = ask(system, wrong)

    assert (False, "out_of_range") == (outcome.accepted, outcome.reason)
    assert f'"field":"{field}"'.encode() in bytes(outcome.said[0])
    assert 70 == system.state("glucose_ingest").snapshot.settings.low


def test_after_a_restart_alerts_go_on_where_they_were(system: FakeSystem) -> None:
    """What sounds follows from the journal alone."""
    sensor(system, "65")
    system.run(ms=6 * MINUTE_MS)
    before = system.state("glucose_ingest")
    system.restart("glucose_ingest")
    system.settle()

    assert before.annunciations == system.state("glucose_ingest").annunciations
    assert before.snapshot == system.state("glucose_ingest").snapshot
