"""Blood and sensor, two paths of one sensor, a sensor that stands still: what counts."""

import pytest

import core.deciders.bolus.events
from schemas.alarms import AlarmCleared, AlarmRaised
from schemas.bolus.advice import BolusAdvised, RequestAdvice
from schemas.glucose import GlucoseMeasured, GlucoseSource, RecordReading
from schemas.message import Outcome
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Grams, UtcMillis
from schemas.wire import codec
from support.simulated.fake_system import FakeSystem


def read(
    system: FakeSystem,
    value: str,
    source: GlucoseSource = "sensor",
    *,
    ago: int = 0,
    device: str = "",
) -> Outcome:
    at = UtcMillis(system.clock.now().therapy - ago)
    reading = RecordReading(
        measured_at=at, source=source, unit="mg/dL", received=value, device=device
    )
    return system.ask(reading, to="glucose_ingest")


def advised(system: FakeSystem) -> BolusAdvised:
    outcome = system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    event = codec.decode_event(outcome.said[0])
    assert isinstance(event, BolusAdvised)
    return event


def told(system: FakeSystem, kind: type[AlarmRaised | AlarmCleared]) -> list[str]:
    return [event.alarm for event in system.said_of("glucose_ingest", kind)]


def blood_counts(system: FakeSystem) -> bool:
    """Blood of 80 and a sensor's 220 a minute later: nothing is corrected."""
    read(system, "80", "meter")
    system.run(ms=MINUTE_MS)
    read(system, "220")
    return 80 == advised(system).glucose


def test_a_drop_of_blood_counts_before_a_sensor_for_five_minutes(system: FakeSystem) -> None:
    """And no longer."""
    assert blood_counts(system)
    system.run(ms=4 * MINUTE_MS)
    read(system, "222")
    assert 80 == advised(system).glucose
    system.run(ms=MINUTE_MS)
    read(system, "224")

    assert 224 == advised(system).glucose


def test_the_mutant_that_takes_the_newest_alone_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rule: time decides, whatever measured."""
    monkeypatch.setattr(
        core.deciders.bolus.events,
        "outranks",
        lambda known, new: new.measured_at < known.measured_at,
    )

    assert not blood_counts(system)


@pytest.mark.parametrize(("ago", "glucose"), [(5 * MINUTE_MS, 80), (5 * MINUTE_MS + 1, 220)])
def test_blood_that_comes_late_counts_if_it_is_hardly_older(
    system: FakeSystem, ago: int, glucose: int
) -> None:
    """The meter was read in a minute after the sensor had spoken."""
    read(system, "220")
    read(system, "80", "meter", ago=ago)

    assert glucose == advised(system).glucose


def test_a_value_that_no_body_has_does_not_take_the_place_of_blood(system: FakeSystem) -> None:
    """Of the sensor; of the meter it does."""
    read(system, "200", "meter")
    system.run(ms=MINUTE_MS)
    read(system, "700")
    assert 200 == advised(system).glucose
    system.run(ms=MINUTE_MS)
    read(system, "700", "meter")

    refused = system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    assert "glucose_implausible" == refused.reason


def test_two_paths_of_a_sensor_are_one_reading(system: FakeSystem) -> None:
    """20 s apart by two bridges, in order and behind the newest; a meter has one path."""
    system.run(ms=10 * MINUTE_MS)
    assert read(system, "100", ago=MINUTE_MS, device="a").accepted
    assert "doubled" == read(system, "101", ago=40_000, device="b").reason
    assert "doubled" == read(system, "101", ago=80_000, device="b").reason
    assert read(system, "101", ago=39_999, device="b").accepted
    assert read(system, "102", ago=80_001, device="b").accepted
    assert "duplicate" == read(system, "102", ago=80_001, device="b").reason
    assert read(system, "103", "meter", ago=30_000).accepted
    assert read(system, "103", "meter", ago=29_000).accepted

    assert [100, 101, 102, 103, 103] == [
        one.glucose for one in system.said_of("glucose_ingest", GlucoseMeasured)
    ]


def test_the_mutant_that_takes_both_paths_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rule: only a reading of the same instant is the same."""
    monkeypatch.setattr("core.deciders.glucose.decider.DOUBLED_MS", -1)
    read(system, "100", ago=30_000, device="a")

    assert "doubled" != read(system, "101", ago=20_000, device="b").reason


def still(system: FakeSystem, *, values: tuple[str, ...], minutes: int = 5) -> None:
    for value in values:
        read(system, value)
        system.run(ms=minutes * MINUTE_MS)


@pytest.mark.requirement("R62")
def test_a_sensor_that_stands_still_is_told_until_it_moves(system: FakeSystem) -> None:
    """45 min within 1 mg/dL: no living body does that."""
    still(system, values=("100", "101") * 4 + ("100",))
    assert [] == told(system, AlarmRaised)
    read(system, "100")
    assert ["glucose_flat"] == told(system, AlarmRaised)
    system.run(ms=5 * MINUTE_MS)
    read(system, "102")

    assert ["glucose_flat"] == told(system, AlarmCleared)


@pytest.mark.requirement("R62")
def test_the_mutant_that_sees_no_standing_still_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two milligrams of movement are asked for; none at all would never be flat."""
    monkeypatch.setattr("core.dosing.glucose_history.snapshot.FLAT_MG_DL", 0)
    still(system, values=("100",) * 12)

    assert [] == told(system, AlarmRaised)


@pytest.mark.parametrize(
    "values",
    [
        ("100",) * 5 + ("LOW",) + ("100",) * 5,
        ("100", "102") * 6,
        ("100", "101", "102", "103") * 3,
    ],
)
def test_what_moves_or_gives_no_number_is_not_flat(
    system: FakeSystem, values: tuple[str, ...]
) -> None:
    """A mark or two milligrams begin anew."""
    still(system, values=values)

    assert "glucose_flat" not in told(system, AlarmRaised)


def test_few_readings_and_holes_are_not_flat(system: FakeSystem) -> None:
    """Seven readings in 45 min, and more than 12 min between two."""
    still(system, values=("100",) * 7, minutes=8)
    system.run(ms=13 * MINUTE_MS)
    still(system, values=("100",) * 8, minutes=5)

    assert "glucose_flat" not in told(system, AlarmRaised)


def test_a_flat_sensor_that_falls_silent_stays_told_for_a_day(system: FakeSystem) -> None:
    """Silence does not make it better."""
    still(system, values=("100",) * 10)
    system.run(ms=HOUR_MS)
    assert ["glucose_flat", "glucose_missing"] == told(system, AlarmRaised)
    assert [] == told(system, AlarmCleared)
    system.run(ms=DAY_MS)

    assert {"glucose_flat", "glucose_missing"} <= set(told(system, AlarmCleared))
