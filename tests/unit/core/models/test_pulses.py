"""Pulses fall due at exact instants, over changes of rate and beyond the end of a plan."""

import pytest

from core.models.pulses import PULSE_PARTS, Due, Parts, Stretch, due, next_due, rate_at, stretches
from schemas.delivery.device import PlanStep, PumpPlan
from schemas.units import DAY_MS, HOUR_MS, MilliUnitsPerHour, UtcMillis

NOTHING_OWED = Parts(0)


def a_plan(*steps: tuple[int, int], ends_at: int) -> PumpPlan:
    made = tuple(PlanStep(at=UtcMillis(at), rate=MilliUnitsPerHour(rate)) for at, rate in steps)
    return PumpPlan(plan="basal:demo:1", steps=made, ends_at=UtcMillis(ends_at))


def a_stretch(starts_at: int, ends_at: int, rate: int) -> Stretch:
    return Stretch(UtcMillis(starts_at), UtcMillis(ends_at), MilliUnitsPerHour(rate))


@pytest.mark.requirement("R29")
def test_one_unit_an_hour_is_a_pulse_every_three_minutes() -> None:
    """The reference pump's period is the yardstick of the arithmetic."""
    result = due(NOTHING_OWED, over=[a_stretch(0, HOUR_MS, 1_000)])

    assert tuple(range(180_000, HOUR_MS + 1, 180_000)) == result.instants
    assert result.owed == 0


def test_a_pulse_is_due_at_the_first_whole_millisecond_at_which_all_of_it_is_owed() -> None:
    """A pulse a millisecond early would be insulin that nobody asked for."""
    result = due(NOTHING_OWED, over=[a_stretch(0, 60_000_000, 7)])

    assert (UtcMillis(25_714_286), UtcMillis(51_428_572)) == result.instants
    assert Parts(7 * 60_000_000 - 2 * PULSE_PARTS) == result.owed


def test_a_change_of_rate_carries_the_fraction_of_a_pulse_over() -> None:
    """A fraction lost at each change is how small basal rates go astray."""
    halves = [a_stretch(0, 90_000, 1_000), a_stretch(90_000, 135_000, 2_000)]

    assert Due((UtcMillis(135_000),), NOTHING_OWED) == due(NOTHING_OWED, over=halves)


def test_a_pulse_due_at_the_border_of_two_stretches_is_given_once() -> None:
    """A pulse counted on both sides is a double dose, on neither a lost one."""
    joined = due(NOTHING_OWED, over=[a_stretch(0, 180_000, 1_000), a_stretch(180_000, 180_001, 0)])

    assert (UtcMillis(180_000),) == joined.instants


def test_next_due_is_the_first_of_the_instants_that_follow() -> None:
    """The pump sleeps until then; a later instant would delay insulin."""
    over = [a_stretch(0, 90_000, 1_000), a_stretch(90_000, HOUR_MS, 500)]

    assert due(NOTHING_OWED, over=over).instants[0] == next_due(NOTHING_OWED, over=over)
    assert next_due(NOTHING_OWED, over=[a_stretch(0, DAY_MS, 0)]) is None


@pytest.mark.requirement("R29")
def test_more_than_a_pulse_owed_is_refused() -> None:
    """Such a number cannot come from our arithmetic, so it must not be delivered."""
    with pytest.raises(ValueError, match="less than a pulse"):
        due(PULSE_PARTS, over=[])


def test_a_plan_that_ended_repeats_its_last_day() -> None:
    """A dead network never stops the trickle."""
    plan = a_plan((0, 100), (DAY_MS, 200), (DAY_MS + HOUR_MS, 300), ends_at=2 * DAY_MS)

    assert [200, 300, 200, 300] == [
        rate_at(plan, at=UtcMillis(at))
        for at in (2 * DAY_MS, 2 * DAY_MS + HOUR_MS, 9 * DAY_MS, 10 * DAY_MS - 1)
    ]


def test_a_plan_shorter_than_a_day_repeats_as_a_whole() -> None:
    """There is no last day to repeat, yet insulin must flow."""
    plan = a_plan((0, 100), (HOUR_MS, 200), ends_at=2 * HOUR_MS)

    assert [100, 200, 100] == [rate_at(plan, at=UtcMillis(k * HOUR_MS)) for k in (2, 3, 4)]


def test_before_a_plan_begins_its_first_rate_holds() -> None:
    """Clocks that differ by a moment must not make a hole in the basal."""
    plan = a_plan((1_000, 100), (HOUR_MS, 200), ends_at=DAY_MS)

    assert rate_at(plan, at=UtcMillis(0)) == 100


def test_stretches_cover_the_time_without_holes_and_change_with_the_plan() -> None:
    """A hole is lost basal, an overlap is double basal."""
    plan = a_plan((0, 100), (HOUR_MS, 200), ends_at=2 * HOUR_MS)

    cut = list(stretches(plan, starts_at=UtcMillis(30), ends_at=UtcMillis(3 * HOUR_MS)))

    assert [
        a_stretch(30, HOUR_MS, 100),
        a_stretch(HOUR_MS, 2 * HOUR_MS, 200),
        a_stretch(2 * HOUR_MS, 3 * HOUR_MS, 100),
    ] == cut


def test_without_a_plan_nothing_is_due() -> None:
    """A new pump must not make up a rate."""
    over = stretches(None, starts_at=UtcMillis(0), ends_at=UtcMillis(DAY_MS))

    assert Due((), NOTHING_OWED) == due(NOTHING_OWED, over=over)


def test_a_pulse_on_the_end_of_a_stretch_falls_due_there() -> None:
    """Also where nothing flows afterwards: it would otherwise never come."""
    over = [a_stretch(0, 180_000, 1_000), a_stretch(180_000, 360_000, 0)]

    assert 180_000 == next_due(NOTHING_OWED, over=over)


def test_what_a_stretch_is_owed_follows_from_its_length_alone() -> None:
    """A minute late in the day is a minute."""
    late = a_stretch(20 * HOUR_MS, 20 * HOUR_MS + 60_000, 1_000)

    assert None is next_due(NOTHING_OWED, over=[late])
    assert 20 * HOUR_MS + 90_000 == next_due(
        NOTHING_OWED, over=[late, a_stretch(late.ends_at, late.ends_at + HOUR_MS, 4_000)]
    )


def test_a_plan_shorter_than_a_day_repeats_all_of_itself() -> None:
    """10 to 14 o'clock: at 17 it is three hours into its second round."""
    plan = a_plan((10 * HOUR_MS, 100), (12 * HOUR_MS, 200), ends_at=14 * HOUR_MS)

    assert [100, 200, 100] == [rate_at(plan, at=UtcMillis(hour * HOUR_MS)) for hour in (14, 17, 18)]


def test_a_plan_that_ends_at_any_hour_repeats_its_last_day() -> None:
    """It ends at hour 50, so that hour 76 is hour 28 again, and hour 100 too."""
    plan = a_plan((0, 100), (28 * HOUR_MS, 200), (29 * HOUR_MS, 300), ends_at=50 * HOUR_MS)

    assert [200, 300, 200] == [
        rate_at(plan, at=UtcMillis(hour * HOUR_MS)) for hour in (76, 77, 100)
    ]
