"""Acceptances, presets and orders at their edges: what they name, spread and raise."""

from typing import Any

import msgspec
import pytest

from core.deciders.bolus.orders import order_own
from core.dosing.insulin_account.dose_account import DoseBook, OpenDose
from core.dosing.limits.caps_sliding import rooms
from schemas.bolus.advice import (
    AcceptAdvice,
    CarbsRecorded,
    RecordCarbs,
    RequestAdvice,
)
from schemas.bolus.orders import (
    BolusOrdered,
    BolusPresetSet,
    OrderBolus,
    OrderPreset,
    SetBolusPreset,
)
from schemas.delivery.pump import SuspendDelivery
from schemas.message import Now
from schemas.units import (
    HOUR_MS,
    DoseId,
    EventId,
    Grams,
    Milliseconds,
    MilliUnits,
    UtcMillis,
)
from schemas.wire import codec
from support.simulated.fake_system import SETTINGS, START, FakeSystem

MEAL = RequestAdvice(carbs=Grams(40))


NOTHING = RequestAdvice(carbs=Grams(0))


def now(system: FakeSystem) -> Now:
    return system.clock.now()


def unknown(amount: int = 1_000, **fields: Any) -> DoseBook:
    dose = OpenDose(
        dose=DoseId("u"), amount=MilliUnits(amount), since=UtcMillis(START), is_unknown=True
    )
    return DoseBook(open=(msgspec.structs.replace(dose, **fields),))


def test_an_acceptance_spreads_the_lower_of_both_and_names_what_has_changed(
    system: FakeSystem,
) -> None:
    """The same split is computed again; a meal or a setting since refuses by the advice's name."""
    system.glucose("100")
    wanted = RequestAdvice(carbs=Grams(40), duration=Milliseconds(HOUR_MS), now_percent=25)
    outcome = system.ask(wanted, to="bolus_advisor")
    system.glucose("98", at=UtcMillis(system.clock.now().therapy + 1))
    system.ask(AcceptAdvice(advice=outcome.events[0]), to="bolus_advisor")
    ordered = [
        (one.amount, one.duration, one.preset)
        for one in system.said_of("bolus_advisor", BolusOrdered)
    ]

    assert [(1_000, 0, ""), (3_000, HOUR_MS, "")] == ordered


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (RecordCarbs(grams=Grams(5), eaten_at=UtcMillis(START)), "carbs_since"),
        (SETTINGS, "settings_since"),
    ],
)
def test_what_came_between_names_the_advice(system: FakeSystem, change: Any, reason: str) -> None:
    """So that a person knows which one to ask for again."""
    system.glucose("180")
    advice = system.ask(MEAL, to="bolus_advisor").events[0]
    system.ask(change, to="bolus_advisor")
    refused: Any = codec.decode_event(
        system.ask(AcceptAdvice(advice=EventId(advice)), to="bolus_advisor").said[0]
    )

    assert (advice, reason) == (refused.advice, refused.reason)
    assert len(system.said_of("bolus_advisor", CarbsRecorded)) <= 1


def test_presets_at_their_edges(system: FakeSystem) -> None:
    """Names of 64 characters, reasons of 200, 25 U, and a refusal says of which."""

    def preset(name: str, amount: int, **fields: Any) -> Any:
        asked = SetBolusPreset(name=name, amount=MilliUnits(amount), **fields)
        return codec.decode_event(system.ask(asked, to="bolus_advisor").said[0])

    longest = preset("x" * 64, 50, because="y" * 200)
    assert isinstance(longest, BolusPresetSet) and "x" * 64 == longest.name
    assert isinstance(preset("most", 25_000), BolusPresetSet)
    assert "out_of_range" == preset("most", 50, because="y" * 201).reason
    assert ("odd", "not_whole_pulses") == (preset("odd", 1).name, preset("odd", 1).reason)
    assert ("x" * 64, "out_of_range") == (preset("x" * 65, 50).name, preset("x" * 65, 50).reason)
    assert "out_of_range" == preset("late", 50, duration=Milliseconds(-1)).reason
    nobody: Any = codec.decode_event(
        system.ask(OrderPreset(name="nobody"), to="bolus_advisor").said[0]
    )
    assert (0, "no_such_preset") == (nobody.amount, nobody.reason)


def test_an_alarm_about_limits_is_raised_once(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Advice and orders share it."""
    monkeypatch.setattr(
        "core.dosing.limits.limits.rooms_twice", lambda asked: (rooms(asked), False)
    )
    system.glucose("250")
    system.ask(NOTHING, to="bolus_advisor")
    first = [alarm.alarm for alarm in system.view("bolus_advisor").alarms]
    outcome = system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    second = system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")

    assert ["limits_disagree"] == first
    assert 1 == len(outcome.events) == len(second.events)
    system.ask(SuspendDelivery(), to="actuator")


def test_an_order_alone_raises_it_too(system: FakeSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first to find the difference says so."""
    monkeypatch.setattr(
        "core.dosing.limits.limits.rooms_twice", lambda asked: (rooms(asked), False)
    )
    outcome = system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")

    assert "limits_disagree" == outcome.reason
    assert ["limits_disagree"] == [one.alarm for one in system.view("bolus_advisor").alarms]


@pytest.mark.parametrize(
    ("settings", "reason", "field"),
    [
        ({"carb_ratios": ()}, "segments_wrong", "carb_ratio"),
        ({"sensitivities": ()}, "segments_wrong", "sensitivity"),
        ({"targets": ()}, "segments_wrong", "target"),
        ({"rules": "x" * 65}, "unknown_rules", "x" * 64),
    ],
)
def test_wrong_settings_are_named(
    system: FakeSystem, settings: dict[str, Any], reason: str, field: str
) -> None:
    """Which schedule, or what was taken for a rule set."""
    asked = msgspec.structs.replace(SETTINGS, **settings)
    refused: Any = codec.decode_event(system.ask(asked, to="bolus_advisor").said[0])

    assert (reason, field) == (refused.reason, refused.field)


def test_a_refused_order_says_its_amount_whatever_the_reason(system: FakeSystem) -> None:
    """A hole in the record, a coarse pump, a wrong time, a second extended one."""

    def order(amount: int, state: Any = None, **fields: Any) -> Any:
        asked = OrderBolus(amount=MilliUnits(amount), **fields)
        known = system.state("bolus_advisor") if state is None else state
        return order_own(known, asked, "a", now(system))[0]

    whole = system.state("bolus_advisor")
    holed = msgspec.structs.replace(
        whole, common=msgspec.structs.replace(whole.common, missing_from=("actuator",))
    )
    coarse = msgspec.structs.replace(
        whole, limits=msgspec.structs.replace(whole.limits, pump_model="medtronic_522")
    )
    spread = msgspec.structs.replace(
        whole, doses=unknown(is_unknown=False, is_extended=True), limits=whole.limits
    )
    hour = Milliseconds(HOUR_MS)
    found = [
        order(500, holed),
        order(550, coarse),
        order(500, duration=Milliseconds(1)),
        order(500, spread, duration=hour),
    ]

    assert [
        (500, "history_missing"),
        (550, "pump_step"),
        (500, "duration_out_of_range"),
        (500, "extended_running"),
    ] == [(one.amount, one.reason) for one in found]
    largest = msgspec.structs.replace(
        whole,
        limits=msgspec.structs.replace(whole.limits, single=MilliUnits(25_000), hourly=75_000),
    )
    assert isinstance(order(25_000, largest), BolusOrdered)
    running = msgspec.structs.replace(whole, doses=unknown(is_unknown=False))
    assert isinstance(order(500, running, duration=hour), BolusOrdered)
    assert "bolus_running" == order(500, running, duration=hour, now_percent=1).reason
