"""Blood and sensor, two paths of one sensor, a sensor that stands still: what counts."""

import pytest

import core.deciders.bolus.events
from schemas.alarms import AlarmCleared, AlarmRaised
from schemas.bolus.advice import BolusAdvised, RequestAdvice
from schemas.glucose import GlucoseMeasured, GlucoseSource, RecordReading
from schemas.message import Outcome
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Grams, UtcMillis
from schemas.wire import codec
from support.simulated.fake_system import FakeHouse


def read(
    house: FakeHouse,
    value: str,
    source: GlucoseSource = "sensor",
    *,
    ago: int = 0,
    device: str = "",
) -> Outcome:
    at = UtcMillis(house.clock.now().therapy - ago)
    reading = RecordReading(
        measured_at=at, source=source, unit="mg/dL", received=value, device=device
    )
    return house.ask(reading, to="glucose_ingest")


def advised(house: FakeHouse) -> BolusAdvised:
    outcome = house.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    event = codec.decode_event(outcome.said[0])
    assert isinstance(event, BolusAdvised)
    return event


def told(house: FakeHouse, kind: type[AlarmRaised | AlarmCleared]) -> list[str]:
    return [event.alarm for event in house.said_of("glucose_ingest", kind)]


def blood_counts(house: FakeHouse) -> bool:
    """Blood of 80 and a sensor's 220 a minute later: nothing is corrected."""
    read(house, "80", "meter")
    house.run(ms=MINUTE_MS)
    read(house, "220")
    return 80 == advised(house).glucose


def test_a_drop_of_blood_counts_before_a_sensor_for_five_minutes(house: FakeHouse) -> None:
    """And no longer."""
    assert blood_counts(house)
    house.run(ms=4 * MINUTE_MS)
    read(house, "222")
    assert 80 == advised(house).glucose
    house.run(ms=MINUTE_MS)
    read(house, "224")

    assert 224 == advised(house).glucose


def test_the_mutant_that_takes_the_newest_alone_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rule: time decides, whatever measured."""
    monkeypatch.setattr(
        core.deciders.bolus.events,
        "outranks",
        lambda known, new: new.measured_at < known.measured_at,
    )

    assert not blood_counts(house)


@pytest.mark.parametrize(("ago", "glucose"), [(5 * MINUTE_MS, 80), (5 * MINUTE_MS + 1, 220)])
def test_blood_that_comes_late_counts_if_it_is_hardly_older(
    house: FakeHouse, ago: int, glucose: int
) -> None:
    """The meter was read in a minute after the sensor had spoken."""
    read(house, "220")
    read(house, "80", "meter", ago=ago)

    assert glucose == advised(house).glucose


def test_a_value_that_no_body_has_does_not_take_the_place_of_blood(house: FakeHouse) -> None:
    """Of the sensor; of the meter it does."""
    read(house, "200", "meter")
    house.run(ms=MINUTE_MS)
    read(house, "700")
    assert 200 == advised(house).glucose
    house.run(ms=MINUTE_MS)
    read(house, "700", "meter")

    refused = house.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    assert "glucose_implausible" == refused.reason


def test_two_paths_of_a_sensor_are_one_reading(house: FakeHouse) -> None:
    """20 s apart by two bridges, in order and behind the newest; a meter has one path."""
    house.run(ms=10 * MINUTE_MS)
    assert read(house, "100", ago=MINUTE_MS, device="a").accepted
    assert "doubled" == read(house, "101", ago=40_000, device="b").reason
    assert "doubled" == read(house, "101", ago=80_000, device="b").reason
    assert read(house, "101", ago=39_999, device="b").accepted
    assert read(house, "102", ago=80_001, device="b").accepted
    assert "duplicate" == read(house, "102", ago=80_001, device="b").reason
    assert read(house, "103", "meter", ago=30_000).accepted
    assert read(house, "103", "meter", ago=29_000).accepted

    assert [100, 101, 102, 103, 103] == [
        one.glucose for one in house.said_of("glucose_ingest", GlucoseMeasured)
    ]


def test_the_mutant_that_takes_both_paths_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rule: only a reading of the same instant is the same."""
    monkeypatch.setattr("core.deciders.glucose.decider.DOUBLED_MS", -1)
    read(house, "100", ago=30_000, device="a")

    assert "doubled" != read(house, "101", ago=20_000, device="b").reason


def still(house: FakeHouse, *, values: tuple[str, ...], minutes: int = 5) -> None:
    for value in values:
        read(house, value)
        house.run(ms=minutes * MINUTE_MS)


@pytest.mark.requirement("R62")
def test_a_sensor_that_stands_still_is_told_until_it_moves(house: FakeHouse) -> None:
    """45 min within 1 mg/dL: no living body does that."""
    still(house, values=("100", "101") * 4 + ("100",))
    assert [] == told(house, AlarmRaised)
    read(house, "100")
    assert ["glucose_flat"] == told(house, AlarmRaised)
    house.run(ms=5 * MINUTE_MS)
    read(house, "102")

    assert ["glucose_flat"] == told(house, AlarmCleared)


@pytest.mark.requirement("R62")
def test_the_mutant_that_sees_no_standing_still_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two milligrams of movement are asked for; none at all would never be flat."""
    monkeypatch.setattr("core.dosing.glucose_history.snapshot.FLAT_MG_DL", 0)
    still(house, values=("100",) * 12)

    assert [] == told(house, AlarmRaised)


@pytest.mark.parametrize(
    "values",
    [
        ("100",) * 5 + ("LOW",) + ("100",) * 5,
        ("100", "102") * 6,
        ("100", "101", "102", "103") * 3,
    ],
)
def test_what_moves_or_gives_no_number_is_not_flat(
    house: FakeHouse, values: tuple[str, ...]
) -> None:
    """A mark or two milligrams begin anew."""
    still(house, values=values)

    assert "glucose_flat" not in told(house, AlarmRaised)


def test_few_readings_and_holes_are_not_flat(house: FakeHouse) -> None:
    """Seven readings in 45 min, and more than 12 min between two."""
    still(house, values=("100",) * 7, minutes=8)
    house.run(ms=13 * MINUTE_MS)
    still(house, values=("100",) * 8, minutes=5)

    assert "glucose_flat" not in told(house, AlarmRaised)


def test_a_flat_sensor_that_falls_silent_stays_told_for_a_day(house: FakeHouse) -> None:
    """Silence does not make it better."""
    still(house, values=("100",) * 10)
    house.run(ms=HOUR_MS)
    assert ["glucose_flat", "glucose_missing"] == told(house, AlarmRaised)
    assert [] == told(house, AlarmCleared)
    house.run(ms=DAY_MS)

    assert {"glucose_flat", "glucose_missing"} <= set(told(house, AlarmCleared))
