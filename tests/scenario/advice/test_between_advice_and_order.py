"""What happens between an advice and its order: doubt, a changed mind, limits that differ."""

from typing import Any

import pytest

from core.deciders.bolus.order_signing import in_pump_time
from core.dosing.limits.caps_sliding import rooms
from core.kernel.errors import InvariantError
from schemas.alarms import AlarmRaised
from schemas.bolus.advice import (
    AcceptAdvice,
    AcceptanceRefused,
    AdviceAccepted,
    BolusAdvised,
    CarbsRecorded,
    RequestAdvice,
)
from schemas.bolus.orders import BolusOrdered
from schemas.message import Outcome
from schemas.units import HOUR_MS, MINUTE_MS, EventId, Grams, MilliUnits
from schemas.wire import codec
from services.virtual_pump.in_process_pump import FakePumpDevice
from services.virtual_pump.state_store import FakePumpStore
from support.simulated.fake_system import IDENTITY, FakeSystem


def advice(system: FakeSystem, carbs: int = 20) -> EventId:
    system.glucose("110")
    return system.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor").events[0]


def accept(system: FakeSystem, name: EventId, **fields: Any) -> Outcome:
    return system.ask(AcceptAdvice(advice=name, **fields), to="bolus_advisor")


def kinds(outcome: Outcome) -> list[type]:
    return [type(codec.decode_event(one)) for one in outcome.said]


def put_an_empty_memory_in(system: FakeSystem) -> None:
    """Give the pump a memory that has never counted anything."""
    system.pump = FakePumpDevice(
        system.clock, identity=IDENTITY, store=FakePumpStore(), fill=MilliUnits(200_000)
    )
    system.restart("actuator")


def test_an_advice_is_not_accepted_before_the_pump_was_heard() -> None:
    """Advice needs no pump; an order without its challenge would be believed by nobody."""
    system = FakeSystem()
    system.line_is_cut = True
    system.set_up()

    refused = accept(system, advice(system))

    assert (False, "pump_not_heard") == (refused.accepted, refused.reason)
    assert [] == system.said_of("bolus_advisor", BolusOrdered)


@pytest.mark.requirement("R45")
def test_an_advice_is_not_accepted_once_the_pump_is_doubted(system: FakeSystem) -> None:
    """The insulin on board that it subtracted may be anything."""
    system.run(ms=HOUR_MS)
    name = advice(system)
    put_an_empty_memory_in(system)
    system.run(ms=MINUTE_MS)

    refused = accept(system, name)

    assert (False, "pump_doubted") == (refused.accepted, refused.reason)
    assert [] == system.said_of("bolus_advisor", BolusOrdered)


@pytest.mark.parametrize(
    ("carbs", "said", "reason"),
    [(20, [AdviceAccepted, CarbsRecorded], ""), (0, [AcceptanceRefused], "nothing_to_give")],
)
def test_a_meal_is_recorded_without_the_insulin_that_a_person_leaves_out(
    system: FakeSystem, carbs: int, said: list[type], reason: str
) -> None:
    """0 is an amount of one's own: carbs and difference are on record, and nothing is ordered."""
    system.glucose("250")
    name = system.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor").events[0]

    outcome = accept(system, name, amount=MilliUnits(0))

    (advised,) = system.said_of("bolus_advisor", BolusAdvised)
    assert (said, reason) == (kinds(outcome), outcome.reason)
    assert [-advised.amount] * (carbs > 0) == [
        one.difference for one in system.said_of("bolus_advisor", AdviceAccepted)
    ]
    assert [] == system.said_of("bolus_advisor", BolusOrdered)


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("glucose", "carbs", "amount"), [("110", 20, None), ("110", 1, None), ("110", 20, 500)]
)
def test_a_difference_found_while_accepting_gives_nothing_and_is_an_alarm(
    system: FakeSystem,
    monkeypatch: pytest.MonkeyPatch,
    glucose: str,
    carbs: int,
    amount: int | None,
) -> None:
    """However small the advice, and for another amount too: the computations differ here."""
    system.glucose(glucose)
    name = system.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor").events[0]
    monkeypatch.setattr(
        "core.dosing.limits.limits.rooms_twice", lambda asked: (rooms(asked), False)
    )

    wanted = None if amount is None else MilliUnits(amount)
    refused = accept(system, name, amount=wanted)

    assert [AcceptanceRefused, BolusAdvised, AlarmRaised] == kinds(refused)
    assert "advice_changed" == refused.reason
    assert ["limits_disagree"] == [one.alarm for one in system.view("bolus_advisor").alarms]
    assert [] == system.said_of("bolus_advisor", BolusOrdered)


@pytest.mark.requirement("R20")
def test_a_difference_gives_nothing_while_its_alarm_stands(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time is no better than the first, and alarms only once."""
    system.glucose("110")
    names = [
        system.ask(small, to="bolus_advisor").events[0]
        for small in [RequestAdvice(carbs=Grams(1))] * 2
    ]
    monkeypatch.setattr(
        "core.dosing.limits.limits.rooms_twice", lambda asked: (rooms(asked), False)
    )

    reasons = [accept(system, name).reason for name in names]

    assert ["advice_changed", "advice_changed"] == reasons
    assert 1 == len(system.said_of("bolus_advisor", AlarmRaised))
    assert [] == system.said_of("bolus_advisor", CarbsRecorded)


@pytest.mark.requirement("R20")
def test_a_difference_found_for_an_amount_of_ones_own_is_an_alarm_too(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An advice of nothing meets no limit; the amount that a person makes of it does."""
    name = advice(system, 0)
    monkeypatch.setattr(
        "core.dosing.limits.limits.rooms_twice", lambda asked: (rooms(asked), False)
    )

    refused = accept(system, name, amount=MilliUnits(500))

    assert "limits_disagree" == refused.reason
    assert ["limits_disagree"] == [one.alarm for one in system.view("bolus_advisor").alarms]


def test_an_order_to_a_pump_that_was_never_heard_is_a_broken_invariant(system: FakeSystem) -> None:
    """Both ways to an order refuse it before; an order without a challenge must not be made up."""
    with pytest.raises(InvariantError, match="^an order to a pump that was never heard$"):
        in_pump_time(None, system.clock.now())
