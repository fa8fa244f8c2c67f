"""Alarms: published by the speaker that found the cause; acknowledged by a command to it."""

from typing import Literal

from schemas.message import Command, Event, Refusal
from schemas.units import UtcMillis

AlarmPriority = Literal["high", "medium", "low"]
AlarmAudience = Literal["person", "operator"]


class AlarmRaised(Event, frozen=True, kw_only=True, tag="alarm_raised.v1"):
    """Something that somebody must know; published by any decider, once for each cause."""

    alarm: str
    """[-] the condition, for instance 'glucose_low'; one is active at most once."""
    priority: AlarmPriority
    """[-] by severity and urgency, IEC 60601-1-8."""
    to: AlarmAudience
    """[-] who can do something about it."""
    text: str
    """[-] what is wrong and what the pump does, in a sentence."""


class AlarmRepeated(Event, frozen=True, kw_only=True, tag="alarm_repeated.v1"):
    """It still stands and nobody has reacted; published by the decider that raised the alarm."""

    alarm: str
    """[-] the condition."""
    priority: AlarmPriority
    """[-] from now on; higher than before when nobody has reacted for long."""
    count: int
    """[-] how often it has sounded since it was raised or silenced."""


class SnoozeAlarm(Command, frozen=True, kw_only=True, tag="snooze_alarm.v1"):
    """Be silent about it for a while; handled by the decider that raised it."""

    alarm: str
    """[-] the condition."""


class AlarmSnoozed(Event, frozen=True, kw_only=True, tag="alarm_snoozed.v1"):
    """Somebody silenced an alarm; it sounds again if it still stands by then."""

    alarm: str
    """[-] the condition."""
    until: UtcMillis
    """[ms] silent until then: 15 min for low, 30 min for high."""
    actor: str
    """[-] who asked."""


class AlarmCleared(Event, frozen=True, kw_only=True, tag="alarm_cleared.v1"):
    """The cause is gone; published by the decider that raised the alarm."""

    alarm: str
    """[-] the condition."""


class AlarmAcknowledged(Event, frozen=True, kw_only=True, tag="alarm_acknowledged.v1"):
    """Somebody has seen the alarm; it stays active until its cause is gone."""

    alarm: str
    """[-] the condition."""
    actor: str
    """[-] who has seen it."""


class AcknowledgeAlarm(Command, frozen=True, kw_only=True, tag="acknowledge_alarm.v1"):
    """Somebody has seen the alarm; handled by the decider that raised it."""

    alarm: str
    """[-] the condition."""


class AcknowledgementRefused(Refusal, frozen=True, kw_only=True, tag="acknowledgement_refused.v1"):
    """There was nothing to acknowledge; published by any decider."""

    alarm: str
    """[-] the condition named."""
    reason: Literal["not_active", "already_acknowledged"]
    """[-] why."""
