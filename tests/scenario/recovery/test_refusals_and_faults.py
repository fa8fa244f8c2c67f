"""Everything that is refused has its reason, and every fault of the record is told."""

from typing import Any

import msgspec
import pytest

from core.deciders.basal.state import BasalState
from schemas.alarms import AcknowledgeAlarm, AlarmAcknowledged, AlarmCleared, AlarmRaised
from schemas.basal.profiles import (
    BasalProfileRefused,
    BasalWeekRefused,
    BasalWeekSet,
    BasalZoneRefused,
    SetBasalWeek,
    SetBasalZone,
)
from schemas.bolus.advice import RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.delivery.pump import PumpControlLost, PumpLost
from schemas.record import (
    CheckpointMade,
    HistoryLost,
    HistoryMissing,
    RuntimeFault,
    SettleHistory,
    SpeedChanged,
)
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Grams,
    MilliUnits,
    Speaker,
    UtcMillis,
)
from services.runtime.decider_host.processor import Reported
from services.runtime.platform.clock import FakeClock
from services.runtime.process.stepper import finish
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import (
    IDENTITY,
    PROFILE,
    PUMP,
    FakeSystem,
)


def changed(whole: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(whole, **fields)


def test_a_profile_in_an_unknown_zone_never_comes_into_force(system: FakeSystem) -> None:
    """Whatever sent it, the old profile goes on."""
    system.ask(changed(PROFILE, name="moon", zone="Moon/Crater"), to="basal_scheduler")
    system.run(ms=MINUTE_MS)

    assert ["unknown_zone"] == [
        event.reason for event in system.said_of("basal_scheduler", BasalProfileRefused)
    ]
    assert "test" == system.view("basal_scheduler").profile


@pytest.mark.requirement("R71")
def test_a_low_alarm_is_raised_once_acknowledged_once_and_cleared_with_its_cause(
    system: FakeSystem,
) -> None:
    """One cause, one alarm; seen is not gone."""
    for value in ("65", "60", "66"):
        system.glucose(value)
        system.run(ms=5 * MINUTE_MS)
    acknowledge = AcknowledgeAlarm(alarm="glucose_low")
    assert system.ask(acknowledge, to="glucose_ingest").accepted
    assert "already_acknowledged" == system.ask(acknowledge, to="glucose_ingest").reason
    assert ["person:test"] == [
        alarm.acknowledged_by for alarm in system.view("glucose_ingest").alarms
    ]
    system.glucose("74")
    assert system.view("glucose_ingest").alarms
    system.run(ms=MINUTE_MS)
    system.glucose("75")

    assert () == system.view("glucose_ingest").alarms
    for kind in (AlarmRaised, AlarmAcknowledged, AlarmCleared):
        assert 1 == len(system.said_of("glucose_ingest", kind)), kind


@pytest.mark.parametrize(
    ("value", "alarms"),
    [
        ("LOW", {"glucose_urgent_low", "glucose_low"}),
        ("53", {"glucose_urgent_low", "glucose_low"}),
        ("54", {"glucose_low"}),
        ("70", set()),
        ("250", set()),
        ("251", {"glucose_high"}),
        ("HIGH", {"glucose_high"}),
    ],
)
def test_thresholds_are_exact(system: FakeSystem, value: str, alarms: set[str]) -> None:
    """LOW and HIGH lie beyond every threshold."""
    system.glucose(value)

    assert alarms == {alarm.alarm for alarm in system.view("glucose_ingest").alarms}


def test_a_reading_is_taken_once(system: FakeSystem) -> None:
    """Back-fill repeats itself; totals must not."""
    system.glucose("120")

    assert "duplicate" == system.glucose("121").reason
    assert 1 == system.view("glucose_ingest").readings


def test_events_lost_for_good_stop_boluses_until_a_person_settles_it(
    system: FakeSystem,
) -> None:
    """A hole in what is known is not a zero (Loop #2166); a person may take it upon themselves."""
    del system.services[Speaker("glucose_ingest")]
    lost = HistoryLost(speaker="glucose_ingest", first=1, last=1)
    system.services[Speaker("bolus_advisor")].put(Reported(PUMP, lost))
    system.settle()
    order = OrderBolus(amount=MilliUnits(500))

    assert 1 == len(system.said_of("bolus_advisor", HistoryMissing))
    assert "history_missing" == system.ask(order, to="bolus_advisor").reason
    assert system.ask(SettleHistory(speaker="glucose_ingest"), to="bolus_advisor").accepted
    assert system.ask(order, to="bolus_advisor").accepted


def test_a_fault_of_the_surroundings_is_an_alarm_for_the_operator(system: FakeSystem) -> None:
    """What the bus library only whispers is told."""
    fault = RuntimeFault(fault="bus_error", detail="permissions violation")
    for _ in range(3):
        system.services[Speaker("historian")].put(Reported(PUMP, fault))
        system.settle()

    raised = system.said_of("historian", AlarmRaised)
    assert ["runtime_bus_error"] == [alarm.alarm for alarm in raised]
    seen = AcknowledgeAlarm(alarm="runtime_bus_error")
    assert system.ask(seen, to="historian").accepted
    assert () == system.view("historian").alarms


def test_a_change_of_speed_is_an_event(system: FakeSystem) -> None:
    """Who reads the record later must know how fast time ran."""
    system.run(ms=MINUTE_MS)
    before = system.clock.now()
    system.clock = FakeClock(therapy=before.therapy, speed=60)
    system.pump = FakePumpDevice(system.clock, identity=IDENTITY, store=system.pump_store)
    for name in list(system.services):
        system.restart(name)
    system.settle()

    assert [60] == [event.speed for event in system.said_of("historian", SpeedChanged)]


@pytest.mark.requirement("R87")
def test_a_clock_that_went_back_is_told(system: FakeSystem) -> None:
    """Time stands still until it is caught up, and somebody learns why."""
    system.run(ms=HOUR_MS)
    system.clock = FakeClock(therapy=UtcMillis(system.clock.now().therapy - DAY_MS))
    system.restart("historian")
    system.services[Speaker("historian")].step()

    assert "runtime_clock_went_back" in [
        alarm.alarm for alarm in system.said_of("historian", AlarmRaised)
    ]


@pytest.mark.requirement("R43")
def test_a_controller_that_lost_the_pump_stays_silent(system: FakeSystem) -> None:
    """Two actuators alive: the pump obeys the newer one, the older one knows it."""
    rival = FakePumpDevice(system.clock, host=system.pump.host)
    finish(rival.claim())
    system.run(ms=HOUR_MS)

    assert 1 == len(system.said_of("actuator", PumpControlLost))
    order = OrderBolus(amount=MilliUnits(500))
    system.ask(order, to="bolus_advisor")
    system.run(ms=MINUTE_MS)
    assert 0 == system.view("actuator").bolus_total


@pytest.mark.requirement("R43")
def test_a_superseded_controller_does_not_take_the_pump_back(system: FakeSystem) -> None:
    """After a silence the older of two must find out first, or both would drive in turns."""
    rival = FakePumpDevice(system.clock, host=system.pump.host)
    system.pump.loses = "request"
    system.services[Speaker("actuator")].step()
    finish(rival.claim())
    epoch = finish(rival.read(after=0)).status.epoch
    system.run(ms=HOUR_MS)

    assert epoch == finish(rival.read(after=0)).status.epoch
    assert 1 == len(system.said_of("actuator", PumpControlLost))


def lose_the_answer_to_a_claim(system: FakeSystem) -> None:
    """The pump keeps the new epoch and loses power before it answers."""
    original = system.pump.claim

    async def claim() -> Any:
        system.pump.loses = "answer"
        system.pump.claim = original  # type: ignore[method-assign]  # once
        return await original()

    system.pump.claim = claim  # type: ignore[method-assign]  # a fault
    system.pump.loses = "request"
    system.services[Speaker("actuator")].step()
    system.run(ms=10 * MINUTE_MS)


@pytest.mark.requirement("R43")
def test_a_controller_whose_claim_was_kept_and_not_answered_goes_on(system: FakeSystem) -> None:
    """It would take itself for another, and give no insulin until somebody starts it anew."""
    lose_the_answer_to_a_claim(system)

    assert [] == system.said_of("actuator", PumpControlLost)
    assert system.order(500).accepted
    system.run(ms=MINUTE_MS)
    assert 500 == system.view("actuator").bolus_total


def test_the_mutant_that_knows_no_claim_of_its_own_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Superseded by itself."""
    monkeypatch.setattr(
        "services.actuator.pump_poller.is_foreign",
        lambda state, status: status.epoch > state.epoch,
    )

    lose_the_answer_to_a_claim(system)

    assert 1 <= len(system.said_of("actuator", PumpControlLost))


def test_a_pump_that_does_not_answer_is_told_once_and_found_again(system: FakeSystem) -> None:
    """The pump goes on by its plan; what it did meanwhile is read afterwards."""
    original = system.pump.read

    async def silent(*, after: int) -> Any:
        system.pump.loses = "request"
        return await original(after=after)

    system.pump.read = silent  # type: ignore[method-assign]  # a fault
    for _ in range(5):
        system.services[Speaker("actuator")].step()
    system.pump.read = original  # type: ignore[method-assign]  # the fault is gone
    system.run(ms=2 * HOUR_MS)

    assert 1 == len(system.said_of("actuator", PumpLost))
    assert system.odometer == system.view("actuator").basal_total
    assert () == system.view("actuator").alarms


def test_checkpoints_are_made_while_anything_happens(system: FakeSystem) -> None:
    """The record says how it stood, every hour."""
    system.run(ms=6 * HOUR_MS)

    made = system.said_of("historian", CheckpointMade)
    assert 5 <= len(made) <= 7
    assert len({checkpoint.root for checkpoint in made}) == len(made)


def nothing_is_lost(system: FakeSystem) -> bool:
    """A profile that was taken comes into force, whatever is asked while its zone is looked up."""
    system.post(changed(PROFILE, name="new", zone="Asia/Tokyo"), to="basal_scheduler")
    system.post(SetBasalZone(zone="Mars/X"), to="basal_scheduler")
    system.settle()
    return bool(system.view("basal_scheduler").profile == "new")


def test_a_profile_that_waits_for_its_zone_is_not_lost_to_a_journey_to_nowhere(
    system: FakeSystem,
) -> None:
    """And whoever asks meanwhile is told."""
    assert nothing_is_lost(system)

    assert ["lookup_running"] == [
        event.reason for event in system.said_of("basal_scheduler", BasalZoneRefused)
    ]


def test_the_mutant_that_lets_a_second_zone_in_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rule: the newest change waits, whatever waited before."""
    monkeypatch.setattr(BasalState, "must_wait", lambda *_: False)

    assert not nothing_is_lost(system)


def test_nothing_is_built_on_a_zone_that_may_not_exist(system: FakeSystem) -> None:
    """It would fall with it, in silence; on one that is known everything is built at once."""
    days = ("test",) * 7
    system.post(SetBasalZone(zone="Mars/X"), to="basal_scheduler")
    system.post(SetBasalWeek(days=days), to="basal_scheduler")
    system.post(changed(PROFILE, name="rest", activate=False), to="basal_scheduler")
    system.settle()
    before = len(system.said_of("basal_scheduler", BasalWeekSet))
    system.post(SetBasalWeek(days=days), to="basal_scheduler")
    system.post(changed(PROFILE, name="rest", activate=False), to="basal_scheduler")
    system.post(changed(PROFILE, name="test"), to="basal_scheduler")
    system.settle()

    assert ["lookup_running"] == [
        event.reason for event in system.said_of("basal_scheduler", BasalWeekRefused)
    ]
    assert ["lookup_running"] == [
        event.reason for event in system.said_of("basal_scheduler", BasalProfileRefused)
    ]
    assert (0, 1) == (before, len(system.said_of("basal_scheduler", BasalWeekSet)))
    assert system.state("basal_scheduler").programme.has("rest")


@pytest.mark.requirement("R87")
def test_a_clock_that_went_back_stops_advice_until_somebody_has_looked(system: FakeSystem) -> None:
    """Glucose would not grow old while time stands still (T1); an own amount is still given."""
    fault = RuntimeFault(fault="clock_went_back", detail="3600000 ms behind the last decision")
    system.services[Speaker("bolus_advisor")].put(Reported(PUMP, fault))
    system.settle()
    system.glucose("120")
    wanted = RequestAdvice(carbs=Grams(30))

    refused = system.ask(wanted, to="bolus_advisor")
    seen = AcknowledgeAlarm(alarm="runtime_clock_went_back")
    assert (False, "clock_doubtful") == (refused.accepted, refused.reason)
    assert system.ask(seen, to="bolus_advisor").accepted
    assert system.ask(wanted, to="bolus_advisor").accepted
