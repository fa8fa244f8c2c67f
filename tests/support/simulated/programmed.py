"""Profiles, limits and what a person reads of them, in a line each."""

from typing import Any

import msgspec

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
