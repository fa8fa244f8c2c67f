"""No change of rate and no way of cutting time into runs changes what the pump delivers."""

from fractions import Fraction
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models.pulses import Parts, Stretch, due
from core.pump import machine
from core.pump.memory import PumpMemory, PumpRefusal
from schemas.delivery.device import PULSE_MU, PlanStep, PumpPlan
from schemas.units import DAY_MS, HOUR_MS, DoseId, MilliUnits, MilliUnitsPerHour, UtcMillis

RATES = st.integers(0, 35_000).map(MilliUnitsPerHour)
LENGTHS = st.integers(1, 3 * HOUR_MS)
SPAN_MS = 4 * HOUR_MS


@pytest.mark.requirement("R29")
@given(st.lists(st.tuples(LENGTHS, RATES), min_size=1, max_size=30))
def test_delivered_and_requested_differ_by_less_than_a_pulse_at_every_change(
    changes: list[tuple[int, MilliUnitsPerHour]],
) -> None:
    """A cumulative error is an overdose or an underdose that grows with each temporary rate."""
    owed, at, requested, delivered = Parts(0), 0, Fraction(0), 0
    for length, rate in changes:
        pulses = due(owed, over=[Stretch(UtcMillis(at), UtcMillis(at + length), rate)])
        owed, at = pulses.owed, at + length
        requested += Fraction(rate * length, HOUR_MS)
        delivered += PULSE_MU * len(pulses.instants)

        assert 0 <= requested - delivered < PULSE_MU
        assert all(a <= b for a, b in pairwise(pulses.instants))


@st.composite
def plans(draw: st.DrawFn) -> PumpPlan:
    """Make a plan that can end before the time that is run."""
    instants = draw(st.lists(st.integers(0, SPAN_MS), min_size=1, max_size=8, unique=True))
    steps = tuple(PlanStep(at=UtcMillis(at), rate=draw(RATES)) for at in sorted(instants))
    ends_at = steps[-1].at + draw(st.integers(HOUR_MS, DAY_MS))
    return PumpPlan(plan="basal:demo:1", steps=steps, ends_at=UtcMillis(ends_at))


def a_bolusing_pump(*, plan: PumpPlan, fill: int, bolus: int) -> PumpMemory:
    memory = PumpMemory(basal_at=UtcMillis(0), on_at=UtcMillis(0), reservoir=MilliUnits(fill))
    memory = msgspec.structs.replace(memory, plan=plan)
    step = machine.start_bolus(
        memory, dose=DoseId("d"), amount=MilliUnits(bolus), executed=False, now=UtcMillis(0)
    )
    return memory if isinstance(step, PumpRefusal) else step.memory


@pytest.mark.requirement("R85")
@given(
    plans(),
    st.integers(0, 30_000),
    st.integers(1, 500).map(lambda pulses: pulses * PULSE_MU),
    st.lists(st.integers(0, SPAN_MS), max_size=20),
)
def test_splitting_the_time_anywhere_gives_the_same_registers(
    plan: PumpPlan, fill: int, bolus: int, splits: list[int]
) -> None:
    """When the process happens to wake must have no say in how much insulin flows."""
    start = a_bolusing_pump(plan=plan, fill=fill, bolus=bolus)
    whole = machine.run_until(start, now=UtcMillis(SPAN_MS))
    memory, moved = start, 0
    for at in sorted([*splits, SPAN_MS]):
        step = machine.run_until(memory, now=UtcMillis(at))
        memory = step.memory
        moved += sum(r.amount for r in step.records if r.kind in ("basal", "bolus"))

    assert whole.memory == msgspec.structs.replace(memory, sequence=whole.memory.sequence)
    assert memory.odometer - start.odometer == moved


@pytest.mark.requirement("R85")
@given(plans(), st.lists(st.integers(-SPAN_MS, SPAN_MS), max_size=20))
def test_a_clock_that_jumps_back_repeats_no_pulse(plan: PumpPlan, instants: list[int]) -> None:
    """A pulse for the same instant twice is insulin that nobody asked for."""
    memory = a_bolusing_pump(plan=plan, fill=300_000, bolus=5_000)
    expected = machine.run_until(memory, now=UtcMillis(max([0, *instants]))).memory
    for at in instants:
        memory = machine.run_until(memory, now=UtcMillis(at)).memory

    assert expected == msgspec.structs.replace(memory, sequence=expected.sequence)
