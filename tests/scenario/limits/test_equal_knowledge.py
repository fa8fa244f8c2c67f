"""A refusal by the actuator is an alarm where the advisor knew the same, and only there (R10)."""

from collections.abc import Mapping

import msgspec
import pytest

import core.deciders.bolus.orders
import core.deciders.delivery.orders
import core.deciders.delivery.pending_orders
from core.deciders.delivery.pending_orders import Known, WaitingOrder, is_heard_equal
from schemas.alarms import AcknowledgeAlarm
from schemas.bolus.orders import BolusOrdered, OrderBolus, RecordInjection
from schemas.delivery.delivery import BolusRefused, BolusStartRequested
from schemas.message import Command, Deadline
from schemas.units import HOUR_MS, MINUTE_MS, DoseId, Milliseconds, MilliUnits, Speaker
from support.simulated.fake_system import LIMITS, START, FakeSystem
from support.simulated.mutant_pairs import Check, Patch, Weaken, is_caught

DUAL = OrderBolus(
    amount=MilliUnits(12_000), duration=Milliseconds(HOUR_MS), now_percent=50, confirmed=True
)
SMALLER_DUAL = msgspec.structs.replace(DUAL, amount=MilliUnits(8_000))


def ready() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    return system


def refused(system: FakeSystem) -> list[str]:
    return [one.reason for one in system.said_of("actuator", BolusRefused)]


def alarms(system: FakeSystem) -> list[str]:
    return [one.alarm for one in system.view("actuator").alarms]


def before_it_hears(system: FakeSystem, *, order: int, then: Command, to: str) -> None:
    """Let the advisor order before it hears what the actuator knows when it checks."""
    advisor = system.services.pop(Speaker("bolus_advisor"))
    system.post(OrderBolus(amount=MilliUnits(order), confirmed=True), to="bolus_advisor")
    system.post(then, to=to)
    system.settle()
    system.services[Speaker("bolus_advisor")] = advisor
    system.settle()


def of_a_careless_advisor(system: FakeSystem, *orders: OrderBolus) -> None:
    """Order without a look at the limits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.deciders.bolus.orders, "breach", lambda *_, **__: None)
        for order in orders:
            system.ask(order, to="bolus_advisor")
            system.run(ms=8 * MINUTE_MS)


def what_it_had_heard_and_broke_is_an_alarm() -> bool:
    system = ready()
    of_a_careless_advisor(system, OrderBolus(amount=MilliUnits(15_000), confirmed=True))
    return ["single_limit"] == refused(system) and ["accounts_disagree"] == alarms(system)


def a_limit_that_it_had_not_heard_is_a_refusal_alone() -> bool:
    system = ready()
    lower = msgspec.structs.replace(LIMITS, single=MilliUnits(5_000))
    before_it_hears(system, order=8_000, then=lower, to="actuator")
    return ["single_limit"] == refused(system) and [] == alarms(system)


def insulin_that_it_was_told_of_later_is_a_refusal_alone() -> bool:
    system = ready()
    given_at = system.clock.now().therapy
    pen = RecordInjection(amount=MilliUnits(8_000), given_at=given_at)
    before_it_hears(system, order=10_000, then=pen, to="bolus_advisor")
    return ["hourly_limit"] == refused(system) and [] == alarms(system)


def both_halves_are_held_against_the_limit_for_one_bolus() -> bool:
    system = ready()
    of_a_careless_advisor(system, DUAL)
    return ["single_limit"] * 2 == refused(system) and system.view("actuator").bolus_total == 0


def no_half_is_given_where_the_whole_is_too_much() -> bool:
    system = ready()
    of_a_careless_advisor(system, OrderBolus(amount=MilliUnits(8_000)), SMALLER_DUAL)
    return ["hourly_limit"] * 2 == refused(system) and system.view("actuator").bolus_total == 8_000


def alarms_always(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.orders, "is_heard_equal", lambda *_: True)


def alarms_never(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.orders, "is_heard_equal", lambda *_: False)


def forgets_what_came_after_the_order(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.pending_orders, "ORDERS", object)


def looks_at_each_half_alone(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.pending_orders, "_is_other_half", lambda *_: False)


PAIRS: list[tuple[Check, Weaken]] = [
    (what_it_had_heard_and_broke_is_an_alarm, alarms_never),
    (a_limit_that_it_had_not_heard_is_a_refusal_alone, alarms_always),
    (insulin_that_it_was_told_of_later_is_a_refusal_alone, alarms_always),
    (insulin_that_it_was_told_of_later_is_a_refusal_alone, forgets_what_came_after_the_order),
    (both_halves_are_held_against_the_limit_for_one_bolus, looks_at_each_half_alone),
    (no_half_is_given_where_the_whole_is_too_much, looks_at_each_half_alone),
]
CHECKS = list(dict.fromkeys(check for check, _ in PAIRS))


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("check", CHECKS)
def test_a_refusal_is_an_alarm_only_at_equal_heard(check: Check) -> None:
    """An alarm for each order that is overtaken teaches people to overlook them."""
    assert check()


@pytest.mark.requirement("R10")
@pytest.mark.parametrize(("check", "weaken"), PAIRS)
def test_the_mutant_is_caught(
    check: Check, weaken: Weaken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each rule weakened breaks the check that guards it."""
    assert is_caught(check, weaken, monkeypatch)


def test_a_dual_bolus_within_the_limits_is_given_in_both_halves(system: FakeSystem) -> None:
    """8 U of 10 U: neither half stands in the way of the other."""
    system.ask(SMALLER_DUAL, to="bolus_advisor")
    system.run(ms=2 * HOUR_MS)

    assert [4_000, 4_000] == [one.amount for one in system.said_of("actuator", BolusStartRequested)]
    assert 8_000 == system.view("actuator").bolus_total
    assert [] == alarms(system)


def test_the_alarm_ends_when_somebody_has_seen_it(system: FakeSystem) -> None:
    """It is about a moment that is past: no cause is left that could end."""
    of_a_careless_advisor(system, OrderBolus(amount=MilliUnits(15_000), confirmed=True))
    system.ask(AcknowledgeAlarm(alarm="accounts_disagree"), to="actuator")

    assert [] == alarms(system)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ({}, True),
        ({"actuator": 7, "basal_scheduler": 3}, True),
        ({"actuator": 9, "basal_scheduler": 4}, True),
        ({"actuator": 6, "basal_scheduler": 3}, False),
        ({"actuator": 7, "basal_scheduler": 2}, False),
        ({"actuator": 7}, False),
        ({"actuator": 7, "basal_scheduler": 5}, False),
    ],
)
def test_equal_means_all_that_the_limits_are_computed_from(
    heard: Mapping[str, int], *, expected: bool
) -> None:
    """What changes no limit makes nobody unequal; a plan that only the advisor has does."""
    known = Known(
        counted=(
            (Speaker("actuator"), 7),
            (Speaker("basal_scheduler"), 3),
            (Speaker("bolus_advisor"), 11),
        ),
        scheduler=4,
    )
    order = BolusOrdered(
        amount=MilliUnits(500), actor="person:a", start_by=Deadline(therapy=START, real=START)
    )

    assert expected == is_heard_equal(
        known, WaitingOrder(DoseId("bolus_advisor:p1:12"), order, heard)
    )
    late = WaitingOrder(DoseId("bolus_advisor:p1:10"), order, heard)
    assert is_heard_equal(known, late) == (not heard)
