"""Insulin that an advice did not know of, and doses that the pump has and no answer tells of."""

from typing import Any

import pytest

import core.deciders.bolus.events
import core.deciders.bolus.orders
import core.deciders.delivery.orders
from core.pump import machine
from core.pump.memory import PumpStep
from schemas.alarms import AlarmRaised
from schemas.bolus.advice import AcceptAdvice, AdviceAccepted, RequestAdvice
from schemas.bolus.orders import BolusOrdered, InjectionRecorded, OrderBolus
from schemas.delivery.delivery import BolusDelivered, BolusRefused
from schemas.delivery.unresolved_doses import BolusUnknown
from schemas.units import MINUTE_MS, SECOND_MS, DoseId, EventId, Grams, Milliseconds, MilliUnits
from services.runtime.pump_link.protocol import AnyAnswer, AnyRequest, StartBolus
from services.virtual_pump.fault_script import ScriptedFault
from support.simulated.fake_system import FakeSystem
from support.simulated.mutant_pairs import Check, Patch, Weaken, is_caught

STRANGE = DoseId("bolus_advisor:p1:700")


def a_system(*faults: ScriptedFault) -> FakeSystem:
    system = FakeSystem(faults=faults)
    system.set_up()
    return system


def advice(system: FakeSystem, *, carbs: int) -> EventId:
    return system.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor").events[0]


def accepted(system: FakeSystem, name: EventId, **fields: Any) -> str:
    """Accept an advice; give the reason against it, empty where there is none."""
    return system.ask(AcceptAdvice(advice=name, **fields), to="bolus_advisor").reason


def gives_a_bolus(system: FakeSystem) -> None:
    """Let the pump give 1 U that nobody ordered."""
    host = system.pump.host
    step = machine.start_bolus(
        host.memory,
        dose=STRANGE,
        amount=MilliUnits(1_000),
        executed=False,
        now=host.memory.on_at,
    )
    assert isinstance(step, PumpStep)
    host._keep(step)
    system.run(ms=MINUTE_MS)


def a_bolus_of_the_pumps_own_refuses_the_advice() -> bool:
    """For carbohydrate alone nothing on board is subtracted: computed again it is the same."""
    system = a_system()
    name = advice(system, carbs=20)
    gives_a_bolus(system)
    reason = accepted(system, name)
    return reason == "dose_since" and not system.said_of("bolus_advisor", BolusOrdered)


def strokes_that_nobody_asked_for_refuse_the_advice() -> bool:
    """The motor turned by itself; what it moved acts like any other insulin."""
    unasked = ScriptedFault(
        fault="motor_unasked", from_odometer=MilliUnits(50), amount=MilliUnits(1_000)
    )
    system = a_system(unasked)
    name = advice(system, carbs=20)
    system.run(ms=4 * MINUTE_MS)
    reason = accepted(system, name)
    return reason == "dose_since" and not system.said_of("bolus_advisor", BolusOrdered)


def the_advised_amount_by_its_number_is_the_advice() -> bool:
    """2.00 U advised, 1.95 U by the glucose of now: whoever says 2.00 U has changed nothing."""
    system = a_system()
    system.glucose("110")
    name = advice(system, carbs=20)
    system.run(ms=SECOND_MS)
    system.glucose("88")
    reason = accepted(system, name, amount=MilliUnits(2_000))
    (order,) = system.said_of("bolus_advisor", BolusOrdered)
    (said,) = system.said_of("bolus_advisor", AdviceAccepted)
    return (reason, order.amount, said.recomputed, said.difference) == ("", 1_950, 1_950, 0)


def a_start_that_came_twice_is_no_refusal() -> bool:
    """The first answer is lost, the second says 'given already': the dose is being given."""
    system = a_system()
    ask = system.pump._ask

    async def twice(request: AnyRequest) -> AnyAnswer:
        if isinstance(request, StartBolus):
            await ask(request)
        return await ask(request)

    system.pump._ask = twice  # type: ignore[method-assign]  # a line that says it twice
    system.line_is_cut = True  # the watch reads nothing, so that the answer comes first
    system.order(500)
    doubted = system.said_of("actuator", BolusUnknown)
    counted = system.view("bolus_advisor").insulin_on_board_most
    system.line_is_cut = False
    system.run(ms=5 * MINUTE_MS)
    (ended,) = system.said_of("actuator", BolusDelivered)
    return (
        (len(doubted), counted, ended.delivered) == (1, 500, 500)
        and not system.said_of("actuator", BolusRefused)
        and not system.said_of("actuator", AlarmRaised)
        and system.accounted() == system.odometer
        and not system.lives().wrong
    )


def knows_only_what_was_ordered(patch: Patch) -> None:
    patch.setattr(
        core.deciders.bolus.events,
        "tells_of_insulin",
        lambda _, body: isinstance(body, BolusOrdered | InjectionRecorded),
    )


def takes_every_number_for_a_persons_own(patch: Patch) -> None:
    patch.setattr(
        core.deciders.bolus.orders,
        "chosen_amount",
        lambda asked, *, advised, lower: None if asked.amount == lower else asked.amount,
    )


def takes_every_no_for_nothing_given(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.orders, "STARTED_BEFORE", frozenset[str]())


BREAKS_BY = (AssertionError, ValueError)
"""[-] errors by which a check may break."""

PAIRS: list[tuple[Check, Weaken]] = [
    (a_bolus_of_the_pumps_own_refuses_the_advice, knows_only_what_was_ordered),
    (strokes_that_nobody_asked_for_refuse_the_advice, knows_only_what_was_ordered),
    (the_advised_amount_by_its_number_is_the_advice, takes_every_number_for_a_persons_own),
    (a_start_that_came_twice_is_no_refusal, takes_every_no_for_nothing_given),
]


@pytest.mark.parametrize("check", [check for check, _ in PAIRS], ids=lambda one: one.__name__)
def test_the_mechanism_holds(check: Check) -> None:
    """As built, the property holds."""
    assert check()


@pytest.mark.parametrize(("check", "weaken"), PAIRS, ids=[check.__name__ for check, _ in PAIRS])
def test_the_mutant_is_caught(check: Check, weaken: Weaken, monkeypatch: Patch) -> None:
    """With the mechanism weakened the property must break, or the check proves nothing."""
    assert is_caught(check, weaken, monkeypatch, breaks_by=BREAKS_BY)


def test_progress_of_a_known_dose_is_no_news() -> None:
    """Or no advice could be accepted while an extended bolus flows."""
    system = a_system()
    system.glucose("180")
    spread = OrderBolus(amount=MilliUnits(1_000), duration=Milliseconds(30 * MINUTE_MS))
    system.ask(spread, to="bolus_advisor")
    system.run(ms=MINUTE_MS)
    name = advice(system, carbs=40)
    before = system.state("bolus_advisor").doses.bolus_total
    system.run(ms=4 * MINUTE_MS)

    assert before < system.state("bolus_advisor").doses.bolus_total
    assert "" == accepted(system, name)
