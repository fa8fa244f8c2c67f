"""Which speaker's head a stored line moves on: found again from the line alone."""

from collections.abc import Collection, Mapping

from schemas.message import parse_event_id
from schemas.record import HistoryLost, Malformed
from schemas.units import Speaker
from schemas.wire import codec
from services.runtime.decider_host.inbox import CHANGED
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.entries import ReadEntry
from services.runtime.journal.event_ids import event_under
from services.runtime.ports import StreamHead


def head_after(
    read: ReadEntry, heads: Mapping[Speaker, StreamHead], *, subscribes_to: Collection[Speaker]
) -> tuple[Speaker, StreamHead] | None:
    """Give the head that an entry moved on: its own, or that of the bytes beside a report.

    Args:
        read: the line.
        heads: as they were before it.
        hears: whom the decider hears; nobody else's head moves.
    """
    body, entry = read.entry.body, read.entry
    if isinstance(body, HistoryLost):
        return Speaker(body.speaker), StreamHead(body.last, "")
    if isinstance(body, Malformed):
        moved = None if body.reason == CHANGED else _malformed_head(read, body.subject, heads)
        return moved if moved is not None and moved[0] in subscribes_to else None
    if entry.speaker is None:
        return None
    return entry.speaker, StreamHead(parse_event_id(entry.id)[2], entry.sha256)


def _malformed_head(
    read: ReadEntry, subject: str, heads: Mapping[Speaker, StreamHead]
) -> tuple[Speaker, StreamHead] | None:
    """An event whose inside is not understood still counts among its speaker's versions."""
    _, _, data = read.data.partition(b"\n")
    found = event_under(subject, data)
    if found is None:
        return None
    speaker, version = found
    if version != heads.get(speaker, NOTHING_HEARD).version + 1:
        return None
    return speaker, StreamHead(version, codec.sha256_hex(data))
