"""Days of a person with a pump and a sensor, lived by the real deciders on a clock that jumps."""

import random

from schemas.basal.profiles import SetTemporaryRate
from schemas.bolus.advice import AcceptAdvice, RequestAdvice
from schemas.delivery.pump import FillReservoir, ResumeDelivery, SuspendDelivery
from schemas.glucose import RecordReading
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    EventId,
    Grams,
    Milliseconds,
    MilliUnits,
    UtcMillis,
)
from support.simulated.fake_system import FakeSystem

BEFORE_SUMMER_TIME_ENDS = UtcMillis(1_792_800_000_000)
"""[ms] 2026-10-24T00:00Z: the second day has 25 hours in Berlin."""

READING_MS = 5 * MINUTE_MS
MEALS = {7: 45, 12: 60, 19: 70}
"""[g] by the hour of UTC."""


class LivedDays:
    """Readings every 5 min, meals, temporary rates, pauses, a new reservoir, services killed."""

    def __init__(self, *, seed: int = 1) -> None:
        self.system = FakeSystem(start=BEFORE_SUMMER_TIME_ENDS)
        self.system.set_up()
        self._chance = random.Random(seed)
        self._glucose = 120.0

    def live(self, days: int) -> None:
        for _ in range(days * DAY_MS // READING_MS):
            self._read()
            at = self.system.clock.now().therapy
            hour, minute = at % DAY_MS // HOUR_MS, at % HOUR_MS // MINUTE_MS
            if minute < 5:
                self._each_hour(hour)
            self.system.run(ms=READING_MS)

    def _read(self) -> None:
        self._glucose += self._chance.gauss((120 - self._glucose) * 0.02, 4)
        reading = RecordReading(
            measured_at=self.system.clock.now().therapy,
            source="sensor",
            unit="mg/dL",
            received=str(min(400, max(40, round(self._glucose)))),
            device="sensor-1",
        )
        self.system.ask(reading, to="glucose_ingest")

    def _each_hour(self, hour: int) -> None:
        system, chance = self.system, self._chance
        if hour in MEALS:
            self._eat(Grams(MEALS[hour]))
        elif chance.random() < 0.05:
            half = SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS))
            system.ask(half, to="basal_scheduler")
        elif chance.random() < 0.03:
            system.ask(SuspendDelivery(), to="actuator")
            system.run(ms=10 * MINUTE_MS)
            system.ask(ResumeDelivery(), to="actuator")
        elif chance.random() < 0.05:
            system.restart(chance.choice(sorted(system.stores)))
        if system.view("actuator").reservoir < 40_000:
            system.ask(FillReservoir(amount=MilliUnits(200_000)), to="actuator")

    def _eat(self, carbs: Grams) -> None:
        spread = self._chance.random() < 0.2
        advised = self.system.ask(
            RequestAdvice(
                carbs=carbs,
                duration=Milliseconds(HOUR_MS if spread else 0),
                now_percent=40 if spread else 0,
            ),
            to="bolus_advisor",
        )
        if advised.accepted:
            advice = EventId(advised.events[0])
            self.system.ask(AcceptAdvice(advice=advice), to="bolus_advisor")
        self._glucose += carbs * 0.8
