"""The pump's memory, or everything but the pump, put back from an older copy: found and told."""

import copy

import pytest

import core.deciders.delivery.events.pump
import core.deciders.delivery.pump_sync.history
from core.formats.amounts import print_units
from schemas.alarms import AlarmRaised
from schemas.delivery.delivery import BolusDelivered, BolusRefused, BolusStartRequested, DeliveryGap
from schemas.delivery.mechanism import BasalMissed
from schemas.delivery.pump import DeliveryResumed, ResumeDelivery, SuspendDelivery
from schemas.delivery.unresolved_doses import (
    AcceptPumpCount,
    BolusReconciled,
    PumpCountAccepted,
    PumpDoubted,
)
from schemas.units import HOUR_MS, MINUTE_MS, MilliUnits, Speaker
from services.runtime.platform.errors import PumpRefusedError
from services.runtime.process.stepper import finish
from services.virtual_pump.controller import PumpIdentity
from services.virtual_pump.in_process_pump import FakePumpDevice
from services.virtual_pump.state_store import FakePumpStore
from support.simulated.fake_system import IDENTITY, PUMP, FakeSystem
from support.simulated.signed_orders import SIGNER, STRANGER, pump_order, sign


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    system.order(2_000)
    system.run(ms=HOUR_MS)
    return system


def put_pump_back(system: FakeSystem, store: FakePumpStore) -> None:
    """Give the pump another memory, and the actuator a line to it."""
    fill = MilliUnits(200_000)
    system.pump = FakePumpDevice(system.clock, identity=IDENTITY, store=store, fill=fill)
    system.restart("actuator")


def physical(system: FakeSystem, *, odometer_then: int, moved_before: int) -> int:
    """Give what the motor moved in all: by the old memory, and by the new one since."""
    return moved_before + system.odometer - odometer_then


@pytest.mark.requirement("R45")
@pytest.mark.parametrize("memory", ["older", "new"])
def test_a_pump_whose_memory_was_replaced_is_found_and_all_is_accounted(
    system: FakeSystem, memory: str
) -> None:
    """No bolus until somebody has looked, basal goes on, and each pulse since is counted."""
    older = copy.deepcopy(system.pump_store) if memory == "older" else FakePumpStore()
    odometer_then = system.odometer if memory == "older" else 0
    system.run(ms=2 * HOUR_MS)
    moved, accounted = system.odometer, system.accounted()
    put_pump_back(system, older)
    system.run(ms=3 * HOUR_MS)

    (doubted,) = system.said_of("actuator", PumpDoubted)
    assert ("count_went_back", accounted) == (doubted.reason, doubted.accounted)
    assert doubted.missing == moved - doubted.pump_odometer > 0
    assert "pump_doubted" in [a.alarm for a in system.view("actuator").alarms]
    assert "pump_doubted" == system.order(500).reason
    real = physical(system, odometer_then=odometer_then, moved_before=moved)
    assert system.accounted() == real
    assert system.view("actuator").rate


def test_a_person_accepts_the_count_and_boluses_are_possible_again(system: FakeSystem) -> None:
    """With their name to it; not before there is anything to accept."""
    early = system.ask(AcceptPumpCount(), to="actuator")
    older = copy.deepcopy(system.pump_store)
    system.run(ms=HOUR_MS)
    put_pump_back(system, older)
    system.run(ms=10 * MINUTE_MS)

    accepted = system.ask(AcceptPumpCount(because="I put it back"), to="actuator")
    system.run(ms=MINUTE_MS)

    assert ("not_doubted", True) == (early.reason, accepted.accepted)
    (said,) = system.said_of("actuator", PumpCountAccepted)
    assert ("person:test", "I put it back") == (said.actor, said.because)
    assert system.order(500).accepted
    system.run(ms=5 * MINUTE_MS)
    assert 2_500 == system.view("actuator").bolus_total
    assert "pump_doubted" not in [a.alarm for a in system.view("actuator").alarms]


def test_what_cannot_be_seen_cannot_be_accepted(system: FakeSystem) -> None:
    """Somebody must be able to look."""
    older = copy.deepcopy(system.pump_store)
    system.run(ms=HOUR_MS)
    put_pump_back(system, older)
    system.run(ms=MINUTE_MS)
    system.pump.loses = "request"
    system.services[Speaker("actuator")].step()
    system.line_is_cut = True

    refused = system.ask(AcceptPumpCount(), to="actuator")

    assert (False, "pump_unreachable") == (refused.accepted, refused.reason)
    assert [] == system.said_of("actuator", PumpCountAccepted)


def stood(system: FakeSystem) -> FakePumpStore:
    """Suspend and resume; give a copy of the pump's memory from in between."""
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    suspended = copy.deepcopy(system.pump_store)
    system.ask(ResumeDelivery(), to="actuator")
    system.run(ms=HOUR_MS)
    return suspended


def test_an_older_memory_makes_up_no_gap_in_which_insulin_flowed(system: FakeSystem) -> None:
    """It knows nothing of the hours since it was copied; what was counted then was not missed."""
    older = copy.deepcopy(system.pump_store)
    system.run(ms=2 * HOUR_MS)
    counted_until = system.state("actuator").counted_until
    put_pump_back(system, older)
    system.run(ms=MINUTE_MS)

    (gap,) = system.said_of("actuator", DeliveryGap)
    assert (counted_until, True) == (gap.starts_at, gap.starts_at < gap.ends_at)
    assert [] == system.said_of("actuator", BasalMissed)


@pytest.mark.requirement("R76")
def test_a_pump_that_is_found_suspended_is_reminded_of(system: FakeSystem) -> None:
    """Nobody saw it stop, its older memory says that it stands: that must not be forgotten."""
    put_pump_back(system, stood(system))
    missed_before = system.said_of("actuator", BasalMissed)
    system.run(ms=20 * MINUTE_MS)
    reminded = [one.alarm for one in system.view("actuator").alarms]
    system.ask(ResumeDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)

    assert "suspended_long" in reminded
    assert "suspended_long" not in [one.alarm for one in system.view("actuator").alarms]
    missed = system.said_of("actuator", BasalMissed)[len(missed_before) :]
    assert [("suspended", True)] == [(m.reason, 150 <= m.amount <= 350) for m in missed]


def test_a_resumption_that_nobody_saw_the_stop_of_names_no_basal_missed(system: FakeSystem) -> None:
    """When it stopped is not known; a made-up time would make up insulin that was missed."""
    put_pump_back(system, stood(system))
    missed_before = system.said_of("actuator", BasalMissed)
    finish(system.pump.claim())
    finish(system.pump.resume())
    system.run(ms=MINUTE_MS)

    assert 2 == len(system.said_of("actuator", DeliveryResumed))
    assert missed_before == system.said_of("actuator", BasalMissed)
    assert not system.state("actuator").suspended


@pytest.mark.requirement("R97")
def test_everything_but_the_pump_put_back_is_found_by_the_pumps_own_count(
    system: FakeSystem,
) -> None:
    """All stores and the stream: the pump alone remembers, and what is missing is named."""
    stores, broker = copy.deepcopy(system.stores), copy.deepcopy(system.broker)
    system.order(3_000)
    system.run(ms=HOUR_MS)
    missing = system.odometer
    system.stores, system.broker = stores, broker
    for name in list(system.services):
        system.restart(name)
    known = system.accounted()
    system.run(ms=10 * MINUTE_MS)

    (doubted,) = system.said_of("actuator", PumpDoubted)
    assert ("record_behind", missing - known) == (doubted.reason, doubted.missing)
    assert ["spontaneous"] == [e.outcome for e in system.said_of("actuator", BolusReconciled)]
    assert system.odometer == system.accounted()
    assert "pump_doubted" == system.order(500).reason


def told(system: FakeSystem) -> str:
    (alarm,) = (
        one for one in system.said_of("actuator", AlarmRaised) if one.alarm == "pump_doubted"
    )
    assert ("high", "person") == (alarm.priority, alarm.to)
    return str(alarm.text)


def test_the_alarm_says_how_far_the_pump_is_behind(system: FakeSystem) -> None:
    """In units, and what goes on: a person must know what to look at."""
    older = copy.deepcopy(system.pump_store)
    system.run(ms=HOUR_MS)
    put_pump_back(system, older)
    system.run(ms=MINUTE_MS)

    (doubted,) = system.said_of("actuator", PumpDoubted)
    assert doubted.missing > 0
    assert told(system) == (
        f"The pump's count lies {print_units(doubted.missing)} U below what was accounted: its "
        "memory was replaced or is an older copy. No bolus until somebody has looked; basal "
        "goes on."
    )


def put_all_but_the_pump_back(system: FakeSystem) -> None:
    """Have the journals and the stream forget a bolus that the pump remembers."""
    stores, broker = copy.deepcopy(system.stores), copy.deepcopy(system.broker)
    system.order(3_000)
    system.run(ms=HOUR_MS)
    system.stores, system.broker = stores, broker
    for name in list(system.services):
        system.restart(name)


def test_the_alarm_says_how_much_the_record_may_lack(system: FakeSystem) -> None:
    """At most: not all of it need be missing."""
    put_all_but_the_pump_back(system)
    system.run(ms=MINUTE_MS)

    (doubted,) = system.said_of("actuator", PumpDoubted)
    assert doubted.missing >= 3_000
    assert told(system) == (
        "The pump has given orders that the record does not know, "
        f"{print_units(doubted.missing)} U at most are missing in it. No bolus until somebody has "
        "looked; basal goes on."
    )


def put_back_and_accept(system: FakeSystem) -> None:
    """Put it back, and go on from the pump's count."""
    put_all_but_the_pump_back(system)
    system.run(ms=10 * MINUTE_MS)
    assert system.ask(AcceptPumpCount(because="I have seen it"), to="actuator").accepted
    system.run(ms=HOUR_MS)


@pytest.mark.requirement("R97")
def test_what_was_accepted_is_not_doubted_again(system: FakeSystem) -> None:
    """Else a person's word would hold until the next reading, and there would be no bolus ever."""
    put_back_and_accept(system)

    assert 1 == len(system.said_of("actuator", PumpDoubted))
    assert "pump_doubted" not in [a.alarm for a in system.view("actuator").alarms]
    system.order(500)  # of a number that the pump has seen: refused
    system.run(ms=HOUR_MS)
    assert system.order(500).accepted
    system.run(ms=HOUR_MS)
    assert 500 == system.said_of("actuator", BolusDelivered)[-1].delivered
    assert system.odometer == system.accounted()


def test_the_mutant_that_accepts_no_numbers_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pump would be doubted again at the next reading."""
    monkeypatch.setattr(
        core.deciders.delivery.events.pump, "_numbers_accepted", lambda s: s.numbers_started
    )

    put_back_and_accept(system)

    assert 2 == len(system.said_of("actuator", PumpDoubted))


def test_an_old_number_is_refused_by_the_pump_even_when_the_count_is_accepted(
    system: FakeSystem,
) -> None:
    """The restored advisor counts its orders from an older number: the pump takes none of them."""
    stores, broker = copy.deepcopy(system.stores), copy.deepcopy(system.broker)
    for _ in range(3):
        system.order(1_000)
        system.run(ms=HOUR_MS)
    system.stores, system.broker = stores, broker
    for name in list(system.services):
        system.restart(name)
    system.run(ms=10 * MINUTE_MS)
    system.ask(AcceptPumpCount(), to="actuator")
    system.order(1_000)
    system.run(ms=10 * MINUTE_MS)

    refused = system.said_of("actuator", BolusRefused)
    assert {"not_authentic"} == {event.reason for event in refused}
    assert system.odometer == system.accounted()


def test_the_mutant_that_trusts_any_count_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the comparison insulin flows that nobody counts: the tests above can fail."""
    monkeypatch.setattr(core.deciders.delivery.pump_sync.history, "doubt", lambda *_, **__: ())
    monkeypatch.setattr(core.deciders.delivery.pump_sync.history, "went_back", lambda *_: False)
    older = copy.deepcopy(system.pump_store)
    odometer_then = system.odometer
    system.run(ms=2 * HOUR_MS)
    moved = system.odometer
    put_pump_back(system, older)
    for _ in range(60):  # the watch sees news for ever, and nobody takes it: no end to wait for
        system.clock.advance(therapy_ms=MINUTE_MS)
        for service in system.services.values():
            service.step()

    assert system.accounted() < physical(system, odometer_then=odometer_then, moved_before=moved)
    assert not system.said_of("actuator", PumpDoubted)


@pytest.mark.requirement("R103")
def test_another_key_begins_to_count_anew(system: FakeSystem) -> None:
    """A new system on an old pump signs with a key of its own; old orders stay refused."""
    used = system.said_of("actuator", BolusStartRequested)[0].signed
    other = PumpIdentity(pump=PUMP, trusted=(STRANGER.public,))
    pump = FakePumpDevice(system.clock, identity=other, store=system.pump_store)
    status = finish(pump.claim())
    same_name = pump_order(status, dose=used.order.dose, amount=50)

    for old in (used, sign(same_name)):
        with pytest.raises(PumpRefusedError, match="unknown_key"):
            finish(pump.start_bolus(signed=old))
    started = finish(pump.start_bolus(signed=sign(same_name, signer=STRANGER)))

    assert {SIGNER.public, STRANGER.public} == set(dict(started.order_numbers))
    with pytest.raises(PumpRefusedError, match="already_executed"):
        finish(pump.start_bolus(signed=sign(same_name, signer=STRANGER)))
    pump = FakePumpDevice(system.clock, identity=IDENTITY, store=system.pump_store)
    again = pump_order(finish(pump.claim()), dose=used.order.dose, amount=50)
    with pytest.raises(PumpRefusedError, match="out_of_order"):
        finish(pump.start_bolus(signed=sign(again)))
