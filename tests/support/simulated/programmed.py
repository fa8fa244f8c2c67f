"""Profiles, limits and what a person reads of them, in a line each; what 0.1.0 let in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from schemas.basal.profiles import ProfileSegment, SetBasalProfile
from schemas.message import Outcome
from schemas.units import MilliUnitsPerHour
from schemas.wire import codec
from services.command_line.output.event_messages import refused
from support.simulated.fake_system import LIMITS, FakeSystem


def profile(*segments: tuple[int, int], name: str = "high", **more: Any) -> SetBasalProfile:
    return SetBasalProfile(
        name=name,
        zone="Europe/Berlin",
        segments=tuple(
            ProfileSegment(start_minute=minute, rate=MilliUnitsPerHour(rate))
            for minute, rate in segments
        ),
        **more,
    )


def scheduler(system: FakeSystem, command: Any) -> Outcome:
    return system.ask(command, to="basal_scheduler")


def limits(system: FakeSystem, **changes: Any) -> Outcome:
    return system.ask(msgspec.structs.replace(LIMITS, **changes), to="actuator")


def told(outcome: Outcome) -> str:
    """What the person reads."""
    return refused(codec.decode_event(outcome.said[0]))


def alarms(system: FakeSystem) -> dict[str, Any]:
    return {alarm.alarm: alarm for alarm in system.view("actuator").alarms}


def let_in(system: FakeSystem, asked: SetBasalProfile) -> None:
    """Let a profile flow above the limits of the system, as an older version did."""
    with an_older_version():
        highest = max(one.rate for one in asked.segments)
        assert limits(system, basal=highest, daily=24 * highest).accepted
        assert scheduler(system, asked).accepted
        assert limits(system).accepted


CHECKS = (
    "core.deciders.basal.decider.profile_problem",
    "core.deciders.basal.decider.week_problem",
    "core.deciders.basal.decider.temporary_problem",
    "core.deciders.delivery.decider.limits_problem_of",
)
"""[-] what refuses a profile, a week, a rate or limits that do not fit."""


@contextmanager
def an_older_version() -> Iterator[None]:
    """Let every profile, week, rate and limit in, within the block alone."""
    with pytest.MonkeyPatch.context() as patch:
        for check in CHECKS:
            patch.setattr(check, lambda *_: None)
        yield
