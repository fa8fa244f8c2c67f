"""A clock that was wrong at a restart opens no limit and takes no insulin off board (R129)."""

import pytest

from schemas.bolus.advice import BolusAdvised, RequestAdvice
from schemas.delivery.clock_check import ConfirmTime, TimeUnproven
from schemas.delivery.delivery import BolusRefused
from schemas.delivery.pump import DeliveryCommandRefused
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Grams
from support.simulated.fake_system import FakeSystem
from support.simulated.mutant_pairs import is_caught
from support.simulated.programmed import alarms, limits

pytestmark = pytest.mark.requirement("R129")


def reboot(system: FakeSystem, *, passed: int) -> None:
    """Start under a clock that is by so much [ms] ahead, and let all come to rest."""
    system.reboot(passed=passed)
    system.run(ms=MINUTE_MS)


def on_board(system: FakeSystem) -> int:
    state = system.state("bolus_advisor")
    _, most = state.doses.on_board(state.settings.insulin, at=system.clock.now().therapy)
    return int(most)


@pytest.fixture
def dosed(system: FakeSystem) -> FakeSystem:
    """Give a system whose hourly limit is used up by 1 U that was just given."""
    assert limits(system, hourly=1_000, single=1_000, soft=1_000).accepted
    assert system.order(1_000).accepted
    system.run(ms=2 * MINUTE_MS)
    return system


def is_refused(system: FakeSystem) -> bool:
    """Ask for 1 U more than the hour allows."""
    outcome = system.order(1_000)
    system.run(ms=MINUTE_MS)
    return not outcome.accepted and outcome.reason == "hourly_limit"


@pytest.mark.parametrize("passed", [HOUR_MS, 5 * HOUR_MS, 400 * DAY_MS])
def test_a_clock_ahead_at_a_restart_opens_no_limit(dosed: FakeSystem, passed: int) -> None:
    """The hour was open again, and 1,000 mU on board became 823, 20 and 0."""
    before, given = on_board(dosed), dosed.view("actuator").bolus_total
    reboot(dosed, passed=passed)

    assert is_refused(dosed)
    assert before - 20 < on_board(dosed) <= before
    assert given == dosed.view("actuator").bolus_total
    (said,) = dosed.said_of("actuator", TimeUnproven)
    assert passed == said.passed
    assert "medium" == alarms(dosed)["time_unproven"].priority


def test_basal_goes_on_by_the_clock(dosed: FakeSystem) -> None:
    """No doubt about the time stops it."""
    reboot(dosed, passed=8 * HOUR_MS)
    before = dosed.odometer
    dosed.run(ms=2 * HOUR_MS)

    assert dosed.odometer - before > 1_000


def test_the_limit_opens_with_the_time_that_passes_from_then_on(dosed: FakeSystem) -> None:
    """Insulin given before ages from the start on."""
    reboot(dosed, passed=5 * HOUR_MS)
    dosed.run(ms=50 * MINUTE_MS)
    assert is_refused(dosed)
    dosed.run(ms=10 * MINUTE_MS)

    assert dosed.order(1_000).accepted


@pytest.mark.parametrize("passed", [True, False])
def test_a_person_says_what_is_true(dosed: FakeSystem, passed: bool) -> None:
    """Passed: all has acted so long. Wrong: it stays as it is, and nobody asks again."""
    reboot(dosed, passed=5 * HOUR_MS)
    outcome = dosed.ask(ConfirmTime(passed=passed, because="looked"), to="actuator")
    dosed.run(ms=MINUTE_MS)

    assert outcome.accepted
    assert "time_unproven" not in alarms(dosed)
    assert 0 == dosed.view("actuator").time_unproven
    assert passed != is_refused(dosed)
    assert not dosed.ask(ConfirmTime(passed=True), to="actuator").accepted
    (refused,) = dosed.said_of("actuator", DeliveryCommandRefused)
    assert "time_is_proven" == refused.reason


def test_a_process_that_starts_again_in_the_same_run_asks_no_second_time(dosed: FakeSystem) -> None:
    """Before and after the person's word."""
    reboot(dosed, passed=5 * HOUR_MS)
    dosed.restart("actuator")
    dosed.run(ms=MINUTE_MS)
    assert dosed.ask(ConfirmTime(passed=True), to="actuator").accepted
    dosed.restart("actuator")
    dosed.run(ms=MINUTE_MS)

    assert 1 == len(dosed.said_of("actuator", TimeUnproven))
    assert "time_unproven" not in alarms(dosed)


def test_two_such_restarts_add_up(dosed: FakeSystem) -> None:
    """The alarm names all of it, and one word answers for both."""
    before = on_board(dosed)
    reboot(dosed, passed=8 * HOUR_MS)
    reboot(dosed, passed=3 * DAY_MS)

    assert "3 days 8 h" in alarms(dosed)["time_unproven"].text
    assert is_refused(dosed)
    assert before - 30 < on_board(dosed) <= before
    assert dosed.ask(ConfirmTime(passed=True), to="actuator").accepted
    dosed.run(ms=MINUTE_MS)
    assert 0 == on_board(dosed)


def test_advice_counts_what_the_limits_count(dosed: FakeSystem) -> None:
    """5 h later nothing would be on board, and all of a correction would be advised."""
    reboot(dosed, passed=5 * HOUR_MS)
    assert dosed.glucose("200").accepted
    outcome = dosed.ask(RequestAdvice(carbs=Grams(0)), to="bolus_advisor")

    advised = dosed.said_of("bolus_advisor", BolusAdvised)[-1]
    assert outcome.accepted
    assert isinstance(advised, BolusAdvised)
    assert advised.insulin_on_board_most > 900
    assert "time_unproven" in advised.reasons


def test_what_was_delivered_after_the_start_ages_as_ever(dosed: FakeSystem) -> None:
    """Only what lies before the step is moved over it."""
    reboot(dosed, passed=5 * HOUR_MS)
    dosed.run(ms=61 * MINUTE_MS)
    assert dosed.order(1_000).accepted
    dosed.run(ms=59 * MINUTE_MS)
    assert is_refused(dosed)
    dosed.run(ms=3 * MINUTE_MS)

    assert dosed.order(1_000).accepted
    assert [] == dosed.said_of("actuator", BolusRefused)


def test_the_mutant_that_believes_any_clock_is_caught(
    dosed: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was."""

    def holds() -> bool:
        reboot(dosed, passed=5 * HOUR_MS)
        return is_refused(dosed)

    assert is_caught(
        holds,
        lambda patch: patch.setattr("core.deciders.delivery.decider.doubt_time", lambda *_: ()),
        monkeypatch,
    )
