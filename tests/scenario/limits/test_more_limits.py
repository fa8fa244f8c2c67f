"""Limits that need not be set: a calendar day, insulin on board, and the wait between boluses."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import core.deciders.bolus.orders
import core.deciders.delivery.orders
import core.dosing.limits.limits
from core.dosing.insulin_account.bolus_lockout import lockout_problem
from core.dosing.insulin_account.dose_account import DoseBook
from core.dosing.limits.caps_shapes import Flow
from core.dosing.limits.limits import DAILY_MU_MAX, Given, headrooms, limits_problem
from core.models.calendar_days import days_through
from schemas.bolus.advice import AcceptAdvice, BolusAdvised, RequestAdvice
from schemas.bolus.orders import OrderBolus
from schemas.delivery.delivery import BolusRefused, DeliveryLimitsSet, Lockout
from schemas.delivery.device import PULSE_MU
from schemas.units import HOUR_MS, MINUTE_MS, Grams, Milliseconds, MilliUnits, UtcMillis
from schemas.wire import codec
from support.simulated.fake_system import LIMITS, START, FakeSystem

Change = Callable[[pytest.MonkeyPatch], None]


def system_with(**changes: object) -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    assert system.ask(msgspec.structs.replace(LIMITS, **changes), to="actuator").accepted
    return system


def ordered(
    system: FakeSystem, amount: int, *, actor: str = "person:test", **how: int
) -> str | None:
    asked = OrderBolus(amount=MilliUnits(amount), **how)  # type: ignore[arg-type]  # given by name
    return system.ask(asked, to="bolus_advisor", actor=actor).reason or None


def advised(system: FakeSystem, grams: int) -> BolusAdvised:
    system.glucose("150")
    assert system.ask(RequestAdvice(carbs=Grams(grams)), to="bolus_advisor").accepted
    last = system.said_of("bolus_advisor", BolusAdvised)[-1]
    assert isinstance(last, BolusAdvised)
    return last


def test_insulin_on_board_has_a_ceiling_of_its_own() -> None:
    """What acts already counts, what has acted does not."""
    system = system_with(on_board=MilliUnits(4_000))
    assert ordered(system, 3_000) is None
    system.run(ms=10 * MINUTE_MS)
    advice = advised(system, 30)

    assert "clamped_to_on_board_limit" in advice.reasons
    assert 1_000 == advice.amount
    assert "on_board_limit" == ordered(system, 1_050)
    system.run(ms=3 * HOUR_MS)
    left = advised(system, 60)
    assert left.amount == 4_000 - left.insulin_on_board_most // 50 * 50 - 50
    assert 2_500 < left.amount < 4_000
    system.run(ms=7 * HOUR_MS)
    assert ordered(system, 4_000) is None


def test_without_bolus_settings_all_of_a_day_is_on_board() -> None:
    """Nobody knows how long it acts, so nothing of it is over."""
    system = FakeSystem()
    system.ask(msgspec.structs.replace(LIMITS, on_board=MilliUnits(4_000)), to="actuator")
    system.run(ms=MINUTE_MS)
    assert ordered(system, 3_000) is None
    system.run(ms=20 * HOUR_MS)

    assert "on_board_limit" == ordered(system, 1_050)
    assert ordered(system, 1_000) is None


def test_a_calendar_day_ends_at_midnight_by_the_clock_of_the_profile() -> None:
    """In Berlin that is 23:00 UTC; all insulin of the day counts, the basal still to come too."""
    system = system_with(calendar_day=MilliUnits(35_000))
    for _ in range(2):
        system.run(ms=2 * HOUR_MS)
        assert ordered(system, 4_000) is None

    system.run(ms=START + 22 * HOUR_MS - system.clock.now().therapy)
    before = ordered(system, 5_000)
    system.run(ms=2 * HOUR_MS)

    assert "calendar_day_limit" == before
    assert ordered(system, 5_000) is None


def test_without_a_clock_on_the_wall_a_calendar_day_is_any_day() -> None:
    """Until a profile says where midnight is."""
    system = FakeSystem()
    system.ask(msgspec.structs.replace(LIMITS, calendar_day=MilliUnits(15_000)), to="actuator")
    system.run(ms=MINUTE_MS)
    assert ordered(system, 9_000) is None
    system.run(ms=23 * HOUR_MS)

    assert "calendar_day_limit" == ordered(system, 6_050)
    system.run(ms=2 * HOUR_MS)
    assert ordered(system, 6_050) is None


def test_a_remote_request_waits_a_quarter_of_an_hour_and_a_person_does_not() -> None:
    """Whoever stands at the pump sees what it does."""
    system = system_with()
    assert ordered(system, 500) is None
    system.run(ms=MINUTE_MS)

    remote, controller = (
        ordered(system, 500, actor=f"{who}:a") for who in ("remote", "controller")
    )
    person = ordered(system, 500)
    system.run(ms=15 * MINUTE_MS - 30_000)
    still = ordered(system, 500, actor="remote:a")
    system.run(ms=MINUTE_MS)
    late = ordered(system, 500, actor="remote:a")

    assert ("lockout", "lockout", None) == (remote, controller, person)
    assert ("lockout", None) == (still, late)


def test_advice_that_is_accepted_from_afar_waits_as_well() -> None:
    """The way by which it is ordered makes no difference."""
    system = system_with()
    assert ordered(system, 500) is None
    system.run(ms=2 * MINUTE_MS)
    advised(system, 30)
    asked = AcceptAdvice(advice=system.view("bolus_advisor").advice)

    own = OrderBolus(amount=MilliUnits(500))
    told: Any = codec.decode_event(system.ask(own, to="bolus_advisor", actor="remote:a").said[0])
    assert 500 == told.amount
    refused = system.ask(asked, to="bolus_advisor", actor="remote:a")
    said: Any = codec.decode_event(refused.said[0])
    assert asked.advice == said.advice
    taken = system.ask(asked, to="bolus_advisor")

    assert ("lockout", True) == (refused.reason, taken.accepted)


@pytest.mark.parametrize(
    ("actor", "ago_ms", "reason"),
    [
        ("controller:a", 3 * MINUTE_MS, None),
        ("controller:a", 3 * MINUTE_MS - 1, "lockout"),
        ("controller:a", 1, "lockout"),
        ("controller:a", 0, None),
        ("controller:a", -MINUTE_MS, None),
        ("remote:a", 15 * MINUTE_MS - 1, "lockout"),
        ("remote:a", 15 * MINUTE_MS, None),
        ("person:a", 1, None),
    ],
)
def test_a_wait_is_kept_to_the_millisecond(actor: str, ago_ms: int, reason: str | None) -> None:
    """What was started in the same instant, or since, is the other part of one bolus."""
    limits = system_with().state("actuator").limits
    book = DoseBook(started_at=UtcMillis(START - ago_ms))

    assert reason == lockout_problem(limits, book, actor=actor, asked_at=UtcMillis(START))
    assert lockout_problem(None, book, actor=actor, asked_at=UtcMillis(START)) is None
    assert lockout_problem(limits, DoseBook(), actor=actor, asked_at=UtcMillis(START)) is None


@pytest.mark.parametrize(
    "limits",
    [
        {"calendar_day": LIMITS.hourly},
        {"calendar_day": DAILY_MU_MAX},
        {"on_board": PULSE_MU},
        {"on_board": DAILY_MU_MAX},
    ],
)
def test_the_ends_of_what_may_be_set_are_inside(limits: dict[str, int]) -> None:
    """A bound that is named can be chosen."""
    assert limits_problem(msgspec.structs.replace(LIMITS, **limits)) is None


def test_another_amount_than_advised_waits_by_who_asks_for_it() -> None:
    """The first bolus is past, and so is the wait of whoever stands at the pump."""
    system = system_with()
    assert ordered(system, 500) is None
    system.run(ms=4 * MINUTE_MS)
    advised(system, 30)
    more = AcceptAdvice(advice=system.view("bolus_advisor").advice, amount=MilliUnits(1_000))

    assert "lockout" == system.ask(more, to="bolus_advisor", actor="remote:a").reason
    assert system.ask(more, to="bolus_advisor", actor="controller:a").accepted


def test_the_second_part_of_one_bolus_does_not_wait_for_its_first() -> None:
    """A bolus of two parts is one."""
    system = system_with()

    reason = ordered(system, 2_000, actor="remote:a", duration=HOUR_MS, now_percent=50)
    system.run(ms=2 * HOUR_MS)

    assert reason is None
    assert 2_000 == system.view("actuator").bolus_total


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"calendar_day": 14_999}, "calendar_day"),
        ({"on_board": 49}, "on_board"),
        ({"lockout": Lockout(person=Milliseconds(-1))}, "lockout"),
        ({"lockout": Lockout(remote=Milliseconds(4 * HOUR_MS + 1))}, "lockout"),
        ({"lockout": Lockout(remote=Milliseconds(4 * HOUR_MS))}, None),
    ],
)
def test_a_limit_out_of_range_is_named(changes: dict[str, object], field: str | None) -> None:
    """A typing error must not lift a limit."""
    assert field == limits_problem(msgspec.structs.replace(LIMITS, **changes))


def test_a_spread_bolus_and_basal_together_are_no_faster_than_the_motor() -> None:
    """1.5 U/min are 45 U in half an hour; 30 U/h of basal leave 30 U of it."""
    limits = DeliveryLimitsSet(
        single=MilliUnits(50_000),
        hourly=MilliUnits(75_000),
        daily=MilliUnits(500_000),
        basal=LIMITS.basal,
        actor="person:test",
    )
    at, ends_at = UtcMillis(START), UtcMillis(START + HOUR_MS)
    beside = Flow(starts_at=at, ends_at=ends_at, amount=MilliUnits(30_000), is_basal=True)
    given = Given(ahead=(beside,))

    spread = headrooms(limits, given, at=at, lasting=30 * MINUTE_MS)
    at_once = headrooms(limits, given, at=at)

    assert 30_000 == {room.limit: room.amount for room in spread}["combined_limit"]
    assert "combined_limit" not in {room.limit for room in at_once}


def test_the_actuator_looks_at_the_wait_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """One careless service must not be enough."""
    monkeypatch.setattr(core.deciders.bolus.orders, "lockout_problem", lambda *_, **__: None)
    system = system_with()
    ordered(system, 500)
    system.run(ms=MINUTE_MS)
    ordered(system, 500, actor="remote:a")
    system.run(ms=MINUTE_MS)

    assert "lockout" == system.said_of("actuator", BolusRefused)[-1].reason
    assert "accounts_disagree" in [alarm.alarm for alarm in system.view("actuator").alarms]
    assert 500 == system.view("actuator").bolus_total


@pytest.mark.requirement("R20")
def test_a_wait_computed_twice_that_differs_allows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of the two is right."""
    monkeypatch.setattr(
        "core.dosing.insulin_account.bolus_lockout.locked_twice", lambda *_, **__: (False, False)
    )
    system = system_with()
    assert ordered(system, 500) is None
    system.run(ms=5 * MINUTE_MS)

    assert "limits_disagree" == ordered(system, 500)


def test_a_day_after_the_last_known_midnight_has_24_hours() -> None:
    """A scheduler that is dead for three days must not lift the limit."""
    midnights = (UtcMillis(0), UtcMillis(25 * HOUR_MS))
    at = UtcMillis(70 * HOUR_MS)

    days = days_through(midnights, start=at, end=UtcMillis(at + 6 * HOUR_MS))

    hours = [(begin // HOUR_MS, end // HOUR_MS) for begin, end in days]
    assert [(49, 73), (73, 97)] == hours
    assert () == days_through((), start=at, end=UtcMillis(at + 1))


def all_hold() -> bool:
    """Say whether each of the limits here refuses what is beyond it."""
    on_board = system_with(on_board=MilliUnits(4_000))
    ordered(on_board, 3_000)
    on_board.run(ms=10 * MINUTE_MS)
    ordered(on_board, 2_000)
    day = system_with(calendar_day=MilliUnits(32_000))
    day.run(ms=HOUR_MS)
    ordered(day, 9_000)
    remote = system_with()
    for _ in range(2):
        ordered(remote, 500, actor="remote:a")
        remote.run(ms=2 * MINUTE_MS)
    for system in (on_board, day):
        system.run(ms=10 * MINUTE_MS)
    given = [one.view("actuator").bolus_total for one in (on_board, day, remote)]
    return given == [3_000, 0, 500]


def no_ceiling(patch: pytest.MonkeyPatch) -> None:
    only_single = "single_limit"
    patch.setattr(
        core.dosing.limits.limits,
        "_ceilings",
        lambda limits, *_, **__: [(only_single, limits.single, 0)],
    )


def no_day(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core.dosing.limits.limits, "windows_of", lambda *_, **__: ())


def no_wait(patch: pytest.MonkeyPatch) -> None:
    for module in (core.deciders.bolus.orders, core.deciders.delivery.orders):
        patch.setattr(module, "lockout_problem", lambda *_, **__: None)


def test_the_limits_hold_as_built() -> None:
    """Without it the next test would prove nothing."""
    assert all_hold()


@pytest.mark.requirement("R6")
@pytest.mark.parametrize("weaken", [no_ceiling, no_day, no_wait])
def test_the_mutant_without_a_limit_is_caught(
    weaken: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is looked for by a bolus that it alone refuses."""
    weaken(monkeypatch)

    assert not all_hold()
