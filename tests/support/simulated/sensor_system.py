"""A system of fakes at noon, and a sensor in it."""

from schemas.glucose import RecordReading
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
)
from support.simulated.fake_system import FakeSystem

FIVE = 5 * MINUTE_MS
"""[ms] between two readings of the sensor."""


def sensor(system: FakeSystem, *values: int) -> None:
    """Let a sensor read every 5 min, the last value now."""
    for index, value in enumerate(values):
        if index:
            system.run(ms=FIVE)
        reading = RecordReading(
            measured_at=system.clock.now().therapy,
            source="sensor",
            unit="mg/dL",
            received=str(value),
        )
        assert system.ask(reading, to="glucose_ingest").accepted


def system_at_noon() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    system.run(ms=12 * HOUR_MS)
    return system


def alerts(system: FakeSystem) -> set[str]:
    return {alarm.alarm for alarm in system.view("glucose_ingest").alarms}
