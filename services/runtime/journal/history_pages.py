"""Stored events on their way to whoever asks: each is given when the next one confirms it."""

from collections.abc import Iterable, Iterator

from schemas.units import PumpId
from schemas.wire import codec
from services.runtime.journal.causal_order import Past, read_past
from services.runtime.platform.errors import JournalAltered
from services.runtime.ports import StreamHead


def confirmed(
    events: Iterable[bytes], *, pump: PumpId, last: int, head: StreamHead | None
) -> Iterator[bytes]:
    """Give events up to a version, each only when its hash is the one that was written.

    Args:
        events: of one speaker, in order, one more than are wanted if there is one.
        pump: that they are about.
        last: [-] highest version that is wanted.
        head: of that speaker, the newest that this journal has.

    Raises:
        JournalAltered: one of them is not what was written; those before it were given.
    """
    held: Past | None = None
    for data in events:
        try:
            past = read_past(data)
        except codec.DECODE_ERRORS as error:
            at = held.version + 1 if held else 0
            raise JournalAltered(pump, at, f"an event is not understood: {error}") from error
        if held is not None:
            is_next = past.version == held.version + 1
            if is_next and not _is_written(held, past.envelope.previous):
                raise _altered(pump, held)
            yield held.data
        held = past
    if held is None or held.version > last:
        return
    if head is not None and head.version == held.version and not _is_written(held, head.sha256):
        raise _altered(pump, held)
    yield held.data


def _is_written(past: Past, sha256: str) -> bool:
    """Say whether an event has the hash that was kept of it; of one that was lost there is none."""
    return sha256 in ("", codec.sha256_hex(past.data))


def _altered(pump: PumpId, held: Past) -> JournalAltered:
    return JournalAltered(pump, held.version, f"{held.envelope.id} is not what was written")
