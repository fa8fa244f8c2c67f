"""From an order to counted pulses, with a pump that loses, refuses and dies."""

from typing import Any

import msgspec
import pytest

from core.kernel.decider import Entry
from schemas.alarms import AlarmRaised
from schemas.bolus.advice import RequestAdvice
from schemas.bolus.orders import BolusOrdered, BolusOrderSigned, OrderBolus
from schemas.delivery.delivery import (
    BolusDelivered,
    BolusRefused,
    BolusStarted,
    BolusStopped,
    CancelBolus,
    DeliveryGap,
)
from schemas.delivery.pump import FillReservoir
from schemas.delivery.unresolved_doses import (
    BolusReconciled,
    BolusUnknown,
)
from schemas.message import Deadline
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    Grams,
    MilliUnits,
    Speaker,
    UtcMillis,
)
from services.runtime.audit.redecide import verify_decisions
from services.runtime.replay.replay import replay
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import IDENTITY, PUMP, FakeHouse
from support.simulated.signed_orders import sign_ordered


def lose_the_start(house: FakeHouse, lost: Any) -> None:
    """Cut the line at the next start of a bolus, before it arrives or after."""
    original = house.pump.start_bolus

    async def start(**arguments: Any) -> Any:
        house.pump.loses = lost
        house.pump.start_bolus = original  # type: ignore[method-assign]  # once only
        return await original(**arguments)

    house.pump.start_bolus = start  # type: ignore[method-assign]  # a fault


def test_a_bolus_is_counted_pulse_by_pulse(house: FakeHouse) -> None:
    """1.5 U/min: after a minute about 1.5 U of 3 U are given, and known."""
    house.order(3_000)
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
    house.order(3_000)
    house.run(ms=MINUTE_MS)

    assert house.ask(CancelBolus(), to="actuator").accepted
    house.run(ms=5 * MINUTE_MS)

    stopped = house.said_of("actuator", BolusStopped)
    assert ["cancelled"] == [dose.reason for dose in stopped]
    assert 0 < stopped[0].delivered < 3_000
    assert stopped[0].delivered == house.view("actuator").bolus_total
    assert house.odometer == house.accounted()


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
    assert house.odometer == house.accounted()
    assert 0 == house.view("actuator").unknown_doses


@pytest.mark.requirement("R37")
def test_an_unknown_dose_counts_in_full_in_limits_and_on_board(house: FakeHouse) -> None:
    """Until the pump says otherwise the worst is assumed; advice stays possible, marked so."""
    lose_the_start(house, "request")
    house.line_is_cut = True
    house.order(6_000)

    assert 1 == house.view("actuator").unknown_doses
    assert (0, 6_000) == (
        house.view("bolus_advisor").insulin_on_board_least,
        house.view("bolus_advisor").insulin_on_board_most,
    )
    assert "hourly_limit" == house.order(9_050).reason
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
    house.order(3_000)
    house.run(ms=MINUTE_MS)
    house.restart("actuator")
    house.run(ms=5 * MINUTE_MS)

    assert 1 == len(house.said_of("actuator", BolusUnknown))
    assert ["running"] == [e.outcome for e in house.said_of("actuator", BolusReconciled)]
    assert [3_000] == [dose.delivered for dose in house.said_of("actuator", BolusDelivered)]
    assert 1 == len(house.said_of("actuator", BolusStarted))
    assert house.odometer == house.accounted()


@pytest.mark.requirement("R45")
def test_a_pump_that_lost_power_in_mid_bolus_is_accounted_to_the_pulse(
    house: FakeHouse,
) -> None:
    """The delivered part is known, the rest never comes, the hour off is a gap."""
    house.order(3_000)
    house.run(ms=MINUTE_MS)
    house.clock.advance(therapy_ms=HOUR_MS)
    house.pump = FakePumpDevice(house.clock, identity=IDENTITY, store=house.pump_store)
    house.restart("actuator")
    house.run(ms=5 * MINUTE_MS)

    stopped = house.said_of("actuator", BolusStopped)
    assert ["power_lost"] == [dose.reason for dose in stopped]
    assert 0 < stopped[0].delivered < 3_000
    assert 1 == len(house.said_of("actuator", DeliveryGap))
    assert house.odometer == house.accounted()


@pytest.mark.requirement("R39")
def test_an_order_heard_too_late_is_never_started(house: FakeHouse) -> None:
    """Thirty seconds later the person has already helped themselves."""
    actuator = house.services.pop(Speaker("actuator"))
    house.order(1_000)
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
    house.order(1_000)
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
    challenge = house.state("actuator").challenged.challenge
    ordered = BolusOrdered(
        amount=MilliUnits(20_000), actor="liar", start_by=late, challenge=challenge
    )
    entry = Entry(
        id="bolus_advisor:p1:99",
        at=house.clock.now().therapy,
        speaker=Speaker("bolus_advisor"),
        body=ordered,
    )
    known = decider.evolve(house.state("actuator"), entry)
    signed = sign_ordered(DoseId(entry.id), ordered)
    by = BolusOrderSigned(dose=DoseId(entry.id), key=signed.key, signature=signed.signature)

    events = decider.decide(
        known, msgspec.structs.replace(entry, id="bolus_advisor:p1:100", body=by), house.clock.now()
    )

    assert ["single_limit"] == [e.reason for e in events if isinstance(e, BolusRefused)]
    said = [msgspec.structs.replace(entry, body=event) for event in events]
    assert [] == [effect for one in said for effect in decider.effects(one)]
    assert ["accounts_disagree"] == [e.alarm for e in events if isinstance(e, AlarmRaised)]


@pytest.mark.requirement("R2")
@pytest.mark.requirement("R4")
def test_the_hourly_limit_slides(house: FakeHouse) -> None:
    """15 U in any 60 minutes: the next dose fits when the first has left the window."""
    assert house.order(10_000).accepted
    house.run(ms=10 * MINUTE_MS)
    assert "hourly_limit" == house.order(5_050).reason
    assert house.order(5_000).accepted
    house.run(ms=45 * MINUTE_MS)
    assert "hourly_limit" == house.order(5_000).reason
    house.run(ms=20 * MINUTE_MS)
    assert house.order(5_000).accepted


@pytest.mark.requirement("R74")
def test_a_bolus_needs_all_of_its_insulin_in_the_reservoir(house: FakeHouse) -> None:
    """Half a dose and an empty reservoir is worse than a refusal."""
    house.ask(FillReservoir(amount=MilliUnits(2_000)), to="actuator")
    house.run(ms=MINUTE_MS)
    house.order(3_000)
    house.run(ms=MINUTE_MS)

    assert ["reservoir"] == [event.reason for event in house.said_of("actuator", BolusRefused)]
    assert "reservoir_low" in [alarm.alarm for alarm in house.view("actuator").alarms]


def test_a_second_bolus_while_one_runs_is_refused(house: FakeHouse) -> None:
    """One motor, one bolus."""
    house.order(3_000)

    assert "bolus_running" == house.order(500).reason
    advice = house.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
    assert "bolus_running" == advice.reason


@pytest.mark.requirement("R97")
def test_a_busy_day_replays_field_by_field_and_byte_by_byte(house: FakeHouse) -> None:
    """The record says what every service knows, and every decision can be made again."""
    for hour in range(24):
        house.glucose(str(90 + 7 * hour))
        if hour % 6 == 1:
            house.order(1_500)
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
