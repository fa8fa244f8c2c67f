"""Alarms: said by the speaker that found the cause, acknowledged by a command to that speaker."""

from typing import Literal

from schemas.message import Command, Event, Refusal

AlarmPriority = Literal["high", "medium", "low"]
AlarmAudience = Literal["person", "operator"]


class AlarmRaised(Event, frozen=True, kw_only=True, tag="alarm_raised.v1"):
    """Something that somebody must know; said by any decider, once for each cause."""

    alarm: str
    """[-] the condition, for instance 'glucose_low'; one is active at most once."""
    priority: AlarmPriority
    """[-] by severity and urgency, IEC 60601-1-8."""
    to: AlarmAudience
    """[-] who can do something about it."""
    text: str
    """[-] what is wrong and what the pump does, in a sentence."""


class AlarmCleared(Event, frozen=True, kw_only=True, tag="alarm_cleared.v1"):
    """The cause is gone; said by the decider that raised the alarm."""

    alarm: str
    """[-] the condition."""


class AlarmAcknowledged(Event, frozen=True, kw_only=True, tag="alarm_acknowledged.v1"):
    """Somebody has seen the alarm; it stays active until its cause is gone."""

    alarm: str
    """[-] the condition."""
    actor: str
    """[-] who has seen it."""


class AcknowledgeAlarm(Command, frozen=True, kw_only=True, tag="acknowledge_alarm.v1"):
    """Somebody has seen the alarm; obeyed by the decider that raised it."""

    alarm: str
    """[-] the condition."""


class AcknowledgementRefused(Refusal, frozen=True, kw_only=True, tag="acknowledgement_refused.v1"):
    """There was nothing to acknowledge; said by any decider."""

    alarm: str
    """[-] the condition named."""
    reason: Literal["not_active", "already_acknowledged"]
    """[-] why."""
