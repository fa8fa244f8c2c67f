"""The advisor's record of insulin: what the pump counted is counted once and never fails."""

import math

from hypothesis import given
from hypothesis import strategies as st

from core.doses import DoseBook
from core.insulin.models import Linear, curve_of
from core.insulin.on_board import Delivered
from core.insulin_record import insulin_record
from schemas.device import PlanStep, PumpPlan
from schemas.units import HOUR_MS, MINUTE_MS, MilliUnits, MilliUnitsPerHour, UtcMillis

NOON = UtcMillis(1_800_000_000_000)
CURVE = curve_of(Linear(duration_min=360))

counts = st.lists(
    st.tuples(
        st.integers(-8 * HOUR_MS, 2 * MINUTE_MS), st.integers(0, HOUR_MS), st.integers(0, 2_000)
    ),
    max_size=20,
)


def plan(begins: int, rate: int) -> PumpPlan:
    step = PlanStep(at=UtcMillis(NOON + begins), rate=MilliUnitsPerHour(rate))
    return PumpPlan(plan="profile", steps=(step,), ends_at=UtcMillis(NOON + begins + 48 * HOUR_MS))


@given(
    counted=counts,
    begins=st.integers(-20 * HOUR_MS, 0),
    rate=st.integers(0, 3_000),
    stands=st.booleans(),
)
def test_any_count_of_the_pump_is_counted(
    counted: list[tuple[int, int, int]], begins: int, rate: int, stands: bool
) -> None:
    """Ahead of the clock, before the plan, one over the other, or all in a moment."""
    basal = tuple(
        Delivered(
            starts_at=UtcMillis(NOON + start),
            ends_at=UtcMillis(NOON + start + length),
            amount=MilliUnits(amount),
        )
        for start, length, amount in sorted(counted)
    )
    profile = plan(begins, rate)

    record = insulin_record(
        DoseBook(basal=basal),
        curve=CURVE,
        profiles=(profile,),
        flows=None if stands else profile,
        recorded_from=NOON,
        at=NOON,
    )

    assert all(math.isfinite(part.units) and part.end <= NOON for part in record.parts)
    assert all(part.start >= max(NOON + begins, NOON - 6 * HOUR_MS) for part in record.parts)
    covered = sum(part.end - part.start for part in record.parts)
    assert covered == min(-begins, 6 * HOUR_MS)
