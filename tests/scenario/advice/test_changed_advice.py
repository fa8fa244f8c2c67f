"""Advice accepted with another amount, or computed again: what is asked, split and recorded."""

from typing import Any

import msgspec
import pytest

from schemas.bolus.advice import AcceptAdvice, AcceptanceRefused, AdviceAccepted, RequestAdvice
from schemas.bolus.orders import BolusOrdered
from schemas.message import Outcome
from schemas.units import HOUR_MS, SECOND_MS, EventId, Grams, MgDl, Milliseconds, MilliUnits
from schemas.wire import codec
from support.simulated.fake_system import LIMITS, SETTINGS, FakeSystem


@pytest.fixture
def system() -> FakeSystem:
    ready = FakeSystem()
    ready.set_up()
    ready.glucose("110")
    return ready


def advice(system: FakeSystem, *, carbs: int = 20, spread: int | None = None) -> EventId:
    """Ask for a meal's bolus, all of it at once or some per cent of it."""
    wanted = RequestAdvice(
        carbs=Grams(carbs),
        duration=Milliseconds(0 if spread is None else HOUR_MS),
        now_percent=spread or 0,
    )
    return system.ask(wanted, to="bolus_advisor").events[0]


def accept(system: FakeSystem, name: EventId, **fields: Any) -> Outcome:
    return system.ask(AcceptAdvice(advice=name, **fields), to="bolus_advisor")


def ordered(system: FakeSystem) -> list[tuple[int, int]]:
    """Give amount [mU] and duration [ms] of each order."""
    return [(one.amount, one.duration) for one in system.said_of("bolus_advisor", BolusOrdered)]


@pytest.mark.requirement("R3")
def test_an_advice_above_the_soft_limit_is_said_twice(system: FakeSystem) -> None:
    """The refusal names the advice and why; the order says what was confirmed."""
    system.ask(msgspec.structs.replace(LIMITS, soft=MilliUnits(1_000)), to="actuator")
    name = advice(system)

    first: Any = codec.decode_event(accept(system, name).said[0])
    second = accept(system, name, confirmed=True)

    assert isinstance(first, AcceptanceRefused)
    assert (name, "confirmation_needed") == (first.advice, first.reason)
    assert (("above_soft_limit",), True) == (first.confirm, second.accepted)
    (order,) = system.said_of("bolus_advisor", BolusOrdered)
    assert ("above_soft_limit",) == order.confirmed


def test_what_is_accepted_as_advised_differs_by_nothing(system: FakeSystem) -> None:
    """A difference on record is a person's own."""
    accept(system, advice(system))

    (said,) = system.said_of("bolus_advisor", AdviceAccepted)
    assert (0, None) == (said.difference, said.recomputed)


@pytest.mark.parametrize(
    ("amount", "reason"),
    [(1, "not_whole_pulses"), (-50, "out_of_range"), (10_050, "single_limit"), (50, "")],
)
def test_another_amount_must_be_one_that_could_be_ordered(
    system: FakeSystem, amount: int, reason: str
) -> None:
    """From one pulse to every limit; 0 alone is no order."""
    assert reason == accept(system, advice(system), amount=MilliUnits(amount)).reason


@pytest.mark.parametrize(
    ("spread", "amount", "parts"),
    [
        (0, 500, [(500, HOUR_MS)]),
        (50, 500, [(500, HOUR_MS)]),
        (50, 1_500, [(500, 0), (1_000, HOUR_MS)]),
        (50, 2_500, [(1_500, 0), (1_000, HOUR_MS)]),
    ],
)
def test_what_a_person_changes_is_what_comes_at_once(
    system: FakeSystem, spread: int, amount: int, parts: list[tuple[int, int]]
) -> None:
    """The part that is spread stays as advised, or is all there is; never more in sum."""
    assert accept(system, advice(system, spread=spread), amount=MilliUnits(amount)).accepted

    assert parts == ordered(system)


@pytest.mark.parametrize(
    ("glucose", "parts"),
    [("116", [(1_000, 0), (1_000, HOUR_MS)]), ("88", [(1_000, 0), (950, HOUR_MS)])],
)
def test_an_advice_computed_again_orders_the_lower_split(
    system: FakeSystem, glucose: str, parts: list[tuple[int, int]]
) -> None:
    """The lower of both amounts, and of both parts that are spread."""
    name = advice(system, spread=50)
    system.run(ms=SECOND_MS)
    system.glucose(glucose)

    assert accept(system, name).accepted

    assert parts == ordered(system)


def test_an_advice_taken_as_it_stands_is_nobodys_own_amount(system: FakeSystem) -> None:
    """A little less glucose, a little less insulin: only another amount is asked about."""
    settings = msgspec.structs.replace(SETTINGS, safe_minimum=MgDl(50))
    system.ask(settings, to="bolus_advisor")
    system.run(ms=SECOND_MS)
    system.glucose("71")
    name, other = advice(system), advice(system)
    system.run(ms=SECOND_MS)
    system.glucose("69")

    own: Any = codec.decode_event(accept(system, other, amount=MilliUnits(1_000)).said[0])
    outcome = accept(system, name)

    assert ("glucose_below_70",) == own.confirm
    assert (True, "") == (outcome.accepted, outcome.reason)
    (said,) = system.said_of("bolus_advisor", AdviceAccepted)
    assert said.recomputed is not None
