"""What a person must be told: each alarm weakened or silenced, and seen to be missing."""

from typing import Any, get_args

import msgspec
import pytest

import core.deciders.glucose.alert_annunciation
import core.deciders.glucose.alert_conditions
import core.kernel.alarm_catalogue
import core.kernel.alarms
import core.kernel.shared_decisions
import core.pump.machine
import core.pump.physics
import core.record.event_sentences
import services.supervisor.screen.event_lines
import services.virtual_pump.controller
from core.pump.memory import PumpFaultName, PumpMemory, PumpStep
from schemas.alarms import AlarmRaised
from schemas.bolus.orders import OrderBolus
from schemas.delivery.mechanism import ClearPumpFault, OcclusionReleased
from schemas.glucose import RecordReading
from schemas.record import MessageQuarantined
from schemas.units import HOUR_MS, MINUTE_MS, MilliUnits, UtcMillis
from services.virtual_pump.fault_script import ScriptedFault
from support.simulated.fake_system import FakeSystem
from support.simulated.mutant_pairs import Check, Patch, Weaken, is_caught


def ready(*faults: ScriptedFault) -> FakeSystem:
    system = FakeSystem(faults=faults)
    system.set_up()
    return system


def sensor(system: FakeSystem, value: str) -> None:
    reading = RecordReading(
        measured_at=system.clock.now().therapy,
        source="sensor",
        unit="mg/dL",
        received=value,
        device="cgm",
    )
    system.ask(reading, to="glucose_ingest")


def a_weak_battery_is_told() -> bool:
    system = ready(ScriptedFault(fault="battery", from_odometer=MilliUnits(50), percent=15))
    system.run(ms=2 * HOUR_MS)
    return "battery_low" in {one.alarm for one in system.view("actuator").alarms}


def knows_no_weak_battery(patch: Patch) -> None:
    patch.setattr(services.virtual_pump.controller, "BATTERY_LOW_PERCENT", 0)


def what_the_pump_knows_the_person_sees() -> bool:
    system = ready()
    system.order(500)
    system.run(ms=10 * MINUTE_MS)
    system.restart("actuator")
    system.run(ms=MINUTE_MS)
    return bool(system.view("actuator").reservoir == system.pump.host.memory.reservoir)


def tells_an_old_status(patch: Patch) -> None:
    status = core.pump.machine.status

    def old(memory: PumpMemory, **given: Any) -> Any:
        return msgspec.structs.replace(status(memory, **given), reservoir=MilliUnits(200_000))

    patch.setattr(core.pump.machine, "status", old)


def a_sensor_that_falls_silent_is_told() -> bool:
    system = ready()
    sensor(system, "120")
    system.run(ms=30 * MINUTE_MS)
    return "glucose_missing" in {one.alarm for one in system.view("glucose_ingest").alarms}


def misses_no_reading(patch: Patch) -> None:
    _never(patch, "glucose_missing")


def _never(patch: Patch, name: str) -> None:
    tests = tuple(
        (one, (lambda *_: False) if one == name else test)
        for one, test in core.deciders.glucose.alert_conditions._TESTS
    )
    patch.setattr(core.deciders.glucose.alert_conditions, "_TESTS", tests)


def a_low_that_stays_sounds_again() -> bool:
    system = ready()
    for _ in range(8):
        sensor(system, "60")
        system.run(ms=5 * MINUTE_MS)
    said = [type(event).__name__ for event in system.said("glucose_ingest")]
    return "AlarmRepeated" in said


def sounds_once(patch: Patch) -> None:
    patch.setattr(
        core.deciders.glucose.alert_annunciation, "_go_on", lambda one, *_, **__: (one, None)
    )


def each_fault_has_an_alarm_of_its_own() -> bool:
    known = {
        core.kernel.alarm_catalogue.condition_of(fault).alarm for fault in get_args(PumpFaultName)
    }
    return known == set(get_args(PumpFaultName))


def knows_no_fault_by_name(patch: Patch) -> None:
    patch.setattr(core.kernel.alarm_catalogue, "PUMP_ALARMS", {})


IEC = {
    ("irreversible", "immediate"): "high",
    ("irreversible", "prompt"): "high",
    ("irreversible", "delayed"): "medium",
    ("reversible", "immediate"): "high",
    ("reversible", "prompt"): "medium",
    ("reversible", "delayed"): "low",
    ("minor", "immediate"): "medium",
    ("minor", "prompt"): "low",
    ("minor", "delayed"): "low",
}
"""[-] IEC 60601-1-8, table 201, copied a second time."""


def priorities_are_those_of_the_norm() -> bool:
    alarms = core.kernel.alarm_catalogue.PUMP_ALARMS.values()
    looked_up = all(one.priority == IEC[one.severity, one.onset] for one in alarms)
    down = core.kernel.alarm_catalogue.process_down("virtual_pump", why="")
    return looked_up and down.priority == "high" and core.kernel.alarms.PRIORITY == IEC


def plays_a_danger_down(patch: Patch) -> None:
    patch.setitem(core.kernel.alarms.PRIORITY, ("reversible", "immediate"), "low")


def each_alarm_is_a_line_for_whoever_looks() -> bool:
    raised = AlarmRaised(alarm="occlusion", priority="high", to="person", text="It is blocked.")
    line = services.supervisor.screen.event_lines.describe(raised, at=UtcMillis(0), zone="UTC")
    return line is not None and "It is blocked." in line.text


def shows_no_alarm(patch: Patch) -> None:
    patch.setattr(core.record.event_sentences, "_of_the_rest", lambda *_: "")


def one_low_is_one_alarm_until_it_is_over() -> bool:
    system = ready()
    for value in ("60", "78", "60"):
        system.glucose(value)
        system.run(ms=5 * MINUTE_MS)
    raised = [e for e in system.said_of("glucose_ingest", AlarmRaised) if e.alarm == "glucose_low"]
    return len(raised) == 2


def hears_no_end_of_a_low(patch: Patch) -> None:
    tests = tuple(
        (one, (lambda *_: True) if one == "glucose_low" else test)
        for one, test in core.deciders.glucose.alert_conditions._TESTS
    )
    patch.setattr(core.deciders.glucose.alert_conditions, "_TESTS", tests)


def what_a_blocked_line_releases_is_told() -> bool:
    system = ready(ScriptedFault(fault="occlusion", from_odometer=MilliUnits(0)))
    system.order(5_000)
    system.run(ms=HOUR_MS)
    system.ask(ClearPumpFault(because="set changed"), to="actuator")
    system.run(ms=MINUTE_MS)
    return bool(system.said_of("actuator", OcclusionReleased))


def releases_in_silence(patch: Patch) -> None:
    clear = core.pump.physics.clear

    def silent(memory: PumpMemory, **given: Any) -> PumpStep:
        return clear(msgspec.structs.replace(memory, backlog=MilliUnits(0)), **given)

    patch.setattr(core.pump.physics, "clear", silent)


def an_order_by_nobody_is_set_aside() -> bool:
    system = ready()
    order = OrderBolus(amount=MilliUnits(500))
    system.post_bytes(b'{"id":"x"}', order, to="bolus_advisor")
    system.settle()
    system.run(ms=5 * MINUTE_MS)
    aside = system.said_of("bolus_advisor", MessageQuarantined)
    alarms = {one.alarm for one in system.view("bolus_advisor").alarms}
    return len(aside) == 1 and "message_quarantined" in alarms


def sets_aside_in_silence(patch: Patch) -> None:
    patch.setattr(core.kernel.shared_decisions, "raise_alarm", lambda *_: ())


BREAKS_BY = (AssertionError, ArithmeticError, RuntimeError, ValueError)
"""[-] errors by which a check may break."""

PAIRS: list[tuple[Check, Weaken]] = [
    (a_weak_battery_is_told, knows_no_weak_battery),
    (what_the_pump_knows_the_person_sees, tells_an_old_status),
    (a_sensor_that_falls_silent_is_told, misses_no_reading),
    (a_low_that_stays_sounds_again, sounds_once),
    (each_fault_has_an_alarm_of_its_own, knows_no_fault_by_name),
    (priorities_are_those_of_the_norm, plays_a_danger_down),
    (each_alarm_is_a_line_for_whoever_looks, shows_no_alarm),
    (one_low_is_one_alarm_until_it_is_over, hears_no_end_of_a_low),
    (what_a_blocked_line_releases_is_told, releases_in_silence),
    (an_order_by_nobody_is_set_aside, sets_aside_in_silence),
]


@pytest.mark.parametrize("check", [check for check, _ in PAIRS], ids=lambda one: one.__name__)
def test_the_mechanism_holds(check: Check) -> None:
    """As built, the property holds."""
    assert check()


@pytest.mark.parametrize(("check", "weaken"), PAIRS, ids=[weaken.__name__ for _, weaken in PAIRS])
def test_the_mutant_is_caught(check: Check, weaken: Weaken, monkeypatch: Patch) -> None:
    """With the mechanism weakened the property must break, or the check proves nothing."""
    assert is_caught(check, weaken, monkeypatch, breaks_by=BREAKS_BY)
