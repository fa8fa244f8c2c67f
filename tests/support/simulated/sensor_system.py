"""A house of fakes at noon, and a sensor in it."""

from schemas.glucose import RecordReading
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
)
from support.simulated.fake_system import FakeHouse

FIVE = 5 * MINUTE_MS
"""[ms] between two readings of the sensor."""


def sensor(house: FakeHouse, *values: int) -> None:
    """Let a sensor read every 5 min, the last value now."""
    for index, value in enumerate(values):
        if index:
            house.run(ms=FIVE)
        reading = RecordReading(
            measured_at=house.clock.now().therapy,
            source="sensor",
            unit="mg/dL",
            received=str(value),
        )
        assert house.ask(reading, to="glucose_ingest").accepted


def house_at_noon() -> FakeHouse:
    house = FakeHouse()
    house.set_up()
    house.run(ms=12 * HOUR_MS)
    return house


def alerts(house: FakeHouse) -> set[str]:
    return {alarm.alarm for alarm in house.view("glucose_ingest").alarms}
