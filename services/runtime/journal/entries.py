"""One line of a journal as bytes: a head line, then what was heard or said, letter for letter."""

from collections.abc import Collection
from typing import Final

import msgspec

from core.kernel.decider import Entry
from schemas.message import Envelope, Event, Now, WholeEnvelope, name_of, tag_of
from schemas.units import Actor, CommandId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.upcasts import UPCASTS, newest_tag
from services.runtime.ports import Row

INPUT = "heard "
"""[-] prefix of the topic of a message that entered `decide`."""

IMPORTED = "adopted "
"""[-] prefix of the topic of what is kept without deciding: an old event taken over, or a command
to somebody else."""


class RowMetadata(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The first line of a stored entry."""

    therapy: UtcMillis
    """[ms] therapy time that `decide` got."""
    real: UtcMillis
    """[ms] real time that `decide` got."""
    speed: int
    """[-] of the clock."""
    entry: int
    """[-] for what was said, the position of the entry that led to it; else 0."""
    subject: str
    """[-] where it was heard or is said; empty for reports."""
    trace: str
    """[-] trace id, 32 hex digits."""
    sequence: int = 0
    """[-] in the stream, for what was heard there."""
    link: str = ""
    """[-] hash (hex) over this line and the link of the one before; empty in older journals."""


def metadata_at(
    now: Now, *, trace: str, subject: str = "", entry: int = 0, sequence: int = 0
) -> RowMetadata:
    """Make the first line of what is stored now; its link follows from the line before."""
    return RowMetadata(now.therapy, now.real, now.speed, entry, subject, trace, sequence)


_heads = msgspec.json.Decoder(RowMetadata)
_NAMES: Final = frozenset(name_of(kind) for kind in codec.EVENT_KINDS)
_EVENT_NAMES: Final = {
    tag: name
    for tag in (*map(tag_of, codec.EVENT_KINDS), *UPCASTS)
    if (name := newest_tag(tag).rpartition(".")[0]) in _NAMES
}
"""[-] today's name by tag, older tags too: a topic is as old as its line."""


class ReadEntry(msgspec.Struct, frozen=True, gc=False):
    """A stored line, decoded."""

    head: RowMetadata
    topic: str
    entry: Entry
    data: bytes

    @property
    def now(self) -> Now:
        """Give the time that `decide` got."""
        return Now(therapy=self.head.therapy, real=self.head.real, speed=self.head.speed)

    @property
    def is_input(self) -> bool:
        """Say whether it entered `decide`."""
        return self.topic.startswith(INPUT)


def kept_name(service: str, command: str) -> CommandId:
    """Name a command to somebody else among those that a journal knows; no id has a line break."""
    return CommandId(f"{service}\n{command}")


def split(state: bytes) -> tuple[RowMetadata, bytes]:
    """Take a stored entry apart into its head and the verbatim bytes."""
    line, data = state.split(b"\n", 1)
    return _heads.decode(line), data


def tag_in_topic(topic: str) -> str:
    """Give the tag that a topic ends in."""
    return topic.rsplit(" ", 1)[-1]


def event_name_in_topic(topic: str) -> str | None:
    """Give the name of the event that a topic ends in, without its version; None for no event."""
    return _EVENT_NAMES.get(tag_in_topic(topic))


def topics_of(tags: Collection[str]) -> frozenset[str]:
    """Give the topics of all lines that hold one of these events, heard or said."""
    return frozenset(f"{prefix}{tag}" for prefix in ("", INPUT, IMPORTED) for tag in tags)


def topics_named(names: Collection[str]) -> frozenset[str]:
    """Give the same for events by their names, older tags too."""
    return topics_of([tag for tag, name in _EVENT_NAMES.items() if name in names])


def read_row(row: Row) -> ReadEntry:
    """Decode a stored line.

    Raises:
        One of codec.DECODE_ERRORS: the line was altered, or is newer than this release.
    """
    head, data = split(row.state)
    return ReadEntry(head, row.topic, _entry(row, head, data), data)


def _kinds_of_topics() -> dict[str, bool]:
    prefixes = ("", INPUT, IMPORTED)
    others = (*map(tag_of, codec.COMMAND_KINDS), *map(tag_of, codec.REPORT_KINDS))
    told = {f"{prefix}{tag}": False for prefix in prefixes for tag in others}
    return told | {f"{prefix}{tag}": True for prefix in prefixes for tag in _EVENT_NAMES}


_IS_EVENT: Final = _kinds_of_topics()
"""[-] whether a line holds an event, by its whole topic, for every kind that is known."""


def event_bytes(row: Row) -> bytes | None:
    """Give the event of a line as it was stored; None for a line that holds none.

    The topic tells which; only where it names nothing that is known, the head is read.
    """
    told = _IS_EVENT.get(row.topic)
    if told is None:
        head, data = split(row.state)
        return data if is_event(head) else None
    return row.state[row.state.index(b"\n") + 1 :] if told else None


def is_event(head: RowMetadata) -> bool:
    """Say whether a line holds an event: what was heard or said, and is no command."""
    return bool(head.subject) and ".command." not in head.subject


def said_in(data: bytes, *, hashed: bool = True) -> Entry:
    """Decode the event of a line, brought to its newest version.

    Args:
        data: as it was stored.
        hashed: with the hash of it; a third of the work, and most folds need none.

    Raises:
        One of codec.DECODE_ERRORS: it was altered, or is newer than this release.
    """
    whole = codec.decode_whole(data)
    return _said(whole, codec.sha256_hex(data) if hashed else "", whole.event)


def _entry(row: Row, head: RowMetadata, data: bytes) -> Entry:
    if is_event(head):
        return said_in(data)
    if not head.subject:
        report = codec.decode_report(data.split(b"\n", 1)[0])
        return Entry(id=f"report:{row.position}", at=head.therapy, body=report)
    command = codec.decode_command_envelope(data)
    return command_entry(command.id, command.actor, head.therapy, command.command)


def command_entry(name: str, actor: Actor, at: UtcMillis, command: msgspec.Raw) -> Entry:
    """Make the entry of a command."""
    return Entry(id=name, at=at, actor=actor, body=codec.decode_command(command))


def event_entry(envelope: Envelope, sha256: str) -> Entry:
    """Make the entry of an event; the hash is that of its stored bytes."""
    return _said(envelope, sha256, codec.decode_event(envelope.event))


def _said(envelope: Envelope | WholeEnvelope, sha256: str, body: Event) -> Entry:
    return Entry(
        id=envelope.id,
        at=envelope.at,
        speaker=Speaker(envelope.id.partition(":")[0]),
        sha256=sha256,
        versions_seen=envelope.versions_seen,
        body=body,
    )
