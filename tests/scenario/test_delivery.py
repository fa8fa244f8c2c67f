"""From an order to counted pulses, with a pump that loses, refuses and dies."""

from typing import Any

import pytest

from core.decider import Entry
from fake_house import LIMITS, PUMP, FakeHouse
from schemas.basal import (
    BasalPlanMade,
    CancelTemporaryRate,
    SetTemporaryRate,
    TemporaryRateEnded,
)
from schemas.bolus import BolusOrdered, OrderBolus, RequestAdvice
from schemas.delivery import (
    BolusDelivered,
    BolusReconciled,
    BolusRefused,
    BolusStarted,
    BolusStopped,
    BolusUnknown,
    CancelBolus,
    DeliveryGap,
)
from schemas.message import Deadline, Outcome
from schemas.pump import FillReservoir, ResumeDelivery, SuspendDelivery
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    Grams,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    Speaker,
    UtcMillis,
)
from services.runtime.fake_pump_device import FakePumpDevice
from services.runtime.replay import replay, verify_decisions


@pytest.fixture
def house() -> FakeHouse:
    ready = FakeHouse()
    ready.set_up()
    return ready


def order(house: FakeHouse, amount: int) -> Outcome:
    return house.ask(OrderBolus(amount=MilliUnits(amount)), to="bolus_advisor")


def lose_the_start(house: FakeHouse, lost: Any) -> None:
    """Cut the line at the next start of a bolus, before it arrives or after."""
    original = house.pump.start_bolus

    async def start(**arguments: Any) -> Any:
        house.pump.loses = lost
        house.pump.start_bolus = original  # type: ignore[method-assign]  # once only
        return await original(**arguments)

    house.pump.start_bolus = start  # type: ignore[method-assign]  # a fault


def accounted(house: FakeHouse) -> int:
    view = house.view("actuator")
    return int(view.basal_total + view.bolus_total)


def test_a_day_of_basal_equals_the_profile(house: FakeHouse) -> None:
    """18 h at 1.2 and 6 h at 0.8 U/h are 26.4 U, to the pulse."""
    house.run(ms=24 * HOUR_MS)

    assert abs(26_400 - house.odometer) <= 50
    assert house.odometer == accounted(house)


@pytest.mark.requirement("R86")
@pytest.mark.parametrize(
    ("day", "expected_mu"),
    [
        (1_774_738_800_000, 5 * 800 + 18 * 1200),  # 2026-03-29 in Berlin has 23 hours
        (1_792_879_200_000, 7 * 800 + 18 * 1200),  # 2026-10-25 in Berlin has 25 hours
    ],
)
def test_short_and_long_days_are_delivered_by_the_clock_on_the_wall(
    day: int, expected_mu: int
) -> None:
    """06:00 means 06:00: the missing or doubled hour is one of the night's rate."""
    house = FakeHouse(start=UtcMillis(day - HOUR_MS))
    house.set_up()
    house.run(ms=HOUR_MS - MINUTE_MS)
    before = house.odometer
    hours = 23 if expected_mu < 26_000 else 25
    house.run(ms=hours * HOUR_MS)

    assert abs(expected_mu - (house.odometer - before)) <= 50


def test_a_bolus_is_counted_pulse_by_pulse(house: FakeHouse) -> None:
    """1.5 U/min: after a minute about 1.5 U of 3 U are given, and known."""
    order(house, 3_000)
    house.run(ms=MINUTE_MS)
    half = house.view("actuator").last_dose
    house.run(ms=2 * MINUTE_MS)

    assert 1_450 <= half.delivered <= 1_600
    assert "running" == half.state
    assert [3_000] == [dose.delivered for dose in house.said_of("actuator", BolusDelivered)]


@pytest.mark.requirement("R38")
@pytest.mark.requirement("R42")
def test_cancel_records_the_part_that_was_delivered(house: FakeHouse) -> None:
    """What went in counts, and the rest never comes."""
    order(house, 3_000)
    house.run(ms=MINUTE_MS)

    assert house.ask(CancelBolus(), to="actuator").accepted
    house.run(ms=5 * MINUTE_MS)

    stopped = house.said_of("actuator", BolusStopped)
    assert ["cancelled"] == [dose.reason for dose in stopped]
    assert 0 < stopped[0].delivered < 3_000
    assert stopped[0].delivered == house.view("actuator").bolus_total
    assert house.odometer == accounted(house)


def test_suspend_stops_everything_and_resume_brings_basal_alone_back(
    house: FakeHouse,
) -> None:
    """A suspended bolus stays stopped; insulin for an hour missed is not made up."""
    order(house, 3_000)
    house.run(ms=MINUTE_MS)
    house.ask(SuspendDelivery(), to="actuator")
    house.run(ms=MINUTE_MS)
    stopped_at = house.odometer
    house.run(ms=HOUR_MS)
    assert stopped_at == house.odometer
    assert 0 == house.view("actuator").rate
    assert "already_suspended" == house.ask(SuspendDelivery(), to="actuator").reason

    house.ask(ResumeDelivery(), to="actuator")
    house.run(ms=HOUR_MS)

    assert 750 <= house.odometer - stopped_at <= 850
    assert ["suspended"] == [dose.reason for dose in house.said_of("actuator", BolusStopped)]


def test_a_temporary_rate_runs_and_ends(house: FakeHouse) -> None:
    """50 % for an hour is half the insulin for an hour, then the profile again."""
    before = house.odometer
    asked = SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS))
    assert house.ask(asked, to="basal_scheduler").accepted
    house.run(ms=HOUR_MS)
    during = house.odometer - before
    house.run(ms=HOUR_MS)

    assert abs(400 - during) <= 50
    assert abs(800 - (house.odometer - before - during)) <= 50
    ends = house.said_of("basal_scheduler", TemporaryRateEnded)
    assert ["expired"] == [end.reason for end in ends]
    assert "none_runs" == house.ask(CancelTemporaryRate(), to="basal_scheduler").reason


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (SetTemporaryRate(duration=Milliseconds(HOUR_MS)), "one_of_percent_and_rate"),
        (
            SetTemporaryRate(
                percent=50, rate=MilliUnitsPerHour(100), duration=Milliseconds(HOUR_MS)
            ),
            "one_of_percent_and_rate",
        ),
        (SetTemporaryRate(percent=-1, duration=Milliseconds(HOUR_MS)), "out_of_range"),
        (SetTemporaryRate(percent=251, duration=Milliseconds(HOUR_MS)), "out_of_range"),
        (SetTemporaryRate(percent=50, duration=Milliseconds(14 * MINUTE_MS)), "out_of_range"),
        (SetTemporaryRate(percent=50, duration=Milliseconds(25 * HOUR_MS)), "out_of_range"),
        (SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS + 1)), "out_of_range"),
    ],
)
def test_a_wrong_temporary_rate_is_refused(
    house: FakeHouse, asked: SetTemporaryRate, reason: str
) -> None:
    """The plan stays as it is."""
    before = house.view("basal_scheduler").plan

    assert reason == house.ask(asked, to="basal_scheduler").reason
    assert before == house.view("basal_scheduler").plan


@pytest.mark.requirement("R36")
@pytest.mark.requirement("R37")
@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_lost_line_makes_the_dose_unknown_and_the_pump_settles_it(
    house: FakeHouse, lost: Any
) -> None:
    """No answer is neither done nor not done; the pump's own count decides, nothing is resent."""
    lose_the_start(house, lost)
    inbox = house.post(OrderBolus(amount=MilliUnits(1_000)), to="bolus_advisor")
    house.settle()
    house.run(ms=5 * MINUTE_MS)

    assert house.broker.answers[inbox]
    assert 1 == len(house.said_of("actuator", BolusUnknown))
    outcomes = [event.outcome for event in house.said_of("actuator", BolusReconciled)]
    assert (["failed"] if lost == "request" else ["running"]) == outcomes
    assert (0 if lost == "request" else 1_000) == house.view("actuator").bolus_total
    assert house.odometer == accounted(house)
    assert 0 == house.view("actuator").unknown_doses


@pytest.mark.requirement("R37")
def test_an_unknown_dose_counts_in_full_in_limits_and_on_board(house: FakeHouse) -> None:
    """Until the pump says otherwise the worst is assumed; advice stays possible, marked so."""
    lose_the_start(house, "request")
    house.line_is_cut = True
    order(house, 6_000)

    assert 1 == house.view("actuator").unknown_doses
    assert (0, 6_000) == (
        house.view("bolus_advisor").insulin_on_board_least,
        house.view("bolus_advisor").insulin_on_board_most,
    )
    assert "hourly_limit" == order(house, 9_050).reason
    house.glucose("200")
    advice = house.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    assert advice.accepted
    assert b"unknown_dose_counted" in bytes(advice.said[0])
    house.line_is_cut = False
    house.run(ms=MINUTE_MS)
    assert 0 == house.view("actuator").unknown_doses


@pytest.mark.requirement("R44")
def test_an_actuator_killed_in_mid_bolus_finds_it_again(house: FakeHouse) -> None:
    """Restarted: unknown, then running by the pump's word, then delivered; one dose."""
    order(house, 3_000)
    house.run(ms=MINUTE_MS)
    house.restart("actuator")
    house.run(ms=5 * MINUTE_MS)

    assert 1 == len(house.said_of("actuator", BolusUnknown))
    assert ["running"] == [e.outcome for e in house.said_of("actuator", BolusReconciled)]
    assert [3_000] == [dose.delivered for dose in house.said_of("actuator", BolusDelivered)]
    assert 1 == len(house.said_of("actuator", BolusStarted))
    assert house.odometer == accounted(house)


@pytest.mark.requirement("R45")
def test_a_pump_that_lost_power_in_mid_bolus_is_accounted_to_the_pulse(
    house: FakeHouse,
) -> None:
    """The delivered part is known, the rest never comes, the hour off is a gap."""
    order(house, 3_000)
    house.run(ms=MINUTE_MS)
    house.clock.advance(therapy_ms=HOUR_MS)
    house.pump = FakePumpDevice(house.clock, store=house.pump_store)
    house.restart("actuator")
    house.run(ms=5 * MINUTE_MS)

    stopped = house.said_of("actuator", BolusStopped)
    assert ["power_lost"] == [dose.reason for dose in stopped]
    assert 0 < stopped[0].delivered < 3_000
    assert 1 == len(house.said_of("actuator", DeliveryGap))
    assert house.odometer == accounted(house)


@pytest.mark.requirement("R39")
def test_an_order_heard_too_late_is_never_started(house: FakeHouse) -> None:
    """Thirty seconds later the person has already helped themselves."""
    actuator = house.services.pop(Speaker("actuator"))
    order(house, 1_000)
    house.clock.advance(therapy_ms=30_000)
    house.services[Speaker("actuator")] = actuator
    house.run(ms=5 * MINUTE_MS)

    assert ["expired"] == [event.reason for event in house.said_of("actuator", BolusRefused)]
    assert 0 == house.view("actuator").bolus_total


def test_an_order_has_five_real_seconds_at_any_speed() -> None:
    """Transport is not faster at speed 600."""
    house = FakeHouse(speed=600)
    house.set_up()
    actuator = house.services.pop(Speaker("actuator"))
    order(house, 1_000)
    house.clock.advance(therapy_ms=2_400_000)
    house.services[Speaker("actuator")] = actuator
    house.run(ms=5 * MINUTE_MS)

    assert [] == house.said_of("actuator", BolusRefused)
    assert 1_000 == house.view("actuator").bolus_total


@pytest.mark.requirement("R10")
def test_the_actuator_refuses_what_its_own_record_forbids(house: FakeHouse) -> None:
    """Limits are checked twice from two records; a disagreement is an alarm."""
    late = Deadline(therapy=UtcMillis(10**14), real=UtcMillis(10**14))
    decider = house.services[Speaker("actuator")].machine.decider
    entry = Entry(
        id="bolus_advisor:p1:99",
        at=house.clock.now().therapy,
        speaker=Speaker("bolus_advisor"),
        body=BolusOrdered(amount=MilliUnits(20_000), actor="liar", start_by=late),
    )

    events = decider.decide(house.state("actuator"), entry, house.clock.now())

    assert ["single_limit"] == [e.reason for e in events if isinstance(e, BolusRefused)]
    assert [] == [effect for event in events for effect in decider.effects(event)]
    assert ["limits_disagree"] == [e.alarm for e in events if hasattr(e, "alarm")]


@pytest.mark.requirement("R2")
@pytest.mark.requirement("R4")
def test_the_hourly_limit_slides(house: FakeHouse) -> None:
    """15 U in any 60 minutes: the next dose fits when the first has left the window."""
    assert order(house, 10_000).accepted
    house.run(ms=10 * MINUTE_MS)
    assert "hourly_limit" == order(house, 5_050).reason
    assert order(house, 5_000).accepted
    house.run(ms=45 * MINUTE_MS)
    assert "hourly_limit" == order(house, 5_000).reason
    house.run(ms=20 * MINUTE_MS)
    assert order(house, 5_000).accepted


@pytest.mark.requirement("R5")
def test_no_limit_stops_programmed_basal(house: FakeHouse) -> None:
    """A cap on boluses must not take the insulin that keeps a person alive."""
    tight = type(LIMITS)(
        single=MilliUnits(1_000),
        hourly=MilliUnits(1_000),
        daily=MilliUnits(1_000),
        basal=MilliUnitsPerHour(3_000),
    )
    house.ask(tight, to="actuator")
    house.run(ms=12 * HOUR_MS)

    assert house.odometer > 9_000
    assert "daily_limit" == order(house, 500).reason


def test_a_profile_above_the_maximum_basal_is_capped_and_alarmed(house: FakeHouse) -> None:
    """The maximum holds, basal goes on, and somebody is told."""
    low = type(LIMITS)(
        single=MilliUnits(1_000),
        hourly=MilliUnits(1_000),
        daily=MilliUnits(9_000),
        basal=MilliUnitsPerHour(500),
    )
    house.ask(low, to="actuator")
    house.run(ms=MINUTE_MS)

    assert 500 == house.view("actuator").rate
    assert ["basal_capped"] == [alarm.alarm for alarm in house.view("actuator").alarms]


@pytest.mark.requirement("R74")
def test_a_bolus_needs_all_of_its_insulin_in_the_reservoir(house: FakeHouse) -> None:
    """Half a dose and an empty reservoir is worse than a refusal."""
    house.ask(FillReservoir(amount=MilliUnits(2_000)), to="actuator")
    house.run(ms=MINUTE_MS)
    order(house, 3_000)
    house.run(ms=MINUTE_MS)

    assert ["reservoir"] == [event.reason for event in house.said_of("actuator", BolusRefused)]
    assert "reservoir_low" in [alarm.alarm for alarm in house.view("actuator").alarms]


def test_a_second_bolus_while_one_runs_is_refused(house: FakeHouse) -> None:
    """One motor, one bolus."""
    order(house, 3_000)

    assert "bolus_running" == order(house, 500).reason
    advice = house.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
    assert "bolus_running" == advice.reason


def test_without_the_scheduler_the_pump_goes_on_by_itself(house: FakeHouse) -> None:
    """A dead service never stops the trickle: 3 days on a plan of 48 h."""
    house.run(ms=MINUTE_MS)
    house.services.pop(Speaker("basal_scheduler"))
    before = house.odometer
    house.run(ms=72 * HOUR_MS)

    assert abs(3 * 26_400 - (house.odometer - before)) <= 50
    assert "plan_runs_out" in [alarm.alarm for alarm in house.view("actuator").alarms]


def test_the_plan_is_renewed_long_before_it_ends(house: FakeHouse) -> None:
    """42 hours are always left."""
    house.run(ms=30 * HOUR_MS)
    plans = house.said_of("basal_scheduler", BasalPlanMade)

    assert len(plans) >= 5
    assert house.view("basal_scheduler").plan_ends_at - house.clock.now().therapy >= 42 * HOUR_MS
    assert house.view("actuator").plan == house.view("basal_scheduler").plan


@pytest.mark.requirement("R97")
def test_a_busy_day_replays_field_by_field_and_byte_by_byte(house: FakeHouse) -> None:
    """The record says what every service knows, and every decision can be made again."""
    for hour in range(24):
        house.glucose(str(90 + 7 * hour))
        if hour % 6 == 1:
            order(house, 1_500)
        if hour == 9:
            house.restart("actuator")
        if hour == 10:
            house.pump.loses = "answer"
        house.run(ms=HOUR_MS)

    views = replay(house.stores[Speaker("historian")], pump=PUMP, at=house.clock.now().therapy)

    assert {name: house.view(name) for name in views} == views
    for name, service in house.services.items():
        verdict = verify_decisions(service.machine.decider, house.stores[name])
        assert () == verdict.differences
        assert verdict.decisions > 0
