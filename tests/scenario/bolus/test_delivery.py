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
    BolusStartRequested,
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
from support.simulated.fake_system import IDENTITY, PUMP, FakeSystem
from support.simulated.signed_orders import sign_ordered


def lose_the_start(system: FakeSystem, lost: Any) -> None:
    """Cut the line at the next start of a bolus, before it arrives or after."""
    original = system.pump.start_bolus

    async def start(**arguments: Any) -> Any:
        system.pump.loses = lost
        system.pump.start_bolus = original  # type: ignore[method-assign]  # once only
        return await original(**arguments)

    system.pump.start_bolus = start  # type: ignore[method-assign]  # a fault


def test_a_bolus_is_counted_pulse_by_pulse(system: FakeSystem) -> None:
    """1.5 U/min: after a minute about 1.5 U of 3 U are given, and known."""
    system.order(3_000)
    system.run(ms=MINUTE_MS)
    half = system.view("actuator").last_dose
    system.run(ms=2 * MINUTE_MS)

    assert 1_450 <= half.delivered <= 1_600
    assert "running" == half.state
    assert [3_000] == [dose.delivered for dose in system.said_of("actuator", BolusDelivered)]


@pytest.mark.requirement("R38")
@pytest.mark.requirement("R42")
def test_cancel_records_the_part_that_was_delivered(system: FakeSystem) -> None:
    """What went in counts, and the rest never comes."""
    system.order(3_000)
    system.run(ms=MINUTE_MS)

    assert system.ask(CancelBolus(), to="actuator").accepted
    system.run(ms=5 * MINUTE_MS)

    stopped = system.said_of("actuator", BolusStopped)
    assert ["cancelled"] == [dose.reason for dose in stopped]
    assert 0 < stopped[0].delivered < 3_000
    assert stopped[0].delivered == system.view("actuator").bolus_total
    assert system.odometer == system.accounted()


@pytest.mark.requirement("R36")
@pytest.mark.requirement("R37")
@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_lost_line_makes_the_dose_unknown_and_the_pump_settles_it(
    system: FakeSystem, lost: Any
) -> None:
    """No answer is neither done nor not done; the pump's own count decides, nothing is resent."""
    lose_the_start(system, lost)
    inbox = system.post(OrderBolus(amount=MilliUnits(1_000)), to="bolus_advisor")
    system.settle()
    system.run(ms=5 * MINUTE_MS)

    assert system.broker.answers[inbox]
    assert 1 == len(system.said_of("actuator", BolusUnknown))
    outcomes = [event.outcome for event in system.said_of("actuator", BolusReconciled)]
    assert (["failed"] if lost == "request" else ["running"]) == outcomes
    assert (0 if lost == "request" else 1_000) == system.view("actuator").bolus_total
    assert system.odometer == system.accounted()
    assert 0 == system.view("actuator").unknown_doses


@pytest.mark.requirement("R37")
def test_an_unknown_dose_counts_in_full_in_limits_and_on_board(system: FakeSystem) -> None:
    """Until the pump says otherwise the worst is assumed; advice stays possible, marked so."""
    lose_the_start(system, "request")
    system.line_is_cut = True
    system.order(6_000)

    assert 1 == system.view("actuator").unknown_doses
    assert (0, 6_000) == (
        system.view("bolus_advisor").insulin_on_board_least,
        system.view("bolus_advisor").insulin_on_board_most,
    )
    assert "hourly_limit" == system.order(9_050).reason
    system.glucose("200")
    advice = system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    assert advice.accepted
    assert b"unknown_dose_counted" in bytes(advice.said[0])
    system.line_is_cut = False
    system.run(ms=MINUTE_MS)
    assert 0 == system.view("actuator").unknown_doses


@pytest.mark.requirement("R44")
def test_an_actuator_killed_in_mid_bolus_finds_it_again(system: FakeSystem) -> None:
    """Restarted: unknown, then running by the pump's word, then delivered; one dose."""
    system.order(3_000)
    system.run(ms=MINUTE_MS)
    system.restart("actuator")
    system.run(ms=5 * MINUTE_MS)

    assert 1 == len(system.said_of("actuator", BolusUnknown))
    assert ["running"] == [e.outcome for e in system.said_of("actuator", BolusReconciled)]
    assert [3_000] == [dose.delivered for dose in system.said_of("actuator", BolusDelivered)]
    assert 1 == len(system.said_of("actuator", BolusStartRequested))
    assert system.odometer == system.accounted()


@pytest.mark.requirement("R45")
def test_a_pump_that_lost_power_in_mid_bolus_is_accounted_to_the_pulse(
    system: FakeSystem,
) -> None:
    """The delivered part is known, the rest never comes, the hour off is a gap."""
    system.order(3_000)
    system.run(ms=MINUTE_MS)
    system.clock.advance(therapy_ms=HOUR_MS)
    system.pump = FakePumpDevice(system.clock, identity=IDENTITY, store=system.pump_store)
    system.restart("actuator")
    system.run(ms=5 * MINUTE_MS)

    stopped = system.said_of("actuator", BolusStopped)
    assert ["power_lost"] == [dose.reason for dose in stopped]
    assert 0 < stopped[0].delivered < 3_000
    assert 1 == len(system.said_of("actuator", DeliveryGap))
    assert system.odometer == system.accounted()


@pytest.mark.requirement("R39")
def test_an_order_heard_too_late_is_never_started(system: FakeSystem) -> None:
    """Thirty seconds later the person has already helped themselves."""
    actuator = system.services.pop(Speaker("actuator"))
    system.order(1_000)
    system.clock.advance(therapy_ms=30_000)
    system.services[Speaker("actuator")] = actuator
    system.run(ms=5 * MINUTE_MS)

    assert ["expired"] == [event.reason for event in system.said_of("actuator", BolusRefused)]
    assert 0 == system.view("actuator").bolus_total


def test_an_order_has_five_real_seconds_at_any_speed() -> None:
    """Transport is not faster at speed 600."""
    system = FakeSystem(speed=600)
    system.set_up()
    actuator = system.services.pop(Speaker("actuator"))
    system.order(1_000)
    system.clock.advance(therapy_ms=2_400_000)
    system.services[Speaker("actuator")] = actuator
    system.run(ms=5 * MINUTE_MS)

    assert [] == system.said_of("actuator", BolusRefused)
    assert 1_000 == system.view("actuator").bolus_total


@pytest.mark.requirement("R10")
def test_the_actuator_refuses_what_its_own_record_forbids(system: FakeSystem) -> None:
    """Limits are checked twice from two records; a disagreement is an alarm."""
    late = Deadline(therapy=UtcMillis(10**14), real=UtcMillis(10**14))
    decider = system.services[Speaker("actuator")].processor.decider
    challenge = system.state("actuator").challenged.challenge
    ordered = BolusOrdered(
        amount=MilliUnits(20_000), actor="liar", start_by=late, challenge=challenge
    )
    entry = Entry(
        id="bolus_advisor:p1:99",
        at=system.clock.now().therapy,
        speaker=Speaker("bolus_advisor"),
        body=ordered,
    )
    known = decider.evolve(system.state("actuator"), entry)
    signed = sign_ordered(DoseId(entry.id), ordered)
    by = BolusOrderSigned(dose=DoseId(entry.id), key=signed.key, signature=signed.signature)

    events = decider.decide(
        known,
        msgspec.structs.replace(entry, id="bolus_advisor:p1:100", body=by),
        system.clock.now(),
    )

    assert ["single_limit"] == [e.reason for e in events if isinstance(e, BolusRefused)]
    said = [msgspec.structs.replace(entry, body=event) for event in events]
    assert [] == [effect for one in said for effect in decider.effects(one)]
    assert ["accounts_disagree"] == [e.alarm for e in events if isinstance(e, AlarmRaised)]


@pytest.mark.requirement("R2")
@pytest.mark.requirement("R4")
def test_the_hourly_limit_slides(system: FakeSystem) -> None:
    """15 U in any 60 minutes: the next dose fits when the first has left the window."""
    assert system.order(10_000).accepted
    system.run(ms=10 * MINUTE_MS)
    assert "hourly_limit" == system.order(5_050).reason
    assert system.order(5_000).accepted
    system.run(ms=45 * MINUTE_MS)
    assert "hourly_limit" == system.order(5_000).reason
    system.run(ms=20 * MINUTE_MS)
    assert system.order(5_000).accepted


@pytest.mark.requirement("R74")
def test_a_bolus_needs_all_of_its_insulin_in_the_reservoir(system: FakeSystem) -> None:
    """Half a dose and an empty reservoir is worse than a refusal."""
    system.ask(FillReservoir(amount=MilliUnits(2_000)), to="actuator")
    system.run(ms=MINUTE_MS)
    system.order(3_000)
    system.run(ms=MINUTE_MS)

    assert ["reservoir"] == [event.reason for event in system.said_of("actuator", BolusRefused)]
    assert "reservoir_low" in [alarm.alarm for alarm in system.view("actuator").alarms]


def test_a_second_bolus_while_one_runs_is_refused(system: FakeSystem) -> None:
    """One motor, one bolus."""
    system.order(3_000)

    assert "bolus_running" == system.order(500).reason
    advice = system.ask(RequestAdvice(carbs=Grams(10)), to="bolus_advisor")
    assert "bolus_running" == advice.reason


@pytest.mark.requirement("R97")
def test_a_busy_day_replays_field_by_field_and_byte_by_byte(system: FakeSystem) -> None:
    """The record says what every service knows, and every decision can be made again."""
    for hour in range(24):
        system.glucose(str(90 + 7 * hour))
        if hour % 6 == 1:
            system.order(1_500)
        if hour == 9:
            system.restart("actuator")
        if hour == 10:
            system.pump.loses = "answer"
        system.run(ms=HOUR_MS)

    views = replay(system.stores[Speaker("historian")], pump=PUMP, at=system.clock.now().therapy)

    assert {name: system.view(name) for name in views} == views
    for name, service in system.services.items():
        report = verify_decisions(service.processor.decider, system.stores[name])
        assert () == report.differences
        assert report.decisions > 0
