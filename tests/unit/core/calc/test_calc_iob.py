"""`basalt calc iob` and `activity`: histories with answers worked out by hand."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from core.calc.insulin_on_board import ACTIVITY, IOB, IobResult
from core.kernel.errors import ScenarioError

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
LINEAR = {"model": "linear", "duration_min": 240}
ADULT = {"model": "exponential", "duration_min": 360, "peak_min": 75, "delay_min": 10}


def ago(minutes: float) -> str:
    return (AT - timedelta(minutes=minutes)).isoformat()


def bolus(start: float, units: float, end: float | None = None, **more: Any) -> dict[str, Any]:
    """A bolus by minutes before the instant."""
    last = {} if end is None else {"end": ago(end)}
    return {"kind": "bolus", "start": ago(start), "units": units} | last | more


def basal(start: float, end: float, units: float, **more: Any) -> dict[str, Any]:
    return {"kind": "basal", "start": ago(start), "end": ago(end), "units": units} | more


def schedule(*rates: tuple[float, float, float]) -> list[dict[str, Any]]:
    return [{"start": ago(start), "end": ago(end), "u_per_h": u} for start, end, u in rates]


def scenario(doses: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"at": AT.isoformat(), "insulin": LINEAR, "doses": doses} | more


def iob(doses: list[dict[str, Any]], **more: Any) -> Any:
    asked = msgspec.convert(scenario(doses, **more), type=IOB.scenario)
    found = IOB.run(asked)
    assert isinstance(found, IobResult)
    return found


def activity(doses: list[dict[str, Any]], **more: Any) -> Any:
    asked = msgspec.convert(scenario(doses, **more), type=ACTIVITY.scenario)
    return ACTIVITY.run(asked)


ONE = schedule((2000, -2000, 1.0))


def test_a_bolus_loses_the_same_part_in_every_minute() -> None:
    """By the linear model half of it is left after half its duration."""
    found = iob([bolus(120, 4.0)])

    assert (2.0, 2.0, 2.0, True) == (
        found.iob_u,
        found.iob_least_u,
        found.iob_most_u,
        found.complete,
    )


def test_what_remains_of_a_running_bolus_counts_in_full() -> None:
    """3 U over an hour, half given: 1.5 U to come, the rest lost (30 min / 2) / 240 of itself."""
    found = iob([bolus(30, 3.0, end=-30)])

    assert math.isclose(1.5 + 1.5 * (1 - 15 / 240), found.iob_u, abs_tol=1e-12)


def test_a_dose_of_the_future_does_not_count_and_is_named() -> None:
    """A record with a wrong clock must not look as insulin on board."""
    found = iob([bolus(-1, 3.0), bolus(240, 1.0)])

    assert 0.0 == found.iob_u
    assert ("1 of the doses start after `at` and do not count",) == found.notes


def test_a_temporary_rate_counts_relative_to_the_schedule() -> None:
    """3 U/h over 1 U/h for an hour that ended now: 2 U, of which 30 min / 240 have acted."""
    found = iob([basal(60, 0, 3.0)], basal=ONE)

    assert math.isclose(2.0 * (1 - 30 / 240), found.iob_u, abs_tol=1e-12)
    assert (0.0, found.iob_u) == (found.bolus_iob_u, found.basal_iob_u)


def test_a_running_rate_counts_up_to_the_present() -> None:
    """Loop counts some of its future; what is not delivered is not on board."""
    found = iob([basal(60, -60, 6.0)], basal=ONE)

    assert math.isclose(2.0 * (1 - 30 / 240), found.iob_u, abs_tol=1e-12)


def test_a_suspension_is_less_than_the_schedule() -> None:
    """Insulin on board below zero says that basal is missing."""
    found = iob([basal(60, 0, 0.0)], basal=ONE)

    assert math.isclose(-1.0 * (1 - 30 / 240), found.iob_u, abs_tol=1e-12)


def test_a_record_over_a_change_of_the_schedule_is_cut_there() -> None:
    """2 U over two hours: as scheduled in the first, 0.5 U/h more in the second."""
    rates = schedule((600, 60, 1.0), (60, -600, 0.5))

    found = iob([basal(120, 0, 2.0)], basal=rates)

    assert math.isclose(0.5 * (1 - 30 / 240), found.iob_u, abs_tol=1e-12)


def test_absolute_counts_what_was_delivered() -> None:
    """The schedule is what ran where nothing else is recorded."""
    found = iob([basal(60, 0, 3.0)], basal=ONE, relative=False)

    whole = 1.0 * 4 / 2  # U/h for 4 h, of which half has acted
    more = 2.0 * (1 - 30 / 240)
    assert math.isclose(whole + more, found.iob_u, abs_tol=1e-12)


def test_absolute_without_a_schedule_counts_the_record_and_says_so() -> None:
    """Boluses alone are a fair question; the answer names what it leaves out, and is not all."""
    found = iob([bolus(120, 4.0)], relative=False)

    assert (2.0, 2.0, None, False) == (
        found.iob_u,
        found.iob_least_u,
        found.iob_most_u,
        found.complete,
    )
    assert ("no schedule was given: basal of which there is no record is unknown",) == found.notes


@pytest.mark.parametrize("more", [{"relative": False}, {"covered_from": ago(0), "basal": ONE}])
def test_of_nothing_that_is_recorded_nothing_is_known(more: dict[str, Any]) -> None:
    """It is not zero: neither the sum, nor the most that it can be, nor what acts."""
    found, acts = iob([], **more), activity([], until=ago(-60), step_min=60, **more)

    assert (None, None, None) == (found.iob_u, found.bolus_iob_u, found.basal_iob_u)
    assert (None, False) == (found.iob_most_u, found.complete)
    assert AT - timedelta(hours=4) == found.unknown[0].start
    assert (None, None, False) == (acts.activity_u_per_min, acts.activity_u_per_h, acts.complete)
    assert [None, None] == [point.u_per_min for point in acts.curve]


def test_unknown_basal_has_a_bound_if_the_pump_has_one() -> None:
    """Nothing at least; at most all that the pump can have given, of which half has acted."""
    found = iob([bolus(120, 4.0)], relative=False, gap_u_per_h_max=5.0)

    assert (2.0, 2.0) == (found.iob_u, found.iob_least_u)
    assert math.isclose(2.0 + 5 * 4 / 2, found.iob_most_u, abs_tol=1e-12)


def test_absolute_with_a_whole_record_needs_no_schedule() -> None:
    """What is recorded is known."""
    found = iob([basal(240, 0, 4.0)], relative=False)

    assert (True, found.iob_u, ()) == (found.complete, found.iob_most_u, found.unknown)
    assert math.isclose(2.0, found.iob_u, abs_tol=1e-12)


def test_a_minute_that_is_told_is_not_nothing() -> None:
    """In the last minute nothing was given but the schedule: that much is known."""
    found = iob([], covered_from=ago(1), basal=ONE)

    assert (0.0, None, False) == (found.iob_u, found.iob_most_u, found.complete)


def test_absolute_outside_the_schedule_is_unknown() -> None:
    """A schedule that ends is not a schedule of nothing."""
    found = iob([], basal=schedule((120, -60, 1.0)), relative=False)

    assert (False, None) == (found.complete, found.iob_most_u)
    assert found.iob_u == found.iob_least_u
    [stretch] = found.unknown
    assert "no basal schedule" == stretch.why
    assert (AT - timedelta(hours=4), AT - timedelta(hours=2)) == (stretch.start, stretch.end)


def test_time_before_the_record_is_unknown() -> None:
    """A truncated history is not a history without insulin (oref0 PR 702)."""
    found = iob([bolus(60, 1.0)], basal=ONE, covered_from=ago(120))

    [stretch] = found.unknown
    assert ("before the record begins", False) == (stretch.why, found.complete)
    assert (AT - timedelta(hours=4), AT - timedelta(hours=2)) == (stretch.start, stretch.end)
    assert 0.75 == found.iob_u
    assert found.iob_most_u is None
    assert found.iob_least_u is not None
    # 2 h of 1 U/h that may not have run, of which 1/4 is left on average
    assert math.isclose(0.75 - 2 / 4, found.iob_least_u, abs_tol=1e-12)


def test_unknown_time_has_a_bound_if_the_pump_has_one() -> None:
    """What a pump cannot have given more than is worth knowing."""
    found = iob([], basal=ONE, covered_from=ago(120), gap_u_per_h_max=5.0)

    assert found.iob_most_u is not None
    assert math.isclose((5 - 1) * 2 / 4, found.iob_most_u, abs_tol=1e-12)


def test_beside_a_basal_record_unknown_time_can_hold_boluses_only() -> None:
    """Basal that is recorded is known, also before everything is."""
    found = iob([basal(240, 120, 2.0)], basal=ONE, covered_from=ago(120), gap_u_per_h_max=5.0)

    assert (0.0, 0.0, False) == (found.iob_u, found.iob_least_u, found.complete)
    assert found.iob_most_u is not None
    assert math.isclose(5 * 2 / 4, found.iob_most_u, abs_tol=1e-12)


def test_unknown_time_without_a_schedule_has_no_least() -> None:
    """What was scheduled is needed to say how much less than it may have been given."""
    found = iob([], covered_from=ago(120), gap_u_per_h_max=5.0)

    assert (0.0, None, 5 * 2 / 4) == (found.iob_u, found.iob_least_u, found.iob_most_u)


def test_a_record_that_begins_later_than_now_tells_nothing() -> None:
    """A clock that was set back must not make a full record of none."""
    found = iob([], basal=ONE, covered_from=ago(-60))

    assert ("nothing is known of the time before `at`",) == found.notes
    assert AT == found.unknown[0].end


def test_a_gap_in_a_pumps_record_is_neither_zero_nor_as_scheduled() -> None:
    """An hour without a record in a basal as scheduled: Loop issue 2166 cost 3.4 U."""
    record = [basal(240, 180, 1.0), basal(120, 0, 2.0)]

    found = iob(record, basal=ONE, gaps="unknown", gap_u_per_h_max=3.0)

    [stretch] = found.unknown
    assert "no basal record" == stretch.why
    assert (AT - timedelta(hours=3), AT - timedelta(hours=2)) == (stretch.start, stretch.end)
    left = 1 - 150 / 240
    assert (0.0, round(-left, 12), round(2 * left, 12)) == (
        found.iob_u,
        found.iob_least_u,
        found.iob_most_u,
    )


def test_an_uncertain_dose_widens_the_answer() -> None:
    """A bolus whose end nobody saw is between nothing and all of it."""
    found = iob([bolus(120, 4.0, certain=False), bolus(120, 2.0)])

    assert (3.0, 1.0, 3.0, False) == (
        found.iob_u,
        found.iob_least_u,
        found.iob_most_u,
        found.complete,
    )
    assert ("1 of the doses are uncertain; iob_u counts them in full",) == found.notes


def test_an_uncertain_rate_may_have_delivered_nothing() -> None:
    """Of relative basal the least is what was scheduled and did not come."""
    found = iob([basal(60, 0, 3.0, certain=False)], basal=ONE)

    assert found.iob_least_u is not None
    assert math.isclose(-1.0 * (1 - 30 / 240), found.iob_least_u, abs_tol=1e-12)


def test_meal_and_correction_are_told_apart() -> None:
    """Omnipod takes meal insulin from a correction first, correction insulin from a meal."""
    found = iob(
        [
            bolus(120, 4.0, purpose="meal"),
            bolus(120, 2.0, purpose="correction"),
            bolus(120, 1.0),
            {"kind": "pen", "start": ago(120), "units": 8.0, "insulin": ADULT},
        ]
    )

    left = 8 * 0.500576816550
    assert (2.0, 1.0) == (found.meal_iob_u, found.correction_iob_u)
    assert math.isclose(3.5 + left, found.bolus_iob_u, abs_tol=1e-9)


REFUSALS = [
    ([bolus(0, 1.0, end=1)], {}, "$.doses[0].end", "before the start"),
    ([basal(60, 60, 1.0)], {"basal": ONE}, "$.doses[0].end", "takes time"),
    ([basal(60, 0, 1.0, purpose="meal")], {"basal": ONE}, "$.doses[0].purpose", "no purpose"),
    ([bolus(9, 1.0, end=1) | {"kind": "pen"}], {}, "$.doses[0].end", "at once"),
    ([basal(60, 0, 1.0)], {}, "$.doses[0]", "needs the scheduled rate"),
    ([bolus(9, 1.0), basal(60, 0, 1.0)], {"basal": schedule((30, 0, 1))}, "$.doses[1]", "needs"),
    ([basal(60, -60, 1.0)], {"basal": schedule((90, 0, 1))}, "$.doses[0]", "needs"),
    (
        [basal(60, 0, 1.0)],
        {"basal": schedule((90, 50, 1), (40, -9, 1))},
        "$.doses[0]",
        "needs the",
    ),
    (
        [basal(30, 0, 1.0), bolus(40, 1.0), basal(60, 29, 1.0)],
        {"basal": ONE},
        "$.doses[2].start",
        "same time as in $.doses[0]",
    ),
    ([], {"basal": schedule((9, 9, 1))}, "$.basal[0].end", "not after the start"),
    ([], {"basal": schedule((9, 5, 1), (6, 3, 1))}, "$.basal[1].start", "before the end"),
    ([], {"insulin": ADULT | {"peak_min": 180}}, "$.insulin.peak_min", "half the duration"),
    (
        [bolus(1, 1.0, insulin=ADULT | {"peak_min": 180})],
        {},
        "$.doses[0].insulin.peak_min",
        "half the duration",
    ),
    ([], {"discretisation": "oref0"}, "$.insulin", "exponential and bilinear"),
    ([], {"discretisation": "oref0", "insulin": ADULT}, "$.insulin.delay_min", "no delay"),
    (
        [],
        {"discretisation": "oref0", "relative": False, "insulin": ADULT | {"delay_min": 0}},
        "$.relative",
        "relative to the schedule",
    ),
    ([], {"discretisation": "loop", "gaps": "unknown"}, "$.gaps", "as scheduled"),
    (
        [bolus(1, 1.0, certain=False)],
        {"discretisation": "loop"},
        "$.doses[0].certain",
        "no uncertain dose",
    ),
]


@pytest.mark.parametrize(("doses", "more", "path", "reason"), REFUSALS)
def test_a_history_that_cannot_be_is_refused_at_its_field(
    doses: list[dict[str, Any]], more: dict[str, Any], path: str, reason: str
) -> None:
    """Two truths about the same time, or none where one is needed, give no number."""
    with pytest.raises(
        ScenarioError, match=reason.replace("$", r"\$").replace("[", r"\[")
    ) as found:
        iob(doses, **more)

    assert path == found.value.path


def test_a_rate_cancelled_at_once_is_no_overlap() -> None:
    """Loop writes temporary rates of no length when it cancels them."""
    found = iob([basal(60, 0, 1.0), basal(30, 30, 0.0)], basal=ONE)

    assert 0.0 == found.iob_u


def test_an_instant_may_carry_any_offset() -> None:
    """The same instant is the same instant."""
    given = scenario([bolus(120, 4.0)]) | {"at": "2026-11-01T17:45:00+05:45"}

    found = IOB.run(msgspec.convert(given, type=IOB.scenario))

    assert isinstance(found, IobResult) and 2.0 == found.iob_u


def test_activity_is_how_fast_insulin_on_board_falls() -> None:
    """Of 4 U over 240 min 1 U acts in an hour, as long as any is left."""
    found = activity([bolus(120, 4.0)], until=ago(-180), step_min=60)

    assert (round(4 / 240, 12), 1.0) == (found.activity_u_per_min, found.activity_u_per_h)
    rate = round(4 / 240, 12)
    assert [rate, rate, 0.0, 0.0] == [point.u_per_min for point in found.curve]
    assert AT == found.curve[0].at


def test_activity_of_a_running_bolus_is_of_what_was_given() -> None:
    """What has not been given does not act."""
    found = activity([bolus(60, 4.0, end=-60)])

    assert math.isclose(2.0 / 240, found.activity_u_per_min, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"until": ago(1)}, "before `at`"),
        ({"until": ago(-90_000)}, "more than 2000 points"),
        ({"until": ago(-10), "discretisation": "loop"}, "exactly only"),
    ],
)
def test_a_curve_that_cannot_be_is_refused(more: dict[str, Any], reason: str) -> None:
    """A curve has a direction and a limit."""
    with pytest.raises(ScenarioError, match=reason) as found:
        activity([], **more)

    assert "$.until" == found.value.path


def test_the_example_of_the_documentation_holds() -> None:
    """Half an hour suspended at 1 U/h and 2 U an hour ago."""
    found: Any = IOB.run(msgspec.json.decode(IOB.example, type=IOB.scenario))

    assert 1.193843691208 == found.iob_u == round(found.bolus_iob_u + found.basal_iob_u, 12)
    assert json.loads(IOB.example)["relative"]
