"""A day of basal that changes by more than half is said twice (R118)."""

import msgspec
import pytest

from schemas.basal.profiles import SetBasalWeek
from schemas.wire import codec
from support.simulated.fake_system import SAID_TWICE, FakeSystem
from support.simulated.programmed import profile, scheduler, told


@pytest.mark.requirement("R118")
@pytest.mark.parametrize(
    ("rates", "reason"),
    [
        (((0, 1_650),), ""),
        (((0, 1_651),), "confirmation_needed"),
        (((0, 550),), ""),
        (((0, 549),), "confirmation_needed"),
    ],
)
def test_a_day_of_basal_changed_by_more_than_half_is_said_twice(
    system: FakeSystem, rates: tuple[tuple[int, int], ...], reason: str
) -> None:
    """26.4 U a day before: 39.6 U and 13.2 U are half more and half less."""
    asked = profile(*rates)

    outcome = scheduler(system, asked)

    assert reason == outcome.reason
    if reason:
        assert "basal of Monday changes from 26.4 U to" in told(
            outcome
        ) and "say it a second time with --confirm day_basal_changed" in told(outcome)
        other = msgspec.structs.replace(asked, confirmed=("carb_ratio_changed",))
        assert "confirmation_needed" == scheduler(system, other).reason
        twice = scheduler(system, msgspec.structs.replace(asked, confirmed=SAID_TWICE))
        said = codec.decode_event(twice.said[0])
        assert ("day_basal_changed",) == getattr(said, "confirmed", ())


@pytest.mark.requirement("R118")
def test_a_week_is_said_twice_as_well(system: FakeSystem) -> None:
    """A profile that is only kept changes no day; the week that uses it does."""
    assert scheduler(system, profile((0, 2_000), name="feast", activate=False)).accepted
    week = SetBasalWeek(days=("test",) * 6 + ("feast",))

    outcome = scheduler(system, week)

    assert "basal of Sunday changes from 26.4 U to 48 U" in told(outcome)
    twice = scheduler(system, msgspec.structs.replace(week, confirmed=("day_basal_changed",)))
    assert ("day_basal_changed",) == getattr(codec.decode_event(twice.said[0]), "confirmed", ())


def test_a_word_too_many_is_not_kept(system: FakeSystem) -> None:
    """Only what was asked for is on record as confirmed."""
    outcome = scheduler(system, profile((0, 1_000), confirmed=SAID_TWICE))

    assert () == getattr(codec.decode_event(outcome.said[0]), "confirmed", None)
