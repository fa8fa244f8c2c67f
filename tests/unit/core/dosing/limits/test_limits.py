"""Limits at their edges: one milliunit in, one out."""

from fractions import Fraction

import msgspec
import pytest

from core.dosing.advice.rules.guards import Cut, glucose_refusal, guard
from core.dosing.limits.caps_shapes import Flow
from core.dosing.limits.caps_sliding import rooms
from core.dosing.limits.limits import (
    BASAL_MU_PER_H_MAX,
    DAILY_MU_MAX,
    HOURLY_MU_MAX,
    SINGLE_MU_MAX,
    Given,
    breach,
    headrooms,
    limits_problem,
    whole_pulses,
)
from core.models.insulin.on_board import Delivered
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, MilliUnits, UtcMillis
from support.simulated.fake_system import LIMITS

AT = UtcMillis(1_800_000_000_000)
SET = DeliveryLimitsSet(
    single=MilliUnits(1_000),
    hourly=MilliUnits(1_500),
    daily=MilliUnits(4_000),
    basal=LIMITS.basal,
    actor="person:a",
)


def given(*doses: tuple[int, int], basal: tuple[tuple[int, int], ...] = ()) -> Given:
    """Doses as (ended so many ms ago, mU)."""
    return Given(boluses=delivered(doses), basal=delivered(basal))


def delivered(doses: tuple[tuple[int, int], ...]) -> tuple[Delivered, ...]:
    return tuple(
        Delivered(
            starts_at=UtcMillis(AT - ago), ends_at=UtcMillis(AT - ago), amount=MilliUnits(amount)
        )
        for ago, amount in doses
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("single", 49),
        ("single", 25_001),
        ("hourly", 9_999),
        ("hourly", 75_001),
        ("daily", 14_999),
        ("daily", 500_001),
        ("basal", 49),
        ("basal", 30_001),
        ("pump_model", "none"),
        ("soft", 49),
        ("soft", 10_001),
    ],
)
def test_a_limit_out_of_range_is_named(field: str, value: object) -> None:
    """The first that is wrong, by its name."""
    assert field == limits_problem(msgspec.structs.replace(LIMITS, **{field: value}))


@pytest.mark.parametrize(
    ("single", "hourly", "daily", "basal"),
    [
        (50, 50, 50, 50),
        (SINGLE_MU_MAX, HOURLY_MU_MAX, DAILY_MU_MAX, BASAL_MU_PER_H_MAX),
        (25_000, 25_000, 25_000, 30_000),
    ],
)
def test_the_ends_of_each_range_are_allowed(
    single: int, hourly: int, daily: int, basal: int
) -> None:
    """A refusal of everything would pass the test above."""
    limits = msgspec.structs.replace(LIMITS, single=single, hourly=hourly, daily=daily, basal=basal)

    assert None is limits_problem(limits)
    for soft in (50, single):
        assert None is limits_problem(msgspec.structs.replace(limits, soft=soft))
    assert (25_000, 75_000, 500_000) == (SINGLE_MU_MAX, HOURLY_MU_MAX, DAILY_MU_MAX)


@pytest.mark.parametrize(
    ("history", "left"),
    [
        (given(), (1_000, 1_500, 4_000)),
        (given((HOUR_MS - 1, 700)), (1_000, 800, 3_300)),
        (given((HOUR_MS, 700)), (1_000, 1_500, 3_300)),
        (given((DAY_MS - 1, 700)), (1_000, 1_500, 3_300)),
        (given((DAY_MS, 700)), (1_000, 1_500, 4_000)),
        (given((0, 1_499)), (1_000, 1, 2_501)),
        (given((0, 5_000)), (1_000, 0, 0)),
        (given(basal=((0, 700), (DAY_MS - 1, 1), (DAY_MS, 900))), (1_000, 1_500, 3_299)),
    ],
)
def test_what_each_limit_leaves(history: Given, left: tuple[int, int, int]) -> None:
    """A dose leaves a window when its last pulse is as old as the window."""
    rooms = headrooms(SET, history, at=AT)

    assert ["single_limit", "hourly_limit", "daily_limit"] == [room.limit for room in rooms]
    assert left == tuple(room.amount for room in rooms)


@pytest.mark.parametrize(
    ("ago", "left"), [(0, 1_250), (4 * HOUR_MS - 1, 1_250), (4 * HOUR_MS, 1_950)]
)
def test_a_limit_for_four_hours_is_there_where_it_is_set(ago: int, left: int) -> None:
    """Of all insulin; basal flows on whatever it says."""
    limits = msgspec.structs.replace(SET, four_hours=MilliUnits(2_000))
    rooms = headrooms(limits, given((ago, 700), basal=((0, 50), (4 * HOUR_MS, 900))), at=AT)
    overfull = headrooms(limits, given((0, 2_001)), at=AT)

    assert ("four_hour_limit", left) == (rooms[-1].limit, rooms[-1].amount)
    assert 4 == len(rooms) and 0 == overfull[-1].amount


@pytest.mark.parametrize(
    ("hours", "field"),
    [(14_999, "four_hours"), (80_001, "four_hours"), (15_000, None), (80_000, None)],
)
def test_it_lies_between_those_of_an_hour_and_a_day(hours: int, field: str | None) -> None:
    """Anything else would never bind, or always."""
    assert field == limits_problem(msgspec.structs.replace(LIMITS, four_hours=hours))


def test_the_first_limit_that_is_broken_is_named() -> None:
    """And what all of them together still allow: less than that would be refused once more."""
    history = given((0, 700))

    assert None is breach(MilliUnits(800), SET, history, at=AT)
    over = breach(MilliUnits(801), SET, history, at=AT)
    much = breach(MilliUnits(1_001), SET, history, at=AT)
    assert over is not None and ("hourly_limit", 800) == (over.limit, over.amount)
    assert much is not None and ("single_limit", 800) == (much.limit, much.amount)


def test_two_computations_that_differ_allow_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a milliunit."""
    monkeypatch.setattr(
        "core.dosing.limits.limits.rooms_twice", lambda asked: (rooms(asked), False)
    )

    first = headrooms(SET, given(), at=AT)[0]

    assert ("limits_disagree", 0) == (first.limit, first.amount)


@pytest.mark.parametrize(
    ("amount", "whole"), [(-50, 0), (0, 0), (49, 0), (50, 50), (99, 50), (100, 100)]
)
def test_whole_pulses_round_down(amount: int, whole: int) -> None:
    """Less than nothing is nothing."""
    assert whole == whole_pulses(amount)


@pytest.mark.parametrize(
    ("glucose", "mark", "reason"),
    [
        (None, "LOW", "glucose_low_mark"),
        (None, "HIGH", "glucose_high_mark"),
        (None, None, None),
        ("9.999", None, "glucose_implausible"),
        ("10", None, "glucose_below_safe_minimum"),
        ("69.999", None, "glucose_below_safe_minimum"),
        ("70", None, None),
        ("600", None, None),
        ("600.001", None, "glucose_implausible"),
    ],
)
def test_glucose_that_no_dose_may_follow_from(
    glucose: str | None, mark: str | None, reason: str | None
) -> None:
    """The ends of the range belong to it."""
    value = None if glucose is None else Fraction(glucose)

    assert reason == glucose_refusal(value, mark)


def test_every_guard_is_a_named_cut() -> None:
    """From the vendor's value down; what does not cut is not named."""
    amount, cuts = guard(
        MilliUnits(2_100),
        exact=Fraction(4_149, 2),
        floor=lambda one: MilliUnits(one // 50 * 50),
        rooms=[("wide", MilliUnits(9_000)), ("tight", MilliUnits(2_033))],
    )

    assert 2_000 == amount
    assert (
        Cut(name="never_up", before=MilliUnits(2_100), after=MilliUnits(2_074)),
        Cut(name="tight", before=MilliUnits(2_074), after=MilliUnits(2_033)),
        Cut(name="whole_steps", before=MilliUnits(2_033), after=MilliUnits(2_000)),
    ) == cuts


def test_a_room_below_nothing_leaves_nothing() -> None:
    """A limit that is overfull never adds."""
    amount, cuts = guard(
        MilliUnits(1),
        exact=Fraction(1),
        floor=lambda one: one,
        rooms=[("overfull", MilliUnits(-5))],
    )

    assert (0, (Cut(name="overfull", before=MilliUnits(1), after=MilliUnits(0)),)) == (amount, cuts)


def test_a_spread_dose_must_fit_in_at_once_too() -> None:
    """It may be given faster than it was meant: the smaller room of both counts."""
    known = given((0, 1_400), basal=())

    (hourly,) = (
        room
        for room in headrooms(SET, known, at=AT, lasting=10 * HOUR_MS)
        if room.limit == "hourly_limit"
    )

    assert 100 == hourly.amount
    assert hourly == breach(MilliUnits(101), SET, known, at=AT, lasting=10 * HOUR_MS)


def test_a_spread_dose_must_fit_where_it_will_flow() -> None:
    """Basal that is to come in five hours' time takes its part of the windows there."""
    ahead = (
        Flow(
            starts_at=UtcMillis(AT + 27 * HOUR_MS),
            ends_at=UtcMillis(AT + 28 * HOUR_MS),
            amount=MilliUnits(3_900),
            is_basal=True,
        ),
    )
    known = Given(ahead=ahead)

    assert None is breach(MilliUnits(1_000), SET, known, at=AT)
    spread = breach(MilliUnits(1_000), SET, known, at=AT, lasting=5 * HOUR_MS)
    assert spread is not None and "daily_limit" == spread.limit


def test_what_was_given_within_ten_minutes_counts_as_of_the_last_of_it() -> None:
    """In full, though a part of it has left the hour: never less than was given."""
    now = UtcMillis(AT + 5 * MINUTE_MS)
    first, last = HOUR_MS - MINUTE_MS, HOUR_MS - 10 * MINUTE_MS

    (left,) = (
        room.amount
        for room in headrooms(SET, given((first, 700), (last, 200)), at=now)
        if room.limit == "hourly_limit"
    )

    assert 600 == left
