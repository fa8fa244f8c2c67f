"""Limits, unknown doses and pump models against basal: the profile flows, what is above is cut."""

from collections.abc import Callable

import msgspec
import pytest

import core.deciders.delivery.plan_capping
from core.deciders.basal.temporary_rates import refused_rate
from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.delivery.plan_capping import cap_plan
from core.deciders.delivery.state import DeliveryState
from core.dosing.insulin_account.scheduled_basal import BasalAhead
from core.dosing.limits.caps_sliding import rooms
from schemas.basal.plans import BasalCut, BasalPlanAccepted
from schemas.basal.profiles import (
    BasalPlanMade,
    CancelTemporaryRate,
    SetTemporaryRate,
)
from schemas.delivery.delivery import DeliveryLimitsSet, SetDeliveryLimits
from schemas.delivery.device import PlanStep
from schemas.delivery.pump import FillReservoir
from schemas.message import Now
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    EventId,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)
from support.simulated.fake_system import LIMITS, PUMP, SAID_TWICE, START, FakeSystem
from support.simulated.programmed import an_older_version, profile, scheduler

UNTIL = UtcMillis(START + HOUR_MS)


def limit(system: FakeSystem, **changes: int | str) -> str | None:
    asked = msgspec.structs.replace(LIMITS, **changes)
    return system.ask(asked, to="actuator").reason


def temporary(system: FakeSystem, hours: int, **how: int) -> None:
    asked = SetTemporaryRate(duration=Milliseconds(hours * HOUR_MS), **how)  # type: ignore[arg-type]  # given by name
    assert system.ask(asked, to="basal_scheduler").accepted


def flat(system: FakeSystem, rate: int) -> None:
    assert scheduler(system, profile((0, rate), confirmed=SAID_TWICE)).accepted


def alarms(system: FakeSystem) -> list[str]:
    return [alarm.alarm for alarm in system.view("actuator").alarms]


def newest(system: FakeSystem) -> BasalPlanAccepted:
    *_, last = system.said_of("actuator", BasalPlanAccepted)
    assert isinstance(last, BasalPlanAccepted)
    return last


def profile_flows(system: FakeSystem) -> bool:
    """No limit, however small, takes a pulse of the programmed basal."""
    with an_older_version():
        limit(system, basal=100, daily=10_000, hourly=10_000, four_hours=10_000)
    before = system.odometer
    system.run(ms=24 * HOUR_MS)
    return abs(26_400 - (system.odometer - before)) <= 50


def nothing_above_the_daily_limit(system: FakeSystem) -> bool:
    """A temporary rate of a day holds the limit of a day; what is above is cut and alarmed."""
    limit(system, daily=30_000)
    temporary(system, 24, percent=250)
    system.run(ms=24 * HOUR_MS)
    return 26_400 < system.odometer <= 30_000


def no_day_holds_more(system: FakeSystem) -> bool:
    """A bolus leaves room for the basal that is still to come, which nothing stops."""
    limit(system, daily=30_000)
    system.order(9_000)
    system.run(ms=24 * HOUR_MS)
    return system.odometer <= 30_000


def no_rate_above_in_doubt(system: FakeSystem) -> bool:
    """While a dose is unknown the profile flows and no more."""
    temporary(system, 4, percent=200)
    system.run(ms=5 * MINUTE_MS)
    system.order(3_000)
    system.restart("actuator")
    system.services["actuator"].step()  # type: ignore[index]  # a plain name
    state = system.state("actuator")
    assert state.doses.unknown
    _, made = state.plan_heard
    _, cuts = cap_plan(state, made, state.limits, system.clock.now())
    return {"unknown_dose"} == {cut.reason for cut in cuts}


CHECKS = [
    pytest.param(profile_flows, marks=pytest.mark.requirement("R5")),
    pytest.param(nothing_above_the_daily_limit, marks=pytest.mark.requirement("R2")),
    pytest.param(no_day_holds_more, marks=pytest.mark.requirement("R4")),
    pytest.param(no_rate_above_in_doubt, marks=pytest.mark.requirement("R5")),
]


@pytest.mark.parametrize("holds", CHECKS)
def test_it_holds(system: FakeSystem, holds: Callable[[FakeSystem], bool]) -> None:
    """Of the code as it is."""
    assert holds(system)


@pytest.mark.requirement("R5")
def test_the_mutant_that_cuts_programmed_basal_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rule: every rate above the largest is cut."""

    def every_rate(
        _: DeliveryState,
        piece: core.deciders.delivery.plan_capping.Piece,
        limits: DeliveryLimitsSet,
        *__: object,
    ) -> tuple[MilliUnitsPerHour, None]:
        return min(piece.wanted, limits.basal), None

    monkeypatch.setattr("core.deciders.delivery.plan_capping._allowed", every_rate)

    assert not profile_flows(system)


@pytest.mark.requirement("R2")
def test_the_mutant_that_lets_any_temporary_rate_pass_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rule: nobody asks the windows about a rate."""
    monkeypatch.setattr("core.deciders.delivery.plan_capping.windows_of", lambda *_, **__: ())

    assert not nothing_above_the_daily_limit(system)


@pytest.mark.requirement("R2")
@pytest.mark.requirement("R4")
def test_the_mutant_that_forgets_the_basal_to_come_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rule: the window that ends now holds the most."""
    monkeypatch.setattr(BasalAhead, "flows", lambda *_, **__: ())

    assert not no_day_holds_more(system)


@pytest.mark.requirement("R5")
def test_the_mutant_that_knows_no_doubt_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old rule: an unknown dose stops boluses alone."""
    monkeypatch.setattr("core.deciders.delivery.plan_capping.doubt_of", lambda _: None)

    assert not no_rate_above_in_doubt(system)


def test_what_is_cut_is_named_and_alarmed_until_it_is_over(system: FakeSystem) -> None:
    """With each rate before and after, and no longer than it lasts."""
    limit(system, basal=1_200)
    with an_older_version():
        temporary(system, 1, percent=250)

    (cut,) = newest(system).cuts
    assert (2_000, 1_200, "basal_limit") == (cut.before, cut.after, cut.reason)
    assert newest(system).capped
    assert ["basal_capped"] == alarms(system)
    assert system.ask(CancelTemporaryRate(), to="basal_scheduler").accepted
    system.settle()
    assert [] == alarms(system)
    assert not newest(system).capped


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"daily": 30_000}, "daily_limit"), ({"four_hours": 15_000}, "four_hour_limit")],
)
def test_each_window_cuts_by_its_name(
    system: FakeSystem, changes: dict[str, int], reason: str
) -> None:
    """Down to the profile where it is full by the profile alone."""
    limit(system, basal=15_000, **changes)
    temporary(system, 8, rate=6_000)

    assert reason in {cut.reason for cut in newest(system).cuts}


def test_two_computations_that_differ_leave_the_profile(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a milliunit above it."""
    monkeypatch.setattr(
        "core.deciders.delivery.plan_capping.rooms_twice", lambda asked: (rooms(asked), False)
    )
    temporary(system, 1, percent=200)
    system.run(ms=MINUTE_MS)

    assert 800 == system.view("actuator").rate
    assert {"limits_disagree"} == {cut.reason for cut in newest(system).cuts}


@pytest.mark.requirement("R20")
def test_two_ways_of_the_largest_rate_that_differ_leave_the_profile(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: the second way knows no largest rate."""
    monkeypatch.setattr("core.dosing.limits.caps_sweep.allowed_rate", lambda asked: asked.rate)
    limit(system, basal=1_200)
    with an_older_version():
        temporary(system, 1, percent=200)

    assert {"limits_disagree"} == {cut.reason for cut in newest(system).cuts}


def test_a_doubt_that_comes_and_goes_cuts_and_restores(system: FakeSystem) -> None:
    """By itself, while the temporary rate lasts, and the pump has each revision."""
    temporary(system, 4, percent=200)
    system.run(ms=5 * MINUTE_MS)
    system.order(3_000)
    system.restart("actuator")
    system.run(ms=30 * MINUTE_MS)

    plan = newest(system).plan
    revisions = [
        (one.revision, one.doubt)
        for one in system.said_of("actuator", BasalPlanAccepted)
        if one.plan == plan
    ]
    assert [(0, None), (1, "unknown_dose"), (2, None)] == revisions
    assert 1_600 == system.view("actuator").rate
    assert plan == system.view("actuator").plan
    assert [] == alarms(system)


@pytest.mark.parametrize(
    ("model", "rate", "given", "reason"),
    [
        ("tandem_tslim_x2", 90, 0, "pump_minimum"),
        ("diaconn_g8", 3_200, 3_000, "pump_maximum"),
    ],
)
def test_a_model_that_cannot_give_the_profile_alarms_or_is_refused(
    system: FakeSystem, model: str, rate: int, given: int, reason: str
) -> None:
    """A profile that an older version let in is delivered as far as it goes; the alarm is high."""
    with an_older_version():
        assert not limit(system, pump_model=model, basal=8_000)
        flat(system, rate)
    system.run(ms=MINUTE_MS)

    assert given == system.view("actuator").rate
    assert {reason} == {cut.reason for cut in newest(system).cuts}
    assert ["profile_not_given"] == alarms(system)

    assert not limit(system, pump_model=model, basal=8_000, single=5_000)
    assert not limit(system, basal=8_000, daily=120_000)
    assert "pump_cannot_give_profile" == limit(system, pump_model=model, basal=8_000, daily=120_000)
    assert [] == alarms(system)


def test_a_rounding_down_to_a_step_is_no_cut(system: FakeSystem) -> None:
    """It is what every pump does."""
    limit(system, pump_model="omnipod_dash")
    flat(system, 170)
    system.run(ms=MINUTE_MS)

    assert 150 == system.view("actuator").rate
    assert () == newest(system).cuts
    assert [] == alarms(system)


@pytest.mark.parametrize(("amount", "reason"), [(200_000, ""), (200_050, "out_of_range")])
def test_a_reservoir_holds_what_the_model_holds(
    system: FakeSystem, amount: int, reason: str
) -> None:
    """300 U do not go into a pod of 200 U."""
    limit(system, pump_model="omnipod_dash")
    asked = FillReservoir(amount=MilliUnits(amount))

    assert reason == system.ask(asked, to="actuator").reason


def made(*steps: tuple[int, int], profile: int) -> BasalPlanMade:
    """Give a plan of 48 h with rates above or below one of the profile."""
    return BasalPlanMade(
        profile=EventId("b:p:1"),
        tzdata="t",
        steps=tuple(PlanStep(at=UtcMillis(at), rate=MilliUnitsPerHour(rate)) for at, rate in steps),
        ends_at=UtcMillis(START + 2 * DAY_MS),
        profile_steps=(PlanStep(at=START, rate=MilliUnitsPerHour(profile)),),
    )


def limits_of(asked: SetDeliveryLimits) -> DeliveryLimitsSet:
    return DeliveryLimitsSet(
        single=asked.single,
        hourly=asked.hourly,
        daily=asked.daily,
        basal=asked.basal,
        actor="person:a",
    )


def test_time_that_is_over_is_left_as_it_was() -> None:
    """A plan that comes late is not cut where nothing can be done."""
    plan = made((START, 9_000), (UNTIL, 5_000), (UNTIL + HOUR_MS, 400), profile=800)
    now = Now(therapy=UNTIL, real=UNTIL, speed=1)

    steps, cuts = cap_plan(DELIVERY_DECIDER.initial(PUMP), plan, limits_of(LIMITS), now)

    assert [9_000, 3_000, 400] == [step.rate for step in steps]
    expected = BasalCut(
        at=UNTIL,
        before=MilliUnitsPerHour(5_000),
        after=MilliUnitsPerHour(3_000),
        reason="basal_limit",
    )
    assert (expected,) == cuts


def test_what_one_piece_takes_the_next_has_no_more() -> None:
    """Two hours above the profile share one window."""
    plan = made((START, 5_800), (UNTIL, 5_000), (UNTIL + HOUR_MS, 800), profile=800)
    room = msgspec.structs.replace(LIMITS, daily=MilliUnits(24 * 800 + 6_000), basal=9_000)
    now = Now(therapy=START, real=START, speed=1)

    steps, cuts = cap_plan(DELIVERY_DECIDER.initial(PUMP), plan, limits_of(room), now)

    assert [5_800, 1_800, 800] == [step.rate for step in steps]
    assert ["daily_limit"] == [cut.reason for cut in cuts]


@pytest.mark.parametrize(
    ("model", "how", "minutes", "reason"),
    [
        ("omnipod_dash", {"percent": 137}, 17, "pump_model_duration"),
        ("omnipod_dash", {"rate": 1_025}, 30, "pump_model_setting"),
        ("medtronic_640g", {"rate": 1_000}, 30, ""),
        ("dana_rs", {"rate": 1_000}, 60, "pump_model_kind"),
        ("dana_rs", {"percent": 110}, 60, ""),
        ("dana_rs", {"percent": 115}, 60, "pump_model_setting"),
        ("ypsopump", {"percent": 370}, 15, ""),
        ("ypsopump", {"percent": 500}, 15, "above_basal_limit"),
        ("ypsopump", {"percent": 501}, 15, "out_of_range"),
        ("dana_rs", {"percent": 210}, 60, "pump_model_setting"),
        ("basalt_virtual", {"percent": 251}, 15, "out_of_range"),
    ],
)
def test_a_temporary_rate_is_one_that_the_pump_model_takes(
    system: FakeSystem, model: str, how: dict[str, int], minutes: int, reason: str
) -> None:
    """What the model would round is not what was asked for, and the answer says what it takes."""
    assert not limit(system, pump_model=model)

    asked = SetTemporaryRate(duration=Milliseconds(minutes * MINUTE_MS), **how)  # type: ignore[arg-type]  # given by name
    outcome = system.ask(asked, to="basal_scheduler")

    assert reason == outcome.reason
    if reason.startswith("pump_model"):
        assert f"{model} takes 0 to " in bytes(outcome.said[0]).decode()


@pytest.mark.parametrize(
    ("how", "minutes", "reason"),
    [
        ({"rate": 35_000}, 24 * 60, None),
        ({"rate": 35_001}, 60, "out_of_range"),
        ({"rate": -1}, 60, "out_of_range"),
        ({"percent": 250}, 15, None),
        ({"percent": -1}, 15, "out_of_range"),
        ({"percent": 100}, 14, "out_of_range"),
        ({"percent": 100}, 24 * 60 + 1, "out_of_range"),
        ({}, 60, "one_of_percent_and_rate"),
        ({"percent": 100, "rate": 1_000}, 60, "one_of_percent_and_rate"),
    ],
)
def test_a_temporary_rate_has_bounds_that_no_model_moves(
    how: dict[str, int], minutes: int, reason: str | None
) -> None:
    """The ends themselves are inside; before any limits are set they hold as well."""
    asked = SetTemporaryRate(duration=Milliseconds(minutes * MINUTE_MS), **how)  # type: ignore[arg-type]  # fields by name

    for model in (None, "basalt_virtual"):
        found = refused_rate(asked, "person:a", pump_model=model)
        assert reason == (None if found is None else found.reason)
