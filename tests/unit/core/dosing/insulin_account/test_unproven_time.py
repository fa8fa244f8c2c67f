"""Steps of the clock that nothing proves: what is moved over them, and how many are kept."""

from core.dosing.insulin_account.unproven_time import (
    KEPT_MS,
    STEPS_MAX,
    UnprovenStep,
    UnprovenSteps,
    counted,
    counted_at,
    kept_ms,
    with_step,
)
from core.models.insulin.on_board import Delivered
from schemas.units import HOUR_MS, Milliseconds, MilliUnits, UtcMillis


def step(since_h: int, passed_h: int) -> UnprovenStep:
    return UnprovenStep(UtcMillis(since_h * HOUR_MS), Milliseconds(passed_h * HOUR_MS))


def test_what_was_given_up_to_the_step_is_moved_and_what_came_after_stays() -> None:
    steps = (step(10, 5),)
    assert [15 * HOUR_MS, 10 * HOUR_MS + 1] == [
        counted_at(UtcMillis(at), steps) for at in (10 * HOUR_MS, 10 * HOUR_MS + 1)
    ]
    part = Delivered(
        starts_at=UtcMillis(9 * HOUR_MS), ends_at=UtcMillis(10 * HOUR_MS), amount=MilliUnits(50)
    )
    (moved,) = counted((part,), steps)
    assert (14 * HOUR_MS, 15 * HOUR_MS, 50) == (moved.starts_at, moved.ends_at, moved.amount)
    assert (part,) == counted((part,), ())


def test_of_too_many_steps_the_oldest_two_become_one_that_counts_no_less() -> None:
    """Whoever restarts for ever fills no memory."""
    steps: UnprovenSteps = ()
    for number in range(STEPS_MAX + 3):
        steps = with_step(steps, step(10 * number, 1))

    assert STEPS_MAX == len(steps)
    assert 11 * HOUR_MS == counted_at(UtcMillis(0), steps)
    assert [step(30, 4)] == list(steps[:1])


def test_deliveries_are_kept_longer_until_a_day_after_the_step() -> None:
    steps = (step(10, 5),)
    assert KEPT_MS + 5 * HOUR_MS == kept_ms(steps, at=UtcMillis(16 * HOUR_MS))
    assert KEPT_MS == kept_ms(steps, at=UtcMillis(15 * HOUR_MS + KEPT_MS))
    assert KEPT_MS == kept_ms((), at=UtcMillis(0))
