"""Weaken a safety mechanism and see the check that guards it fail: a test that cannot is none."""

from collections.abc import Callable

import msgspec
import pytest

import core.deciders.bolus.orders
import core.deciders.delivery.decider
import core.deciders.delivery.orders
import core.dosing.advice.advise
import core.pump.order_intake
import services.actuator.pump_effect_handler
import services.runtime.decider_host.inbox
import services.runtime.replay.record_fold
from core.kernel.decider import Entry
from schemas.bolus.advice import AcceptAdvice, BolusAdvised, RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.delivery.delivery import BasalDelivered
from schemas.units import HOUR_MS, MINUTE_MS, Grams, MilliUnits, Speaker
from schemas.wire import codec
from services.runtime.decider_host.unit_of_work import UnitOfWork
from services.runtime.decider_host.version_check import SequenceCheck
from services.runtime.journal.entries import said_in
from services.runtime.replay.replay import replay
from support.simulated.fake_system import PUMP, FakeSystem

Patch = Callable[[pytest.MonkeyPatch], None]


def ready() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    return system


def given_at_most_once(system: FakeSystem) -> bool:
    """The same command, sent twice, doses once."""
    for _ in range(2):
        system.post(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor", command_id="same")
        system.settle()
        system.run(ms=5 * MINUTE_MS)
    return bool(system.view("actuator").bolus_total == 500)


def accounted_to_the_pulse(system: FakeSystem) -> bool:
    """What the actuator accounts for is what the pump counts, also when it reads twice."""
    system.ask(OrderBolus(amount=MilliUnits(1_000)), to="bolus_advisor")
    system.run(ms=HOUR_MS)
    again = [one for one in system.broker.messages if ".actuator." in one.subject]
    for message in again:
        system.broker.put(message.subject, message.data, {})
    system.settle()
    view, heard = system.view("actuator"), system.state("bolus_advisor").doses
    return bool(
        system.odometer
        == view.basal_total + view.bolus_total
        == heard.basal_total + heard.bolus_total
    )


def stale_glucose_is_not_used(system: FakeSystem) -> bool:
    """Glucose of 11 minutes ago corrects nothing."""
    system.glucose("300")
    system.run(ms=11 * MINUTE_MS)
    outcome = system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    advised = codec.decode_event(outcome.said[0])
    return isinstance(advised, BolusAdvised) and advised.amount == 0


def limits_hold_at_delivery(system: FakeSystem) -> bool:
    """An advisor that lost its limits is stopped by the actuator's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.deciders.bolus.orders, "breach", lambda *_, **__: None)
        system.ask(OrderBolus(amount=MilliUnits(15_000)), to="bolus_advisor")
        system.run(ms=15 * MINUTE_MS)
    return bool(system.view("actuator").bolus_total == 0)


def late_orders_never_start(system: FakeSystem) -> bool:
    """An order that lay for a minute moves nothing."""
    actuator = system.services.pop(Speaker("actuator"))
    system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    system.clock.advance(therapy_ms=MINUTE_MS)
    system.services[Speaker("actuator")] = actuator
    system.run(ms=5 * MINUTE_MS)
    return bool(system.view("actuator").bolus_total == 0)


def an_advice_is_used_once(system: FakeSystem) -> bool:
    """Two taps on 'accept' are one dose."""
    system.glucose("110")
    outcome = system.ask(RequestAdvice(carbs=Grams(20)), to="bolus_advisor")
    for _ in range(2):
        system.ask(AcceptAdvice(advice=outcome.events[0]), to="bolus_advisor")
        system.run(ms=3 * MINUTE_MS)
    return bool(system.view("actuator").bolus_total == 2_000)


def a_restart_repeats_nothing(system: FakeSystem) -> bool:
    """An actuator killed in mid-bolus starts no second one."""
    system.ask(OrderBolus(amount=MilliUnits(3_000)), to="bolus_advisor")
    system.run(ms=MINUTE_MS)
    system.restart("actuator")
    system.settle()
    is_doubted = any(type(event).__name__ == "BolusUnknown" for event in system.said("actuator"))
    system.run(ms=5 * MINUTE_MS)
    return is_doubted and bool(system.view("actuator").bolus_total == 3_000)


def replay_equals_live(system: FakeSystem) -> bool:
    """The record alone shows what every service knows."""
    system.glucose("150")
    system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    system.run(ms=HOUR_MS)
    views = replay(system.stores[Speaker("historian")], pump=PUMP, at=system.clock.now().therapy)
    return all(system.view(name) == view for name, view in views.items())


def forgets_outcomes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(UnitOfWork, "outcome", lambda *_: None)


def hears_everything_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(services.runtime.decider_host.inbox, "classify", lambda **_: SequenceCheck.ACCEPT)


def believes_old_glucose(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core.dosing.advice.advise, "GLUCOSE_AGE_MS_MAX", HOUR_MS)


def trusts_the_advisor(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core.deciders.delivery.orders, "breach", lambda *_, **__: None)


def orders_never_expire(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core.deciders.delivery.orders, "is_past", lambda *_, **__: False)
    patch.setattr(services.actuator.pump_effect_handler, "is_past", lambda *_, **__: False)
    patch.setattr(core.pump.order_intake, "order_problem", lambda *_, **__: None)


def advice_is_never_used_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core.deciders.bolus.orders, "_why_not", lambda *_: None)


def never_doubts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core.deciders.delivery.decider, "doubt_all", lambda *_: ())


def record_drops_basal(patch: pytest.MonkeyPatch) -> None:
    read = said_in

    def forgetful(data: bytes, **how: bool) -> Entry:
        found = read(data, **how)
        if not isinstance(found.body, BasalDelivered):
            return found
        return msgspec.structs.replace(found, speaker=None)

    patch.setattr(services.runtime.replay.record_fold, "said_in", forgetful)


PAIRS: list[tuple[Callable[[FakeSystem], bool], Patch]] = [
    (given_at_most_once, forgets_outcomes),
    (accounted_to_the_pulse, hears_everything_again),
    (stale_glucose_is_not_used, believes_old_glucose),
    (limits_hold_at_delivery, trusts_the_advisor),
    (late_orders_never_start, orders_never_expire),
    (an_advice_is_used_once, advice_is_never_used_up),
    (a_restart_repeats_nothing, never_doubts),
    (replay_equals_live, record_drops_basal),
]


@pytest.mark.parametrize("check", [check for check, _ in PAIRS], ids=lambda one: one.__name__)
def test_the_mechanism_holds(check: Callable[[FakeSystem], bool]) -> None:
    """As built, the property holds."""
    assert check(ready())


@pytest.mark.parametrize(("check", "weaken"), PAIRS, ids=[weaken.__name__ for _, weaken in PAIRS])
def test_the_mutant_is_caught(
    check: Callable[[FakeSystem], bool], weaken: Patch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the mechanism weakened the property must break, or the check proves nothing."""
    weaken(monkeypatch)

    try:
        holds = check(ready())
    except (AssertionError, ArithmeticError, RuntimeError):
        holds = False

    assert not holds
