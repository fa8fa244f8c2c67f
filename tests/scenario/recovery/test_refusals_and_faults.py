"""Everything that is refused has its reason, and every fault of the record is told."""

from typing import Any

import msgspec
import pytest

from core.deciders.basal.state import BasalState
from schemas.alarms import AcknowledgeAlarm, AlarmAcknowledged, AlarmCleared, AlarmRaised
from schemas.basal.profiles import (
    BasalPlanMade,
    BasalProfileRefused,
    BasalWeekRefused,
    BasalWeekSet,
    BasalZoneRefused,
    ProfileSegment,
    SetBasalWeek,
    SetBasalZone,
)
from schemas.bolus.advice import RecordCarbs, RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.delivery.delivery import CancelBolus
from schemas.delivery.pump import FillReservoir, PumpControlLost, PumpLost, ResumeDelivery
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
    DoseId,
    Grams,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    Speaker,
    UtcMillis,
)
from services.runtime.decider_host.unit_of_work import Reported
from services.runtime.platform.clock import FakeClock
from services.runtime.process.stepper import finish
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import (
    IDENTITY,
    LIMITS,
    PROFILE,
    PUMP,
    SETTINGS,
    FakeHouse,
    whole_day,
)


def changed(whole: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(whole, **fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("carb_ratio", 999),
        ("carb_ratio", 150_001),
        ("carb_ratio", -1),
        ("sensitivity", 4_999),
        ("sensitivity", 500_001),
        ("target_low", 69),
        ("target_high", 89),
        ("target_high", 181),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(
    house: FakeHouse, field: str, value: int
) -> None:
    """The old settings stay, and the person learns which number was wrong."""
    asked = whole_day(**{field: value})  # type: ignore[arg-type]  # one field by its name
    outcome = house.ask(asked, to="bolus_advisor")

    assert (False, "out_of_range") == (outcome.accepted, outcome.reason)
    assert field.encode() in bytes(outcome.said[0])
    assert SETTINGS.carb_ratios == house.state("bolus_advisor").settings.carb_ratios


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("duration", 119 * MINUTE_MS),
        ("duration", 601 * MINUTE_MS),
        ("peak", 0),
        ("peak", 180 * MINUTE_MS),
        ("delay", -1),
        ("delay", 31 * MINUTE_MS),
    ],
)
def test_an_insulin_that_cannot_be_is_refused(house: FakeHouse, field: str, value: int) -> None:
    """A peak at half the duration would divide by zero."""
    insulin = changed(SETTINGS.insulin, **{field: Milliseconds(value)})

    assert not house.ask(changed(SETTINGS, insulin=insulin), to="bolus_advisor").accepted


@pytest.mark.parametrize(
    ("field", "value"),
    [("single", 0), ("single", 25_050), ("hourly", 9_999), ("daily", 1), ("basal", 30_001)],
)
@pytest.mark.requirement("R9")
def test_a_limit_out_of_range_is_refused_by_name(house: FakeHouse, field: str, value: int) -> None:
    """A limit that limits nothing is none."""
    outcome = house.ask(changed(LIMITS, **{field: value}), to="actuator")

    assert not outcome.accepted
    assert field.encode() in bytes(outcome.said[0])


@pytest.mark.parametrize(
    "segments",
    [
        (),
        ((30, 800),),
        ((0, 800), (0, 900)),
        ((0, 800), (60, 900), (30, 700)),
        ((0, 800), (1440, 900)),
        ((0, -1),),
        ((0, 35_001),),
        tuple((minute, 800) for minute in range(49)),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(
    house: FakeHouse, segments: tuple[tuple[int, int], ...]
) -> None:
    """The plan stays as it is."""
    plans = len(house.said_of("basal_scheduler", BasalPlanMade))
    wrong = tuple(
        ProfileSegment(start_minute=minute, rate=MilliUnitsPerHour(rate))
        for minute, rate in segments
    )

    assert not house.ask(changed(PROFILE, segments=wrong), to="basal_scheduler").accepted
    house.run(ms=MINUTE_MS)
    assert plans == len(house.said_of("basal_scheduler", BasalPlanMade))


def test_a_profile_in_an_unknown_zone_never_comes_into_force(house: FakeHouse) -> None:
    """Whatever sent it, the old profile goes on."""
    house.ask(changed(PROFILE, name="moon", zone="Moon/Crater"), to="basal_scheduler")
    house.run(ms=MINUTE_MS)

    assert ["unknown_zone"] == [
        event.reason for event in house.said_of("basal_scheduler", BasalProfileRefused)
    ]
    assert "test" == house.view("basal_scheduler").profile


@pytest.mark.parametrize(
    ("grams", "ago_ms", "reason"),
    [
        (0, 0, "out_of_range"),
        (301, 0, "out_of_range"),
        (20, 13 * HOUR_MS, "time_out_of_range"),
        (20, -2 * HOUR_MS, "time_out_of_range"),
    ],
)
def test_carbs_out_of_reason_are_refused(
    house: FakeHouse, grams: int, ago_ms: int, reason: str
) -> None:
    """A typing error must not become a meal."""
    at = UtcMillis(house.clock.now().therapy - ago_ms)
    meal = RecordCarbs(grams=Grams(grams), eaten_at=at)

    assert reason == house.ask(meal, to="bolus_advisor").reason


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (CancelBolus(dose=DoseId("bolus_advisor:p1:77")), "no_bolus_runs"),
        (ResumeDelivery(), "not_suspended"),
        (FillReservoir(amount=MilliUnits(49)), "out_of_range"),
        (FillReservoir(amount=MilliUnits(300_001)), "out_of_range"),
        (AcknowledgeAlarm(alarm="nothing"), "not_active"),
        (SettleHistory(speaker="bolus_advisor"), "not_supported"),
    ],
)
def test_a_command_with_nothing_to_do_says_so(house: FakeHouse, command: Any, reason: str) -> None:
    """Never do nothing in silence."""
    assert reason == house.ask(command, to="actuator").reason


@pytest.mark.requirement("R71")
def test_a_low_alarm_is_raised_once_acknowledged_once_and_cleared_with_its_cause(
    house: FakeHouse,
) -> None:
    """One cause, one alarm; seen is not gone."""
    for value in ("65", "60", "66"):
        house.glucose(value)
        house.run(ms=5 * MINUTE_MS)
    acknowledge = AcknowledgeAlarm(alarm="glucose_low")
    assert house.ask(acknowledge, to="glucose_ingest").accepted
    assert "already_acknowledged" == house.ask(acknowledge, to="glucose_ingest").reason
    assert ["person:test"] == [
        alarm.acknowledged_by for alarm in house.view("glucose_ingest").alarms
    ]
    house.glucose("74")
    assert house.view("glucose_ingest").alarms
    house.run(ms=MINUTE_MS)
    house.glucose("75")

    assert () == house.view("glucose_ingest").alarms
    for kind in (AlarmRaised, AlarmAcknowledged, AlarmCleared):
        assert 1 == len(house.said_of("glucose_ingest", kind)), kind


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
def test_thresholds_are_exact(house: FakeHouse, value: str, alarms: set[str]) -> None:
    """LOW and HIGH lie beyond every threshold."""
    house.glucose(value)

    assert alarms == {alarm.alarm for alarm in house.view("glucose_ingest").alarms}


def test_a_reading_is_taken_once(house: FakeHouse) -> None:
    """Back-fill repeats itself; totals must not."""
    house.glucose("120")

    assert "duplicate" == house.glucose("121").reason
    assert 1 == house.view("glucose_ingest").readings


def test_events_lost_for_good_stop_boluses_until_a_person_settles_it(
    house: FakeHouse,
) -> None:
    """A hole in what is known is not a zero (Loop #2166); a person may take it upon themselves."""
    del house.services[Speaker("glucose_ingest")]
    lost = HistoryLost(speaker="glucose_ingest", first=1, last=1)
    house.services[Speaker("bolus_advisor")].put(Reported(PUMP, lost))
    house.settle()
    order = OrderBolus(amount=MilliUnits(500))

    assert 1 == len(house.said_of("bolus_advisor", HistoryMissing))
    assert "history_missing" == house.ask(order, to="bolus_advisor").reason
    assert house.ask(SettleHistory(speaker="glucose_ingest"), to="bolus_advisor").accepted
    assert house.ask(order, to="bolus_advisor").accepted


def test_a_fault_of_the_surroundings_is_an_alarm_for_the_operator(house: FakeHouse) -> None:
    """What the bus library only whispers is told."""
    fault = RuntimeFault(fault="bus_error", detail="permissions violation")
    for _ in range(3):
        house.services[Speaker("historian")].put(Reported(PUMP, fault))
        house.settle()

    raised = house.said_of("historian", AlarmRaised)
    assert ["runtime_bus_error"] == [alarm.alarm for alarm in raised]
    seen = AcknowledgeAlarm(alarm="runtime_bus_error")
    assert house.ask(seen, to="historian").accepted
    assert () == house.view("historian").alarms


def test_a_change_of_speed_is_an_event(house: FakeHouse) -> None:
    """Who reads the record later must know how fast time ran."""
    house.run(ms=MINUTE_MS)
    before = house.clock.now()
    house.clock = FakeClock(therapy=before.therapy, speed=60)
    house.pump = FakePumpDevice(house.clock, identity=IDENTITY, store=house.pump_store)
    for name in list(house.services):
        house.restart(name)
    house.settle()

    assert [60] == [event.speed for event in house.said_of("historian", SpeedChanged)]


@pytest.mark.requirement("R87")
def test_a_clock_that_went_back_is_told(house: FakeHouse) -> None:
    """Time stands still until it is caught up, and somebody learns why."""
    house.run(ms=HOUR_MS)
    house.clock = FakeClock(therapy=UtcMillis(house.clock.now().therapy - DAY_MS))
    house.restart("historian")
    house.services[Speaker("historian")].step()

    assert "runtime_clock_went_back" in [
        alarm.alarm for alarm in house.said_of("historian", AlarmRaised)
    ]


@pytest.mark.requirement("R43")
def test_a_controller_that_lost_the_pump_stays_silent(house: FakeHouse) -> None:
    """Two actuators alive: the pump obeys the newer one, the older one knows it."""
    rival = FakePumpDevice(house.clock, host=house.pump.host)
    finish(rival.claim())
    house.run(ms=HOUR_MS)

    assert 1 == len(house.said_of("actuator", PumpControlLost))
    order = OrderBolus(amount=MilliUnits(500))
    house.ask(order, to="bolus_advisor")
    house.run(ms=MINUTE_MS)
    assert 0 == house.view("actuator").bolus_total


@pytest.mark.requirement("R43")
def test_a_superseded_controller_does_not_take_the_pump_back(house: FakeHouse) -> None:
    """After a silence the older of two must find out first, or both would drive in turns."""
    rival = FakePumpDevice(house.clock, host=house.pump.host)
    house.pump.loses = "request"
    house.services[Speaker("actuator")].step()
    finish(rival.claim())
    epoch = finish(rival.read(after=0)).status.epoch
    house.run(ms=HOUR_MS)

    assert epoch == finish(rival.read(after=0)).status.epoch
    assert 1 == len(house.said_of("actuator", PumpControlLost))


def lose_the_answer_to_a_claim(house: FakeHouse) -> None:
    """The pump keeps the new epoch and loses power before it answers."""
    original = house.pump.claim

    async def claim() -> Any:
        house.pump.loses = "answer"
        house.pump.claim = original  # type: ignore[method-assign]  # once
        return await original()

    house.pump.claim = claim  # type: ignore[method-assign]  # a fault
    house.pump.loses = "request"
    house.services[Speaker("actuator")].step()
    house.run(ms=10 * MINUTE_MS)


@pytest.mark.requirement("R43")
def test_a_controller_whose_claim_was_kept_and_not_answered_goes_on(house: FakeHouse) -> None:
    """It would take itself for another, and give no insulin until somebody starts it anew."""
    lose_the_answer_to_a_claim(house)

    assert [] == house.said_of("actuator", PumpControlLost)
    assert house.order(500).accepted
    house.run(ms=MINUTE_MS)
    assert 500 == house.view("actuator").bolus_total


def test_the_mutant_that_knows_no_claim_of_its_own_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Superseded by itself."""
    monkeypatch.setattr(FakePumpDevice, "is_mine", lambda *_: False)

    lose_the_answer_to_a_claim(house)

    assert 1 == len(house.said_of("actuator", PumpControlLost))


def test_a_pump_that_does_not_answer_is_told_once_and_found_again(house: FakeHouse) -> None:
    """The pump goes on by its plan; what it did meanwhile is read afterwards."""
    original = house.pump.read

    async def silent(*, after: int) -> Any:
        house.pump.loses = "request"
        return await original(after=after)

    house.pump.read = silent  # type: ignore[method-assign]  # a fault
    for _ in range(5):
        house.services[Speaker("actuator")].step()
    house.pump.read = original  # type: ignore[method-assign]  # the fault is gone
    house.run(ms=2 * HOUR_MS)

    assert 1 == len(house.said_of("actuator", PumpLost))
    assert house.odometer == house.view("actuator").basal_total
    assert () == house.view("actuator").alarms


def test_checkpoints_are_made_while_anything_happens(house: FakeHouse) -> None:
    """The record says how it stood, every hour."""
    house.run(ms=6 * HOUR_MS)

    made = house.said_of("historian", CheckpointMade)
    assert 5 <= len(made) <= 7
    assert len({checkpoint.root for checkpoint in made}) == len(made)


def nothing_is_lost(house: FakeHouse) -> bool:
    """A profile that was taken comes into force, whatever is asked while its zone is looked up."""
    house.post(changed(PROFILE, name="new", zone="Asia/Tokyo"), to="basal_scheduler")
    house.post(SetBasalZone(zone="Mars/X"), to="basal_scheduler")
    house.settle()
    return bool(house.view("basal_scheduler").profile == "new")


def test_a_profile_that_waits_for_its_zone_is_not_lost_to_a_journey_to_nowhere(
    house: FakeHouse,
) -> None:
    """And whoever asks meanwhile is told."""
    assert nothing_is_lost(house)

    assert ["lookup_running"] == [
        event.reason for event in house.said_of("basal_scheduler", BasalZoneRefused)
    ]


def test_the_mutant_that_lets_a_second_zone_in_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rule: the newest change waits, whatever waited before."""
    monkeypatch.setattr(BasalState, "must_wait", lambda *_: False)

    assert not nothing_is_lost(house)


def test_nothing_is_built_on_a_zone_that_may_not_exist(house: FakeHouse) -> None:
    """It would fall with it, in silence; on one that is known everything is built at once."""
    days = ("test",) * 7
    house.post(SetBasalZone(zone="Mars/X"), to="basal_scheduler")
    house.post(SetBasalWeek(days=days), to="basal_scheduler")
    house.post(changed(PROFILE, name="rest", activate=False), to="basal_scheduler")
    house.settle()
    before = len(house.said_of("basal_scheduler", BasalWeekSet))
    house.post(SetBasalWeek(days=days), to="basal_scheduler")
    house.post(changed(PROFILE, name="rest", activate=False), to="basal_scheduler")
    house.post(changed(PROFILE, name="test"), to="basal_scheduler")
    house.settle()

    assert ["lookup_running"] == [
        event.reason for event in house.said_of("basal_scheduler", BasalWeekRefused)
    ]
    assert ["lookup_running"] == [
        event.reason for event in house.said_of("basal_scheduler", BasalProfileRefused)
    ]
    assert (0, 1) == (before, len(house.said_of("basal_scheduler", BasalWeekSet)))
    assert house.state("basal_scheduler").programme.has("rest")


@pytest.mark.requirement("R87")
def test_a_clock_that_went_back_stops_advice_until_somebody_has_looked(house: FakeHouse) -> None:
    """Glucose would not grow old while time stands still (T1); an own amount is still given."""
    fault = RuntimeFault(fault="clock_went_back", detail="3600000 ms behind the last decision")
    house.services[Speaker("bolus_advisor")].put(Reported(PUMP, fault))
    house.settle()
    house.glucose("120")
    wanted = RequestAdvice(carbs=Grams(30))

    refused = house.ask(wanted, to="bolus_advisor")
    seen = AcknowledgeAlarm(alarm="runtime_clock_went_back")
    assert (False, "clock_doubtful") == (refused.accepted, refused.reason)
    assert house.ask(seen, to="bolus_advisor").accepted
    assert house.ask(wanted, to="bolus_advisor").accepted
