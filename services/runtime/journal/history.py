"""Reading the identity of stored events without decoding them whole."""

import msgspec

from schemas.units import EventId, Speaker

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
