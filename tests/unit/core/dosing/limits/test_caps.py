"""Both implementations of the caps, to the last field of what they answer."""

from typing import Any

import pytest

from core.dosing.limits import caps_sliding as sliding
from core.dosing.limits import caps_sweep as sweep
from core.dosing.limits.caps_shapes import Asked, Flow, RateAsked, Room, WindowCap
from core.dosing.limits.caps_twice import Rooms
from schemas.units import Milliseconds, MilliUnits, MilliUnitsPerHour, UtcMillis

BOTH = pytest.mark.parametrize("rooms", [sliding.rooms, sweep.rooms])


def flow(starts_at: int, ends_at: int, amount: int, *, is_basal: bool = False) -> Flow:
    return Flow(
        starts_at=UtcMillis(starts_at),
        ends_at=UtcMillis(ends_at),
        amount=MilliUnits(amount),
        is_basal=is_basal,
    )


def window(
    most: int, *, length: int | None = 100, standing: tuple[tuple[int, int], ...] = ()
) -> WindowCap:
    return WindowCap(
        name="window",
        most=MilliUnits(most),
        length=None if length is None else Milliseconds(length),
        standing=tuple((UtcMillis(begin), UtcMillis(end)) for begin, end in standing),
        counts_basal=False,
    )


def asked(*flows: Flow, cap: WindowCap, starts_at: int = 1_000, ends_at: int = 1_010) -> Asked:
    return Asked(
        starts_at=UtcMillis(starts_at), ends_at=UtcMillis(ends_at), flows=flows, windows=(cap,)
    )


def room(left: int, used: int, at: tuple[int, int] | None = None) -> Room:
    if at is None:
        return Room(name="window", left=MilliUnits(left), used=MilliUnits(used))
    return Room(
        name="window",
        left=MilliUnits(left),
        used=MilliUnits(used),
        starts_at=UtcMillis(at[0]),
        ends_at=UtcMillis(at[1]),
    )


@BOTH
def test_the_tightest_window_is_named_with_what_it_holds(rooms: Rooms) -> None:
    """7 mU in the 30 ms before the dose; the window that ends with the dose holds all of both."""
    found = rooms(asked(flow(960, 990, 7), cap=window(10)))

    assert room(3, 7, (910, 1_010)) == found[0] or room(3, 7, (960, 1_060)) == found[0]


@BOTH
def test_a_part_of_a_flow_counts_as_a_part_and_is_rounded_up(rooms: Rooms) -> None:
    """Of 10 mU over 30 ms a window that begins with the dose holds the last 10 ms: 3.33 mU."""
    found = rooms(asked(flow(1_000 - 20, 1_010, 10), cap=window(10, length=10)))

    assert room(6, 4, (1_000, 1_010)) == found[0]


@BOTH
def test_a_window_of_no_use_to_the_dose_leaves_all(rooms: Rooms) -> None:
    """Windows that stand and do not hold any of it."""
    days = window(10, length=None, standing=((0, 1_000), (1_010, 2_000)))

    assert room(10, 0) == rooms(asked(flow(10, 20, 99), flow(1_010, 1_020, 99), cap=days))[0]


@BOTH
def test_a_standing_window_holds_its_part_of_the_dose(rooms: Rooms) -> None:
    """Midnight in the middle of a dose: 6 mU are left for the half before, so 12 in all."""
    days = window(10, length=None, standing=((0, 1_005), (1_005, 2_000)))

    assert room(12, 4, (0, 1_005)) == rooms(asked(flow(500, 600, 4), cap=days))[0]


@BOTH
@pytest.mark.parametrize(
    ("beside", "at"), [((900, 1_000), (900, 1_000)), ((1_010, 1_110), (1_010, 1_110))]
)
def test_an_overfull_window_beside_the_dose_is_named(
    rooms: Rooms, beside: tuple[int, int], at: tuple[int, int]
) -> None:
    """11 mU where 10 are allowed, up to the dose or from its end on."""
    assert room(0, 11, at) == rooms(asked(flow(*beside, 11), cap=window(10)))[0]


@BOTH
def test_a_full_window_that_only_touches_does_not_bind(rooms: Rooms) -> None:
    """Exactly full beside the dose: moved a little, it loses as much as it takes in."""
    found = rooms(asked(flow(900, 1_000, 10), cap=window(10)))

    assert 1 == found[0].left


@BOTH
@pytest.mark.parametrize(("used", "left"), [(0, 10), (9, 1), (10, 0), (11, 0)])
def test_a_ceiling_leaves_what_is_not_used(rooms: Rooms, used: int, left: int) -> None:
    """Never less than nothing."""
    question = Asked(
        starts_at=UtcMillis(0),
        ends_at=UtcMillis(1),
        flows=(),
        windows=(),
        ceilings=(("single", MilliUnits(10), MilliUnits(used)),),
    )

    assert (Room(name="single", left=MilliUnits(left), used=MilliUnits(used)),) == rooms(question)


@BOTH
def test_basal_counts_where_the_cap_says_so_alone(rooms: Rooms) -> None:
    """The limit for 60 min is of boluses."""
    basal = flow(960, 990, 7, is_basal=True)
    boluses = window(10)
    everything = WindowCap(
        name="all", most=MilliUnits(10), length=Milliseconds(100), counts_basal=True
    )
    question = Asked(
        starts_at=UtcMillis(1_000),
        ends_at=UtcMillis(1_010),
        flows=(basal,),
        windows=(boluses, everything),
    )

    assert [10, 3] == [one.left for one in rooms(question)]


@BOTH
def test_a_window_that_begins_with_another_dose_may_be_the_tightest(rooms: Rooms) -> None:
    """8 mU before, half of the dose inside: 2 mU are left for the half, so 4 in all."""
    assert 4 == rooms(asked(flow(980, 990, 8), cap=window(10, length=25)))[0].left


@BOTH
def test_parts_of_several_flows_add_up(rooms: Rooms) -> None:
    """5 of 10 mU and 3 of 9 mU are inside with the whole dose."""
    found = rooms(asked(flow(990, 1_010, 10), flow(1_005, 1_020, 9), cap=window(10, length=10)))

    assert room(2, 8, (1_000, 1_010)) == found[0]


@pytest.mark.parametrize("is_locked", [sliding.is_locked, sweep.is_locked])
def test_the_newest_bolus_locks_however_many_came_before(is_locked: Any) -> None:
    """Up to a wait after it, and not by one that is still to come."""
    starts = [UtcMillis(at) for at in (500, 2_000, 100)]

    assert [(499, False), (500, True), (549, True), (550, False), (1_999, False)] == [
        (at, is_locked(starts, at=UtcMillis(at), wait=50)) for at in (499, 500, 549, 550, 1_999)
    ]


@pytest.mark.parametrize("allowed_rate", [sliding.allowed_rate, sweep.allowed_rate])
@pytest.mark.parametrize(
    ("rate", "absolute", "expected"),
    [
        (799, 500, 799),
        (800, 500, 800),
        (801, 800, 800),
        (801, 801, 801),
        (1_000, 500, 800),
        (1_000, 801, 801),
        (1_000, 1_000, 1_000),
    ],
)
def test_a_cap_takes_what_is_above_it_and_nothing_of_the_profile(
    allowed_rate: Any, rate: int, absolute: int, expected: int
) -> None:
    """To the milliunit an hour, around a profile of 800."""
    wanted = RateAsked(
        rate=MilliUnitsPerHour(rate),
        scheduled=MilliUnitsPerHour(800),
        absolute=MilliUnitsPerHour(absolute),
    )

    assert expected == allowed_rate(wanted)
