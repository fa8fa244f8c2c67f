"""From an event to the bytes that are stored, hashed and published."""

import msgspec

from core.kernel.decider import Entry
from schemas.message import Envelope, Event, event_id, name_of, parse_event_id, tag_of
from schemas.units import PumpId, Speaker
from schemas.wire import codec
from schemas.wire.headers import event_headers
from schemas.wire.subjects import event_subject
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.entries import EntryHead, ReadEntry, event_entry
from services.runtime.ports import Head, Outgoing


class Spoken(msgspec.Struct, frozen=True, gc=False):
    """An event with its identity, ready to be stored."""

    entry: Entry
    data: bytes
    subject: str
    head: Head
    raw: msgspec.Raw


def say(
    event: Event,
    *,
    speaker: Speaker,
    pump: PumpId,
    after: Head | None,
    cause: str,
    heard: dict[str, int],
    when: EntryHead,
) -> Spoken:
    """Give an event the next version of its speaker and chain it to the one before."""
    head = after or NOTHING_HEARD
    name = event_id(speaker=speaker, pump=pump, version=head.version + 1)
    raw = codec.encode_raw(event)
    envelope = Envelope(
        id=name,
        at=when.therapy,
        recorded_at=when.real,
        cause=cause,
        previous=head.sha256,
        heard=heard,
        event=raw,
    )
    data = codec.encode(envelope)
    sha256 = codec.sha256_hex(data)
    entry = Entry(
        id=name, at=when.therapy, speaker=speaker, sha256=sha256, heard=dict(heard), body=event
    )
    subject = event_subject(pump=pump, speaker=speaker, name=name_of(type(event)))
    return Spoken(entry, data, subject, Head(head.version + 1, sha256), raw)


def read_back(data: bytes) -> Spoken:
    """Read an event that was said before, by anybody, from its stored bytes.

    Raises:
        One of codec.DECODE_ERRORS.
    """
    envelope = codec.decode_envelope(data)
    speaker, pump, version = parse_event_id(envelope.id)
    sha256 = codec.sha256_hex(data)
    entry = event_entry(envelope, sha256)
    subject = event_subject(pump=pump, speaker=speaker, name=name_of(type(entry.body)))
    return Spoken(entry, data, subject, Head(version, sha256), envelope.event)


def outgoing(spoken: Spoken, *, speaker: Speaker, pump: PumpId, trace: str) -> Outgoing:
    """Put an event into what the stream takes."""
    headers = event_headers(
        event_id=spoken.entry.id,
        speaker=speaker,
        pump=pump,
        tag=tag_of(type(spoken.entry.body)),
        at=spoken.entry.at,
        trace=trace,
        sha256=spoken.entry.sha256,
    )
    return Outgoing(spoken.subject, spoken.data, headers)


def outgoing_again(read: ReadEntry) -> Outgoing:
    """Put a stored event of one's own into what the stream takes."""
    spoken = read_back(read.data)
    speaker, pump, _ = parse_event_id(spoken.entry.id)
    return outgoing(spoken, speaker=speaker, pump=pump, trace=read.head.trace)
