"""Orders and advice at their edges: what a refusal says, what an acceptance keeps."""

from typing import Any

import msgspec
import pytest

from core.dosing.limits.caps_sliding import rooms
from schemas.bolus.advice import (
    AcceptAdvice,
    AcceptanceRefused,
    AdviceAccepted,
    AdviceRefused,
    BolusAdvised,
    CarbsRecorded,
    CarbsRefused,
    RecordCarbs,
    RequestAdvice,
)
from schemas.bolus.orders import BolusOrdered, OrderBolus, OrderRefused
from schemas.bolus.settings import (
    CarbRatioSegment,
    InsulinAction,
    SensitivitySegment,
    SetBolusSettings,
    TargetSegment,
)
from schemas.delivery.pump import SuspendDelivery
from schemas.message import Outcome
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    EventId,
    Grams,
    MgDl,
    MicrogramsPerDlPerUnit,
    MilligramsPerUnit,
    Milliseconds,
    MilliUnits,
    UtcMillis,
)
from schemas.wire import codec
from support.simulated.fake_system import LIMITS, SAID_TWICE, SETTINGS, START, FakeSystem


def first(outcome: Outcome) -> Any:
    return codec.decode_event(outcome.said[0])


def order(system: FakeSystem, amount: int) -> Any:
    return first(system.ask(OrderBolus(amount=MilliUnits(amount)), to="bolus_advisor"))


def request(system: FakeSystem, carbs: int = 0) -> Outcome:
    return system.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor")


def accept(system: FakeSystem, advice: str) -> Outcome:
    return system.ask(AcceptAdvice(advice=EventId(advice)), to="bolus_advisor")


@pytest.mark.parametrize(
    ("amount", "reason", "limit"),
    [
        (0, "out_of_range", None),
        (-50, "out_of_range", None),
        (1, "not_whole_pulses", None),
        (1_025, "not_whole_pulses", None),
        (10_050, "single_limit", 10_000),
        (25_050, "pump_maximum", 25_000),
    ],
)
def test_a_refused_order_says_what_was_asked_and_what_is_left(
    system: FakeSystem, amount: int, reason: str, limit: int | None
) -> None:
    """A person who gets nothing must see why, and how much would be given."""
    refused = order(system, amount)

    assert isinstance(refused, OrderRefused)
    assert (amount, reason, limit) == (refused.amount, refused.reason, refused.limit)


def test_an_order_needs_limits_and_a_pump_that_runs(system: FakeSystem) -> None:
    """Each state by its own name."""
    empty = FakeSystem()
    no_limits = order(empty, 500)
    order(system, 500)
    running = order(system, 500)
    system.run(ms=5 * MINUTE_MS)
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    suspended = order(system, 500)

    found = [(one.amount, one.reason) for one in (no_limits, running, suspended)]
    assert [(500, "no_limits"), (500, "bolus_running"), (500, "suspended")] == found


def test_a_limit_that_disagrees_is_told_with_an_alarm_and_no_other_is(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain refusal is no fault of the software."""
    order(system, 10_050)
    quiet = system.view("bolus_advisor").alarms
    monkeypatch.setattr(
        "core.dosing.limits.limits.rooms_twice", lambda asked: (rooms(asked), False)
    )
    wrong = order(system, 500)
    system.glucose("250")
    advice = first(request(system))

    assert () == quiet
    assert ("limits_disagree", 0) == (wrong.reason, wrong.limit)
    assert ["limits_disagree"] == [one.alarm for one in system.view("bolus_advisor").alarms]
    assert (0, ("limits_disagree", "nothing_needed")) == (advice.amount, advice.reasons[-2:])


def test_an_advice_that_hits_a_limit_raises_no_alarm(system: FakeSystem) -> None:
    """Only a difference between two computations does."""
    system.ask(msgspec.structs.replace(LIMITS, single=1_000), to="actuator")
    system.glucose("250")
    advice = first(request(system))

    assert isinstance(advice, BolusAdvised)
    assert (1_000, True) == (advice.amount, "clamped_to_single_limit" in advice.reasons)
    assert () == system.view("bolus_advisor").alarms


@pytest.mark.parametrize("grams", [1, 300])
def test_carbs_at_the_ends_of_their_range_are_taken(system: FakeSystem, grams: int) -> None:
    """From 1 g to 300 g."""
    now = system.clock.now().therapy
    for eaten_at in (now - 12 * HOUR_MS, now + HOUR_MS):
        asked = RecordCarbs(grams=Grams(grams), eaten_at=UtcMillis(eaten_at))
        taken = first(system.ask(asked, to="bolus_advisor"))
        assert isinstance(taken, CarbsRecorded)
        assert (grams, eaten_at, "person:test") == (taken.grams, taken.eaten_at, taken.actor)


@pytest.mark.parametrize(
    ("grams", "later", "reason"),
    [
        (0, 0, "out_of_range"),
        (301, 0, "out_of_range"),
        (5, -12 * HOUR_MS - 1, "time_out_of_range"),
        (5, HOUR_MS + 1, "time_out_of_range"),
    ],
)
def test_carbs_beyond_it_are_refused_with_what_was_asked(
    system: FakeSystem, grams: int, later: int, reason: str
) -> None:
    """One gram, one millisecond."""
    eaten_at = UtcMillis(system.clock.now().therapy + later)
    refused = first(
        system.ask(RecordCarbs(grams=Grams(grams), eaten_at=eaten_at), to="bolus_advisor")
    )

    assert isinstance(refused, CarbsRefused)
    assert (grams, reason) == (refused.grams, refused.reason)


@pytest.mark.parametrize("carbs", [-1, 301])
def test_an_advice_for_too_much_is_refused_with_what_was_asked(
    system: FakeSystem, carbs: int
) -> None:
    """300 g is the most, and 0 g a correction."""
    refused = first(request(system, carbs))

    assert isinstance(refused, AdviceRefused)
    assert (carbs, "carbs_out_of_range") == (refused.carbs, refused.reason)
    assert request(system, 300).accepted and request(system, 0).accepted


def test_a_refused_acceptance_names_the_advice(system: FakeSystem) -> None:
    """Used, expired, overtaken by a bolus: each with the advice it is about."""
    system.glucose("180")
    used, late, second = (request(system).events[0] for _ in range(3))
    accept(system, used)
    again, overtaken = first(accept(system, used)), first(accept(system, second))
    system.run(ms=5 * MINUTE_MS)
    expired = first(accept(system, late))
    nobody = first(accept(system, "bolus_advisor:p1:999"))

    assert [
        (used, "already_used"),
        (second, "bolus_running"),
        (late, "expired"),
        ("bolus_advisor:p1:999", "no_such_advice"),
    ] == [(one.advice, one.reason) for one in (again, overtaken, expired, nobody)]
    assert isinstance(again, AcceptanceRefused)


def test_suspension_and_doses_refuse_by_name_too(system: FakeSystem) -> None:
    """What the advice had not heard."""
    system.glucose("180")
    advice, other = request(system).events[0], request(system).events[0]
    order(system, 50)
    system.run(ms=10_000)
    dose = first(accept(system, advice))
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=10_000)
    suspended = first(accept(system, other))

    assert (advice, "dose_since") == (dose.advice, dose.reason)
    assert (other, "suspended") == (suspended.advice, suspended.reason)


def test_nothing_to_give_is_refused_and_a_meal_without_insulin_is_recorded(
    system: FakeSystem,
) -> None:
    """An advice of 0 for no carbs orders nothing; 0 for a meal still records the meal."""
    system.glucose("100")
    nothing = request(system)
    refused = first(accept(system, nothing.events[0]))
    system.run(ms=5 * MINUTE_MS)
    system.glucose("72")
    meal = request(system, 4)
    accepted = accept(system, meal.events[0])

    assert (nothing.events[0], "nothing_to_give") == (refused.advice, refused.reason)
    assert 0 == first(meal).amount
    assert ["AdviceAccepted", "CarbsRecorded"] == [
        type(codec.decode_event(one)).__name__ for one in accepted.said
    ]
    eaten = system.said_of("bolus_advisor", CarbsRecorded)[-1]
    assert (4, system.clock.now().therapy, "person:test") == (
        eaten.grams,
        eaten.eaten_at,
        eaten.actor,
    )
    assert [] == system.said_of("bolus_advisor", BolusOrdered)


def test_an_order_cites_its_advice_and_lives_half_a_minute(system: FakeSystem) -> None:
    """And says nothing of a second computation that gave the same."""
    system.glucose("180")
    advice = request(system, 20).events[0]
    accept(system, advice)

    ordered = system.said_of("bolus_advisor", BolusOrdered)[0]
    taken = system.said_of("bolus_advisor", AdviceAccepted)[0]
    now = system.clock.now()
    assert (advice, "person:test", 2_000) == (ordered.advice, ordered.actor, ordered.meal)
    assert (advice, "person:test", None) == (taken.advice, taken.actor, taken.recomputed)
    assert 30_000 == ordered.start_by.therapy - now.therapy
    assert 5_000 == ordered.start_by.real - now.real


def edge(
    *,
    ratio: int = 1_000,
    fall: int = 5_000,
    low: int = 70,
    high: int = 70,
    above: int | None = None,
    because: str = "",
) -> SetBolusSettings:
    return SetBolusSettings(
        zone="Europe/Berlin",
        carb_ratios=(CarbRatioSegment(start_minute=0, carb_ratio=MilligramsPerUnit(ratio)),),
        sensitivities=(
            SensitivitySegment(start_minute=0, sensitivity=MicrogramsPerDlPerUnit(fall)),
        ),
        targets=(
            TargetSegment(
                start_minute=0,
                low=MgDl(low),
                high=MgDl(high),
                correct_above=None if above is None else MgDl(above),
            ),
        ),
        insulin=SETTINGS.insulin,
        rules="basalt",
        because=because,
        confirmed=SAID_TWICE,
    )


@pytest.mark.parametrize(
    "settings",
    [
        edge(),
        edge(ratio=150_000, fall=500_000, low=180, high=180, above=250, because="x" * 200),
        edge(above=70),
    ],
)
def test_the_ends_of_every_setting_are_allowed(
    system: FakeSystem, settings: SetBolusSettings
) -> None:
    """Both ends, all fields."""
    assert system.ask(settings, to="bolus_advisor").accepted


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (edge(ratio=999), "carb_ratio"),
        (edge(ratio=150_001), "carb_ratio"),
        (edge(fall=4_999), "sensitivity"),
        (edge(fall=500_001), "sensitivity"),
        (edge(low=69), "target_low"),
        (edge(low=181, high=181), "target_low"),
        (edge(low=100, high=99), "target_high"),
        (edge(high=181), "target_high"),
        (edge(high=100, above=99), "correct_above"),
        (edge(above=251), "correct_above"),
        (edge(because="x" * 201), "because"),
    ],
)
def test_one_beyond_is_refused_by_name(
    system: FakeSystem, settings: SetBolusSettings, field: str
) -> None:
    """The name of the field, not of another."""
    refused = first(system.ask(settings, to="bolus_advisor"))

    assert ("out_of_range", field) == (refused.reason, refused.field)


@pytest.mark.parametrize(
    ("minutes", "field"),
    [
        ((119, 30, 0), "insulin.duration"),
        ((601, 30, 0), "insulin.duration"),
        ((120, 0, 0), "insulin.peak"),
        ((120, 60, 0), "insulin.peak"),
        ((120, 59, -1), "insulin.delay"),
        ((600, 299, 31), "insulin.delay"),
        ((120, 59, 0), None),
        ((600, 1, 30), None),
    ],
)
def test_insulin_at_its_edges(
    system: FakeSystem, minutes: tuple[int, int, int], field: str | None
) -> None:
    """2 to 10 h, a peak before the middle, a delay up to half an hour."""
    duration, peak, delay = (Milliseconds(one * MINUTE_MS) for one in minutes)
    action = InsulinAction(duration=duration, peak=peak, delay=delay)
    answer = first(
        system.ask(msgspec.structs.replace(SETTINGS, insulin=action), to="bolus_advisor")
    )

    assert field == getattr(answer, "field", None)
    assert START <= system.clock.now().therapy
