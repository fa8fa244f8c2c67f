"""The pump's mechanism through the whole system: faults, alarms, primes, what was missed."""

from typing import Any

import pytest

import core.deciders.delivery.decider
import core.deciders.delivery.pump_sync.mechanism
from core.kernel.alarm_catalogue import PUMP_ALARMS, condition_of
from core.kernel.alarms import PRIORITY
from schemas.alarms import AcknowledgeAlarm, AlarmRaised, AlarmRepeated
from schemas.delivery.delivery import BasalDelivered, BolusRefused, BolusStopped, CancelBolus
from schemas.delivery.mechanism import (
    BasalMissed,
    ClearPumpFault,
    MechanismRefused,
    MotorRanUnasked,
    OcclusionReleased,
    PrimePump,
    PumpFaultCleared,
    PumpFaulted,
    PumpPrimed,
)
from schemas.delivery.pump import FillReservoir, ResumeDelivery, SuspendDelivery
from schemas.units import HOUR_MS, MINUTE_MS, MilliUnits, Speaker
from services.virtual_pump.fault_script import ScriptedFault
from support.simulated.fake_system import FakeSystem


def a_system(*faults: ScriptedFault) -> FakeSystem:
    system = FakeSystem(faults=faults)
    system.set_up()
    return system


def alarms(system: FakeSystem) -> list[str]:
    return [one.alarm for one in system.view("actuator").alarms]


def fault(name: Any, at: int = 500, **fields: Any) -> ScriptedFault:
    return ScriptedFault(fault=name, from_odometer=MilliUnits(at), **fields)


@pytest.mark.requirement("R64")
@pytest.mark.requirement("R70")
@pytest.mark.requirement("R66")
@pytest.mark.parametrize(
    "name",
    [
        "motor_stuck",
        "air_in_line",
        "overheated",
        "reservoir_missing",
        "battery_depleted",
        "motor_unasked",
        "memory_flipped",
        "self_test_failed",
    ],
)
def test_a_fault_stops_the_motor_is_alarmed_and_stands_until_it_is_cleared(name: str) -> None:
    """One cause, one alarm; no insulin flows; the bolus ends with what it gave."""
    at = 0 if name == "self_test_failed" else 500
    system = a_system(fault(name, at, amount=MilliUnits(200)))
    system.order(2_000)
    system.run(ms=HOUR_MS)
    stood = system.odometer
    system.run(ms=HOUR_MS)

    (faulted,) = system.said_of("actuator", PumpFaulted)
    known = "memory_broken" if name == "memory_flipped" else name
    assert known == faulted.fault
    assert 1 == [a.alarm for a in system.said_of("actuator", AlarmRaised)].count(known)
    assert stood == system.odometer == system.accounted()
    assert 0 == system.view("actuator").rate
    system.order(500)
    system.run(ms=MINUTE_MS)
    assert "pump_fault" == system.said_of("actuator", BolusRefused)[-1].reason


@pytest.mark.requirement("R48")
@pytest.mark.requirement("R73")
def test_an_occlusion_is_cleared_by_a_person_and_what_it_held_back_is_told() -> None:
    """Counted when it was pressed in; bounded; basal missed meanwhile is named, not made up."""
    system = a_system(fault("occlusion"))
    system.order(5_000)
    system.run(ms=HOUR_MS)
    (stopped,) = system.said_of("actuator", BolusStopped)
    cleared = system.ask(ClearPumpFault(because="set changed"), to="actuator")
    system.run(ms=HOUR_MS)

    assert ("occlusion", True) == (stopped.reason, cleared.accepted)
    (released,) = system.said_of("actuator", OcclusionReleased)
    assert 0 < released.amount <= 3_000
    assert ["occlusion"] == [e.fault for e in system.said_of("actuator", PumpFaultCleared)]
    (missed,) = system.said_of("actuator", BasalMissed)
    assert ("fault", True) == (missed.reason, 600 <= missed.amount <= 1_000)
    assert "occlusion" not in alarms(system)
    assert system.odometer == system.accounted()
    assert system.order(500).accepted


@pytest.mark.requirement("R69")
def test_the_third_time_in_ten_minutes_the_motor_stays_off() -> None:
    """Deliver, alarm, clear, deliver: three rounds, then somebody must change the set."""
    system = a_system(fault("motor_stuck", 0, stubborn=True))
    system.run(ms=5 * MINUTE_MS)
    reasons = []
    for _ in range(3):
        reasons.append(system.ask(ClearPumpFault(), to="actuator").reason)
        system.order(500)
        system.run(ms=MINUTE_MS)
    system.run(ms=10 * MINUTE_MS)
    later = system.ask(ClearPumpFault(), to="actuator")

    assert ["", "", "repeated_fault"] == reasons
    assert "repeated_fault" in [a.alarm for a in system.said_of("actuator", AlarmRaised)]
    assert later.accepted


def test_the_mutant_that_clears_for_ever_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the count of rounds the third one is cleared like the first."""
    monkeypatch.setattr(core.deciders.delivery.pump_sync.mechanism, "CYCLE_MS", -1)
    system = a_system(fault("motor_stuck", 0, stubborn=True))
    system.run(ms=5 * MINUTE_MS)
    for _ in range(2):
        system.ask(ClearPumpFault(), to="actuator")
        system.order(500)
        system.run(ms=MINUTE_MS)

    assert system.ask(ClearPumpFault(), to="actuator").accepted


@pytest.mark.requirement("R83")
def test_strokes_that_nobody_asked_for_count_in_every_limit_and_on_board() -> None:
    """Insulin is insulin."""
    system = a_system(fault("motor_unasked", 500, amount=MilliUnits(1_000)))
    system.run(ms=2 * HOUR_MS)

    (ran,) = system.said_of("actuator", MotorRanUnasked)
    assert 1_000 == ran.amount == system.view("actuator").bolus_total
    assert system.view("bolus_advisor").insulin_on_board_least > 0
    assert system.odometer == system.accounted()


@pytest.mark.requirement("R67")
@pytest.mark.requirement("R68")
def test_an_alarm_calls_again_louder_and_after_a_pause() -> None:
    """Nobody reacts: louder. Somebody has seen it: silent for ten minutes, not for ever."""
    system = a_system(fault("motor_stuck", 0))
    system.run(ms=70 * MINUTE_MS)
    repeated = [
        one for one in system.said_of("actuator", AlarmRepeated) if one.alarm == "motor_stuck"
    ]
    assert [2, 3, 4] == [one.count for one in repeated[:3]]
    assert ["medium", "medium", "high"] == [one.priority for one in repeated[:3]]
    system.ask(AcknowledgeAlarm(alarm="motor_stuck"), to="actuator")
    before = len(system.said_of("actuator", AlarmRepeated))
    system.run(ms=9 * MINUTE_MS)
    silent = len(system.said_of("actuator", AlarmRepeated)) - before
    system.run(ms=2 * MINUTE_MS)

    assert 0 == silent
    assert 1 == len(system.said_of("actuator", AlarmRepeated)) - before


def test_the_mutant_that_never_calls_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm that sounds once is missed once and for all."""
    monkeypatch.setattr(core.deciders.delivery.decider, "reannounce", lambda *_, **__: ())
    monkeypatch.setattr(core.deciders.delivery.decider, "reannounce_at", lambda *_: None)
    system = a_system(fault("motor_stuck", 0))
    system.run(ms=70 * MINUTE_MS)

    assert not system.said_of("actuator", AlarmRepeated)


@pytest.mark.requirement("R76")
def test_a_suspension_that_lasts_is_reminded_of_and_its_basal_named() -> None:
    """After 15 min, until somebody resumes; what was missed is shown."""
    system = a_system()
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=14 * MINUTE_MS)
    early = alarms(system)
    system.run(ms=46 * MINUTE_MS)
    late = alarms(system)
    system.ask(ResumeDelivery(), to="actuator")
    system.run(ms=5 * MINUTE_MS)

    assert ([], ["suspended_long"], []) == (early, late, alarms(system))
    (missed,) = system.said_of("actuator", BasalMissed)
    assert ("suspended", 800) == (missed.reason, missed.amount)


@pytest.mark.requirement("R74")
def test_a_set_is_changed_step_by_step_and_the_reservoir_adds_up() -> None:
    """Suspend, fill, prime, cannula, resume; primes are in the balance and on no board."""
    system = a_system()
    system.run(ms=HOUR_MS)
    early = system.ask(PrimePump(amount=MilliUnits(2_600), what="tube"), to="actuator")
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    for step in (
        FillReservoir(amount=MilliUnits(180_000)),
        PrimePump(amount=MilliUnits(2_600), what="tube"),
        PrimePump(amount=MilliUnits(500), what="cannula"),
        ResumeDelivery(),
    ):
        assert system.ask(step, to="actuator").accepted
        system.run(ms=MINUTE_MS)

    assert "not_suspended" == early.reason
    assert [("tube", 2_600), ("cannula", 500)] == [
        (e.what, e.amount) for e in system.said_of("actuator", PumpPrimed)
    ]
    view = system.view("actuator")
    assert (3_100, 0) == (view.primed_total, view.bolus_total)
    assert 180_000 - 3_100 - (view.reservoir or 0) in (0, 50)
    assert 0 == system.view("bolus_advisor").insulin_on_board_most
    assert system.odometer == system.accounted()
    assert "balance_broken" not in alarms(system)


def test_an_odometer_that_went_back_breaks_the_balance_and_is_found() -> None:
    """By the pump itself at its next self-test, by the actuator at its next look."""
    system = a_system(fault("odometer_back", 1_000, amount=MilliUnits(500)))
    system.run(ms=3 * HOUR_MS)

    found = {a.alarm for a in system.said_of("actuator", AlarmRaised)}
    assert found & {"balance_broken", "pump_doubted", "counts_differ"}
    assert system.accounted() >= system.odometer


@pytest.mark.requirement("R45")
@pytest.mark.requirement("R82")
@pytest.mark.parametrize("name", ["power_lost", "watchdog"])
def test_power_lost_in_mid_bolus_is_known_to_the_pulse(name: str) -> None:
    """The strokes before are on record, the rest never comes; a false watchdog is no other end."""
    system = a_system(fault(name, 1_000))
    system.order(3_000)
    system.run(ms=HOUR_MS)

    (stopped,) = system.said_of("actuator", BolusStopped)
    assert "power_lost" == stopped.reason
    assert system.odometer == system.accounted()


@pytest.mark.requirement("R64")
def test_a_bolus_broken_off_is_an_alarm_until_somebody_has_seen_it() -> None:
    """Half a meal's insulin, unnoticed, is an evening of high glucose."""
    system = a_system(fault("power_lost", 1_000))
    system.order(3_000)
    system.run(ms=HOUR_MS)

    assert ["bolus_broken_off"] == alarms(system)
    system.ask(AcknowledgeAlarm(alarm="bolus_broken_off"), to="actuator")
    assert [] == alarms(system)


@pytest.mark.requirement("R76")
def test_an_empty_reservoir_gives_no_rate_and_what_it_missed_is_told_when_it_is_filled() -> None:
    """A rate that is shown and does not flow would be believed."""
    system = FakeSystem(fill_mu=2_000)
    system.set_up()
    system.run(ms=6 * HOUR_MS)

    assert ["reservoir_empty", "reservoir_low"] == sorted(alarms(system))
    assert 0 == system.view("actuator").rate
    system.ask(FillReservoir(amount=MilliUnits(100_000)), to="actuator")
    system.run(ms=HOUR_MS)

    (missed,) = system.said_of("actuator", BasalMissed)
    flowed = [one for one in system.said_of("actuator", BasalDelivered)]
    dry_at = next(one.ends_at for one in flowed if one.odometer == 2_000)
    assert ("reservoir_empty", dry_at) == (missed.reason, missed.starts_at)
    assert 800 * (missed.ends_at - dry_at) // HOUR_MS // 50 * 50 <= missed.amount
    assert system.view("actuator").rate > 0
    assert [] == alarms(system)


@pytest.mark.requirement("R64")
def test_a_bolus_that_a_person_stopped_is_no_alarm() -> None:
    """Whoever asked for it knows."""
    system = a_system()
    system.order(3_000)
    system.run(ms=30_000)
    system.ask(CancelBolus(), to="actuator")
    system.run(ms=HOUR_MS)

    assert ["cancelled"] == [e.reason for e in system.said_of("actuator", BolusStopped)]
    assert [] == alarms(system)


@pytest.mark.requirement("R51")
@pytest.mark.requirement("R56")
def test_a_weak_battery_is_told_and_basal_goes_on() -> None:
    """Early enough to do something about it."""
    system = a_system(fault("battery", 500, percent=15))
    system.run(ms=2 * HOUR_MS)
    before = system.odometer
    system.run(ms=HOUR_MS)

    assert ["battery_low"] == alarms(system)
    assert system.odometer > before


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (ClearPumpFault(), "no_fault"),
        (PrimePump(amount=MilliUnits(25), what="tube"), "out_of_range"),
        (PrimePump(amount=MilliUnits(75), what="tube"), "not_whole_pulses"),
    ],
)
def test_what_makes_no_sense_is_refused(command: Any, reason: str) -> None:
    """With a reason, and nothing moves."""
    system = a_system()
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)

    assert reason == system.ask(command, to="actuator").reason
    assert 0 == system.view("actuator").primed_total


def test_without_the_pump_nothing_is_cleared_or_primed() -> None:
    """An order into the void would be done when it suits nobody."""
    system = a_system(fault("motor_stuck", 0))
    system.run(ms=10 * MINUTE_MS)
    system.pump.loses = "request"
    system.services[Speaker("actuator")].step()
    assert not system.state("actuator").is_connected
    for command in (ClearPumpFault(), PrimePump(amount=MilliUnits(500), what="tube")):
        system.post(command, to="actuator")
    system.settle()

    refused = [e.reason for e in system.said_of("actuator", MechanismRefused)]
    assert ["pump_unreachable", "pump_unreachable"] == refused


@pytest.mark.requirement("R65")
def test_priorities_come_from_the_table_and_each_alarm_states_what_the_pump_does() -> None:
    """Looked up, not chosen."""
    for name, one in PUMP_ALARMS.items():
        assert name == one.alarm
        assert PRIORITY[one.severity, one.onset] == one.priority
    assert "high" == condition_of("something new").priority
    order = ["high", "high", "medium", "high", "medium", "low", "medium", "low", "low"]
    assert order == list(PRIORITY.values())
