"""What glucose_ingest tells a person: at once, again, louder, silent when asked."""

from typing import Any

import pytest

from schemas.alarms import AlarmCleared, AlarmRaised, AlarmRepeated, AlarmSnoozed, SnoozeAlarm
from schemas.bolus.advice import RecordCarbs
from schemas.glucose import GlucoseAlertsSet, RecordReading, SetGlucoseAlerts
from schemas.message import Command, Outcome
from schemas.units import HOUR_MS, MINUTE_MS, Grams, MgDl, Milliseconds
from support.simulated.fake_system import FakeHouse


def sensor(house: FakeHouse, value: str) -> Outcome:
    now = house.clock.now().therapy
    reading = RecordReading(measured_at=now, source="sensor", unit="mg/dL", received=value)
    return house.ask(reading, to="glucose_ingest")


def alarms(house: FakeHouse, kind: type[Any]) -> list[str]:
    return [event.alarm for event in house.said_of("glucose_ingest", kind)]


def ask(house: FakeHouse, command: Command) -> Outcome:
    return house.ask(command, to="glucose_ingest")


@pytest.mark.requirement("R62")
def test_a_low_that_nobody_reacts_to_sounds_again_and_louder(house: FakeHouse) -> None:
    """A person asleep hears the third one."""
    sensor(house, "65")
    house.run(ms=16 * MINUTE_MS)

    repeated = house.said_of("glucose_ingest", AlarmRepeated)
    assert ["glucose_low"] == alarms(house, AlarmRaised)
    assert {"glucose_low"} == {event.alarm for event in repeated}
    assert [2, 3, 4] == [event.count for event in repeated]
    assert "high" == repeated[-1].priority
    assert "high" == house.view("glucose_ingest").alarms[0].priority


@pytest.mark.requirement("R62")
def test_a_silenced_low_sounds_again_after_15_min(house: FakeHouse) -> None:
    """Silence has an end."""
    sensor(house, "65")
    asked_at = house.clock.now().therapy
    assert ask(house, SnoozeAlarm(alarm="glucose_low")).accepted
    house.run(ms=14 * MINUTE_MS)
    assert [] == alarms(house, AlarmRepeated)
    house.run(ms=2 * MINUTE_MS)

    assert ["glucose_low"] == alarms(house, AlarmRepeated)
    until = [event.until for event in house.said_of("glucose_ingest", AlarmSnoozed)]
    assert [asked_at + 15 * MINUTE_MS] == until


def test_what_does_not_stand_is_not_silenced(house: FakeHouse) -> None:
    """A person must not believe that something is silent which is not there."""
    outcome = ask(house, SnoozeAlarm(alarm="glucose_low"))

    assert (False, "not_active") == (outcome.accepted, outcome.reason)


@pytest.mark.requirement("R58")
@pytest.mark.requirement("R62")
def test_a_sensor_that_falls_silent_is_told(house: FakeHouse) -> None:
    """No reading is not a good reading."""
    sensor(house, "120")
    house.run(ms=19 * MINUTE_MS)
    assert [] == alarms(house, AlarmRaised)
    house.run(ms=2 * MINUTE_MS)
    assert ["glucose_missing"] == alarms(house, AlarmRaised)
    sensor(house, "118")

    assert ["glucose_missing"] == alarms(house, AlarmCleared)


def test_two_hours_after_a_meal_a_person_without_sensor_is_reminded(house: FakeHouse) -> None:
    """glucose_ingest hears of the meal from the bolus advisor."""
    house.glucose("120")
    eaten_at = house.clock.now().therapy
    house.ask(RecordCarbs(grams=Grams(40), eaten_at=eaten_at), to="bolus_advisor")
    house.run(ms=2 * HOUR_MS + MINUTE_MS)

    assert "measure_after_meal" in alarms(house, AlarmRaised)


def test_thresholds_are_an_event_with_its_actor_and_hold_at_once(house: FakeHouse) -> None:
    """What is set takes effect on what is known already."""
    sensor(house, "78")
    assert [] == alarms(house, AlarmRaised)
    assert ask(house, SetGlucoseAlerts(low=MgDl(80))).accepted

    assert ["glucose_low"] == alarms(house, AlarmRaised)
    (changed,) = house.said_of("glucose_ingest", GlucoseAlertsSet)
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
    house: FakeHouse, field: str, wrong: SetGlucoseAlerts
) -> None:
    """The old ones stay."""
    outcome = ask(house, wrong)

    assert (False, "out_of_range") == (outcome.accepted, outcome.reason)
    assert f'"field":"{field}"'.encode() in bytes(outcome.said[0])
    assert 70 == house.state("glucose_ingest").picture.settings.low


def test_after_a_restart_alerts_go_on_where_they_were(house: FakeHouse) -> None:
    """What sounds follows from the journal alone."""
    sensor(house, "65")
    house.run(ms=6 * MINUTE_MS)
    before = house.state("glucose_ingest")
    house.restart("glucose_ingest")
    house.settle()

    assert before.soundings == house.state("glucose_ingest").soundings
    assert before.picture == house.state("glucose_ingest").picture
