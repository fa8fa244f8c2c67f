"""What if: advice, order and insulin under other settings, beside what was recorded."""

from typing import Any

import msgspec
import pytest

import core.whatif.dose_replay
import core.whatif.simulation
from core.whatif.decider_run import Run
from core.whatif.shapes import ForkRefused
from schemas.basal.profiles import (
    CancelTemporaryRate,
    SetBasalZone,
    SetTemporaryRate,
)
from schemas.bolus.orders import OrderBolus, RecordInjection
from schemas.bolus.settings import InsulinAction
from schemas.delivery.pump import ResumeDelivery, SuspendDelivery
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)
from support.history.fork_checks import assert_same
from support.history.forks import amounts, eat, forked, of_kind, profile
from support.simulated.fake_system import LIMITS, PROFILE, SETTINGS, FakeSystem, whole_day

RAPID = InsulinAction(
    duration=Milliseconds(3 * HOUR_MS), peak=Milliseconds(45 * MINUTE_MS), delay=Milliseconds(0)
)


def extended(amount: int, hours: int) -> OrderBolus:
    return OrderBolus(amount=MilliUnits(amount), duration=Milliseconds(hours * HOUR_MS))


@pytest.fixture(scope="module")
def lived() -> tuple[FakeSystem, UtcMillis]:
    """A day with all that a person does; give the system and the instant before the first meal."""
    system = FakeSystem()
    system.set_up()
    system.run(ms=HOUR_MS)
    begin = UtcMillis(system.clock.now().therapy)
    system.run(ms=MINUTE_MS)
    eat(system, 40, glucose="180")
    system.run(ms=90 * MINUTE_MS)
    eat(system, 0, glucose="210")
    system.ask(SetTemporaryRate(percent=150, duration=HOUR_MS), to="basal_scheduler")
    system.run(ms=30 * MINUTE_MS)
    system.ask(CancelTemporaryRate(), to="basal_scheduler")
    eat(system, 60, glucose="150")
    system.run(ms=10 * MINUTE_MS)
    system.ask(extended(2_000, 2), to="bolus_advisor")
    system.run(ms=40 * MINUTE_MS)
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=30 * MINUTE_MS)
    system.ask(ResumeDelivery(), to="actuator")
    now = UtcMillis(system.clock.now().therapy)
    system.ask(RecordInjection(amount=MilliUnits(1_000), given_at=now), to="bolus_advisor")
    system.restart("bolus_advisor")
    system.restart("basal_scheduler")
    system.ask(SetBasalZone(zone="Europe/London"), to="basal_scheduler")
    system.run(ms=4 * HOUR_MS)
    system.ask(SETTINGS, to="bolus_advisor")
    system.ask(LIMITS, to="actuator")
    system.ask(PROFILE, to="basal_scheduler")
    system.run(ms=HOUR_MS)
    eat(system, 30, glucose="140")
    system.run(ms=2 * HOUR_MS)
    return system, begin


Lived = tuple[FakeSystem, UtcMillis]


@pytest.mark.parametrize("hours", [0, 1, 3, 6])
def test_with_no_other_settings_the_fork_is_the_record(
    lived: Lived, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """To the milliunit, wherever it begins; the state of scheduler and advisor too."""
    system, begin = lived
    runs: list[Run[Any]] = []
    begun = Run.__init__

    def note(run: Run[Any], *words: Any, **named: Any) -> None:
        begun(run, *words, **named)
        runs.append(run)

    monkeypatch.setattr(Run, "__init__", note)
    found = forked(system, UtcMillis(begin + hours * HOUR_MS))

    assert len(of_kind(found, "order")) >= 1
    assert_same(found)
    assert len(runs) == 2
    for run in runs:
        assert run.recorded == run.forked


def test_another_ratio_changes_advice_order_and_insulin_on_board(lived: Lived) -> None:
    """40 g at 8 g/U are 5 U of food instead of 4 U, and the order follows the advice."""
    system, begin = lived

    found = forked(system, begin, settings=whole_day(carb_ratio=8_000))

    assert [(5_500, 6_500), (6_000, 7_500)] == [
        pair for pair in amounts(found) if pair[0] in (5_500, 6_000)
    ]
    assert of_kind(found, "advice")[0].at == found.differs_from
    first = next(one for one in found.on_board if one.recorded)
    assert (5_500, 6_500) == (first.recorded, first.forked)
    assert sum(day.bolus_forked - day.bolus_recorded for day in found.days) == sum(
        row.difference for row in of_kind(found, "order")
    )


def test_the_mutant_that_decides_by_the_recorded_settings_is_caught(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fork would be the record, whatever was asked."""
    monkeypatch.setattr(core.whatif.simulation, "settings_asked", lambda asked, other: SETTINGS)

    with pytest.raises(AssertionError):
        test_another_ratio_changes_advice_order_and_insulin_on_board(lived)


def test_the_mutant_that_counts_the_recorded_insulin_on_board_is_caught(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next advice would subtract what the fork never gave."""
    monkeypatch.setattr(core.whatif.dose_replay.Doses, "forked", lambda doses, event: event)

    with pytest.raises(AssertionError):
        test_another_ratio_changes_advice_order_and_insulin_on_board(lived)


def test_a_limit_caps_what_was_advised(lived: Lived) -> None:
    """At 4 U for one bolus, and the reason says so; a later change of limits is left out."""
    system, begin = lived

    found = forked(system, begin, limits=msgspec.structs.replace(LIMITS, single=MilliUnits(4_000)))

    first = of_kind(found, "advice")[0]
    assert (5_500, 4_000) == (first.recorded.amount, first.forked.amount)
    assert "clamped_to_single_limit" in first.forked.shaped_by
    assert "clamped_to_single_limit" not in first.recorded.shaped_by
    assert (5_500, 4_000) == amounts(found)[0]
    assert found.basal_differs_from is None


def test_a_limit_refuses_an_amount_of_ones_own(lived: Lived) -> None:
    """2 U over 2 h are too much for a limit of 1 U, so nothing of it is given in the fork."""
    system, begin = lived
    tight = msgspec.structs.replace(LIMITS, single=MilliUnits(1_000))

    found = forked(system, begin, limits=tight)

    row = next(row for row in of_kind(found, "order") if row.recorded.amount == 2_000)
    assert (None, "single_limit", -2_000) == (
        row.forked.amount,
        row.forked.reason,
        row.difference,
    )
    assert sum(day.bolus_forked for day in found.days) == sum(
        row.forked.amount or 0 for row in of_kind(found, "order")
    )


def test_another_insulin_leaves_less_on_board_and_corrects_what_was_refused(lived: Lived) -> None:
    """90 min after a meal the record had nothing to give; rapid insulin is gone by then."""
    system, begin = lived

    found = forked(system, begin, insulin=RAPID)

    row = next(row for row in of_kind(found, "order") if row.recorded.reason)
    assert "nothing_to_give" == row.recorded.reason
    assert row.forked.amount is not None
    assert row.forked.amount > 0
    later = [one for one in found.on_board if one.recorded and one.recorded < 5_000]
    assert all((one.forked or 0) < (one.recorded or 0) for one in later[:6])


@pytest.mark.parametrize("rules", ["loop", "aaps", "medtronic", "omnipod", "tandem", "ypsomed"])
def test_another_rule_set_advises_by_its_own_terms(lived: Lived, rules: str) -> None:
    """Its terms stand beside Basalt's, and the settings set later keep the fork's rules."""
    system, begin = lived

    found = forked(system, begin, rules=rules)

    asked = of_kind(found, "advice")
    assert all(row.forked.terms for row in asked if row.forked.amount)
    assert any(row.differs for row in asked)


def test_another_profile_changes_basal_and_nothing_that_was_eaten(lived: Lived) -> None:
    """2 U/h, half of it more for half an hour, and nothing while the pump was suspended."""
    system, begin = lived

    found = forked(system, begin, profile=profile((0, 2_000)))

    basal = sum(day.basal_forked for day in found.days)
    hours = (found.until - begin) / HOUR_MS
    assert begin == found.basal_differs_from
    assert abs(basal / 2_000 - (hours - 0.5 + 0.25)) < 0.1
    assert ["set_basal_profile.v1"] == [row.text for row in of_kind(found, "left_out")]
    assert [there for there, here in amounts(found)] == [here for there, here in amounts(found)]


def test_a_temporary_rate_is_taken_from_the_forks_profile(lived: Lived) -> None:
    """150 % for half an hour of 2 U/h is 0.5 U more than the profile alone."""
    system, begin = lived
    since, until = begin + 91 * MINUTE_MS, begin + 121 * MINUTE_MS

    found = forked(system, UtcMillis(since), until=UtcMillis(until), profile=profile((0, 2_000)))

    assert abs(sum(day.basal_forked for day in found.days) - 1_500) <= 200


def test_other_limits_cut_a_temporary_rate(lived: Lived) -> None:
    """Above the profile little flows at a limit of 26.5 U a day: the plan is cut anew."""
    system, begin = lived
    limits = msgspec.structs.replace(LIMITS, daily=MilliUnits(26_500))

    found = forked(system, begin, until=UtcMillis(begin + 3 * HOUR_MS), limits=limits)

    assert found.basal_differs_from is not None
    assert sum(day.basal_forked - day.basal_recorded for day in found.days) < 0


def test_other_limits_are_held_against_the_profile_of_the_fork(lived: Lived) -> None:
    """They would not fit the recorded one, which is not in the fork."""
    system, begin = lived
    limits = msgspec.structs.replace(LIMITS, basal=MilliUnitsPerHour(600))
    until = UtcMillis(begin + 3 * HOUR_MS)

    with pytest.raises(ForkRefused):
        forked(system, begin, until=until, limits=limits)
    found = forked(system, begin, until=until, limits=limits, profile=profile((0, 600)))

    assert found.basal_differs_from is not None
