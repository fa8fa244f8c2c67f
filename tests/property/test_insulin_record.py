"""The advisor's record of insulin: what the pump counted is counted once and never fails."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dosing.insulin_account.dose_account import BasalCounted, BolusPart, DoseBook, OpenDose
from core.dosing.insulin_account.insulin_history import (
    InsulinRecord,
    insulin_record,
    remember_profile,
)
from core.models.insulin.models import Linear, curve_of
from core.models.insulin.on_board import Delivered
from schemas.delivery.device import PlanStep, PumpPlan
from schemas.units import HOUR_MS, MINUTE_MS, DoseId, MilliUnits, MilliUnitsPerHour, UtcMillis

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
        DoseBook(basal=BasalCounted(newest=basal)),
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


def programme(*rates: tuple[int, int]) -> PumpPlan:
    """Rates [mU/h] from so many minutes before noon."""
    steps = tuple(
        PlanStep(at=UtcMillis(NOON - before * MINUTE_MS), rate=MilliUnitsPerHour(rate))
        for before, rate in rates
    )
    return PumpPlan(plan="p", steps=steps, ends_at=UtcMillis(steps[0].at + 48 * HOUR_MS))


def span(start: int, end: int, amount: int) -> dict[str, Any]:
    """Insulin [mU] between two minutes before noon."""
    return {
        "starts_at": UtcMillis(NOON - start * MINUTE_MS),
        "ends_at": UtcMillis(NOON - end * MINUTE_MS),
        "amount": MilliUnits(amount),
    }


BOOK = DoseBook(
    basal=BasalCounted(
        newest=tuple(
            Delivered(**span(*part))
            for part in (
                # Before anything that acts; within; neighbours of 15 min together; one more.
                (400, 370, 500),
                (370, 350, 100),
                (350, 340, 100),
                (340, 335, 51),
                (335, 320, 153),
                # All in a moment, after a hole; two neighbours without any; a milliunit after them.
                (318, 318, 50),
                (300, 295, 0),
                (295, 290, 0),
                (290, 285, 1),
            )
        )
    ),
    boluses=(
        BolusPart(dose=DoseId("a"), **span(100, 99, 1_000)),
        BolusPart(dose=DoseId("b"), **span(50, 50, 300)),
        BolusPart(dose=DoseId("a"), **span(99, 98, 500)),
    ),
    open=(
        OpenDose(
            dose=DoseId("c"),
            amount=MilliUnits(2_000),
            delivered=MilliUnits(500),
            since=NOON,
            is_unknown=True,
        ),
        OpenDose(dose=DoseId("d"), amount=MilliUnits(400), since=NOON),
    ),
)


def recorded(book: DoseBook, *, since_min: int | None) -> InsulinRecord:
    return insulin_record(
        book,
        curve=CURVE,
        profiles=(programme((600, 600)), programme((120, 1_200), (60, 900))),
        flows=programme((285, 600), (30, 1_500)),
        recorded_from=None if since_min is None else UtcMillis(NOON - since_min * MINUTE_MS),
        at=NOON,
    )


def test_a_record_is_parts_that_can_be_added_up_by_hand() -> None:
    """What each part brought beyond the profile [mU], at least and at most."""
    parts = recorded(BOOK, since_min=400).parts
    found = [
        (
            part.kind,
            round((NOON - part.start) / MINUTE_MS, 3),
            round((NOON - part.end) / MINUTE_MS, 3),
            round(part.units * 1000, 6),
            round(part.least * 1000, 6),
        )
        for part in parts
    ]

    assert [
        ("bolus", 100.0, 98.0, 1_500.0, 1_500.0),
        ("bolus", 50.0, 50.0, 300.0, 300.0),
        ("bolus", 0.0, 0.0, 1_500.0, 0.0),
        ("bolus", 0.0, 0.0, 400.0, 400.0),
        # Half of 100 mU in 20 min, 100 by the profile.
        ("basal", 360.0, 350.0, -50.0, -50.0),
        ("basal", 350.0, 335.0, 1.0, 1.0),
        ("basal", 335.0, 320.0, 3.0, 3.0),
        ("basal", 320.0, 318.0, -19.999833, -19.999833),
        ("basal", 318.0, 318.0, 49.999833, 49.999833),
        ("basal", 318.0, 300.0, -180.0, -180.0),
        ("basal", 300.0, 290.0, -100.0, -100.0),
        ("basal", 290.0, 285.0, -49.0, -49.0),
        # By the plan that flows, less the profiles: 600, from 120 min on 1200, from 60 on 900.
        ("basal", 285.0, 120.0, 0.0, 0.0),
        ("basal", 120.0, 60.0, -600.0, -600.0),
        ("basal", 60.0, 30.0, -150.0, -150.0),
        ("basal", 30.0, 0.0, 300.0, 300.0),
    ] == [tuple(0.0 if field == 0 else field for field in part) for part in found]
    assert {CURVE} == {part.curve for part in parts}


@pytest.mark.parametrize(
    ("since_min", "is_whole"), [(None, False), (359, False), (360, True), (400, True)]
)
def test_a_record_is_whole_from_where_all_that_acts_is_recorded(
    since_min: int | None, is_whole: bool
) -> None:
    """To the minute; a dose that nobody knows leaves basal whole."""
    known = msgspec.structs.replace(BOOK, open=BOOK.open[1:])
    found, doubtful = recorded(known, since_min=since_min), recorded(BOOK, since_min=since_min)

    assert (is_whole, is_whole) == (found.is_whole, found.is_basal_whole)
    assert (False, is_whole) == (doubtful.is_whole, doubtful.is_basal_whole)


def test_profiles_are_remembered_as_long_as_insulin_of_them_acts() -> None:
    """10.5 h: of what began before, the last one alone; and a hundred at most."""
    known = tuple(programme((hours * 60, 600)) for hours in (30, 20, 11, 10))
    made, at_the_end = programme((0, 900)), programme((630, 700))

    assert (*known[2:], made) == remember_profile(known, made)
    assert (at_the_end, made) == remember_profile((*known[:3], at_the_end), made)
    assert (made,) == remember_profile((), made)
    many: tuple[PumpPlan, ...] = ()
    for minute in range(120, 0, -1):
        many = remember_profile(many, programme((minute, 600)))
    assert 100 == len(many)
