"""The pump's mechanism through the whole house: faults, alarms, primes, what was missed."""

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
from support.simulated.fake_system import FakeHouse


def a_house(*faults: ScriptedFault) -> FakeHouse:
    house = FakeHouse(faults=faults)
    house.set_up()
    return house


def alarms(house: FakeHouse) -> list[str]:
    return [one.alarm for one in house.view("actuator").alarms]


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
    house = a_house(fault(name, at, amount=MilliUnits(200)))
    house.order(2_000)
    house.run(ms=HOUR_MS)
    stood = house.odometer
    house.run(ms=HOUR_MS)

    (faulted,) = house.said_of("actuator", PumpFaulted)
    known = "memory_broken" if name == "memory_flipped" else name
    assert known == faulted.fault
    assert 1 == [a.alarm for a in house.said_of("actuator", AlarmRaised)].count(known)
    assert stood == house.odometer == house.accounted()
    assert 0 == house.view("actuator").rate
    house.order(500)
    house.run(ms=MINUTE_MS)
    assert "pump_fault" == house.said_of("actuator", BolusRefused)[-1].reason


@pytest.mark.requirement("R48")
@pytest.mark.requirement("R73")
def test_an_occlusion_is_cleared_by_a_person_and_what_it_held_back_is_told() -> None:
    """Counted when it was pressed in; bounded; basal missed meanwhile is named, not made up."""
    house = a_house(fault("occlusion"))
    house.order(5_000)
    house.run(ms=HOUR_MS)
    (stopped,) = house.said_of("actuator", BolusStopped)
    cleared = house.ask(ClearPumpFault(because="set changed"), to="actuator")
    house.run(ms=HOUR_MS)

    assert ("occlusion", True) == (stopped.reason, cleared.accepted)
    (released,) = house.said_of("actuator", OcclusionReleased)
    assert 0 < released.amount <= 3_000
    assert ["occlusion"] == [e.fault for e in house.said_of("actuator", PumpFaultCleared)]
    (missed,) = house.said_of("actuator", BasalMissed)
    assert ("fault", True) == (missed.reason, 600 <= missed.amount <= 1_000)
    assert "occlusion" not in alarms(house)
    assert house.odometer == house.accounted()
    assert house.order(500).accepted


@pytest.mark.requirement("R69")
def test_the_third_time_in_ten_minutes_the_motor_stays_off() -> None:
    """Deliver, alarm, clear, deliver: three rounds, then somebody must change the set."""
    house = a_house(fault("motor_stuck", 0, stubborn=True))
    house.run(ms=5 * MINUTE_MS)
    reasons = []
    for _ in range(3):
        reasons.append(house.ask(ClearPumpFault(), to="actuator").reason)
        house.order(500)
        house.run(ms=MINUTE_MS)
    house.run(ms=10 * MINUTE_MS)
    later = house.ask(ClearPumpFault(), to="actuator")

    assert ["", "", "repeated_fault"] == reasons
    assert "repeated_fault" in [a.alarm for a in house.said_of("actuator", AlarmRaised)]
    assert later.accepted


def test_the_mutant_that_clears_for_ever_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the count of rounds the third one is cleared like the first."""
    monkeypatch.setattr(core.deciders.delivery.pump_sync.mechanism, "CYCLE_MS", -1)
    house = a_house(fault("motor_stuck", 0, stubborn=True))
    house.run(ms=5 * MINUTE_MS)
    for _ in range(2):
        house.ask(ClearPumpFault(), to="actuator")
        house.order(500)
        house.run(ms=MINUTE_MS)

    assert house.ask(ClearPumpFault(), to="actuator").accepted


@pytest.mark.requirement("R83")
def test_strokes_that_nobody_asked_for_count_in_every_limit_and_on_board() -> None:
    """Insulin is insulin."""
    house = a_house(fault("motor_unasked", 500, amount=MilliUnits(1_000)))
    house.run(ms=2 * HOUR_MS)

    (ran,) = house.said_of("actuator", MotorRanUnasked)
    assert 1_000 == ran.amount == house.view("actuator").bolus_total
    assert house.view("bolus_advisor").insulin_on_board_least > 0
    assert house.odometer == house.accounted()


@pytest.mark.requirement("R67")
@pytest.mark.requirement("R68")
def test_an_alarm_calls_again_louder_and_after_a_pause() -> None:
    """Nobody reacts: louder. Somebody has seen it: silent for ten minutes, not for ever."""
    house = a_house(fault("motor_stuck", 0))
    house.run(ms=70 * MINUTE_MS)
    repeated = [
        one for one in house.said_of("actuator", AlarmRepeated) if one.alarm == "motor_stuck"
    ]
    assert [2, 3, 4] == [one.count for one in repeated[:3]]
    assert ["medium", "medium", "high"] == [one.priority for one in repeated[:3]]
    house.ask(AcknowledgeAlarm(alarm="motor_stuck"), to="actuator")
    before = len(house.said_of("actuator", AlarmRepeated))
    house.run(ms=9 * MINUTE_MS)
    silent = len(house.said_of("actuator", AlarmRepeated)) - before
    house.run(ms=2 * MINUTE_MS)

    assert 0 == silent
    assert 1 == len(house.said_of("actuator", AlarmRepeated)) - before


def test_the_mutant_that_never_calls_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm that sounds once is missed once and for all."""
    monkeypatch.setattr(core.deciders.delivery.decider, "calls", lambda *_, **__: ())
    monkeypatch.setattr(core.deciders.delivery.decider, "call_at", lambda *_: None)
    house = a_house(fault("motor_stuck", 0))
    house.run(ms=70 * MINUTE_MS)

    assert not house.said_of("actuator", AlarmRepeated)


@pytest.mark.requirement("R76")
def test_a_suspension_that_lasts_is_reminded_of_and_its_basal_named() -> None:
    """After 15 min, until somebody resumes; what was missed is shown."""
    house = a_house()
    house.ask(SuspendDelivery(), to="actuator")
    house.run(ms=14 * MINUTE_MS)
    early = alarms(house)
    house.run(ms=46 * MINUTE_MS)
    late = alarms(house)
    house.ask(ResumeDelivery(), to="actuator")
    house.run(ms=5 * MINUTE_MS)

    assert ([], ["suspended_long"], []) == (early, late, alarms(house))
    (missed,) = house.said_of("actuator", BasalMissed)
    assert ("suspended", 800) == (missed.reason, missed.amount)


@pytest.mark.requirement("R74")
def test_a_set_is_changed_step_by_step_and_the_reservoir_adds_up() -> None:
    """Suspend, fill, prime, cannula, resume; primes are in the balance and on no board."""
    house = a_house()
    house.run(ms=HOUR_MS)
    early = house.ask(PrimePump(amount=MilliUnits(2_600), what="tube"), to="actuator")
    house.ask(SuspendDelivery(), to="actuator")
    house.run(ms=MINUTE_MS)
    for step in (
        FillReservoir(amount=MilliUnits(180_000)),
        PrimePump(amount=MilliUnits(2_600), what="tube"),
        PrimePump(amount=MilliUnits(500), what="cannula"),
        ResumeDelivery(),
    ):
        assert house.ask(step, to="actuator").accepted
        house.run(ms=MINUTE_MS)

    assert "not_suspended" == early.reason
    assert [("tube", 2_600), ("cannula", 500)] == [
        (e.what, e.amount) for e in house.said_of("actuator", PumpPrimed)
    ]
    view = house.view("actuator")
    assert (3_100, 0) == (view.primed_total, view.bolus_total)
    assert 180_000 - 3_100 - (view.reservoir or 0) in (0, 50)
    assert 0 == house.view("bolus_advisor").insulin_on_board_most
    assert house.odometer == house.accounted()
    assert "balance_broken" not in alarms(house)


def test_an_odometer_that_went_back_breaks_the_balance_and_is_found() -> None:
    """By the pump itself at its next self-test, by the actuator at its next look."""
    house = a_house(fault("odometer_back", 1_000, amount=MilliUnits(500)))
    house.run(ms=3 * HOUR_MS)

    found = {a.alarm for a in house.said_of("actuator", AlarmRaised)}
    assert found & {"balance_broken", "pump_doubted", "counts_differ"}
    assert house.accounted() >= house.odometer


@pytest.mark.requirement("R45")
@pytest.mark.requirement("R82")
@pytest.mark.parametrize("name", ["power_lost", "watchdog"])
def test_power_lost_in_mid_bolus_is_known_to_the_pulse(name: str) -> None:
    """The strokes before are on record, the rest never comes; a false watchdog is no other end."""
    house = a_house(fault(name, 1_000))
    house.order(3_000)
    house.run(ms=HOUR_MS)

    (stopped,) = house.said_of("actuator", BolusStopped)
    assert "power_lost" == stopped.reason
    assert house.odometer == house.accounted()


@pytest.mark.requirement("R64")
def test_a_bolus_broken_off_is_an_alarm_until_somebody_has_seen_it() -> None:
    """Half a meal's insulin, unnoticed, is an evening of high glucose."""
    house = a_house(fault("power_lost", 1_000))
    house.order(3_000)
    house.run(ms=HOUR_MS)

    assert ["bolus_broken_off"] == alarms(house)
    house.ask(AcknowledgeAlarm(alarm="bolus_broken_off"), to="actuator")
    assert [] == alarms(house)


@pytest.mark.requirement("R76")
def test_an_empty_reservoir_gives_no_rate_and_what_it_missed_is_told_when_it_is_filled() -> None:
    """A rate that is shown and does not flow would be believed."""
    house = FakeHouse(fill_mu=2_000)
    house.set_up()
    house.run(ms=6 * HOUR_MS)

    assert ["reservoir_empty", "reservoir_low"] == sorted(alarms(house))
    assert 0 == house.view("actuator").rate
    house.ask(FillReservoir(amount=MilliUnits(100_000)), to="actuator")
    house.run(ms=HOUR_MS)

    (missed,) = house.said_of("actuator", BasalMissed)
    flowed = [one for one in house.said_of("actuator", BasalDelivered)]
    dry_at = next(one.ends_at for one in flowed if one.odometer == 2_000)
    assert ("reservoir_empty", dry_at) == (missed.reason, missed.starts_at)
    assert 800 * (missed.ends_at - dry_at) // HOUR_MS // 50 * 50 <= missed.amount
    assert house.view("actuator").rate > 0
    assert [] == alarms(house)


@pytest.mark.requirement("R64")
def test_a_bolus_that_a_person_stopped_is_no_alarm() -> None:
    """Whoever asked for it knows."""
    house = a_house()
    house.order(3_000)
    house.run(ms=30_000)
    house.ask(CancelBolus(), to="actuator")
    house.run(ms=HOUR_MS)

    assert ["cancelled"] == [e.reason for e in house.said_of("actuator", BolusStopped)]
    assert [] == alarms(house)


@pytest.mark.requirement("R51")
@pytest.mark.requirement("R56")
def test_a_weak_battery_is_told_and_basal_goes_on() -> None:
    """Early enough to do something about it."""
    house = a_house(fault("battery", 500, percent=15))
    house.run(ms=2 * HOUR_MS)
    before = house.odometer
    house.run(ms=HOUR_MS)

    assert ["battery_low"] == alarms(house)
    assert house.odometer > before


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
    house = a_house()
    house.ask(SuspendDelivery(), to="actuator")
    house.run(ms=MINUTE_MS)

    assert reason == house.ask(command, to="actuator").reason
    assert 0 == house.view("actuator").primed_total


def test_without_the_pump_nothing_is_cleared_or_primed() -> None:
    """An order into the void would be done when it suits nobody."""
    house = a_house(fault("motor_stuck", 0))
    house.run(ms=10 * MINUTE_MS)
    house.pump.loses = "request"
    house.services[Speaker("actuator")].step()
    assert not house.state("actuator").is_connected
    for command in (ClearPumpFault(), PrimePump(amount=MilliUnits(500), what="tube")):
        house.post(command, to="actuator")
    house.settle()

    refused = [e.reason for e in house.said_of("actuator", MechanismRefused)]
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
