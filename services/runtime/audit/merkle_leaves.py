"""The leaves of a record's trees: for each speaker its events in the order of their numbers, and
for the whole record its lines.

What could not be decoded counts among the numbers of its speaker, what was lost as a leaf of
nothing: a number is a place in the tree.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from core.deciders.registry import DECIDERS
from core.record.merkle_tree import leaf_hash
from schemas.message import parse_event_id, tag_of
from schemas.record import HistoryLost, Malformed
from schemas.units import PumpId, Speaker
from services.runtime.decider_host.speaker_heads import head_after
from services.runtime.journal.entries import event_name_in_topic, read_row, tag_in_topic
from services.runtime.journal.event_ids import identity_in
from services.runtime.ports import Row, Store, StreamHead

LOST: Final = b""
"""[-] the bytes of an event that nobody has."""

_RARE: Final = frozenset({tag_of(Malformed), tag_of(HistoryLost)})


class Leaf(NamedTuple):
    """One event at its place."""

    speaker: Speaker
    """[-] who said it."""
    version: int
    """[-] 1 and on; the leaf before this place in the tree of its speaker."""
    previous: str | None
    """[-] SHA-256 (hex) of the event before it, as it says; None where it cannot be read."""
    data: bytes
    """[-] as stored; LOST for one that nobody has."""


def line_leaf(row: Row) -> bytes:
    """Hash a whole line as a leaf: what was heard or said, when, by whose command, and at which
    place."""
    return leaf_hash(b"%d %b\n%b" % (row.position, row.topic.encode(), row.state))


def leaves_in(row: Row, heads: Mapping[Speaker, StreamHead]) -> Iterable[Leaf]:
    """Give the leaves that a line adds: none, one, or as many as were lost.

    Args:
        row: a line of the historian's journal.
        heads: as they were before it.

    Raises:
        One of codec.DECODE_ERRORS: the line says it is an event and cannot be read.
    """
    if event_name_in_topic(row.topic) is not None:
        data = row.state.partition(b"\n")[2]
        identity = identity_in(data)
        speaker, _, version = parse_event_id(identity.id)
        return (Leaf(speaker, version, identity.previous, data),)
    return _of_a_report(row, heads) if tag_in_topic(row.topic) in _RARE else ()


def _of_a_report(row: Row, heads: Mapping[Speaker, StreamHead]) -> Iterator[Leaf]:
    read = read_row(row)
    moved = head_after(read, heads, subscribes_to=DECIDERS[Speaker("historian")].subscribes_to)
    if moved is None:
        return
    speaker, head = moved
    if isinstance(read.entry.body, HistoryLost):
        for version in range(read.entry.body.first, head.version + 1):
            yield Leaf(speaker, version, None, LOST)
    else:
        yield Leaf(speaker, head.version, None, read.data.partition(b"\n")[2])


def leaves_of(store: Store, *, pump: PumpId) -> Iterator[Leaf]:
    """Stream the leaves of a pump's record, in the order in which they were heard."""
    heads: dict[Speaker, StreamHead] = {}
    for _, row in store.rows(pump=pump):
        for leaf in leaves_in(row, heads):
            heads[leaf.speaker] = StreamHead(leaf.version, "")
            yield leaf
