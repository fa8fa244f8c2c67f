"""Laws of the thinking that hold for every input."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from core.dosing.advice.advise import advise
from core.dosing.advice.inputs import AdviceInputs
from core.dosing.advice.rules.guards import guard
from core.dosing.advice.rules.registry import RULE_SETS
from core.dosing.insulin_account.dose_account import BolusPart, DoseBook, OpenDose
from core.dosing.limits.limits import Given, breach, headrooms, whole_pulses
from core.models.insulin.on_board import Delivered, fraction_on_board, insulin_on_board
from core.models.schedules import PLAN_MS, Week, every_day, plan_steps, scheduled_rate
from schemas.basal.profiles import ProfileSegment
from schemas.bolus.advice import BolusAdvised, RequestAdvice
from schemas.bolus.settings import (
    BolusSettingsSet,
    CarbRatioSegment,
    InsulinAction,
    SensitivitySegment,
    TargetSegment,
)
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.delivery.device import PULSE_MU
from schemas.glucose import GlucoseMeasured
from schemas.message import Now
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    EventId,
    Grams,
    MgDl,
    MicrogramsPerDlPerUnit,
    MilligramsPerUnit,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)
from services.runtime.platform.zones import transitions

AT = UtcMillis(1_793_491_200_000)
NOW = Now(therapy=AT, real=AT, speed=1)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")

actions = st.builds(
    InsulinAction,
    duration=st.integers(120, 600).map(lambda m: Milliseconds(m * MINUTE_MS)),
    peak=st.integers(20, 59).map(lambda m: Milliseconds(m * MINUTE_MS)),
    delay=st.integers(0, 30).map(lambda m: Milliseconds(m * MINUTE_MS)),
)
ages = st.integers(0, 26 * HOUR_MS).map(Milliseconds)
parts = st.lists(
    st.builds(
        lambda age, length, amount: BolusPart(
            dose=DoseId("d"),
            starts_at=UtcMillis(AT - age - length),
            ends_at=UtcMillis(AT - age),
            amount=MilliUnits(amount * PULSE_MU),
        ),
        ages,
        st.integers(0, 600_000),
        st.integers(0, 500),
    ),
    max_size=12,
).map(tuple)
limit_sets = st.builds(
    lambda single, more, most: DeliveryLimitsSet(
        single=MilliUnits(single),
        hourly=MilliUnits(single + more),
        daily=MilliUnits(single + more + most),
        basal=MilliUnitsPerHour(3000),
        actor="x",
    ),
    st.integers(50, 25_000),
    st.integers(0, 25_000),
    st.integers(0, 100_000),
)


@given(action=actions, after=ages, later=ages)
def test_insulin_on_board_only_falls(
    action: InsulinAction, after: Milliseconds, later: Milliseconds
) -> None:
    """Time never brings insulin back."""
    now = fraction_on_board(action, after=after)
    then = fraction_on_board(action, after=Milliseconds(after + later))

    assert 0 <= now <= 1
    assert then <= now + 1e-12


@given(action=actions, doses=parts, shift=st.integers(-DAY_MS, DAY_MS))
def test_insulin_on_board_does_not_depend_on_the_date(
    action: InsulinAction, doses: tuple[BolusPart, ...], shift: int
) -> None:
    """A clock that is moved together with everything else changes nothing."""
    moved = [
        Delivered(
            starts_at=UtcMillis(dose.starts_at + shift),
            ends_at=UtcMillis(dose.ends_at + shift),
            amount=dose.amount,
        )
        for dose in doses
    ]

    assert insulin_on_board(doses, action=action, at=AT) == insulin_on_board(
        moved, action=action, at=UtcMillis(AT + shift)
    )


@given(limits=limit_sets, doses=parts, amount=st.integers(0, 60_000))
def test_what_the_guards_let_through_breaks_no_limit(
    limits: DeliveryLimitsSet, doses: tuple[BolusPart, ...], amount: int
) -> None:
    """R1, R2: the cut amount passes the check that the actuator makes."""
    given_so_far = Given(boluses=doses)
    rooms = [(one.limit, one.amount) for one in headrooms(limits, given_so_far, at=AT)]

    cut, cuts = guard(MilliUnits(amount), exact=Fraction(amount), floor=whole_pulses, rooms=rooms)

    assert 0 <= cut <= amount
    assert cut % PULSE_MU == 0
    assert cut == 0 or breach(cut, limits, given_so_far, at=AT) is None
    assert all(step.after < step.before for step in cuts)


@given(limits=limit_sets, doses=parts)
def test_headroom_agrees_with_a_second_count(
    limits: DeliveryLimitsSet, doses: tuple[BolusPart, ...]
) -> None:
    """R20: counted once more, the long way, minute by minute."""
    _, hourly, daily = headrooms(limits, Given(boluses=doses), at=AT)
    hour = sum(dose.amount for dose in doses if AT - dose.ends_at < HOUR_MS)
    day = sum(dose.amount for dose in doses if AT - dose.ends_at < DAY_MS)

    assert max(0, limits.hourly - hour) == hourly.amount
    assert max(0, limits.daily - day) == daily.amount


@given(
    limits=limit_sets,
    doses=parts,
    action=actions,
    glucose=st.integers(10, 600),
    age=st.integers(0, 30 * MINUTE_MS),
    carbs=st.integers(-10, 400),
    ratio=st.integers(1_000, 150_000),
    sensitivity=st.integers(5_000, 500_000),
    unknown=st.integers(0, 200),
    rules=st.sampled_from(sorted(RULE_SETS)),
)
def test_an_advice_is_never_negative_never_above_a_limit_never_by_old_glucose(
    limits: DeliveryLimitsSet,
    doses: tuple[BolusPart, ...],
    action: InsulinAction,
    glucose: int,
    age: int,
    carbs: int,
    ratio: int,
    sensitivity: int,
    unknown: int,
    rules: str,
) -> None:
    """Whatever the settings and the history, the bounds hold."""
    opened = OpenDose(dose=DoseId("u"), amount=MilliUnits(unknown * 50), since=AT, is_unknown=True)
    basis = AdviceInputs(
        settings=BolusSettingsSet(
            zone="UTC",
            carb_ratios=(CarbRatioSegment(start_minute=0, carb_ratio=MilligramsPerUnit(ratio)),),
            sensitivities=(
                SensitivitySegment(start_minute=0, sensitivity=MicrogramsPerDlPerUnit(sensitivity)),
            ),
            targets=(TargetSegment(start_minute=0, low=MgDl(90), high=MgDl(120)),),
            insulin=action,
            rules=rules,
            actor="x",
        ),
        settings_id=EventId("s"),
        limits=limits,
        limits_id=EventId("l"),
        reading=GlucoseMeasured(
            measured_at=UtcMillis(AT - age),
            glucose=MgDl(glucose),
            source="sensor",
            unit="mg/dL",
            received=str(glucose),
        ),
        reading_id=EventId("g"),
        doses=DoseBook(boluses=doses, open=(opened,) if unknown else ()),
        suspended=False,
        is_record_whole=True,
    )

    found = advise(basis, RequestAdvice(carbs=Grams(carbs)), NOW)

    if not isinstance(found, BolusAdvised):
        assert not 0 <= carbs <= 300 or (glucose <= 70 and age <= 10 * MINUTE_MS)
        return
    assert 0 <= found.amount <= limits.single
    assert found.amount % PULSE_MU == 0
    assert found.insulin_on_board_least <= found.insulin_on_board_most
    assert (found.glucose is None) == (age > 10 * MINUTE_MS)
    if found.glucose is None:
        assert found.correction == 0
    assert found.amount <= (found.vendor or 0)
    assert found.amount <= found.food + max(0, found.correction) + 2


days = st.builds(
    lambda rates: tuple(
        ProfileSegment(start_minute=index * 30, rate=MilliUnitsPerHour(rate))
        for index, rate in enumerate(rates)
    ),
    st.lists(st.integers(0, 3000), min_size=1, max_size=48),
)
weeks = st.one_of(days.map(every_day), st.tuples(*[days] * 7))


@given(
    week=weeks,
    zone=st.sampled_from(ZONES),
    start=st.integers(1_000_000_000, 2_100_000_000).map(lambda s: UtcMillis(s * 1000)),
    minutes=st.lists(st.integers(0, PLAN_MS // MINUTE_MS - 1), min_size=20, max_size=20),
)
def test_a_plan_says_at_every_minute_what_the_wall_clock_asks_for(
    week: Week, zone: str, start: UtcMillis, minutes: list[int]
) -> None:
    """R86: through every change of the clock, in any zone."""
    known = transitions(
        zone, starts_at=UtcMillis(start - DAY_MS), ends_at=UtcMillis(start + 5 * DAY_MS)
    )
    steps = plan_steps(week, known, temporary=None, start=start)

    assert steps[0].at == start
    for minute in minutes:
        at = UtcMillis(start + minute * MINUTE_MS)
        planned = [step.rate for step in steps if step.at <= at][-1]
        assert scheduled_rate(week, known, at) == planned
