"""A cancel that races the end of a bolus ends in one recorded state, at each interleaving (R42)."""

import itertools
from typing import Any

import msgspec
import pytest

import core.deciders.delivery.decider
import core.deciders.delivery.events.doses
import core.deciders.delivery.orders
from core.deciders.delivery.orders import cancel
from core.deciders.delivery.state import DeliveryState
from schemas.bolus.orders import BolusOrdered, BolusOrderSigned, OrderBolus
from schemas.delivery.delivery import (
    BolusCancelled,
    BolusDelivered,
    BolusRefused,
    BolusStartRequested,
    BolusStopped,
    CancelBolus,
)
from schemas.delivery.unresolved_doses import BolusReconciled
from schemas.message import Event
from schemas.units import MINUTE_MS, DoseId, MilliUnits, Speaker
from support.simulated.fake_system import FakeSystem

AMOUNT = MilliUnits(200)
STROKE_MS = 2_000
"""[ms] between two strokes of 50 mU at 1.5 U/min; the bolus takes four of them."""

ASKED_MS = sorted({0, *(n * STROKE_MS + late for n in range(1, 5) for late in (-1, 0, 1))})
"""[ms] after the order at which somebody cancels: around each stroke, and after the last."""

HEARD_MS = (0, 1, STROKE_MS, 4 * STROKE_MS)
"""[ms] after that at which the actuator hears of it, while the pump goes on."""

LOSES = (None, "request", "answer")
"""[-] what the line to the pump loses of the stop."""


def raced(asked_ms: int, heard_ms: int, loses: Any) -> FakeSystem:
    """Order, cancel, and let the pump go on until the actuator hears of it."""
    system = FakeSystem()
    system.set_up()
    system.order(AMOUNT)
    if asked_ms:
        system.run(ms=asked_ms)
    system.post(CancelBolus(), to="actuator")
    actuator = system.services.pop(Speaker("actuator"))
    if heard_ms:
        system.clock.advance(therapy_ms=heard_ms)
    system.pump.loses = loses
    system.services[Speaker("actuator")] = actuator
    system.run(ms=5 * MINUTE_MS)
    return system


def ends_in_one_state(system: FakeSystem) -> bool:
    """One end, by a way that there is, with all that the pump moved in the account."""
    kinds = (BolusDelivered, BolusStopped)
    ends = [one for kind in kinds for one in system.said_of("actuator", kind)]
    if len(ends) != 1:
        return False
    counted = ends[0].delivered
    return (
        counted == system.view("actuator").bolus_total <= AMOUNT
        and isinstance(ends[0], BolusDelivered) == (counted == AMOUNT)
        and () == system.lives().wrong
        and system.odometer == system.accounted()
        and [] == system.said_of("actuator", BolusReconciled)
    )


@pytest.mark.requirement("R42")
@pytest.mark.parametrize(
    ("asked_ms", "heard_ms", "loses"), list(itertools.product(ASKED_MS, HEARD_MS, LOSES))
)
def test_a_cancel_that_races_the_bolus_ends_in_one_state(
    asked_ms: int, heard_ms: int, loses: Any
) -> None:
    """Stopped with what was given, or delivered to the end; never both, and none forgotten."""
    assert ends_in_one_state(raced(asked_ms, heard_ms, loses))


def test_both_ends_are_met() -> None:
    """Or the interleavings would all be the same one."""
    early, late = raced(STROKE_MS, 0, None), raced(STROKE_MS, 4 * STROKE_MS, None)

    assert [100] == [one.delivered for one in early.said_of("actuator", BolusStopped)]
    assert [AMOUNT] == [one.delivered for one in late.said_of("actuator", BolusDelivered)]


def cancelled_before_the_signature(loses: Any) -> FakeSystem:
    """Cancel between an order and its signature, when nothing runs that the pump could stop."""
    system = FakeSystem()
    system.set_up()
    advisor, actuator = (system.services[Speaker(name)] for name in ("bolus_advisor", "actuator"))
    system.post(OrderBolus(amount=AMOUNT), to="bolus_advisor")
    while not system.said_of("bolus_advisor", BolusOrdered):
        advisor.step()
    assert [] == system.said_of("bolus_advisor", BolusOrderSigned)
    while not system.state("actuator").waiting:
        actuator.step()
    system.post(CancelBolus(), to="actuator")
    system.pump.loses = loses
    while not system.said_of("actuator", BolusCancelled):
        actuator.step()
    system.run(ms=5 * MINUTE_MS)
    return system


@pytest.mark.requirement("R42")
@pytest.mark.parametrize("loses", LOSES)
def test_what_was_cancelled_before_its_signature_never_starts(loses: Any) -> None:
    """Whether the pump heard of the stop or not; and the wish ends with the dose."""
    system = cancelled_before_the_signature(loses)

    assert ["cancelled"] == [one.reason for one in system.said_of("actuator", BolusRefused)]
    assert [] == system.said_of("actuator", BolusStartRequested)
    assert (0, ()) == (system.view("actuator").bolus_total, system.state("actuator").cancelled)
    assert () == system.lives().wrong
    assert system.odometer == system.accounted()


@pytest.mark.requirement("R42")
def test_the_mutant_that_starts_what_was_cancelled_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It leaves it to the pump, which bars the dose if it heard of the stop."""
    known = core.deciders.delivery.orders.take_order

    def forgets(state: DeliveryState, *rest: Any) -> tuple[Event, ...]:
        return known(msgspec.structs.replace(state, cancelled=()), *rest)

    monkeypatch.setattr(core.deciders.delivery.orders, "take_order", forgets)

    assert cancelled_before_the_signature(None).said_of("actuator", BolusStartRequested)


def test_the_mutant_whose_wish_outlives_the_dose_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The actuator would look at the pump, and store what it saw, without a pause and for ever."""
    monkeypatch.setattr(core.deciders.delivery.events.doses, "_end", lambda state, _: state)

    with pytest.raises(RuntimeError, match="never comes to rest"):
        cancelled_before_the_signature(None)


def takes_the_wish_for_the_deed(
    state: DeliveryState, dose: DoseId | None, actor: str
) -> tuple[Event, ...]:
    said = cancel(state, dose, actor)
    counts = {one.dose: one.delivered for one in state.doses.open}
    ends = [
        BolusStopped(
            dose=one.dose, requested=AMOUNT, delivered=counts[one.dose], reason="cancelled"
        )
        for one in said
        if isinstance(one, BolusCancelled)
    ]
    return (*said, *ends)


@pytest.mark.requirement("R42")
def test_the_mutant_that_takes_the_wish_for_the_deed_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says what was given before the pump does, while strokes still come."""
    monkeypatch.setattr(core.deciders.delivery.decider, "cancel", takes_the_wish_for_the_deed)

    assert not ends_in_one_state(raced(STROKE_MS, STROKE_MS, None))
