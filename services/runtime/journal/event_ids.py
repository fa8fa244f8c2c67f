"""Which event a message of the stream is, by its headers: also where its bytes are damaged."""

from schemas.message import parse_event_id
from schemas.units import EventId
from schemas.wire import codec
from schemas.wire.headers import EVENT_ID_HEADER, SHA256_HEADER
from services.runtime.journal.history import event_id_in
from services.runtime.ports import Arrived, Head


def stored_id(arrived: Arrived) -> EventId:
    """Give the id of an event as it was sent."""
    return EventId(arrived.headers.get(EVENT_ID_HEADER, "")) or event_id_in(arrived.data)


def stored_head(arrived: Arrived) -> Head:
    """Give version and hash of an event as it was sent; the bytes are hashed where none is said."""
    sha256 = arrived.headers.get(SHA256_HEADER, "") or codec.sha256_hex(arrived.data)
    return Head(parse_event_id(stored_id(arrived))[2], sha256)


def is_that_event(arrived: Arrived, sha256: str) -> bool:
    """Say whether a message is the event of this hash, by its header or by its bytes."""
    return sha256 in (arrived.headers.get(SHA256_HEADER), codec.sha256_hex(arrived.data))
