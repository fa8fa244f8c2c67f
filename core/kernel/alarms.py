"""Alarms of one speaker: each condition active at most once, until its cause is gone.

An alarm that a person must react to is announced again: nobody reacted, or the cause is still
there. One cause is one alarm, with a count of its announcements; technical faults that concern the
operator alone are announced once (R68, R70).
"""

from typing import Final, Literal, NamedTuple

from core.kernel.decider import Entry
from schemas.alarms import (
    AcknowledgeAlarm,
    AcknowledgementRefused,
    AlarmAcknowledged,
    AlarmAudience,
    AlarmCleared,
    AlarmPriority,
    AlarmRaised,
    AlarmRepeated,
)
from schemas.message import Event
from schemas.units import MINUTE_MS, Milliseconds, UtcMillis

Severity = Literal["irreversible", "reversible", "minor"]
Onset = Literal["immediate", "prompt", "delayed"]
PumpAction = Literal["motor_off", "programmed_basal", "as_before"]

PRIORITY: Final[dict[tuple[Severity, Onset], AlarmPriority]] = {
    ("irreversible", "immediate"): "high",
    ("irreversible", "prompt"): "high",
    ("irreversible", "delayed"): "medium",
    ("reversible", "immediate"): "high",
    ("reversible", "prompt"): "medium",
    ("reversible", "delayed"): "low",
    ("minor", "immediate"): "medium",
    ("minor", "prompt"): "low",
    ("minor", "delayed"): "low",
}
"""[-] by severity and onset; source: IEC 60601-1-8, as the Open PCA pump prints it (R65)."""


class Condition(NamedTuple):
    """What can be alarmed about, and what the pump does meanwhile (R66)."""

    alarm: str
    """[-] its name."""
    severity: Severity
    """[-] what could happen if nobody reacted."""
    onset: Onset
    """[-] how soon."""
    action: PumpAction
    """[-] of the pump while it stands."""
    to: AlarmAudience
    """[-] whom it is for."""
    text: str
    """[-] in a sentence."""

    @property
    def priority(self) -> AlarmPriority:
        """Look the priority up; nobody chooses it."""
        return PRIORITY[self.severity, self.onset]


MOMENTARY: Final = frozenset(
    {
        "message_quarantined",
        "bolus_unasked",
        "fill_unasked",
        "maximum_unasked",
        "plan_unasked",
        "prime_unasked",
        "bolus_broken_off",
        "orders_not_believed",
        "limits_disagree",
        "accounts_disagree",
        "counts_differ",
        "extended_beyond_limit",
        "primed_much",
    }
)
"""[-] alarms about a moment that is past: they end when somebody has seen them."""

MOMENTARY_PREFIX: Final = "runtime_"
"""[-] of more such alarms, one for each kind of fault."""


class ActiveAlarm(NamedTuple):
    """An alarm that stands, with the event that raised it."""

    alarm: str
    priority: AlarmPriority
    to: AlarmAudience
    text: str
    raised_at: int
    acknowledged_by: str
    sounded_at: int = 0
    calls: int = 1


Alarms = tuple[ActiveAlarm, ...]
"""[-] in the order in which they were raised."""


def is_active(alarms: Alarms, alarm: str) -> bool:
    """Say whether a condition stands."""
    return bool(alarms) and any(active.alarm == alarm for active in alarms)


def raise_alarm(alarms: Alarms, condition: Condition) -> tuple[Event, ...]:
    """Raise a condition unless it stands already."""
    if is_active(alarms, condition.alarm):
        return ()
    return (
        AlarmRaised(
            alarm=condition.alarm,
            priority=condition.priority,
            to=condition.to,
            text=condition.text,
        ),
    )


def clear_alarm(alarms: Alarms, alarm: str) -> tuple[Event, ...]:
    """Clear a condition if it stands."""
    return (AlarmCleared(alarm=alarm),) if is_active(alarms, alarm) else ()


def acknowledge(alarms: Alarms, command: AcknowledgeAlarm, *, actor: str) -> tuple[Event, ...]:
    """Note that somebody has seen an alarm; one about a moment that is past ends with it."""
    active = next((one for one in alarms if one.alarm == command.alarm), None)
    if active is None:
        return (AcknowledgementRefused(alarm=command.alarm, reason="not_active"),)
    if active.acknowledged_by:
        return (AcknowledgementRefused(alarm=command.alarm, reason="already_acknowledged"),)
    seen = AlarmAcknowledged(alarm=command.alarm, actor=actor)
    is_momentary = command.alarm in MOMENTARY or command.alarm.startswith(MOMENTARY_PREFIX)
    return (seen, AlarmCleared(alarm=command.alarm)) if is_momentary else (seen,)


def fold_alarm(alarms: Alarms, entry: Entry) -> Alarms:
    """Fold an alarm event of the speaker's own."""
    match entry.body:
        case AlarmRaised() as raised:
            active = ActiveAlarm(
                raised.alarm, raised.priority, raised.to, raised.text, entry.at, "", entry.at
            )
            return (*alarms, active)
        case AlarmRepeated() as repeated:
            return tuple(_sound_again(one, repeated, entry.at) for one in alarms)
        case AlarmCleared(alarm=alarm):
            return tuple(active for active in alarms if active.alarm != alarm)
        case AlarmAcknowledged(alarm=alarm, actor=actor):
            return tuple(
                active._replace(acknowledged_by=actor, sounded_at=entry.at)
                if active.alarm == alarm
                else active
                for active in alarms
            )
        case _:
            return alarms


def _sound_again(active: ActiveAlarm, repeated: AlarmRepeated, at: UtcMillis) -> ActiveAlarm:
    """An alarm that sounds again waits for a new reaction."""
    if active.alarm != repeated.alarm:
        return active
    return active._replace(
        priority=repeated.priority, acknowledged_by="", sounded_at=at, calls=repeated.count
    )


REANNOUNCE_MS: Final[dict[AlarmPriority, Milliseconds]] = {
    "high": Milliseconds(5 * MINUTE_MS),
    "medium": Milliseconds(15 * MINUTE_MS),
    "low": Milliseconds(60 * MINUTE_MS),
}
"""[ms] therapy time until an alarm sounds again while nobody reacts; source: Tandem, 5 min."""

PAUSE_MS = Milliseconds(10 * MINUTE_MS)
"""[ms] that an alarm which somebody has seen stays silent while its cause stands; source: R68."""

ESCALATE_AFTER = 3
"""[-] calls without a reaction after which the priority rises by one; project's own choice."""

ESCALATED: Final[dict[AlarmPriority, AlarmPriority]] = {"low": "medium", "medium": "high"}
"""[-] the next priority."""


def reannounce_at(alarms: Alarms) -> UtcMillis | None:
    """Give when the next alarm sounds again [ms], None when none does."""
    return min((_due(one) for one in alarms if one.to == "person"), default=None)


def reannounce(alarms: Alarms, *, now: UtcMillis) -> tuple[Event, ...]:
    """Let every alarm sound again whose time has come [ms]."""
    return tuple(
        AlarmRepeated(alarm=one.alarm, priority=_priority(one), count=one.calls + 1)
        for one in alarms
        if one.to == "person" and now >= _due(one)
    )


def _due(one: ActiveAlarm) -> UtcMillis:
    wait = PAUSE_MS if one.acknowledged_by else REANNOUNCE_MS[one.priority]
    return UtcMillis(one.sounded_at + wait)


def _priority(one: ActiveAlarm) -> AlarmPriority:
    if one.acknowledged_by or one.calls < ESCALATE_AFTER:
        return one.priority
    return ESCALATED.get(one.priority, one.priority)
