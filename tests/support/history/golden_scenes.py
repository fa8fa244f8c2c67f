"""What golden histories are made of: short lives that say as many kinds of events as they can."""

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from core.deciders.registry import DECIDERS
from schemas.alarms import AcknowledgeAlarm, SnoozeAlarm
from schemas.basal.profiles import (
    CancelTemporaryRate,
    SetBasalProfile,
    SetBasalWeek,
    SetBasalZone,
    SetTemporaryRate,
)
from schemas.bolus.advice import AcceptAdvice, BolusAdvised, RecordCarbs, RequestAdvice
from schemas.bolus.orders import (
    OrderBolus,
    OrderPreset,
    RecordInjection,
    SetBolusPreset,
)
from schemas.corrections import CorrectCarbs, CorrectDose, VoidReading
from schemas.delivery.clock_check import ConfirmTime
from schemas.delivery.delivery import CancelBolus
from schemas.delivery.mechanism import ClearPumpFault, PrimePump
from schemas.delivery.pump import FillReservoir, ResumeDelivery, SuspendDelivery, TakePump
from schemas.delivery.unresolved_doses import AcceptPumpCount, SettleDose
from schemas.glucose import GlucoseForecast, RecordReading, SetGlucoseAlerts
from schemas.message import Command, Event, Outcome
from schemas.record import (
    ClockChanged,
    ForkFound,
    HistoryLost,
    ReportProcess,
    ReportStorage,
    SettleHistory,
)
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    DoseId,
    EventId,
    Grams,
    MgDl,
    Milliseconds,
    MilliUnits,
    Speaker,
    UtcMillis,
)
from services.bolus_advisor.order_signing_handler import OrderSigningHandler
from services.runtime.decider_host.processor import Reported
from services.runtime.platform.errors import PumpRefusedError
from services.runtime.process.stepper import finish
from services.virtual_pump.fault_script import ScriptedFault
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.changed_decider import changed
from support.simulated.fake_system import IDENTITY, LIMITS, PROFILE, PUMP, SETTINGS, FakeSystem
from support.simulated.signed_orders import STRANGER, pump_order, sign

BEFORE_SUMMER_TIME_ENDS = UtcMillis(1_792_882_800_000)
"""[ms] 2026-10-24T23:00Z: two hours later clocks in Berlin are set back."""

ADVISOR, ACTUATOR, SCHEDULER, INGEST, HISTORIAN = (
    "bolus_advisor",
    "actuator",
    "basal_scheduler",
    "glucose_ingest",
    "historian",
)


def therapy(system: FakeSystem) -> UtcMillis:
    return system.clock.now().therapy


def read(system: FakeSystem, value: str, source: Any = "sensor") -> Outcome:
    reading = RecordReading(
        measured_at=therapy(system), source=source, unit="mg/dL", received=value, device=source
    )
    return system.ask(reading, to=INGEST)


def eat(system: FakeSystem, grams: int, **spread: Any) -> Outcome:
    asked = system.ask(RequestAdvice(carbs=Grams(grams), **spread), to=ADVISOR)
    return system.ask(AcceptAdvice(advice=EventId(asked.events[0])), to=ADVISOR)


def spread(amount: int, hours: int, percent: int = 0) -> OrderBolus:
    return OrderBolus(
        amount=MilliUnits(amount), duration=Milliseconds(hours * HOUR_MS), now_percent=percent
    )


def night_of_the_clock_change() -> FakeSystem:
    """Readings, a low, a meal, a temporary rate and a restart while the clock is set back."""
    system = FakeSystem(start=BEFORE_SUMMER_TIME_ENDS)
    system.set_up()
    for value in (180, 190, 160, 110, 66, 50):
        read(system, str(value))
        system.run(ms=5 * MINUTE_MS)
    system.ask(SnoozeAlarm(alarm="glucose_low"), to=INGEST)
    system.run(ms=20 * MINUTE_MS)
    read(system, "95", "meter")
    eat(system, 30)
    half = SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS))
    system.ask(half, to=SCHEDULER)
    system.run(ms=2 * HOUR_MS)
    for name in system.stores:
        system.restart(name)
    system.run(ms=30 * MINUTE_MS)
    return system


def therapy_of_a_day() -> FakeSystem:
    """Boluses of every form, pen, presets, weeks, zones, pauses, a change of set."""
    system = FakeSystem()
    system.set_up()
    read(system, "150", "meter")
    eat(system, 60, duration=Milliseconds(HOUR_MS), now_percent=40)
    system.run(ms=10 * MINUTE_MS)
    system.ask(CancelBolus(), to=ACTUATOR)
    system.ask(spread(2_000, 1), to=ADVISOR)
    system.run(ms=5 * MINUTE_MS)
    for command, to in (
        (SetBolusPreset(name="snack", amount=MilliUnits(500)), ADVISOR),
        (OrderPreset(name="snack"), ADVISOR),
        (SetBasalProfile(name="rest", zone="Europe/Berlin", segments=PROFILE.segments), SCHEDULER),
        (SetBasalWeek(days=("test",) * 5 + ("rest",) * 2), SCHEDULER),
        (SetBasalZone(zone="America/New_York"), SCHEDULER),
        (SetTemporaryRate(percent=150, duration=Milliseconds(HOUR_MS)), SCHEDULER),
        (CancelTemporaryRate(), SCHEDULER),
        (SetGlucoseAlerts(high=MgDl(200)), INGEST),
        (RecordInjection(amount=MilliUnits(900), given_at=therapy(system)), ADVISOR),
        (RecordCarbs(grams=Grams(12), eaten_at=therapy(system)), ADVISOR),
        (SuspendDelivery(duration=Milliseconds(10 * MINUTE_MS)), ACTUATOR),
        (ReportStorage(free_mib=20), HISTORIAN),
        (ReportProcess(process="actuator", state="silent"), HISTORIAN),
    ):
        system.ask(command, to=to)
        system.run(ms=MINUTE_MS)
    system.run(ms=15 * MINUTE_MS)
    system.ask(SuspendDelivery(), to=ACTUATOR)
    system.run(ms=MINUTE_MS)
    for change in (
        FillReservoir(amount=MilliUnits(180_000)),
        PrimePump(amount=MilliUnits(500), what="cannula"),
        ResumeDelivery(),
    ):
        system.ask(change, to=ACTUATOR)
        system.run(ms=MINUTE_MS)
    return system


def record_corrected() -> FakeSystem:
    """Each correction, and each that is refused."""
    system = FakeSystem()
    system.set_up()
    wrong = read(system, "300", "meter").events[0]
    pen = RecordInjection(amount=MilliUnits(4_000), given_at=therapy(system))
    dose = DoseId(system.ask(pen, to=ADVISOR).events[0])
    meal = RecordCarbs(grams=Grams(90), eaten_at=therapy(system))
    eaten = system.ask(meal, to=ADVISOR).events[0]
    for _ in range(2):
        system.ask(VoidReading(reading=wrong, because="sugar"), to=INGEST)
        system.ask(CorrectDose(dose=dose, amount=MilliUnits(400)), to=ADVISOR)
        system.ask(CorrectCarbs(carbs=eaten, grams=Grams(9)), to=ADVISOR)
    read(system, "140", "meter")
    system.ask(RequestAdvice(carbs=Grams(20)), to=ADVISOR)
    return system


def refusals() -> FakeSystem:
    """What is asked and not done, by each service."""
    system = FakeSystem()
    at = therapy(system)
    asked: list[tuple[Command, str]] = [
        (RequestAdvice(carbs=Grams(10)), ADVISOR),
        (OrderBolus(amount=MilliUnits(1_000)), ADVISOR),
        (msgspec.structs.replace(PROFILE, segments=()), SCHEDULER),
        (SetBasalWeek(days=("none",) * 7), SCHEDULER),
        (SetBasalZone(zone="Moon/Base"), SCHEDULER),
        (SetTemporaryRate(percent=900, duration=Milliseconds(HOUR_MS)), SCHEDULER),
        (msgspec.structs.replace(SETTINGS, carb_ratios=()), ADVISOR),
        (SetBolusPreset(name="", amount=MilliUnits(1)), ADVISOR),
        (RecordCarbs(grams=Grams(999), eaten_at=at), ADVISOR),
        (RecordInjection(amount=MilliUnits(0), given_at=at), ADVISOR),
        (AcceptAdvice(advice=EventId("bolus_advisor:p1:99")), ADVISOR),
        (SetGlucoseAlerts(low=MgDl(1)), INGEST),
        (AcknowledgeAlarm(alarm="none"), INGEST),
        (msgspec.structs.replace(LIMITS, single=MilliUnits(1)), ACTUATOR),
        (CancelBolus(), ACTUATOR),
        (ClearPumpFault(), ACTUATOR),
        (AcceptPumpCount(), ACTUATOR),
        (SettleDose(dose=DoseId("x"), delivered=MilliUnits(0)), ACTUATOR),
        (SettleHistory(speaker=Speaker("actuator")), ADVISOR),
    ]
    for command, to in asked:
        system.ask(command, to=to)
    for value in ("LOW", "HIGH", "900", "green"):
        read(system, value)
        system.run(ms=MINUTE_MS)
    system.broker.put("basalt.p1.command.actuator.cancel_bolus", b"{}", {})
    system.settle()
    return system


def dose_in_doubt() -> FakeSystem:
    """The line is cut in mid-bolus: the dose is unknown until a person and then the pump tell.

    The clock of that pump is set two hours on.
    """
    clock = ScriptedFault(fault="clock_set", from_odometer=MilliUnits(500), ahead_ms=2 * HOUR_MS)
    system = FakeSystem(faults=(clock,))
    system.set_up()
    system.order(2_000)
    system.run(ms=20 * SECOND_MS)
    system.line_is_cut = True
    system.restart(ACTUATOR)
    system.settle()
    (open_one,) = system.state(ACTUATOR).doses.unknown
    word = SettleDose(dose=open_one.dose, delivered=MilliUnits(1_200), because="looked")
    system.ask(word, to=ACTUATOR)
    system.run(ms=10 * MINUTE_MS)
    system.line_is_cut = False
    system.run(ms=10 * MINUTE_MS)
    system.pump.loses = "request"
    system.services[Speaker(ACTUATOR)].step()
    system.run(ms=10 * MINUTE_MS)
    return system


def pump_in_trouble() -> FakeSystem:
    """A motor that moves by itself and an occlusion, each seen by somebody."""
    moved = ScriptedFault(
        fault="motor_unasked", from_odometer=MilliUnits(1_000), amount=MilliUnits(100)
    )
    blocked = ScriptedFault(fault="occlusion", from_odometer=MilliUnits(3_000))
    system = FakeSystem(faults=(moved, blocked))
    system.set_up()
    for amount in (1_500, 3_000, 3_000):
        system.ask(ClearPumpFault(because="looked"), to=ACTUATOR)
        system.order(amount)
        system.run(ms=10 * MINUTE_MS)
    for alarm in system.view(ACTUATOR).alarms:
        system.ask(AcknowledgeAlarm(alarm=alarm.alarm), to=ACTUATOR)
    system.ask(ClearPumpFault(because="set changed"), to=ACTUATOR)
    system.run(ms=30 * MINUTE_MS)
    return system


def pump_in_other_hands() -> FakeSystem:
    """Forged orders at its line, a memory put back from a copy, nobody who signs, a rival."""
    system = FakeSystem()
    system.set_up()
    status = finish(system.pump.read(after=10**9)).status
    forged = pump_order(status, dose=DoseId("bolus_advisor:p1:900"), amount=1_000)
    with suppress(PumpRefusedError):
        finish(system.pump.start_bolus(signed=sign(forged, signer=STRANGER)))
    system.run(ms=MINUTE_MS)
    older = copy.deepcopy(system.pump_store)
    system.run(ms=HOUR_MS)
    system.pump = FakePumpDevice(
        system.clock, identity=IDENTITY, store=older, fill=MilliUnits(200_000)
    )
    system.restart(ACTUATOR)
    system.run(ms=10 * MINUTE_MS)
    system.order(500)
    system.ask(AcceptPumpCount(because="put back"), to=ACTUATOR)
    system.run(ms=MINUTE_MS)
    system.services[Speaker(ADVISOR)]._effect_handler = OrderSigningHandler(None)
    system.order(500)
    system.run(ms=MINUTE_MS)
    finish(FakePumpDevice(system.clock, host=system.pump.host).claim())
    system.run(ms=30 * MINUTE_MS)
    system.ask(TakePump(because="the other one was a copy"), to=ACTUATOR)
    system.run(ms=10 * MINUTE_MS)
    return system


def record_in_trouble() -> FakeSystem:
    """A plan before any limit, a key that nobody trusts, a hole, a contradiction, another speed."""
    system = FakeSystem()
    system.ask(PROFILE, to=SCHEDULER)
    system.run(ms=MINUTE_MS)
    system.set_up()
    system.services[Speaker(ADVISOR)]._effect_handler = OrderSigningHandler(STRANGER)
    system.order(500)
    system.run(ms=HOUR_MS)
    read(system, "120")
    del system.services[Speaker(INGEST)]  # it would know that it never said a second thing
    lost = HistoryLost(speaker=INGEST, first=2, last=2)
    system.services[Speaker(ADVISOR)].put(Reported(PUMP, lost))
    system.settle()
    system.order(500)
    system.ask(SettleHistory(speaker=INGEST), to=ADVISOR)
    speed = ClockChanged(speed=60, therapy=therapy(system))
    system.services[Speaker(HISTORIAN)].put(Reported(PUMP, speed))
    forked = ForkFound(speaker=SCHEDULER, version=1, sha256="0" * 64)
    system.services[Speaker(ACTUATOR)].put(Reported(PUMP, forked))
    system.settle()
    system.order(500)
    system.run(ms=HOUR_MS)
    return system


def started_under_another_clock() -> FakeSystem:
    """Two starts of the machine, after each of which a person says what the time was."""
    system = FakeSystem()
    system.set_up()
    system.order(1_000)
    system.run(ms=10 * MINUTE_MS)
    for passed in (True, False):
        system.reboot(passed=5 * HOUR_MS)
        system.run(ms=10 * MINUTE_MS)
        read(system, "180")
        system.ask(RequestAdvice(carbs=Grams(0)), to=ADVISOR)
        system.order(500)
        system.run(ms=10 * MINUTE_MS)
        system.ask(ConfirmTime(passed=passed, because="looked"), to=ACTUATOR)
        system.run(ms=HOUR_MS)
    return system


SCENES: dict[str, Callable[[], FakeSystem]] = {
    "clock_change": night_of_the_clock_change,
    "therapy": therapy_of_a_day,
    "corrected": record_corrected,
    "refusals": refusals,
    "doubt": dose_in_doubt,
    "trouble": pump_in_trouble,
    "other_hands": pump_in_other_hands,
    "record_in_trouble": record_in_trouble,
    "another_clock": started_under_another_clock,
}
"""[-] scenes of a golden history by name."""


def written_by_bad_code() -> FakeSystem:
    """An advice with another amount, a forecast that is not said, and one that is said twice.

    The code was bad, not the disk: chains, numbers and links hold, and only deciding again tells.
    """
    decider = DECIDERS[Speaker(ADVISOR)]
    forecasts = 0

    def badly(*given: Any) -> tuple[Event, ...]:
        nonlocal forecasts
        said: list[Event] = []
        for event in decider.decide(*given):
            if isinstance(event, BolusAdvised):
                said.append(msgspec.structs.replace(event, amount=MilliUnits(event.amount + 500)))
                continue
            forecasts += isinstance(event, GlucoseForecast)
            if isinstance(event, GlucoseForecast) and forecasts == 2:
                continue
            said.append(event)
            if isinstance(event, GlucoseForecast) and forecasts == 3:
                said.append(event)
        return tuple(said)

    system = FakeSystem()
    system.services[decider.name].processor.decider = changed(decider, decide=badly)
    system.set_up()
    for value in ("140", "150", "160", "170"):
        read(system, value, "meter")
        system.run(ms=MINUTE_MS)
    system.ask(RequestAdvice(carbs=Grams(20)), to=ADVISOR)
    system.run(ms=MINUTE_MS)
    return system


BAD: dict[str, Callable[[], FakeSystem]] = {"bad": written_by_bad_code}
"""[-] the scene of the deliberately bad history."""
