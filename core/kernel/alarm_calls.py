"""An alarm that a person must react to sounds again: nobody reacted, or the cause is still there.

One cause is one alarm, with a count of its calls; technical faults that concern the operator alone
sound once (R68, R70).
"""

from typing import Final

from core.kernel.alarms import ActiveAlarm, Alarms
from schemas.alarms import AlarmPriority, AlarmRepeated
from schemas.message import Event
from schemas.units import MINUTE_MS, Milliseconds, UtcMillis

CALL_MS: Final[dict[AlarmPriority, Milliseconds]] = {
    "high": Milliseconds(5 * MINUTE_MS),
    "medium": Milliseconds(15 * MINUTE_MS),
    "low": Milliseconds(60 * MINUTE_MS),
}
"""[ms] therapy time until an alarm sounds again while nobody reacts; source: Tandem, 5 min."""

PAUSE_MS = Milliseconds(10 * MINUTE_MS)
"""[ms] that an alarm which somebody has seen stays silent while its cause stands; source: R68."""

LOUDER_AFTER = 3
"""[-] calls without a reaction after which the priority rises by one; project's own choice."""

LOUDER: Final[dict[AlarmPriority, AlarmPriority]] = {"low": "medium", "medium": "high"}
"""[-] the next priority."""


def call_at(alarms: Alarms) -> UtcMillis | None:
    """Give when the next alarm sounds again [ms], None when none does."""
    return min((_due(one) for one in alarms if one.to == "person"), default=None)


def calls(alarms: Alarms, *, now: UtcMillis) -> tuple[Event, ...]:
    """Let every alarm sound again whose time has come [ms]."""
    return tuple(
        AlarmRepeated(alarm=one.alarm, priority=_priority(one), count=one.calls + 1)
        for one in alarms
        if one.to == "person" and now >= _due(one)
    )


def _due(one: ActiveAlarm) -> UtcMillis:
    wait = PAUSE_MS if one.acknowledged_by else CALL_MS[one.priority]
    return UtcMillis(one.sounded_at + wait)


def _priority(one: ActiveAlarm) -> AlarmPriority:
    if one.acknowledged_by or one.calls < LOUDER_AFTER:
        return one.priority
    return LOUDER.get(one.priority, one.priority)
