"""Laws of insulin on board that hold for every model and every history."""

import math

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.models.insulin.curves import Curve
from core.models.insulin.history import Dose, History, Part, Rate, gaps_of, parts_of
from core.models.insulin.models import Bilinear, Exponential, Linear, Walsh, curve_of
from core.models.insulin.on_board import OnBoard, on_board
from schemas.units import HOUR_MS, MINUTE_MS, UtcMillis

AT = UtcMillis(1_793_534_400_000)
DAY_MIN = 1_440

durations = st.floats(60, 600)
delays = st.floats(0, 30)
models = st.one_of(
    st.builds(
        lambda duration, part, delay: Exponential(
            duration_min=duration, peak_min=max(1.0, part * duration), delay_min=delay
        ),
        durations,
        st.floats(0.02, 0.4999),
        delays,
    ),
    st.builds(Bilinear, duration_min=durations, delay_min=delays),
    st.builds(Walsh, duration_min=durations, delay_min=delays),
    st.builds(Linear, duration_min=durations, delay_min=delays),
)
curves = models.map(curve_of)
smooth = models.filter(lambda model: isinstance(model, Exponential | Linear)).map(curve_of)
ages = st.integers(-60 * MINUTE_MS, DAY_MIN * MINUTE_MS)
lengths = st.integers(0, 300 * MINUTE_MS)
units = st.floats(0, 25)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Boluses of any kind, basal one after the other with holes, a schedule that changes."""
    curve = draw(curves)
    doses = [
        Dose(
            kind="bolus",
            start=UtcMillis(AT - age),
            end=UtcMillis(AT - age + length),
            units=amount,
            curve=curve,
            is_certain=draw(st.booleans()),
        )
        for age, length, amount in draw(st.lists(st.tuples(ages, lengths, units), max_size=5))
    ]
    edges = sorted(draw(st.sets(ages, max_size=10)), reverse=True)
    for start, end in zip(edges[::2], edges[1::2], strict=False):
        basal = Dose(
            kind="basal",
            start=UtcMillis(AT - start),
            end=UtcMillis(AT - end),
            units=draw(units),
            curve=curve,
        )
        doses.append(basal)
    first, middle, last = -2 * DAY_MIN * MINUTE_MS, draw(ages), 2 * DAY_MIN * MINUTE_MS
    return History(
        at=AT,
        curve=curve,
        doses=tuple(draw(st.permutations(doses))),
        schedule=(
            Rate(start=UtcMillis(AT + first), end=UtcMillis(AT - middle), u_per_h=draw(units)),
            Rate(start=UtcMillis(AT - middle), end=UtcMillis(AT + last), u_per_h=draw(units)),
        ),
        is_relative=draw(st.booleans()),
        covered_from=draw(st.none() | ages.map(lambda age: UtcMillis(AT - age))),
        gaps_are_scheduled=draw(st.booleans()),
        gap_u_per_h_max=draw(st.none() | st.floats(25, 50)),
    )


def parts(history: History) -> list[Part]:
    return [*parts_of(history, until=history.at), *gaps_of(history)[0]]


def counted(history: History) -> OnBoard:
    return on_board(parts(history), at=history.at)


def moved(history: History, by: int) -> History:
    def later(value: UtcMillis) -> UtcMillis:
        return UtcMillis(value + by)

    replace = msgspec.structs.replace
    known = history.covered_from
    return replace(
        history,
        at=later(history.at),
        doses=tuple(replace(d, start=later(d.start), end=later(d.end)) for d in history.doses),
        schedule=tuple(
            replace(r, start=later(r.start), end=later(r.end)) for r in history.schedule
        ),
        covered_from=None if known is None else later(known),
    )


@given(curve=curves, after=st.floats(-100, 1_000))
def test_a_fraction_is_one_and_falls_to_nothing(curve: Curve, after: float) -> None:
    """More than all, or less than nothing, of a dose cannot be on board."""
    assert 0.0 <= curve.fraction(after) <= 1.0
    assert 1.0 == curve.fraction(min(after, curve.delay_min))
    assert 0.0 == curve.fraction(max(after, curve.end_min + 1e-9))


@given(curve=smooth, after=st.floats(-100, 1_000), later=st.floats(0, 500))
def test_insulin_on_board_only_falls(curve: Curve, after: float, later: float) -> None:
    """Exponential and linear; the fitted polynomials rise by up to 0.001 at their begin."""
    assert curve.fraction(after + later) <= curve.fraction(after) + 1e-12
    assert curve.activity(after) >= -1e-15


@given(curve=curves, newest=st.floats(-100, 900), span=st.floats(0, 400))
def test_a_mean_lies_between_the_ends(curve: Curve, newest: float, span: float) -> None:
    """The closed integrals are means of the fraction, within what its fits rise."""
    mean = curve.mean_fraction(newest, newest + span)

    assert curve.fraction(newest + span) - 0.0011 <= mean <= curve.fraction(newest) + 0.0011


@given(
    curve=curves, newest=st.floats(-60, 600), span=st.floats(0.1, 300), cut=st.floats(0.01, 0.99)
)
def test_the_parts_of_a_dose_are_the_dose(
    curve: Curve, newest: float, span: float, cut: float
) -> None:
    """A record that is split in two, as services do at every report, changes nothing."""
    middle, oldest = newest + cut * span, newest + span

    halves = cut * curve.mean_fraction(newest, middle)
    halves += (1 - cut) * curve.mean_fraction(middle, oldest)

    assert math.isclose(curve.mean_fraction(newest, oldest), halves, abs_tol=1e-8)


@given(curve=smooth, newest=st.floats(-60, 600), span=st.floats(1, 300))
def test_a_rate_is_the_limit_of_many_small_boluses(
    curve: Curve, newest: float, span: float
) -> None:
    """What a pump does is pulses; what is computed is their limit."""
    count = 500
    pulses = math.fsum(curve.fraction(newest + span * (n + 0.5) / count) for n in range(count))

    assert math.isclose(curve.mean_fraction(newest, newest + span), pulses / count, abs_tol=2e-5)


@given(history=histories())
def test_histories_add_up(history: History) -> None:
    """Insulin on board is linear in its doses: each can be looked at alone."""
    alone = [
        parts_of(msgspec.structs.replace(history, doses=(dose,)), until=history.at)
        for dose in history.doses
    ]
    together = on_board(parts_of(history, until=history.at), at=AT)

    apart = [on_board(found, at=AT) for found in alone]

    assert math.isclose(together.total, math.fsum(p.total for p in apart), abs_tol=1e-9)
    assert math.isclose(together.total, together.bolus + together.basal, abs_tol=1e-9)


@given(history=histories(), by=st.integers(-10 * HOUR_MS, 10 * HOUR_MS))
def test_only_time_since_counts(history: History, by: int) -> None:
    """A clock that is set elsewhere, moved with all its records, changes no bit."""
    assert counted(history) == counted(moved(history, by))


@given(history=histories())
def test_what_is_recorded_lies_between_least_and_most(history: History) -> None:
    """The interval holds the number: unknown insulin can be none, unknown basal can be missing."""
    found = counted(history)

    assert found.least - 1e-9 <= found.total <= found.most + 1e-9
