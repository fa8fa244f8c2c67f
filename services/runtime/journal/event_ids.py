"""The identity of an event, read from headers or stored bytes without decoding the whole."""

import msgspec

from schemas.message import parse_event_id
from schemas.units import EventId, Speaker
from schemas.wire import codec
from schemas.wire.headers import EVENT_ID_HEADER, SHA256_HEADER
from schemas.wire.subjects import parse_subject
from services.runtime.ports import Arrived, StreamHead

VERSION_MAX = 2**62
"""[-] more than any speaker ever says: asks for all there is."""


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Who said an event, as what number, after what."""

    id: EventId
    """[-] 'speaker:pump:version'."""
    previous: str = ""
    """[-] SHA-256 (hex) of the speaker's event before it."""


class _Identified(msgspec.Struct):
    id: EventId


_identified = msgspec.json.Decoder(_Identified)
_identities = msgspec.json.Decoder(Identity)


def event_id_in(data: bytes) -> EventId:
    """Read the id in an envelope's bytes."""
    return _identified.decode(data).id


def identity_in(data: bytes) -> Identity:
    """Read id and predecessor in an envelope's bytes."""
    return _identities.decode(data)


def is_event_of(subject: str, speaker: Speaker) -> bool:
    """Say whether a subject is that of an event of a speaker."""
    return f".event.{speaker}." in subject


def event_under(subject: str, data: bytes) -> tuple[Speaker, int] | None:
    """Give speaker and version of an event that belongs under its subject, None for other bytes.

    The broker checks who may publish there, not what: it can be anything.
    """
    try:
        speaker, pump, version = parse_event_id(codec.decode_envelope(data).id)
        parts = parse_subject(subject)
    except codec.DECODE_ERRORS:
        return None
    is_its_subject = (parts.kind, parts.service, parts.pump) == ("event", speaker, pump)
    return (speaker, version) if is_its_subject else None


def is_own_event(arrived: Arrived, speaker: Speaker) -> bool:
    """Say whether a message under a speaker's subject is an event of that speaker."""
    found = event_under(arrived.subject, arrived.data)
    return found is not None and found[0] == speaker


def stored_id(arrived: Arrived) -> EventId:
    """Give the id of an event as it was sent."""
    return EventId(arrived.headers.get(EVENT_ID_HEADER, "")) or event_id_in(arrived.data)


def stored_head(arrived: Arrived) -> StreamHead:
    """Give version and hash of an event as it was sent; the bytes are hashed where none is said."""
    sha256 = arrived.headers.get(SHA256_HEADER, "") or codec.sha256_hex(arrived.data)
    return StreamHead(parse_event_id(stored_id(arrived))[2], sha256)


def is_that_event(arrived: Arrived, sha256: str) -> bool:
    """Say whether a message is the event of this hash, by its header or by its bytes."""
    return sha256 in (arrived.headers.get(SHA256_HEADER), codec.sha256_hex(arrived.data))
