"""One journal held against another: what a service said, and what the historian keeps of it."""

from collections.abc import Iterator

from schemas.message import parse_event_id
from schemas.units import PumpId, Speaker
from schemas.wire import codec
from services.runtime.audit.findings import Difference
from services.runtime.journal.entries import split
from services.runtime.journal.event_ids import event_id_in, is_event_of
from services.runtime.ports import Row, Store

Said = dict[tuple[PumpId, int], tuple[int, str]]
"""[-] by pump and version: the position, and the hash of the bytes."""


def said_in(store: Store, speaker: Speaker) -> Said:
    """Find every event of a speaker in a journal, its own or another's.

    Of two events under one number the later one is kept; that there are two is told by the links.
    """
    return {
        (row.pump, parse_event_id(event_id_in(data))[2]): (row.position, codec.sha256_hex(data))
        for row, data in _events(store, speaker)
    }


def _events(store: Store, speaker: Speaker) -> Iterator[tuple[Row, bytes]]:
    for _, row in store.rows():
        try:
            head, data = split(row.state)
            event_id_in(data)
        except codec.DECODE_ERRORS:
            continue  # the links tell of it
        if is_event_of(head.subject, speaker):
            yield row, data


def compare(own: Said, record: Said) -> tuple[Difference, ...]:
    """Name what the historian keeps of a speaker otherwise than the speaker's own journal.

    Args:
        own: read after `record`: what the historian has heard is then in it.
        record: the same speaker's events in the historian's journal.
    """
    found: list[Difference] = []
    for (pump, version), (_, sha256) in sorted(record.items()):
        here = own.get((pump, version))
        if here is None:
            text = f"version {version} is in the historian's record and not in this journal"
            found.append(Difference(pump, 0, text))
        elif here[1] != sha256:
            text = f"version {version} is another one in the historian's record"
            found.append(Difference(pump, here[0], text))
    return tuple(found)
