"""From an event to the bytes that are stored, hashed and published."""

import msgspec

from core.kernel.decider import Entry
from schemas.message import Envelope, Event, event_id, name_of, parse_event_id, tag_of
from schemas.units import PumpId, Speaker
from schemas.wire import codec
from schemas.wire.headers import event_headers
from schemas.wire.subjects import event_subject
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.entries import ReadEntry, RowMetadata, event_entry
from services.runtime.ports import Outgoing, StreamHead


class SealedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event with its identity, ready to be stored."""

    entry: Entry
    data: bytes
    subject: str
    head: StreamHead
    raw: msgspec.Raw
    tag: str


def seal(
    event: Event,
    *,
    speaker: Speaker,
    pump: PumpId,
    after: StreamHead | None,
    cause: str,
    heard: dict[str, int],
    when: RowMetadata,
) -> SealedEvent:
    """Give an event the next version of its speaker and chain it to the one before."""
    head = after or NOTHING_HEARD
    tag = tag_of(type(event))
    name = event_id(speaker=speaker, pump=pump, version=head.version + 1)
    raw = codec.encode_raw(event)
    envelope = Envelope(
        id=name,
        at=when.therapy,
        recorded_at=when.real,
        cause=cause,
        previous=head.sha256,
        versions_seen=heard,
        event=raw,
    )
    data = codec.encode(envelope)
    sha256 = codec.sha256_hex(data)
    entry = Entry(
        id=name,
        at=when.therapy,
        speaker=speaker,
        sha256=sha256,
        versions_seen=dict(heard),
        body=event,
    )
    subject = event_subject(pump=pump, speaker=speaker, name=name_of(type(event)))
    return SealedEvent(entry, data, subject, StreamHead(head.version + 1, sha256), raw, tag)


def read_back(data: bytes) -> SealedEvent:
    """Read an event that was said before, by anybody, from its stored bytes.

    Raises:
        One of codec.DECODE_ERRORS.
    """
    envelope = codec.decode_envelope(data)
    speaker, pump, version = parse_event_id(envelope.id)
    sha256 = codec.sha256_hex(data)
    entry = event_entry(envelope, sha256)
    # By the stored tag: it may be published already, under the name that it had then.
    tag = codec.tag_in(envelope.event)
    subject = event_subject(pump=pump, speaker=speaker, name=tag.rpartition(".")[0])
    return SealedEvent(entry, data, subject, StreamHead(version, sha256), envelope.event, tag)


def outgoing(sealed: SealedEvent, *, speaker: Speaker, pump: PumpId, trace: str) -> Outgoing:
    """Put an event into what the stream takes."""
    headers = event_headers(
        event_id=sealed.entry.id,
        speaker=speaker,
        pump=pump,
        tag=sealed.tag,
        at=sealed.entry.at,
        trace=trace,
        sha256=sealed.entry.sha256,
    )
    return Outgoing(sealed.subject, sealed.data, headers)


def outgoing_again(read: ReadEntry) -> Outgoing:
    """Put a stored event of one's own into what the stream takes."""
    sealed = read_back(read.data)
    speaker, pump, _ = parse_event_id(sealed.entry.id)
    return outgoing(sealed, speaker=speaker, pump=pump, trace=read.head.trace)
