"""The only place where a subject is spelled: wide to narrow, one token for each part."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from schemas.units import PumpId, Speaker

STREAM = "basalt"
"""[-] the one stream of the broker; it carries, the journals are the record."""

STREAM_SUBJECTS = "basalt.>"
"""[-] what the stream keeps."""

BROKER_API = "$JS.API"
"""[-] where the broker answers questions about the stream, in the account that holds it."""

CLIENT_API = "basalt_js"
"""[-] the same for clients: each has an account of its own, where `$JS.API` would be its own."""

REPLY_HEADER = "Basalt-Reply"
"""[-] header of a command that names its reply inbox."""

_TOKEN = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)
_REPLY = re.compile(r"basalt_reply\.[a-zA-Z0-9_-]{1,32}\.[a-zA-Z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SubjectParts:
    """A subject taken apart."""

    pump: PumpId
    kind: Literal["event", "command"]
    service: Speaker
    name: str


def is_token(text: str) -> bool:
    """Say whether a text may stand as a pump id or a name in a subject."""
    return _TOKEN.fullmatch(text) is not None


def is_reply_inbox(text: str) -> bool:
    """Say whether a service may answer there: `basalt_reply.<client>.<token>` and nowhere else."""
    return _REPLY.fullmatch(text) is not None


def event_subject(*, pump: PumpId, speaker: Speaker, name: str) -> str:
    """Spell where a speaker says an event."""
    return f"basalt.{pump}.event.{speaker}.{name}"


def command_subject(*, pump: PumpId, service: Speaker, name: str) -> str:
    """Spell where a service is asked something."""
    return f"basalt.{pump}.command.{service}.{name}"


@lru_cache(maxsize=4096)
def parse_subject(subject: str) -> SubjectParts:
    """Take a subject of the stream apart.

    Raises:
        ValueError: it is not `basalt.<pump>.event|command.<service>.<name>`.
    """
    parts = subject.split(".")
    if len(parts) != 5 or parts[0] != "basalt" or not is_token(parts[1]):
        raise ValueError(f"{subject!r} is not a subject of the stream")
    if parts[2] == "event":
        return SubjectParts(PumpId(parts[1]), "event", Speaker(parts[3]), parts[4])
    if parts[2] == "command":
        return SubjectParts(PumpId(parts[1]), "command", Speaker(parts[3]), parts[4])
    raise ValueError(f"{subject!r} is neither an event nor a command")


def pumps_in(subjects: Iterable[str]) -> list[PumpId]:
    """Name the pumps of subjects of the stream, sorted; what is no such subject names none."""
    found: set[PumpId] = set()
    for subject in subjects:
        try:
            found.add(parse_subject(subject).pump)
        except ValueError:
            continue
    return sorted(found)


def speaker_filter(speaker: Speaker) -> str:
    """Name all events of a speaker; never a single event, or every other would look like a gap."""
    return f"basalt.*.event.{speaker}.>"


def command_filter(service: Speaker) -> str:
    """Name all commands to a service."""
    return f"basalt.*.command.{service}.>"


def listening_filters(
    me: Speaker, subscribes_to: tuple[Speaker, ...], *, keeps_commands: bool
) -> list[str]:
    """Name all that a decider listens to.

    Args:
        me: whose commands it obeys.
        hears: whose events it hears.
        keeps_commands: the commands to those as well.
    """
    obeyed = (me, *subscribes_to) if keeps_commands else (me,)
    return [*map(command_filter, obeyed), *map(speaker_filter, subscribes_to)]


def reply_inbox(*, client: str, token: str) -> str:
    """Spell where a client waits for the outcome of one command."""
    return f"basalt_reply.{client}.{token}"


Endpoint = Literal["state", "history", "health", "tail"]
ENDPOINTS: tuple[Endpoint, ...] = ("state", "history", "health", "tail")
"""[-] the questions that every decider's process answers."""

PEER_ENDPOINTS: tuple[Endpoint, ...] = ("history", "tail")
"""[-] those among them that services put to each other, and no client may put."""


def service_endpoint(*, service: str, endpoint: Endpoint) -> str:
    """Spell where a service answers questions that change nothing."""
    return f"basalt_service.{service}.{endpoint}"


def request_inbox(user: str) -> str:
    """Spell the prefix under which a user waits for answers; nobody else may listen there."""
    return f"_INBOX.{user}"
