"""The maximum basal rate that the pump holds: what counts of a plan, and what it refuses."""

import pytest

from core.pump import machine
from core.pump.basal_maximum import highest_rate, limit_basal
from core.pump.memory import PumpMemory, PumpRefusal, PumpStep
from schemas.delivery.device import PlanStep, PumpPlan
from schemas.units import HOUR_MS, MilliUnits, MilliUnitsPerHour, UtcMillis

NOON = UtcMillis(1_800_000_000_000)


def a_plan(*rates: int, hours: int = 48) -> PumpPlan:
    """Give a plan of one rate an hour; the last holds until its end."""
    steps = tuple(
        PlanStep(at=UtcMillis(NOON + hour * HOUR_MS), rate=MilliUnitsPerHour(rate))
        for hour, rate in enumerate(rates)
    )
    return PumpPlan(plan="basal:demo:1", steps=steps, ends_at=UtcMillis(NOON + hours * HOUR_MS))


def a_pump(plan: PumpPlan | None = None) -> PumpMemory:
    memory = machine.power_on(None, now=NOON, fill=MilliUnits(100_000)).memory
    if plan is None:
        return memory
    loaded = machine.load_plan(memory, plan=plan, now=NOON)
    assert isinstance(loaded, PumpStep)
    return loaded.memory


def limited(memory: PumpMemory, rate: int, *, now: int = NOON) -> PumpStep | PumpRefusal:
    return limit_basal(memory, rate=MilliUnitsPerHour(rate), now=UtcMillis(now))


@pytest.mark.parametrize(
    ("hours", "expected"), [(0, 9_000), (0.999, 9_000), (1, 1_000), (30, 1_000)]
)
def test_what_is_over_counts_no_more(hours: float, expected: int) -> None:
    """A temporary rate that has ended keeps no lower maximum out."""
    now = UtcMillis(NOON + int(hours * HOUR_MS))
    assert expected == highest_rate(a_plan(9_000, 1_000), now=now)


@pytest.mark.parametrize("hours", [24, 12])
def test_the_last_day_of_a_plan_counts_for_ever(hours: int) -> None:
    """It comes again when the plan is over."""
    plan = a_plan(9_000, 1_000, hours=hours)
    assert 9_000 == highest_rate(plan, now=UtcMillis(NOON + 40 * HOUR_MS))


def test_a_maximum_stands_in_memory_and_history() -> None:
    """Once: the same again leaves no trace."""
    step = limited(a_pump(), 3_000)
    assert isinstance(step, PumpStep)
    assert 3_000 == step.memory.basal_max
    assert [("basal_limited", "3000")] == [(one.kind, one.detail) for one in step.records]
    assert PumpStep(memory=step.memory) == limited(step.memory, 3_000)
    assert 3_000 == machine.status(step.memory, now=NOON).basal_max


@pytest.mark.parametrize("rate", [-1, 35_001])
def test_what_no_motor_can_give_is_no_maximum(rate: int) -> None:
    """Both ends themselves are."""
    assert PumpRefusal(reason="out_of_range") == limited(a_pump(), rate)
    assert isinstance(limited(a_pump(), 0), PumpStep)


def test_a_plan_above_it_is_refused_and_one_at_it_taken() -> None:
    """By its highest rate, wherever that stands."""
    held = limited(a_pump(), 3_000)
    assert isinstance(held, PumpStep)
    above = machine.load_plan(held.memory, plan=a_plan(1_000, 3_001, 500), now=NOON)
    at_it = machine.load_plan(held.memory, plan=a_plan(1_000, 3_000, 500), now=NOON)

    assert PumpRefusal(reason="above_maximum") == above
    assert isinstance(at_it, PumpStep)


def test_no_maximum_comes_under_the_plan_that_runs() -> None:
    """Basal would have to stop."""
    memory = a_pump(a_plan(1_000, 5_000, 500))

    assert PumpRefusal(reason="plan_above_maximum") == limited(memory, 4_999)
    assert isinstance(limited(memory, 5_000), PumpStep)
    assert isinstance(limited(memory, 4_999, now=NOON + 2 * HOUR_MS), PumpStep)
