"""The life of a dose: every step that is taken is one that there is, and no other."""

from typing import Any, get_args

import pytest

import services.runtime.decider_host.inbox
from core.kernel.decider import Entry
from core.record.dose_lifecycle import OPEN, STEPS, DoseState, Step, lives_of, step_of
from schemas.bolus.advice import CarbsRecorded
from schemas.bolus.orders import BolusOrdered, BolusOrderSigned, BolusOrderWithdrawn
from schemas.delivery.delivery import (
    BolusDelivered,
    BolusProgressed,
    BolusRefused,
    BolusStartRequested,
    BolusStopped,
    CancelBolus,
)
from schemas.delivery.device import PumpOrder, SignedOrder
from schemas.delivery.unresolved_doses import BolusReconciled, BolusUnknown, DoseSettled
from schemas.message import Deadline, Event
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    Grams,
    Milliseconds,
    MilliUnits,
    PumpId,
    Speaker,
    UtcMillis,
)
from services.runtime.decider_host.version_check import SequenceCheck
from support.simulated.fake_system import FakeSystem

DOSE = DoseId("bolus_advisor:p1:7")


def test_every_state_is_reached_and_every_step_is_taken_somewhere() -> None:
    """A name that leads nowhere is a rule that was forgotten."""
    states: set[DoseState] = {after for _, after in STEPS.items()}

    assert set(get_args(DoseState)) == states | {"unheard_of"}
    assert set(get_args(Step)) == {step for _, step in STEPS}


def test_an_unknown_dose_is_never_started_again_refused_or_ended_without_the_pump() -> None:
    """A timeout is no failure, and no reason for a second command (I5)."""
    leads_on = {
        step for (state, step), after in STEPS.items() if state == "unknown" and after != state
    }

    assert {"find_running", "reconcile", "settle"} == leads_on


def test_nothing_is_started_but_what_was_signed_and_not_before() -> None:
    """From every other state a start is a second dose."""
    assert {"signed"} == {state for state, step in STEPS if step == "start"}


@pytest.mark.parametrize("state", ["refused", "delivered", "stopped"])
def test_an_end_is_an_end(state: DoseState) -> None:
    """What is over does not move the motor."""
    assert not [step for before, step in STEPS if before == state]
    assert state not in OPEN


@pytest.mark.requirement("R95")
def test_a_system_that_lives_leaves_a_sound_record() -> None:
    """Given in full, cancelled, refused, lost from sight and found again."""
    system = FakeSystem()
    system.set_up()
    for amount in (1_000, 2_000, 9_000, 9_000):
        system.order(amount)
        system.run(ms=MINUTE_MS)
        if amount == 2_000:
            system.ask(CancelBolus(), to="actuator")
        system.run(ms=20 * MINUTE_MS)
    system.pump.loses = "answer"
    system.run(ms=HOUR_MS)

    lives = system.lives()
    assert () == lives.wrong
    assert len(lives.states) == sum(lives.counted.values())
    assert 1 == lives.counted["stopped"]
    assert {"delivered", "stopped"} <= set(lives.states.values())


def test_a_refusal_of_what_is_not_known_is_found() -> None:
    """A record that calls an unknown dose refused has lost insulin."""
    refusal: Event = BolusRefused(dose=DOSE, amount=MilliUnits(1_000), reason="expired")
    late = Entry(id="actuator:p1:99", at=UtcMillis(0), speaker=Speaker("actuator"), body=refusal)

    found = lives_of([late])

    assert [("unheard_of", "refuse")] == [(one.before, one.step) for one in found.wrong]
    assert [("actuator:p1:99", DOSE)] == [(one.event, one.dose) for one in found.wrong]
    assert {} == found.states


BY = Deadline(therapy=UtcMillis(1), real=UtcMillis(1))
U = MilliUnits(1_000)
SIGNED = SignedOrder(
    order=PumpOrder(
        pump=PumpId("p1"), dose=DOSE, amount=U, challenge="c", not_after=Milliseconds(1)
    ),
    key="00",
    signature="00",
)


def started(signed: SignedOrder | None) -> BolusStartRequested:
    return BolusStartRequested(
        dose=DOSE, amount=U, odometer=MilliUnits(0), epoch=1, start_by=BY, signed=signed
    )


def reconciled(outcome: Any) -> BolusReconciled:
    return BolusReconciled(dose=DOSE, outcome=outcome, delivered=U)


@pytest.mark.parametrize(
    ("event", "step"),
    [
        (BolusOrdered(amount=U, actor="person:a", start_by=BY), "order"),
        (BolusOrderSigned(dose=DOSE, key="00", signature="00"), "sign"),
        (BolusOrderWithdrawn(dose=DOSE, reason="no_key"), "withdraw"),
        (BolusRefused(dose=DOSE, amount=U, reason="expired"), "refuse"),
        (started(SIGNED), "start"),
        (started(None), "start_unsigned"),
        (
            BolusProgressed(
                dose=DOSE,
                starts_at=UtcMillis(0),
                ends_at=UtcMillis(1),
                amount=U,
                delivered=U,
                odometer=U,
                history_sequence=1,
            ),
            "count",
        ),
        (BolusDelivered(dose=DOSE, requested=U, delivered=U), "deliver"),
        (BolusStopped(dose=DOSE, requested=U, delivered=U, reason="cancelled"), "stop"),
        (BolusUnknown(dose=DOSE, least=MilliUnits(0), most=U, reason="lost"), "lose_sight"),
        (DoseSettled(dose=DOSE, delivered=U, counted=U, actor="person:a"), "settle"),
        (reconciled("running"), "find_running"),
        *((reconciled(ended), "reconcile") for ended in ("matched", "partial", "failed")),
    ],
)
def test_each_event_of_a_dose_is_one_step_of_its_life(event: Event, step: Step) -> None:
    """An order bears its own id; every other event names the dose."""
    entry = Entry(id=DOSE, at=UtcMillis(0), speaker=Speaker("actuator"), body=event)

    assert (DOSE, step) == step_of(entry)


def test_what_is_no_event_of_a_dose_moves_none() -> None:
    """A command, and everything that is said of other things."""
    eaten = CarbsRecorded(grams=Grams(20), eaten_at=UtcMillis(0), actor="person:a")
    for body in (CancelBolus(), eaten):
        assert step_of(Entry(id="x", at=UtcMillis(0), speaker=None, body=body)) is None


def test_the_mutant_that_hears_everything_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record would show one dose started twice."""
    monkeypatch.setattr(
        services.runtime.decider_host.inbox, "classify", lambda **_: SequenceCheck.ACCEPT
    )
    system = FakeSystem()
    system.set_up()
    system.order(1_000)
    system.run(ms=10 * MINUTE_MS)
    for message in [one for one in system.broker.messages if ".actuator." in one.subject]:
        system.broker.put(message.subject, message.data, {})
    system.settle()

    assert ("delivered", "start") in [(one.before, one.step) for one in system.lives().wrong]
