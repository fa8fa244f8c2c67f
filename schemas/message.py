"""The shapes that all messages share: event, command, report, and what they travel in."""

from functools import cache

import msgspec

from schemas.units import Actor, CommandId, EventId, PumpId, Speaker, UtcMillis

EVENTS_PER_DECISION_MAX = 500
"""[-] one decision is one atomic batch of the broker; source: the outbox protocol."""


class Event(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Something that happened, published by one service and stored for ever."""


class Refusal(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something that was asked and is not done; carries a `reason`."""


class Command(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Something that somebody asks one service to do."""


class Report(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Something that a process brings to its own decider: a tick, a device's answer, a fault."""


class Deadline(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An instant that is past only when both clocks have passed it.

    At speed 600 thirty therapy seconds are 50 real milliseconds; what guards against delay in
    transport therefore states a real instant as well.
    """

    therapy: UtcMillis
    """[ms] by therapy time."""
    real: UtcMillis
    """[ms] by real time."""


class Now(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The time that a decision is given."""

    therapy: UtcMillis
    """[ms] the time of schedules and of the age of glucose."""
    real: UtcMillis
    """[ms] the time of timeouts."""
    speed: int
    """[-] 1 to 600; therapy seconds that pass in a real second."""


class Envelope(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The signed-for outside of an event: who said it, as what number, because of what."""

    id: EventId
    """[-] 'speaker:pump:version'."""
    at: UtcMillis
    """[ms] therapy time of the decision."""
    recorded_at: UtcMillis
    """[ms] real time of the decision."""
    cause: str
    """[-] id of the event, command or report that led to it."""
    previous: str = ""
    """[-] SHA-256 (hex) of the stored bytes of this speaker's event before it for this pump."""
    versions_seen: dict[str, int] = msgspec.field(default_factory=dict, name="heard")
    """[-] highest version of each other speaker known then (a version vector); the historian puts
    events in causal order by it after a loss."""
    event: msgspec.Raw
    """[-] the event itself, tagged."""


class WholeEnvelope(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An event as it is read: its outside, and itself in its newest version."""

    id: EventId
    """[-] 'speaker:pump:version'."""
    at: UtcMillis
    """[ms] therapy time of the decision."""
    recorded_at: UtcMillis
    """[ms] real time of the decision."""
    cause: str
    """[-] id of the event, command or report that led to it."""
    previous: str = ""
    """[-] SHA-256 (hex) of the stored bytes of this speaker's event before it for this pump."""
    versions_seen: dict[str, int] = msgspec.field(default_factory=dict, name="heard")
    """[-] highest version of each other speaker known then."""
    event: Event
    """[-] the event itself."""


class CommandEnvelope(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The outside of a command: who asks, and until when it is worth obeying."""

    id: CommandId
    """[-] chosen by the sender; obeyed once."""
    actor: Actor
    """[-] who asks."""
    expires: Deadline
    """[ms] after this the command is refused."""
    command: msgspec.Raw
    """[-] the command itself, tagged."""


class Outcome(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What came of a command, sent to its reply inbox after the commit and again on each retry."""

    command: CommandId
    """[-] the command answered."""
    accepted: bool
    """[-] false when a refusal was said."""
    reason: str = ""
    """[-] why not, empty when accepted."""
    events: tuple[EventId, ...] = ()
    """[-] ids of what was said because of it, in order."""
    said: tuple[msgspec.Raw, ...] = ()
    """[-] the same events, tagged, for a person or program that waits."""


def require(holds: bool, *, text: str) -> None:
    """Refuse to build a message that breaks its own range.

    Raises:
        ValueError: `holds` is false; msgspec turns it into its ValidationError while decoding.
    """
    if not holds:
        raise ValueError(text)


@cache
def tag_of(kind: type[msgspec.Struct]) -> str:
    """Give the stored name of a message class, for instance 'bolus_delivered.v1'."""
    return str(kind.__struct_config__.tag)


@cache
def name_of(kind: type[msgspec.Struct]) -> str:
    """Give the name of a message class as it stands in subjects, without its version."""
    return tag_of(kind).rsplit(".", 1)[0]


def event_id(*, speaker: Speaker, pump: PumpId, version: int) -> EventId:
    """Write the id of the version-th event of a speaker for a pump."""
    return EventId(f"{speaker}:{pump}:{version}")


def parse_event_id(text: str) -> tuple[Speaker, PumpId, int]:
    """Read an event id back into speaker, pump and version.

    Raises:
        ValueError: the text is not of the form 'speaker:pump:version' with a version of 1 or more.
    """
    speaker, pump, version = text.split(":")
    if not version.isascii() or not version.isdigit() or version.startswith("0"):
        raise ValueError(f"version of event id {text!r} is not a whole number from 1")
    return Speaker(speaker), PumpId(pump), int(version)


def version_of(text: str) -> int:
    """Read the version out of an event id.

    Raises:
        ValueError: the text is no event id.
    """
    return parse_event_id(text)[2]
