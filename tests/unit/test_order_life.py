"""The life of a dose: every step that is taken is one that there is, and no other."""

from typing import get_args

import pytest

import services.runtime.hearing
from core.decider import Entry
from core.order_life import OPEN, STEPS, DoseState, Step, lives_of
from fake_house import FakeHouse
from schemas.delivery import BolusRefused, CancelBolus
from schemas.message import Event
from schemas.units import HOUR_MS, MINUTE_MS, DoseId, MilliUnits, Speaker, UtcMillis
from services.runtime.admission import Admission

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


def test_a_house_that_lives_leaves_a_sound_record() -> None:
    """Given in full, cancelled, refused, lost from sight and found again."""
    house = FakeHouse()
    house.set_up()
    for amount in (1_000, 2_000, 9_000, 9_000):
        house.order(amount)
        house.run(ms=MINUTE_MS)
        if amount == 2_000:
            house.ask(CancelBolus(), to="actuator")
        house.run(ms=20 * MINUTE_MS)
    house.pump.loses = "answer"
    house.run(ms=HOUR_MS)

    lives = house.lives()
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
    assert {} == found.states


def test_the_mutant_that_hears_everything_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record would show one dose started twice."""
    monkeypatch.setattr(services.runtime.hearing, "admit", lambda **_: Admission.ACCEPT)
    house = FakeHouse()
    house.set_up()
    house.order(1_000)
    house.run(ms=10 * MINUTE_MS)
    for message in [one for one in house.broker.messages if ".actuator." in one.subject]:
        house.broker.put(message.subject, message.data, {})
    house.settle()

    assert ("delivered", "start") in [(one.before, one.step) for one in house.lives().wrong]
