"""Reading the identity of stored events without decoding them whole."""

import msgspec

from schemas.units import EventId, Speaker


class _Identified(msgspec.Struct):
    id: EventId


_identified = msgspec.json.Decoder(_Identified)


def event_id_in(data: bytes) -> EventId:
    """Read the id in an envelope's bytes."""
    return _identified.decode(data).id


def is_event_of(subject: str, speaker: Speaker) -> bool:
    """Say whether a subject is that of an event of a speaker."""
    return f".event.{speaker}." in subject
