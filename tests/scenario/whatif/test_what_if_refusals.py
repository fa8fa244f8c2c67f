"""What if: settings and instants that are refused, and which settings hold on each side."""

from typing import Any

import msgspec
import pytest

from core.whatif.shapes import ForkRefused
from schemas.basal.profiles import SetBasalWeek
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    MilliUnits,
    UtcMillis,
)
from support.history.forks import amounts, eat, forked, of_kind, profile
from support.simulated.fake_system import (
    LIMITS,
    PROFILE,
    SAID_TWICE,
    SETTINGS,
    FakeSystem,
    whole_day,
)


def minutes(system: FakeSystem, count: int) -> UtcMillis:
    system.run(ms=count * MINUTE_MS)
    return UtcMillis(system.clock.now().therapy)


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    minutes(system, 10)
    return system


def tight(amount: int) -> Any:
    return msgspec.structs.replace(LIMITS, single=MilliUnits(amount))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"profile": profile((0, 99_000))}, "rate_out_of_range"),
        ({"profile": profile((0, 800), zone="Europe/Nowhere")}, "unknown_zone"),
        ({"settings": whole_day(rules="nobody")}, "unknown_rules"),
        ({"rules": "nobody"}, "unknown_rules"),
        ({"settings": whole_day(carb_ratio=1)}, "out_of_range"),
        ({"limits": tight(99_000)}, "out_of_range"),
    ],
)
def test_a_setting_that_would_be_refused_is_refused_here_too(
    system: FakeSystem, other: dict[str, Any], reason: str
) -> None:
    """The same decider, by the same checks."""
    at = minutes(system, 1)
    minutes(system, 10)

    with pytest.raises(ForkRefused) as refused:
        forked(system, at, **other)

    assert "setting_refused" == refused.value.reason == str(refused.value)
    assert reason == getattr(refused.value.refusal, "reason", None)


def test_a_fork_begins_within_the_record(system: FakeSystem) -> None:
    """Neither before it nor after it, and the refusal says where it begins and ends."""
    end = system.clock.now().therapy
    with pytest.raises(ForkRefused) as before:
        forked(system, UtcMillis(1))
    with pytest.raises(ForkRefused) as after:
        forked(system, UtcMillis(end + HOUR_MS))

    assert ("before_record", "after_record") == (before.value.reason, after.value.reason)
    assert before.value.at < after.value.at <= end


def test_rules_need_settings_to_be_rules_of() -> None:
    """A record without settings has no other rules."""
    bare = FakeSystem()
    at = minutes(bare, 10)
    bare.ask(LIMITS, to="actuator")
    minutes(bare, 1)

    with pytest.raises(ForkRefused) as refused:
        forked(bare, at, rules="loop")
    found = forked(bare, at, settings=SETTINGS)

    assert "no_settings" == refused.value.reason
    assert all(one.recorded is None and one.forked is not None for one in found.on_board[1:])


def test_rules_hold_in_settings_that_come_later() -> None:
    """The first settings of the record come after the fork began."""
    late = FakeSystem()
    at = minutes(late, 1)
    late.ask(LIMITS, to="actuator")
    late.ask(SETTINGS, to="bolus_advisor")
    late.ask(PROFILE, to="basal_scheduler")
    minutes(late, 5)
    eat(late, 40, glucose="180")
    minutes(late, 10)

    assert amounts(forked(late, at, rules="loop")) != amounts(forked(late, at))


def test_settings_of_the_record_are_left_out_where_the_fork_has_its_own(system: FakeSystem) -> None:
    """So are a profile and a week; the row says so."""
    at = minutes(system, 1)
    twice = msgspec.structs.replace(whole_day(carb_ratio=20_000), confirmed=SAID_TWICE)
    system.ask(twice, to="bolus_advisor")
    system.ask(PROFILE, to="basal_scheduler")
    minutes(system, 2)
    system.ask(SetBasalWeek(days=("test",) * 7), to="basal_scheduler")
    minutes(system, 2)
    eat(system, 40, glucose="110")
    minutes(system, 5)

    found = forked(system, at, settings=whole_day(carb_ratio=8_000), profile=profile((0, 1_000)))

    assert [
        "set_basal_profile.v1",
        "set_basal_week.v1",
        "set_bolus_settings.v2",
    ] == sorted((row.text for row in of_kind(found, "left_out")), key=lambda text: text[4:9] + text)
    assert [(2_000, 5_000)] == amounts(found)
