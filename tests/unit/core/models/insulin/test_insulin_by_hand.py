"""Curves, histories and the peers' ways of cutting, by small numbers worked out by hand."""

import math
from collections.abc import Sequence

import msgspec
import pytest

from core.dosing.insulin_account.dose_account import BolusPart, DoseBook
from core.models.insulin.curves import Polynomial, curve, piecewise
from core.models.insulin.history import Dose, DoseKind, History, Part, Rate, gaps_of, parts_of
from core.models.insulin.models import Bilinear, Linear, Walsh, curve_of, exponential_curve
from core.models.insulin.on_board import (
    Delivered,
    action_problem,
    fraction_on_board,
    insulin_on_board,
    still_acts,
)
from core.models.insulin.peers import (
    LOOP_MOMENTARY_MS,
    LOOP_STEP_MS,
    loop_parts,
    loop_steps,
    oref0_parts,
)
from core.models.insulin.series import SlidingSum
from schemas.bolus.settings import ActionModel, InsulinAction
from schemas.units import HOUR_MS, MINUTE_MS, DoseId, Milliseconds, MilliUnits, UtcMillis

LINE = curve_of(Linear(duration_min=240))
ACTION = InsulinAction(
    duration=Milliseconds(6 * HOUR_MS),
    peak=Milliseconds(75 * MINUTE_MS),
    delay=Milliseconds(10 * MINUTE_MS),
)


def shape(*pieces: tuple[float, Polynomial], duration: float = 120.0) -> object:
    return piecewise(pieces, duration=duration)


@pytest.mark.parametrize(
    ("minute", "fraction", "activity", "integral"),
    [
        (0, 1.0, 0.0, 0.0),
        (5, 1.0, 0.0, 5.0),
        (9.999, 1.0, 0.0, 9.999),
        (20, 0.9, 0.01, 19.5),
        (60, 0.5, 0.01, 47.5),
        (109, 0.01, 0.01, 59.995),
        (115, 0.0, 0.0, 60.0),
        (120, 0.0, 0.0, 60.0),
    ],
)
def test_a_line_that_leaves_0_to_1_is_cut_where_it_does(
    minute: float, fraction: float, activity: float, integral: float
) -> None:
    """1.1 - t/100: whole for 10 min, gone from 110 min on; the area is a trapezoid of 60 min."""
    cut = piecewise([(0.0, (1.1, -0.01))], duration=120.0)

    assert cut.fraction(minute) == pytest.approx(fraction, abs=1e-12)
    assert cut.activity(minute) == pytest.approx(activity, abs=1e-12)
    assert cut.integral(minute) == pytest.approx(integral, abs=1e-9)
    assert pytest.approx((0.0, 10.0, 110.0)) == cut.starts


def test_a_parabola_is_cut_on_both_of_its_sides() -> None:
    """2 - (t - 50)^2 / 400 is above 1 between 30 and 70, below 0 outside 21.7 and 78.3."""
    bell = piecewise([(0.0, (2 - 6.25, 0.25, -1 / 400))], duration=100.0)
    low, high = 50 - math.sqrt(800), 50 + math.sqrt(800)

    assert pytest.approx((0.0, low, 30.0, 70.0, high)) == bell.starts
    values = [bell.fraction(minute) for minute in (10, 25, 50, 75, 90)]
    assert pytest.approx((0.0, 0.4375, 1.0, 0.4375, 0.0)) == tuple(values)
    side = 2 * (30 - low) - (50 - low) ** 3 / 1200 + 20**3 / 1200
    assert bell.integral(100) == pytest.approx(40 + 2 * side)
    assert bell.activity(25) == pytest.approx(-0.125)
    assert bell.activity(75) == pytest.approx(0.125)


def test_a_parabola_within_0_and_1_is_not_cut() -> None:
    """Touching an end is not leaving it."""
    calm = piecewise([(0.0, (0.5, 0.0, 0.0001))], duration=50.0)

    assert (0.0,) == calm.starts
    assert calm.fraction(50) == pytest.approx(0.75)


def test_two_pieces_join_their_areas() -> None:
    """Half for 10 min, then down to nothing in 10 more: 5 min and 2.5 min."""
    two = piecewise([(0.0, (0.5,)), (10.0, (1.0, -0.05))], duration=20.0)
    whole = curve(two, duration_min=20.0, delay_min=0.0)

    assert (0.5, 0.5) == (two.fraction(0), two.fraction(9.9))
    assert 0.25 == pytest.approx(two.fraction(15))
    assert 5.0 == pytest.approx(two.integral(10))
    assert 7.5 == pytest.approx(whole.area_min)
    assert (0.0, 0.05) == (two.activity(5), two.activity(15))


def test_a_curve_before_inside_and_after() -> None:
    """Nothing acts before the delay is over nor after the end; the area grows up to the end."""
    delayed = curve_of(Linear(duration_min=240))
    assert (0.0, 1 / 240, 1 / 240, 0.0) == (
        delayed.activity(0),
        delayed.activity(0.5),
        delayed.activity(239.5),
        delayed.activity(240),
    )
    assert [-5.0, 0.0, 120.0, 120.0] == [delayed.integral(at) for at in (-5, 0, 240, 300)]
    assert 0.5 == delayed.mean_fraction(120, 120)
    assert 1 / 240 == pytest.approx(delayed.mean_activity(120, 120))


def test_a_peak_that_cannot_be_is_refused_in_words() -> None:
    """From nothing to half the duration, both outside."""
    for peak in (0.0, 150.0, -1.0):
        with pytest.raises(ValueError, match=r"^the peak is not between 0 and half the duration$"):
            exponential_curve(duration_min=300, peak_min=peak, delay_min=0)


@pytest.mark.parametrize(
    ("ago_min", "amount", "board"),
    [(0, 1_000, 1_000), (10, 1_000, 1_000), (120, 100, 51), (180, 1_000, 241), (370, 1_000, 0)],
)
def test_insulin_on_board_is_rounded_up(ago_min: int, amount: int, board: int) -> None:
    """50.06 mU are 51: what is overlooked would be given again."""
    at = UtcMillis(1_800_000_000_000)
    given = UtcMillis(at - ago_min * MINUTE_MS)
    dose = Delivered(starts_at=given, ends_at=given, amount=MilliUnits(amount))

    assert board == insulin_on_board([dose], action=ACTION, at=at)


@pytest.mark.parametrize(("ago", "acts"), [(0, True), (22_200_000 - 1, True), (22_200_000, False)])
def test_a_dose_acts_until_duration_and_delay_are_over(ago: int, acts: bool) -> None:
    """6 h and 10 min."""
    at = UtcMillis(1_800_000_000_000)
    dose = BolusPart(
        starts_at=UtcMillis(at - ago),
        ends_at=UtcMillis(at - ago),
        amount=MilliUnits(500),
        dose=DoseId("d"),
    )

    assert acts == still_acts(dose, action=ACTION, at=at)
    assert (("d",) if acts else ()) == DoseBook(boluses=(dose,)).acting(ACTION, at=at)


def test_the_smallest_peak_is_a_millisecond() -> None:
    """More than nothing."""
    least = InsulinAction(
        duration=Milliseconds(2 * HOUR_MS), delay=Milliseconds(0), peak=Milliseconds(1)
    )
    none = msgspec.structs.replace(least, peak=Milliseconds(0))

    assert None is action_problem(least)
    assert "insulin.peak" == action_problem(none)


@pytest.mark.parametrize(
    ("name", "model"), [("bilinear", Bilinear), ("walsh", Walsh), ("linear", Linear)]
)
def test_every_model_of_calc_can_be_set(
    name: ActionModel, model: type[Bilinear | Walsh | Linear]
) -> None:
    """What a person's own pump counts by is what they know; it has a peak of its own or none."""
    action = InsulinAction(
        duration=Milliseconds(4 * HOUR_MS), delay=Milliseconds(10 * MINUTE_MS), model=name
    )
    expected = curve_of(model(duration_min=240, delay_min=10))

    assert None is action_problem(action)
    assert "insulin.peak" == action_problem(msgspec.structs.replace(action, peak=1))
    for minutes in (0, 30, 90, 240, 251):
        after = Milliseconds(minutes * MINUTE_MS)
        assert expected.fraction(minutes) == fraction_on_board(action, after=after)


def dose(
    start_min: int, end_min: int, units: float, *, kind: DoseKind = "basal", certain: bool = True
) -> Dose:
    return Dose(
        kind=kind,
        start=UtcMillis(start_min * MINUTE_MS),
        end=UtcMillis(end_min * MINUTE_MS),
        units=units,
        curve=LINE,
        is_certain=certain,
    )


def rate(start_min: int, end_min: int, u_per_h: float) -> Rate:
    return Rate(
        start=UtcMillis(start_min * MINUTE_MS), end=UtcMillis(end_min * MINUTE_MS), u_per_h=u_per_h
    )


def history(*doses: Dose, at_min: int = 0, **fields: object) -> History:
    return History(at=UtcMillis(at_min * MINUTE_MS), curve=LINE, doses=doses, **fields)  # type: ignore[arg-type]  # by their names


def told(parts: Sequence[Part]) -> list[tuple[str, int, int, float]]:
    return [
        (one.kind, one.start // MINUTE_MS, one.end // MINUTE_MS, round(one.units, 9))
        for one in parts
    ]


def test_a_dose_that_has_acted_fully_is_no_part() -> None:
    """240 min after its end nothing is left; a minute before there is."""
    over = history(dose(-300, -240, 1.0), is_relative=False)
    almost = history(dose(-300, -239, 1.0), is_relative=False)
    later = history(dose(1, 2, 1.0, kind="bolus"))

    assert [] == parts_of(over, until=over.at) == parts_of(later, until=later.at)
    assert [("basal", -300, -239, 1.0)] == told(parts_of(almost, until=almost.at))


def test_absolute_basal_needs_no_schedule_and_relative_basal_says_that_it_does() -> None:
    """In the same words wherever it is met."""
    record = dose(-60, 0, 1.0)
    with pytest.raises(ValueError, match=r"^a basal record reaches out of the schedule$"):
        parts_of(history(record), until=UtcMillis(0))

    absolute = parts_of(history(record, is_relative=False), until=UtcMillis(0))
    assert [("basal", -60, 0, 1.0)] == told(absolute)


def test_a_schedule_is_followed_through_its_rates_and_its_holes() -> None:
    """Two rates, a hole between them, time beyond the last: unknown where nothing is scheduled."""
    rates = (rate(-500, -200, 9.0), rate(-180, -120, 1.0), rate(-60, -30, 2.0))
    asked = history(schedule=rates, is_relative=False)

    parts, stretches = gaps_of(asked)

    holes = [(one.start // MINUTE_MS, one.end // MINUTE_MS, one.why) for one in stretches]
    assert [
        (-200, -180, "no basal schedule"),
        (-120, -60, "no basal schedule"),
        (-30, 0, "no basal schedule"),
    ] == holes
    assert [
        ("basal", -240, -200, 6.0),
        ("basal", -200, -180, 0.0),
        ("basal", -180, -120, 1.0),
        ("basal", -120, -60, 0.0),
        ("basal", -60, -30, 1.0),
        ("basal", -30, 0, 0.0),
    ] == told(parts)
    assert [0.0, math.inf] == [parts[1].least, parts[1].most]


def test_boluses_cover_no_basal_and_records_outside_do_not_matter() -> None:
    """Only basal records say that basal is known; those that touch the ends say nothing inside."""
    asked = history(
        dose(-120, -60, 1.0, kind="bolus"),
        dose(-400, -240, 1.0),
        dose(0, 60, 1.0),
        dose(-30, -30, 0.0),
        dose(-200, -180, 1.0),
        dose(-100, -90, 0.0),
        gaps_are_scheduled=False,
        gap_u_per_h_max=3.0,
        is_relative=False,
    )

    parts, stretches = gaps_of(asked)

    spans = [(one.start // MINUTE_MS, one.end // MINUTE_MS) for one in stretches]
    assert [(-240, -200), (-180, -100), (-90, 0)] == spans
    assert [2.0, 4.0, 4.5] == [one.most for one in parts]
    assert {"no basal record"} == {one.why for one in stretches}


def test_before_the_record_begins_a_record_still_knows_its_basal() -> None:
    """Beside it boluses alone are unknown: nothing less than scheduled can have flowed."""
    asked = history(
        dose(-230, -210, 0.5),
        schedule=(rate(-500, 0, 1.0),),
        covered_from=UtcMillis(-200 * MINUTE_MS),
        gap_u_per_h_max=6.0,
    )

    parts, stretches = gaps_of(asked)

    assert [(-240, -200)] == [(one.start // MINUTE_MS, one.end // MINUTE_MS) for one in stretches]
    bounds = [(round(one.least, 6), round(one.most, 6)) for one in parts]
    assert [
        (round(-1 / 6, 6), round(5 / 6, 6)),
        (0.0, 2.0),
        (round(-1 / 6, 6), round(5 / 6, 6)),
    ] == bounds
    assert {"basal"} == {one.kind for one in parts}


def test_loop_cuts_a_dose_into_steps_of_five_minutes() -> None:
    """12 min are 5, 5 and 2; a minute and less is one moment."""
    long, short = dose(-12, 0, 1.2, kind="bolus"), dose(-1, 0, 0.3, kind="bolus")
    steps = loop_steps(history(long, short))

    assert [
        ("bolus", -12, -12, 0.5),
        ("bolus", -7, -7, 0.5),
        ("bolus", -2, -2, 0.2),
        ("bolus", -1, -1, 0.3),
    ] == told(steps)
    assert [0.5, 0.5] == [steps[0].least, steps[0].most]


def test_oref0_gives_basal_as_pulses_on_whole_minutes() -> None:
    """0.2 U above the schedule over 20 min: four pulses of 0.05 U, called basal for being small."""
    record = dose(-20, 0, 0.4)
    asked = history(record, schedule=(rate(-500, 500, 0.6),))

    parts = oref0_parts(asked)

    assert [
        ("basal", -20, -20, 0.05),
        ("basal", -15, -15, 0.05),
        ("basal", -10, -10, 0.05),
        ("basal", -5, -5, 0.05),
    ] == told(parts)
    large = oref0_parts(history(dose(-30, -30, 0.1, kind="bolus"), dose(0, 0, 2.0, kind="bolus")))
    assert [("bolus", -30, -30, 0.1), ("bolus", 0, 0, 2.0)] == told(large)
    assert [] == oref0_parts(history(dose(-240, -240, 2.0, kind="bolus")))


def test_a_sum_that_goes_on_goes_forward_only() -> None:
    """In words, for whoever calls it wrongly."""
    rapid = exponential_curve(duration_min=360, peak_min=75, delay_min=10)
    total = SlidingSum(rapid)
    total.give((UtcMillis(10), 1.0))
    with pytest.raises(ValueError, match=r"^a dose is out of order$"):
        total.give((UtcMillis(9), 1.0))
    total.at(UtcMillis(20))
    with pytest.raises(ValueError, match=r"^an instant is out of order$"):
        total.at(UtcMillis(19))


def test_oref0_cuts_long_basal_into_half_hours_and_ends_with_the_present() -> None:
    """2 U/h above the schedule over 50 min of which 20 are still to come: half an hour and one."""
    running = dose(-30, 20, 50 / 60)
    asked = history(running, schedule=(rate(-500, 500, 0.0),))

    given = oref0_parts(asked)

    assert 10 == len(given) and {0.05} == {one.units for one in given}
    assert (-30, 0) == (given[0].start // MINUTE_MS, -(-given[-1].start // HOUR_MS))
    hours = oref0_parts(history(dose(-90, 0, 1.8), schedule=(rate(-500, 500, 0.0),)))
    assert 1.8 == pytest.approx(sum(one.units for one in hours))
    assert [-90, -60, -30] == [
        one.start // MINUTE_MS for one in hours if not (one.start // MINUTE_MS) % 30
    ]


def test_a_minute_is_one_moment_for_loop_and_a_little_more_is_not() -> None:
    """Up to 1.05 of Loop's steps a dose counts as momentary."""
    most = LOOP_MOMENTARY_MS
    for whole, count in ((most, 1), (most + 1, -(-(most + 1) // LOOP_STEP_MS))):
        long = Dose(kind="bolus", start=UtcMillis(-whole), end=UtcMillis(0), units=1.0, curve=LINE)
        assert count == len(loop_steps(history(long)))


def test_loop_counts_a_delay_and_a_step_of_what_is_to_come() -> None:
    """At 7 of 20 min, delay 10: reached are 15 min, so the steps at 0, 5, 10 and 15."""
    rapid = exponential_curve(duration_min=360, peak_min=75, delay_min=10)
    running = Dose(
        kind="bolus",
        start=UtcMillis(-7 * MINUTE_MS),
        end=UtcMillis(13 * MINUTE_MS),
        units=2.0,
        curve=rapid,
    )
    late = Dose(
        kind="bolus", start=UtcMillis(-3_000), end=UtcMillis(-3_000), units=1.0, curve=rapid
    )

    found = loop_parts(history(running, late))

    starts = [(one.start + 7 * MINUTE_MS) / MINUTE_MS for one in found[:-1]]
    assert [0.0, 5.0, 10.0, 15.0] == starts
    assert found[-1].units == 1.0
