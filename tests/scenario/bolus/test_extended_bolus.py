"""Extended and dual boluses, presets, insulin of another strength: from the order to the pulse."""

from typing import Any

import msgspec
import pytest

from schemas.bolus.advice import AcceptAdvice, BolusAdvised, RequestAdvice
from schemas.bolus.orders import (
    BolusOrdered,
    BolusPresetSet,
    OrderBolus,
    OrderPreset,
    SetBolusPreset,
)
from schemas.delivery.delivery import BolusDelivered, BolusStartRequested, BolusStopped, CancelBolus
from schemas.delivery.pump import FillReservoir, ReservoirFillRequested, SuspendDelivery
from schemas.message import Outcome
from schemas.units import HOUR_MS, MINUTE_MS, Grams, Milliseconds, MilliUnits
from schemas.wire import codec
from support.simulated.fake_system import LIMITS, PUMP, FakeSystem, whole_day

HOUR = Milliseconds(HOUR_MS)


def order(system: FakeSystem, amount: int, *, over: int = HOUR, now: int = 0) -> Outcome:
    asked = OrderBolus(amount=MilliUnits(amount), duration=Milliseconds(over), now_percent=now)
    return system.ask(asked, to="bolus_advisor")


def given(system: FakeSystem) -> int:
    return int(system.view("actuator").bolus_total)


def ended(system: FakeSystem) -> list[tuple[str, int]]:
    kinds = (BolusDelivered, BolusStopped)
    found = [one for kind in kinds for one in system.said_of("actuator", kind)]
    return [(getattr(one, "reason", "delivered"), one.delivered) for one in found]


def test_an_extended_bolus_flows_evenly_and_never_early(system: FakeSystem) -> None:
    """2 U over an hour: 40 pulses, one each 90 s, the last at the end."""
    order(system, 2_000)
    system.run(ms=89_000)
    before = given(system)
    system.run(ms=MINUTE_MS)
    first = given(system)
    system.run(ms=27 * MINUTE_MS)
    half = given(system)
    system.run(ms=32 * MINUTE_MS)

    assert (0, 50, 950, 2_000) == (before, first, half, given(system))
    assert [("delivered", 2_000)] == ended(system)


def test_a_normal_bolus_may_be_given_beside_it_and_no_second_extended_one(
    system: FakeSystem,
) -> None:
    """R8: of each kind one at a time."""
    order(system, 2_000)
    beside = order(system, 500, over=0)
    second = order(system, 1_000)
    system.run(ms=2 * MINUTE_MS)
    total = given(system)

    assert beside.accepted
    assert (False, "extended_running") == (second.accepted, second.reason)
    assert 500 <= total <= 600
    system.run(ms=HOUR_MS)
    assert [("delivered", 500), ("delivered", 2_000)] == ended(system)


def test_a_dual_bolus_is_two_doses_that_add_up(system: FakeSystem) -> None:
    """4 U, 40 % of it now: 1.6 U at the pump's speed, 2.4 U over the hour."""
    order(system, 4_000, now=40)
    system.run(ms=2 * MINUTE_MS)
    soon = given(system)
    system.run(ms=HOUR_MS)

    ordered = system.said_of("bolus_advisor", BolusOrdered)
    assert [(1_600, 0), (2_400, HOUR)] == [(one.amount, one.duration) for one in ordered]
    assert 1_600 <= soon <= 1_700
    assert 4_000 == given(system)


def test_its_remainder_counts_in_every_limit(system: FakeSystem) -> None:
    """10 U are promised over 4 h and 5 U more are the hourly limit: not 5.05."""
    order(system, 10_000, over=4 * HOUR)
    over = order(system, 5_050, over=0)
    just = order(system, 5_000, over=0)

    assert (False, "hourly_limit") == (over.accepted, over.reason)
    assert just.accepted


def test_an_advice_counts_what_is_still_to_come(system: FakeSystem) -> None:
    """A correction beside a running extended bolus would stack."""
    order(system, 3_000)
    system.run(ms=3 * MINUTE_MS)
    system.glucose("200")
    outcome = system.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")
    advice = codec.decode_event(outcome.said[0])

    assert isinstance(advice, BolusAdvised)
    assert (2_000, 0) == (advice.correction, advice.amount)
    assert "running_dose_counted" in advice.reasons
    assert "unknown_dose_counted" not in advice.reasons


def test_cancel_stops_it_and_counts_what_was_given(system: FakeSystem) -> None:
    """The rest never comes."""
    order(system, 2_000)
    system.run(ms=30 * MINUTE_MS)
    system.ask(CancelBolus(), to="actuator")
    system.run(ms=HOUR_MS)

    assert [("cancelled", 1_000)] == ended(system)
    assert 1_000 == given(system)


def test_suspending_ends_it(system: FakeSystem) -> None:
    """Suspended means that no insulin flows, this neither."""
    order(system, 2_000)
    order(system, 200, over=0)
    system.run(ms=15 * MINUTE_MS)
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=HOUR_MS)

    assert [("delivered", 200), ("suspended", 500)] == ended(system)


def test_a_restart_of_the_actuator_neither_repeats_nor_loses_it(system: FakeSystem) -> None:
    """The pump goes on by itself, and its history is read on."""
    order(system, 2_000)
    system.run(ms=20 * MINUTE_MS)
    system.restart("actuator")
    system.run(ms=HOUR_MS)

    assert 1 == len(system.said_of("actuator", BolusStartRequested))
    assert 2_000 == given(system)
    assert ("delivered", 2_000) in ended(system)
    assert 0 == system.view("actuator").unknown_doses


def test_a_pump_without_power_makes_nothing_up(system: FakeSystem) -> None:
    """An extended bolus ends where the power did."""
    order(system, 2_000)
    system.run(ms=15 * MINUTE_MS)
    system.pump.host.power_on(now=system.clock.now())
    system.run(ms=HOUR_MS)

    assert [("power_lost", 500)] == ended(system)


@pytest.mark.parametrize(
    ("over", "now", "model"),
    [
        (29 * MINUTE_MS, 0, "basalt_virtual"),
        (8 * HOUR_MS + MINUTE_MS, 0, "basalt_virtual"),
        (HOUR_MS + 1, 0, "basalt_virtual"),
        (HOUR_MS, 100, "basalt_virtual"),
        (HOUR_MS, -1, "basalt_virtual"),
        (0, 50, "basalt_virtual"),
        (45 * MINUTE_MS, 0, "omnipod_dash"),
        (6 * HOUR_MS, 0, "diaconn_g8"),
        (12 * HOUR_MS + 15 * MINUTE_MS, 0, "accu_chek_combo"),
    ],
)
def test_a_duration_that_the_pump_cannot_do_is_refused(
    system: FakeSystem, over: int, now: int, model: str
) -> None:
    """For an amount of one's own and for an advice alike."""
    system.ask(msgspec.structs.replace(LIMITS, pump_model=model), to="actuator")
    own = order(system, 2_000, over=over, now=now)
    wanted = RequestAdvice(carbs=Grams(40), duration=Milliseconds(over), now_percent=now)
    advice = system.ask(wanted, to="bolus_advisor")

    for refused in (own, advice):
        assert f"{model} spreads a bolus over " in bytes(refused.said[0]).decode()
    assert (False, "duration_out_of_range") == (own.accepted, own.reason)
    assert (False, "duration_out_of_range") == (advice.accepted, advice.reason)


@pytest.mark.parametrize(
    ("over", "model"),
    [
        (12 * HOUR_MS, "accu_chek_combo"),
        (15 * MINUTE_MS, "accu_chek_combo"),
        (10 * MINUTE_MS, "diaconn_g8"),
        (24 * HOUR_MS, "accu_chek_insight"),
    ],
)
def test_each_model_spreads_a_bolus_as_long_as_its_maker_says(
    system: FakeSystem, over: int, model: str
) -> None:
    """From the order to the last pulse."""
    assert system.ask(msgspec.structs.replace(LIMITS, pump_model=model), to="actuator").accepted
    assert order(system, 2_000, over=over).accepted
    system.run(ms=over // 2)
    half = given(system)
    system.run(ms=over // 2 + MINUTE_MS)

    assert half == 1_000
    assert [("delivered", 2_000)] == ended(system)


def test_an_advice_spreads_the_meal_and_not_the_correction(system: FakeSystem) -> None:
    """40 g and 200 mg/dL: 2 U of correction now, half of the meal's 4 U over two hours."""
    system.glucose("200")
    wanted = RequestAdvice(carbs=Grams(40), duration=Milliseconds(2 * HOUR_MS), now_percent=50)
    outcome = system.ask(wanted, to="bolus_advisor")
    advice = codec.decode_event(outcome.said[0])
    accepted = system.ask(AcceptAdvice(advice=outcome.events[0]), to="bolus_advisor")
    system.run(ms=3 * HOUR_MS)

    assert isinstance(advice, BolusAdvised)
    assert (6_000, 2_000, 4_000) == (advice.amount, advice.later, advice.meal)
    ordered = system.said_of("bolus_advisor", BolusOrdered)
    assert [(4_000, 2_000, 0), (2_000, 2_000, 2 * HOUR_MS)] == [
        (one.amount, one.meal, one.duration) for one in ordered
    ]
    assert accepted.accepted
    assert 6_000 == given(system)


def test_meal_insulin_is_told_apart_for_the_rules_that_ask(system: FakeSystem) -> None:
    """Omnipod takes meal insulin from a correction only, and rounds it up to 0.05 U."""
    system.ask(whole_day(rules="omnipod"), to="bolus_advisor")
    system.glucose("100")
    outcome = system.ask(RequestAdvice(carbs=Grams(40)), to="bolus_advisor")
    system.ask(AcceptAdvice(advice=outcome.events[0]), to="bolus_advisor")
    system.run(ms=9 * MINUTE_MS)
    system.glucose("200")
    again = system.ask(RequestAdvice(carbs=Grams(20)), to="bolus_advisor")
    advice = codec.decode_event(again.said[0])

    assert isinstance(advice, BolusAdvised)
    terms = {one.name: one.amount for one in advice.terms}
    assert -2_000 == terms["meal_insulin_on_board"]
    assert -50 <= terms["correction_insulin_on_board"] <= 0
    assert 1_950 <= advice.amount <= 2_000


def preset(system: FakeSystem, name: str, amount: int, **fields: Any) -> Outcome:
    asked = SetBolusPreset(name=name, amount=MilliUnits(amount), **fields)
    return system.ask(asked, to="bolus_advisor")


def test_a_preset_is_given_through_the_same_limits(system: FakeSystem) -> None:
    """Quick is not careless."""
    preset(system, "snack", 1_500, because="school")
    preset(system, "feast", 12_000)
    quick = system.ask(OrderPreset(name="snack"), to="bolus_advisor")
    system.run(ms=5 * MINUTE_MS)
    much = system.ask(OrderPreset(name="feast"), to="bolus_advisor")
    nobody = system.ask(OrderPreset(name="lunch"), to="bolus_advisor")

    kept = system.said_of("bolus_advisor", BolusPresetSet)[0]
    assert ("person:test", "school") == (kept.actor, kept.because)
    assert ["feast", "snack"] == [one.name for one in system.view("bolus_advisor").presets]
    assert quick.accepted and 1_500 == given(system)
    assert "snack" == system.said_of("bolus_advisor", BolusOrdered)[0].preset
    assert (False, "single_limit") == (much.accepted, much.reason)
    assert (False, "no_such_preset") == (nobody.accepted, nobody.reason)


def test_a_preset_may_be_spread_and_forgotten(system: FakeSystem) -> None:
    """What it is today counts, not what it was."""
    preset(system, "pizza", 1_000)
    preset(system, "pizza", 2_000, duration=HOUR)
    system.ask(OrderPreset(name="pizza"), to="bolus_advisor")
    system.run(ms=30 * MINUTE_MS)
    preset(system, "pizza", 0)

    assert 1_000 == given(system)
    assert () == system.view("bolus_advisor").presets


@pytest.mark.parametrize(
    ("name", "amount", "reason"),
    [
        ("", 1_000, "out_of_range"),
        ("x" * 65, 1_000, "out_of_range"),
        ("x", 25_050, "out_of_range"),
        ("x", -50, "out_of_range"),
        ("x", 1_025, "not_whole_pulses"),
        ("x", 0, "no_such_preset"),
    ],
)
def test_a_preset_that_cannot_be_is_refused(
    system: FakeSystem, name: str, amount: int, reason: str
) -> None:
    """With the reason, and nothing kept."""
    outcome = preset(system, name, amount)

    assert (False, reason) == (outcome.accepted, outcome.reason)
    assert () == system.view("bolus_advisor").presets


def test_presets_have_a_bound(system: FakeSystem) -> None:
    """One of a name that is kept may still be changed."""
    for number in range(16):
        assert preset(system, f"p{number}", 500).accepted
    more = preset(system, "p16", 500)

    assert (False, "too_many_presets") == (more.accepted, more.reason)
    assert preset(system, "p15", 600).accepted


def test_only_u_100_may_be_filled(system: FakeSystem) -> None:
    """A stroke of U-200 is twice the dose."""
    double = FillReservoir(amount=MilliUnits(200_000), concentration=200)
    outcome = system.ask(double, to="actuator")
    taken = system.ask(FillReservoir(amount=MilliUnits(200_000)), to="actuator")

    assert (False, "concentration_not_supported") == (outcome.accepted, outcome.reason)
    assert taken.accepted
    assert 100 == system.said_of("actuator", ReservoirFillRequested)[0].concentration
    assert system.pump_store.load() is not None and PUMP


def test_the_reservoir_must_hold_what_is_promised_too(system: FakeSystem) -> None:
    """4 U are left, 3 U are promised: 1.05 U more would run dry."""
    small = FakeSystem(fill_mu=4_000)
    small.set_up()
    order(small, 3_000, over=8 * HOUR)
    small.settle()
    outcome = order(small, 1_050, over=0)
    small.settle()

    assert outcome.accepted
    assert [] == [
        one for one in small.said_of("actuator", BolusStartRequested) if one.amount == 1_050
    ]
