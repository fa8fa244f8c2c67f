"""Amounts that must be said twice, changed advice, and doses settled by a person's word."""

from typing import Any

import msgspec
import pytest

import core.deciders.bolus.orders
import core.dosing.insulin_account.dose_account_events
from core.dosing.advice.confirmation import Wish, confirm_reasons, remember
from schemas.bolus.advice import AcceptAdvice, AdviceAccepted, RequestAdvice
from schemas.bolus.orders import BolusOrdered, OrderBolus, OrderPreset, SetBolusPreset
from schemas.delivery.delivery import BolusDelivered
from schemas.delivery.unresolved_doses import BolusReconciled, DoseSettled, SettleDose
from schemas.message import Outcome
from schemas.units import HOUR_MS, MINUTE_MS, DoseId, EventId, Grams, MgDl, MilliUnits, UtcMillis
from support.simulated.fake_system import LIMITS, SETTINGS, FakeSystem


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    return system


def advised(system: FakeSystem, carbs: int = 20) -> EventId:
    return system.ask(RequestAdvice(carbs=Grams(carbs)), to="bolus_advisor").events[0]


def accepted(system: FakeSystem, advice: EventId, **fields: Any) -> Outcome:
    return system.ask(AcceptAdvice(advice=advice, **fields), to="bolus_advisor")


def own(system: FakeSystem, amount: int, *, confirmed: bool = False) -> Outcome:
    asked = OrderBolus(amount=MilliUnits(amount), confirmed=confirmed)
    return system.ask(asked, to="bolus_advisor")


def soft(system: FakeSystem, amount: int) -> None:
    limits = msgspec.structs.replace(LIMITS, soft=MilliUnits(amount))
    assert system.ask(limits, to="actuator").accepted


def why(system: FakeSystem, outcome: Outcome) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(outcome.said[0])["confirm"])


@pytest.mark.requirement("R3")
def test_above_the_soft_limit_an_amount_is_said_twice(system: FakeSystem) -> None:
    """Refused with the reason first; the confirmation is on record with the order."""
    soft(system, 2_000)

    first = own(system, 2_050)
    second = own(system, 2_050, confirmed=True)

    assert (False, "confirmation_needed") == (first.accepted, first.reason)
    assert ("above_soft_limit",) == why(system, first)
    assert second.accepted
    (order,) = system.said_of("bolus_advisor", BolusOrdered)
    assert ("above_soft_limit",) == order.confirmed


def test_at_the_soft_limit_itself_nobody_is_asked(system: FakeSystem) -> None:
    """What is allowed is allowed up to its edge."""
    soft(system, 2_000)

    assert own(system, 2_000).accepted


@pytest.mark.parametrize(
    ("glucose", "age_ms", "reasons"),
    [
        ("69", 10 * MINUTE_MS, ("glucose_below_70",)),
        ("69", 10 * MINUTE_MS + 1, ()),
        ("70", 0, ()),
        ("20", 0, ("glucose_below_70",)),
    ],
)
def test_glucose_counts_as_low_below_70_for_ten_minutes(
    system: FakeSystem, glucose: str, age_ms: int, reasons: tuple[str, ...]
) -> None:
    """One mg/dL, one millisecond."""
    system.glucose(glucose)
    system.clock.advance(therapy_ms=age_ms)

    outcome = own(system, 500)

    assert (not reasons, reasons) == (
        outcome.accepted,
        () if outcome.accepted else why(system, outcome),
    )


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(
    ("minimum", "glucose", "reasons"),
    [
        (60, "65", ("glucose_below_70",)),
        (80, "79", ("below_safe_minimum",)),
        (80, "69", ("glucose_below_70",)),
        (80, "80", ()),
    ],
)
def test_the_second_word_is_asked_below_the_safe_minimum_and_below_70_whatever_is_set(
    system: FakeSystem, minimum: int, glucose: str, reasons: tuple[str, ...]
) -> None:
    """Where nothing would be advised, no preset goes out at the first touch."""
    safe = msgspec.structs.replace(SETTINGS, safe_minimum=MgDl(minimum))
    assert system.ask(safe, to="bolus_advisor").accepted
    system.ask(SetBolusPreset(name="snack", amount=MilliUnits(500)), to="bolus_advisor")
    system.glucose(glucose)
    quick = system.ask(OrderPreset(name="snack"), to="bolus_advisor")

    assert reasons == (() if quick.accepted else why(system, quick))
    again = system.ask(OrderPreset(name="snack", confirmed=True), to="bolus_advisor")
    assert again.accepted == bool(reasons)


def test_twice_the_largest_of_the_last_ones_is_still_usual(system: FakeSystem) -> None:
    """Above it, it is not."""
    for _ in range(5):
        own(system, 1_000)
        system.run(ms=2 * HOUR_MS)

    assert own(system, 2_000).accepted


@pytest.mark.parametrize(
    ("recent", "amount", "reasons"),
    [
        ((1_000,) * 5, 2_000, ()),
        ((1_000,) * 5, 2_001, ("much_larger_than_recent",)),
        ((1_000,) * 4, 9_000, ()),
        ((500,) * 4 + (1_000,), 2_001, ("much_larger_than_recent",)),
    ],
)
def test_five_boluses_are_needed_to_know_what_is_usual(
    recent: tuple[int, ...], amount: int, reasons: tuple[str, ...]
) -> None:
    """The largest of them counts, and twice of it is usual still."""
    wish = Wish(amount=MilliUnits(amount), recent=[MilliUnits(one) for one in recent])

    assert reasons == confirm_reasons(wish, at=UtcMillis(0))


def test_twenty_boluses_are_remembered() -> None:
    """The newest of them, in order."""
    known: tuple[MilliUnits, ...] = ()
    for amount in range(1, 25):
        known = remember(known, MilliUnits(amount))

    assert tuple(range(5, 25)) == known


@pytest.mark.parametrize(
    ("recent", "amount", "is_run"),
    [
        ((1_000,) * 5 + (1_800,) * 2, 1_800, True),
        ((1_000,) * 4 + (1_800,) * 2, 1_800, False),
        ((1_000,) * 6 + (1_800,), 1_800, False),
        ((1_000,) * 5 + (1_550,) * 2, 1_550, True),
        ((1_000,) * 5 + (1_500,) * 2, 1_500, False),
    ],
)
def test_three_doses_above_half_as_much_again_are_a_run(
    recent: tuple[int, ...], amount: int, is_run: bool
) -> None:
    """This one and the two before it, against five at least that came before them."""
    wish = Wish(amount=MilliUnits(amount), recent=[MilliUnits(one) for one in recent])

    assert ("run_of_large_doses",) * is_run == confirm_reasons(wish, at=UtcMillis(0))


@pytest.mark.requirement("R3")
def test_the_mutant_that_never_asks_again_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the question the amount goes out at once: the test above can fail."""
    soft(system, 2_000)
    monkeypatch.setattr(core.deciders.bolus.orders, "confirm_reasons", lambda *_, **__: ())

    assert own(system, 2_050).accepted


@pytest.mark.requirement("R1")
def test_a_confirmation_moves_no_hard_limit(system: FakeSystem) -> None:
    """However often somebody says it."""
    assert "single_limit" == own(system, 10_050, confirmed=True).reason
    assert (
        "single_limit"
        == accepted(system, advised(system), amount=MilliUnits(10_050), confirmed=True).reason
    )


@pytest.mark.requirement("R11")
def test_after_a_low_an_amount_of_ones_own_is_said_twice(system: FakeSystem) -> None:
    """A number below 70, or LOW; not when it is long past."""
    system.glucose("65")
    low = own(system, 500)
    system.run(ms=11 * MINUTE_MS)
    later = own(system, 500)

    assert ("glucose_below_70",) == why(system, low)
    assert later.accepted
    system.run(ms=HOUR_MS)
    system.glucose("LOW")
    assert ("glucose_below_70",) == why(system, own(system, 500))


def test_an_accepted_advice_may_be_changed_within_the_limits(system: FakeSystem) -> None:
    """The difference and the person are on record."""
    system.glucose("110")
    advice = advised(system)

    outcome = accepted(system, advice, amount=MilliUnits(1_500))

    assert outcome.accepted
    (said,) = system.said_of("bolus_advisor", AdviceAccepted)
    (order,) = system.said_of("bolus_advisor", BolusOrdered)
    assert (-500, "person:test", 1_500) == (said.difference, said.actor, order.amount)
    assert order.meal <= order.amount


def test_five_times_what_was_advised_is_said_twice(system: FakeSystem) -> None:
    """A decimal point that got lost gives ten times the dose."""
    system.glucose("110")
    advice = advised(system, 10)

    less = accepted(system, advice, amount=MilliUnits(5_000))
    assert ("changed_fivefold",) == why(system, less)
    assert accepted(system, advice, amount=MilliUnits(4_950)).accepted


@pytest.mark.requirement("R15")
def test_a_dose_far_above_the_usual_is_said_twice(system: FakeSystem) -> None:
    """More than twice the largest of those before; and the third large one in a row."""
    for _ in range(5):
        assert own(system, 1_000).accepted
        system.run(ms=2 * HOUR_MS)

    assert ("much_larger_than_recent",) == why(system, own(system, 2_050))
    for _ in range(2):
        assert own(system, 1_800).accepted
        system.run(ms=2 * HOUR_MS)
    assert ("run_of_large_doses",) == why(system, own(system, 1_800))
    assert own(system, 1_000).accepted


def test_a_preset_is_no_way_around(system: FakeSystem) -> None:
    """The same question for what is kept by a name."""
    soft(system, 1_000)
    system.ask(SetBolusPreset(name="snack", amount=MilliUnits(1_500)), to="bolus_advisor")

    first = system.ask(OrderPreset(name="snack"), to="bolus_advisor")

    assert "confirmation_needed" == first.reason
    again = OrderPreset(name="snack", confirmed=True)
    assert system.ask(again, to="bolus_advisor").accepted


def in_doubt(system: FakeSystem, amount: int = 2_000) -> DoseId:
    """Cut the line in mid-bolus and restart the actuator: the dose is unknown."""
    system.order(amount)
    system.run(ms=20_000)
    system.line_is_cut = True
    system.restart("actuator")
    system.settle()
    (dose,) = system.state("actuator").doses.unknown
    return DoseId(dose.dose)


@pytest.mark.requirement("R37")
def test_a_person_settles_a_dose_and_the_pump_has_the_last_word(system: FakeSystem) -> None:
    """By name until the line is back; never less than was given, in the end to the pulse."""
    dose = in_doubt(system)
    counted = system.state("actuator").doses.unknown[0].delivered

    settled = SettleDose(dose=dose, delivered=MilliUnits(1_200), because="seen on the pump")
    assert system.ask(settled, to="actuator").accepted

    (word,) = system.said_of("actuator", DoseSettled)
    assert (1_200, counted, "person:test") == (word.delivered, word.counted, word.actor)
    assert 1_200 == system.view("actuator").bolus_total
    assert () == system.state("bolus_advisor").doses.unknown
    system.run(ms=10 * MINUTE_MS)
    system.line_is_cut = False
    system.run(ms=10 * MINUTE_MS)
    assert ["matched"] == [e.outcome for e in system.said_of("actuator", BolusReconciled)]
    assert [2_000] == [e.delivered for e in system.said_of("actuator", BolusDelivered)]
    assert system.odometer == system.accounted()
    for name in ("actuator", "bolus_advisor"):
        assert 2_000 == system.state(name).doses.bolus_total
        assert () == system.state(name).doses.settled


def test_a_word_above_the_pumps_count_gives_way_to_it(system: FakeSystem) -> None:
    """Accounted is never less than given, and equal in the end."""
    system.order(2_000)
    system.run(ms=20_000)
    system.line_is_cut = True
    system.pump.host.power_on(now=system.clock.now())
    system.restart("actuator")
    system.settle()
    (dose,) = system.state("actuator").doses.unknown

    system.ask(SettleDose(dose=dose.dose, delivered=MilliUnits(2_000)), to="actuator")
    before = system.view("actuator").bolus_total
    system.line_is_cut = False
    system.run(ms=10 * MINUTE_MS)

    assert 2_000 == before
    assert system.odometer == system.accounted()
    assert system.view("actuator").bolus_total < 2_000


@pytest.mark.parametrize(
    ("delivered", "reason"),
    [(2_050, "out_of_range"), (-50, "out_of_range"), (1_975, "not_whole_pulses")],
)
def test_a_word_that_cannot_be_is_refused(system: FakeSystem, delivered: int, reason: str) -> None:
    """From what was counted to what was ordered, in whole pulses."""
    dose = in_doubt(system)

    asked = SettleDose(dose=dose, delivered=MilliUnits(delivered))
    assert reason == system.ask(asked, to="actuator").reason
    unknown = SettleDose(dose=DoseId("another"), delivered=MilliUnits(0))
    assert "not_unknown" == system.ask(unknown, to="actuator").reason


def test_the_mutant_that_adds_the_pumps_count_to_the_word_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted twice, insulin on board is too high and the next dose too small."""
    monkeypatch.setattr(
        core.dosing.insulin_account.dose_account_events, "_replace_word", lambda book, *_: book
    )
    dose = in_doubt(system)
    system.ask(SettleDose(dose=dose, delivered=MilliUnits(1_200)), to="actuator")
    system.line_is_cut = False
    system.run(ms=20 * MINUTE_MS)

    assert system.odometer != system.accounted()
