"""Half a day in which as much happens as can: what golden histories are made of."""

from typing import Any

from core.deciders import DECIDERS
from fake_house import FakeHouse
from schemas.alarms import AcknowledgeAlarm
from schemas.basal import SetTemporaryRate
from schemas.bolus import AcceptAdvice, RecordCarbs, RequestAdvice
from schemas.corrections import CorrectCarbs, CorrectDose, VoidReading
from schemas.delivery import CancelBolus
from schemas.glucose import SetGlucoseAlerts
from schemas.mechanism import PrimePump
from schemas.orders import OrderBolus, OrderPreset, RecordInjection, SetBolusPreset
from schemas.pump import FillReservoir, ResumeDelivery, SuspendDelivery
from schemas.record import ReportProcess, ReportStorage
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    EventId,
    Grams,
    MgDl,
    Milliseconds,
    MilliUnits,
    Speaker,
    UtcMillis,
)
from services.command_line.schema_examples import example
from services.runtime.pump_script import ScriptedFault

BEFORE_SUMMER_TIME_ENDS = UtcMillis(1_792_872_000_000)
"""[ms] 2026-10-24T20:00Z: the night after has 25 hours in Berlin."""

LOST_FROM, UNASKED_FROM, POWER_FROM, BLOCKED_FROM = map(MilliUnits, (3_000, 9_000, 6_000, 12_000))
"""[mU] of the odometer when the pump has its faults."""

QUARTER_MS = 15 * MINUTE_MS


class GoldenDay:
    """Meals, settings, rates, corrections, a cut line, a watcher, and every command once."""

    def __init__(self) -> None:
        self.house = FakeHouse(
            start=BEFORE_SUMMER_TIME_ENDS,
            faults=[
                ScriptedFault(fault="lost_answer", act="start_bolus", from_odometer=LOST_FROM),
                ScriptedFault(
                    fault="motor_unasked", amount=MilliUnits(100), from_odometer=UNASKED_FROM
                ),
                ScriptedFault(fault="power_lost", from_odometer=POWER_FROM),
                ScriptedFault(fault="occlusion", from_odometer=BLOCKED_FROM),
            ],
        )

    def live(self) -> FakeHouse:
        """Set up, dose, doubt, correct, meddle with processes; then a night and a day."""
        house = self.house
        house.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
        house.set_up()
        acts = (self.meals, self.settings, self.rates, self.corrections, self.line, self.watchers)
        for act in acts:
            act()
            self.readings(150, 240, 60, 110)
        self.meals()
        for name in sorted(house.stores):
            house.restart(name)
        self.readings(*([130, 125, 140, 118] * 2))
        self.everything_once()
        self.readings(130, 125)
        return house

    def everything_once(self) -> None:
        """Send the example of every command: most of them are refused."""
        for name, decider in DECIDERS.items():
            for kind in decider.obeys:
                command: Any = example(kind)
                self.house.ask(command, to=name)

    def readings(self, *values: int) -> None:
        for value in values:
            self.house.glucose(str(value))
            self.house.run(ms=QUARTER_MS)

    def eat(self, carbs: int, *, spread_min: int = 0, now_percent: int = 0) -> None:
        wanted = RequestAdvice(
            carbs=Grams(carbs),
            duration=Milliseconds(spread_min * MINUTE_MS),
            now_percent=now_percent,
        )
        advised = self.house.ask(wanted, to="bolus_advisor")
        if advised.accepted:
            self.house.ask(AcceptAdvice(advice=advised.events[0]), to="bolus_advisor")
        self.house.run(ms=10 * MINUTE_MS)

    def meals(self) -> None:
        self.readings(118)
        self.eat(40)
        self.readings(160)
        self.eat(50, spread_min=60, now_percent=40)
        self.house.order(20_000)
        advised = self.house.ask(RequestAdvice(carbs=Grams(30)), to="bolus_advisor")
        self.house.ask(
            RecordCarbs(grams=Grams(15), eaten_at=self.house.clock.now().therapy),
            to="bolus_advisor",
        )
        if advised.accepted:
            self.house.ask(AcceptAdvice(advice=advised.events[0]), to="bolus_advisor")
        ordered = self.house.ask(
            OrderBolus(amount=MilliUnits(2_000), confirmed=True), to="bolus_advisor"
        )
        if ordered.accepted:
            self.house.ask(CancelBolus(dose=DoseId(ordered.events[-1])), to="actuator")
        self.house.run(ms=HOUR_MS)

    def settings(self) -> None:
        house = self.house
        house.ask(SetGlucoseAlerts(low=MgDl(75)), to="glucose_ingest")
        house.ask(SetBolusPreset(name="snack", amount=MilliUnits(1_000)), to="bolus_advisor")
        house.ask(OrderPreset(name="snack", confirmed=True), to="bolus_advisor")
        house.ask(OrderPreset(name="nothing"), to="bolus_advisor")
        house.run(ms=30 * MINUTE_MS)

    def rates(self) -> None:
        house = self.house
        half = SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS))
        house.ask(half, to="basal_scheduler")
        house.run(ms=2 * HOUR_MS)
        house.ask(SuspendDelivery(duration=Milliseconds(30 * MINUTE_MS)), to="actuator")
        house.run(ms=HOUR_MS)
        house.ask(SuspendDelivery(), to="actuator")
        house.ask(PrimePump(amount=MilliUnits(2_000), what="tube"), to="actuator")
        house.run(ms=MINUTE_MS)
        house.ask(ResumeDelivery(), to="actuator")
        house.ask(FillReservoir(amount=MilliUnits(180_000)), to="actuator")
        house.run(ms=MINUTE_MS)

    def corrections(self) -> None:
        house = self.house
        wrong = house.glucose("400").events[0]
        house.ask(VoidReading(reading=EventId(wrong), because="hands"), to="glucose_ingest")
        now = house.clock.now().therapy
        pen = house.ask(RecordInjection(amount=MilliUnits(3_000), given_at=now), to="bolus_advisor")
        house.ask(
            CorrectDose(dose=DoseId(pen.events[0]), amount=MilliUnits(1_000)), to="bolus_advisor"
        )
        eaten = house.ask(RecordCarbs(grams=Grams(20), eaten_at=now), to="bolus_advisor")
        house.ask(CorrectCarbs(carbs=EventId(eaten.events[0]), grams=Grams(5)), to="bolus_advisor")
        house.glucose("LOW")

    def line(self) -> None:
        house = self.house
        house.post(OrderBolus(amount=MilliUnits(1_000), confirmed=True), to="bolus_advisor")
        house.services[Speaker("bolus_advisor")].step()
        house.line_is_cut = True
        house.run(ms=30 * MINUTE_MS)
        house.line_is_cut = False
        house.run(ms=10 * MINUTE_MS)

    def watchers(self) -> None:
        house = self.house
        house.ask(ReportStorage(free_mib=100), to="historian")
        house.ask(ReportStorage(free_mib=10_000), to="historian")
        house.ask(ReportProcess(process="actuator", state="down"), to="historian")
        house.ask(ReportProcess(process="actuator", state="up"), to="historian")
        house.post_bytes(b"{", SuspendDelivery(), to="actuator")
        house.run(ms=HOUR_MS)
        for name in sorted(house.stores):
            for alarm in house.view(name).alarms:
                house.ask(AcknowledgeAlarm(alarm=alarm.alarm), to=name)
