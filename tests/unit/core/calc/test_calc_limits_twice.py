"""`basalt calc limits`: two implementations of the caps, which know nothing of each other."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dosing.limits import caps_sliding as sliding
from core.dosing.limits import caps_sweep as sweep
from core.dosing.limits.caps_shapes import Asked, Flow, RateAsked, Room, WindowCap
from core.dosing.limits.caps_twice import Rooms, locked_twice, rate_twice, rooms_twice
from schemas.units import (
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)

TIMES = st.integers(-40, 40)


FLOWS = st.builds(
    lambda start, length, amount, is_basal: Flow(
        starts_at=UtcMillis(start),
        ends_at=UtcMillis(start + length),
        amount=MilliUnits(amount),
        is_basal=is_basal,
    ),
    TIMES,
    st.integers(1, 20),
    st.integers(0, 300),
    st.booleans(),
)


ASKED = st.builds(
    lambda start, length, flows, most, window, counts: Asked(
        starts_at=UtcMillis(start),
        ends_at=UtcMillis(start + length),
        flows=tuple(flows),
        windows=(
            WindowCap(
                name="window",
                most=MilliUnits(most),
                length=Milliseconds(window),
                counts_basal=counts,
            ),
            WindowCap(
                name="days",
                most=MilliUnits(most),
                length=None,
                standing=((UtcMillis(-50), UtcMillis(3)), (UtcMillis(3), UtcMillis(90))),
                counts_basal=counts,
            ),
        ),
        ceilings=(("single", MilliUnits(most), MilliUnits(7)),),
    ),
    TIMES,
    st.integers(1, 12),
    st.lists(FLOWS, max_size=6),
    st.integers(0, 900),
    st.integers(1, 25),
    st.booleans(),
)


@given(ASKED)
@pytest.mark.requirement("R20")
def test_both_implementations_agree(asked: Asked) -> None:
    """One reads a curve, the other adds up overlaps."""
    assert rooms_twice(asked)[1]


def test_the_second_implementation_knows_nothing_of_the_first() -> None:
    """A mistake in shared code would be made twice and found never."""
    for one, other in (
        (sliding, "core.dosing.limits.caps_sliding"),
        (sweep, "core.dosing.limits.caps_sweep"),
    ):
        assert one.__name__ == other
        source = Path(str(one.__file__)).read_text()
        imports = [line for line in source.splitlines() if line.startswith("from core")]
        shapes = (
            "from core.dosing.limits.caps_shapes import Asked, Flow, RateAsked, Room, WindowCap"
        )
        assert [shapes] == imports


@given(ASKED)
@pytest.mark.requirement("R4")
def test_no_window_anywhere_holds_more_than_its_cap(asked: Asked) -> None:
    """Every whole position is tried, not only the edges, with all that is allowed added."""
    cap = asked.windows[0]
    room = sliding.rooms(asked)[1]
    assert cap.length is not None
    length = asked.ends_at - asked.starts_at
    for start in range(-80, 80):
        end = start + cap.length

        def inside(since: int, until: int, a: int = start, b: int = end) -> int:
            return max(0, min(until, b) - max(since, a))

        part = inside(asked.starts_at, asked.ends_at)
        if not part or room.left == 0:
            continue
        used = sum(
            one.amount * inside(one.starts_at, one.ends_at) / (one.ends_at - one.starts_at)
            for one in asked.flows
            if cap.counts_basal or not one.is_basal
        )
        assert used + room.left * part / length <= cap.most + 1e-6


@pytest.mark.requirement("R4")
@pytest.mark.parametrize("rooms", [sliding.rooms, sweep.rooms])
@pytest.mark.parametrize("beside", [(-2, 0), (2, 4)])
def test_an_overfull_window_that_touches_the_dose_leaves_nothing(
    rooms: Rooms, beside: tuple[int, int]
) -> None:
    """Two milliunits beside the dose, one allowed: a window across the border is too full."""
    asked = Asked(
        starts_at=UtcMillis(0),
        ends_at=UtcMillis(2),
        flows=(
            Flow(
                starts_at=UtcMillis(beside[0]),
                ends_at=UtcMillis(beside[1]),
                amount=MilliUnits(2),
                is_basal=False,
            ),
        ),
        windows=(
            WindowCap(
                name="window", most=MilliUnits(1), length=Milliseconds(2), counts_basal=False
            ),
        ),
    )

    assert 0 == rooms(asked)[0].left


@given(asked=ASKED, wrong=st.sampled_from([-1, 1]))
@pytest.mark.requirement("R20")
def test_a_milliunit_of_difference_is_found(asked: Asked, wrong: int) -> None:
    """The mutant: either implementation gives a little more or less."""

    def mutant(given_: Asked) -> tuple[Room, ...]:
        *others, last = sliding.rooms(given_)
        return (*others, msgspec.structs.replace(last, left=MilliUnits(last.left + wrong)))

    assert rooms_twice(asked)[1]
    assert not rooms_twice(asked, first=mutant)[1]
    assert not rooms_twice(asked, second=mutant)[1]


RATES = st.integers(0, 5_000).map(MilliUnitsPerHour)


MULTIPLES: st.SearchStrategy[int | None] = st.none() | st.integers(1, 10)


@given(
    asked=st.builds(
        RateAsked,
        rate=RATES,
        scheduled=RATES,
        absolute=st.none() | RATES,
        times_scheduled=MULTIPLES,
        times_largest=MULTIPLES,
        largest=RATES,
    )
)
@pytest.mark.requirement("R20")
def test_both_ways_leave_the_same_rate(asked: RateAsked) -> None:
    """Never below the profile for a cap's sake, never above what was asked or a cap allows."""
    rate, agree = rate_twice(asked)

    assert agree
    assert min(asked.rate, asked.scheduled) <= rate <= asked.rate
    assert asked.absolute is None or rate <= max(asked.absolute, asked.scheduled)


@given(
    starts=st.lists(st.integers(-40, 10).map(UtcMillis), max_size=4),
    wait=st.integers(0, 30),
)
@pytest.mark.requirement("R20")
def test_both_ways_wait_for_the_same_bolus(starts: list[UtcMillis], wait: int) -> None:
    """Those that are to come lock nothing."""
    assert locked_twice(starts, at=UtcMillis(0), wait=wait)[1]
