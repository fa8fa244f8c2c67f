"""An archive for sharing: names and times are others, and the trees still lead to signed roots.

Each event stands beside the hash of what it really was. Those hashes lead to the roots that the
record's key signed, so nobody can leave one out, add one or change their order; the key also signs
the whole text. Whoever is given the original of one event can hold it against its hash.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from core.record import checkpoints
from core.record.checkpoints import Checkpoint
from core.record.merkle_tree import GrowingTree, leaf_hash
from core.record.redaction import Redaction
from schemas.units import PumpId, Speaker
from schemas.wire import codec
from services.runtime.audit.archive import (
    ArchivedLine,
    ArchiveEnd,
    ArchiveHead,
    Parts,
    Sign,
    TreeThen,
    row_in,
    trees_then,
)
from services.runtime.audit.archive_files import encoded
from services.runtime.audit.merkle_leaves import Leaf, leaves_in
from services.runtime.platform.errors import ArchiveBroken
from services.runtime.ports import StreamHead

ALIAS = PumpId("pump-1")
"""[-] what the pump is called."""

TEXT = Speaker("redacted_text")
"""[-] what is signed about the text: so many lines, and their SHA-256 as the root."""

NOTHING = msgspec.Raw(b"null")
"""[-] in the place of an event that cannot be shown."""


class RedactedHead(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="basalt_redacted.v1"
):
    """The first line of a redacted archive."""

    pump: PumpId
    """[-] another name."""
    release: str
    """[-] of Basalt that wrote it."""
    trees: dict[Speaker, TreeThen]
    """[-] how far each speaker's events went before the period."""


class RedactedEvent(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="event"
):
    """One event of the record, in other words."""

    speaker: Speaker
    """[-] who said it."""
    number: int
    """[-] among its speaker's events."""
    leaf: str
    """[-] hash (hex) of what was really said, as a leaf of the tree."""
    event: msgspec.Raw
    """[-] redacted; null where it could not be read, or is lost."""


class RedactedEnd(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="redacted_end"
):
    """The last line of a redacted archive."""

    notes: dict[Speaker, str]
    """[-] the roots at the end of the period, signed for the other name."""
    text: str
    """[-] signed: so many lines before this one, and their SHA-256."""


RedactedPart = RedactedHead | RedactedEvent | RedactedEnd


class Redacted(msgspec.Struct, frozen=True, kw_only=True):
    """What a sound redacted archive shows."""

    pump: PumpId
    """[-] its other name."""
    events: dict[Speaker, int]
    """[-] in it, by speaker; each leads to a signed root."""
    unread: int
    """[-] of them that could not be read, or are lost."""


def redacted(
    parts: Parts, redaction: Redaction, *, public: bytes, sign: Sign
) -> Iterator[msgspec.Struct]:
    """Redact an archive.

    Args:
        parts: of the archive, sound.
        redaction: the other names and times.
        public: [-] the record's Ed25519 key, 32 bytes.
        sign: signs with that key.
    """
    trees: dict[Speaker, GrowingTree] = {}
    heads: dict[Speaker, StreamHead] = {}
    digest, lines, pump = hashlib.sha256(), 0, PumpId("")

    def stated(speaker: Speaker, size: int, root: bytes) -> str:
        one = Checkpoint(pump=ALIAS, speaker=speaker, size=size, root=root)
        return checkpoints.signed(one, public=public, sign=sign)

    for part in parts:
        found: Iterable[msgspec.Struct] = ()
        match part:
            case ArchiveHead():
                pump, trees = part.pump, trees_then(part.trees)
                heads = {name: StreamHead(one.size, "") for name, one in part.trees.items()}
                found = [RedactedHead(pump=ALIAS, release=part.release, trees=part.trees)]
            case ArchivedLine():
                leaves = list(leaves_in(row_in(part, pump), heads))
                found = [_redacted_event(leaf, redaction) for leaf in leaves]
                for leaf in leaves:
                    heads[leaf.speaker] = StreamHead(leaf.version, "")
                    trees.setdefault(leaf.speaker, GrowingTree()).add(leaf_hash(leaf.data))
            case ArchiveEnd():
                break
        for one in found:
            digest.update(encoded(one))
            lines += 1
            yield one
    yield RedactedEnd(
        notes={name: stated(name, tree.size, tree.root()) for name, tree in sorted(trees.items())},
        text=stated(TEXT, lines, digest.digest()),
    )


def _redacted_event(leaf: Leaf, redaction: Redaction) -> RedactedEvent:
    try:
        event = msgspec.Raw(codec.encode(redaction.event(codec.decode_whole(leaf.data))))
    except codec.DECODE_ERRORS:
        event = NOTHING
    return RedactedEvent(
        speaker=leaf.speaker, number=leaf.version, leaf=leaf_hash(leaf.data).hex(), event=event
    )


def verify_redacted(
    read: Callable[[], Iterable[tuple[bytes, RedactedPart]]], *, public: bytes
) -> Redacted:
    """Check a redacted archive, without the record.

    Args:
        read: reads its lines from the first; once for its end, and once again.
        public: [-] the record's Ed25519 key, 32 bytes.

    Raises:
        ArchiveBroken: it is not what the record's key has signed; the reason says where.
        CheckpointBroken: a statement in it is not signed by this key.
    """
    ((_, end),) = deque(read(), maxlen=1)
    if not isinstance(end, RedactedEnd):
        raise ArchiveBroken("it is cut short: its last line is not the end")
    signed = {name: checkpoints.read(note, public=public) for name, note in end.notes.items()}
    text = checkpoints.read(end.text, public=public)
    digest, lines, unread = hashlib.sha256(), 0, 0
    trees: dict[Speaker, GrowingTree] = {}
    before: dict[Speaker, int] = {}
    for line, part in read():
        if isinstance(part, RedactedEnd):
            break
        digest.update(line)
        lines += 1
        if isinstance(part, RedactedHead):
            trees = trees_then(part.trees)
            before = {name: tree.size for name, tree in trees.items()}
        else:
            unread += bytes(part.event) == bytes(NOTHING)
            _grow(trees.setdefault(part.speaker, GrowingTree()), part)
    if (text.speaker, text.size, text.root) != (TEXT, lines, digest.digest()):
        raise ArchiveBroken("its text is not the one that was signed")
    _hold(trees, signed)
    events = {name: tree.size - before.get(name, 0) for name, tree in sorted(trees.items())}
    return Redacted(pump=text.pump, events=events, unread=unread)


def _grow(tree: GrowingTree, part: RedactedEvent) -> None:
    if part.number != tree.size + 1:
        text = f"{part.speaker} says number {part.number} after {tree.size}"
        raise ArchiveBroken(text)
    try:
        tree.add(bytes.fromhex(part.leaf))
    except ValueError as error:
        raise ArchiveBroken(f"number {part.number} of {part.speaker} has no hash") from error


def _hold(trees: Mapping[Speaker, GrowingTree], signed: Mapping[Speaker, Checkpoint]) -> None:
    for name, tree in trees.items():
        one = signed.get(name)
        if one is None or (one.speaker, one.size, one.root) != (name, tree.size, tree.root()):
            raise ArchiveBroken(f"the events of {name} do not lead to the root that was signed")
