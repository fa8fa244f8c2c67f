"""A closed period of a pump's record in one file, which verifies without the record.

JSON lines: a head that says where the chain and the trees stood, the lines of the record letter for
letter, and an end with the signed checkpoints that the trees of the period lead to. The record's
key signs the whole text, from the head to the last line: what it has not signed is an error.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from core.record import checkpoints
from core.record.checkpoints import Checkpoint
from core.record.merkle_tree import GrowingTree
from schemas.units import PumpId, Speaker, UtcMillis
from services.runtime.audit.archive_files import encoded
from services.runtime.audit.findings import Difference
from services.runtime.audit.record_check import Checkpoints, PumpCheck, RecordCheck, RecordReport
from services.runtime.journal.entries import split
from services.runtime.platform.errors import ArchiveBroken
from services.runtime.ports import ChainTip, Row, StreamHead

TOLD_EVERY: Final = 20_000
"""[-] lines between two words about how far a check has come."""


class TreeThen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a speaker's events went before the period."""

    size: int
    """[-] events."""
    sha256: str
    """[-] hash (hex) of the last of them; empty for none."""
    perfect: tuple[str, ...]
    """[-] hashes (hex) that the tree keeps."""


class ArchiveHead(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="basalt_archive.v1"
):
    """The first line of an archive."""

    pump: PumpId
    """[-] whose record."""
    release: str
    """[-] of Basalt that wrote it."""
    since: UtcMillis | None
    """[ms] therapy time from which lines are in it; none: from the first on."""
    until: UtcMillis | None
    """[ms] therapy time before which; none: to the newest."""
    position: int
    """[-] of the line before the first."""
    link: str
    """[-] of that line in the chain of the record."""
    trees: dict[Speaker, TreeThen]
    """[-] by speaker."""


class ArchivedLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag="line",
):
    """One line of the record."""

    position: int
    """[-] in the record of the pump."""
    topic: str
    """[-] what it is."""
    state: str = ""
    """[-] as it stands there."""
    raw: bytes = b""
    """[-] instead, where it is no text."""


class ArchiveEnd(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="end"):
    """The last line of an archive; without it the file is cut short."""

    position: int
    """[-] of the last line."""
    link: str
    """[-] of that line in the chain of the record."""
    notes: dict[Speaker, str]
    """[-] the newest signed checkpoint of the period, by speaker."""
    text: str = ""
    """[-] signed: so many lines before this one, and their SHA-256; older releases signed none."""


Part = ArchiveHead | ArchivedLine | ArchiveEnd

Parts = Iterable[ArchiveHead | ArchivedLine | ArchiveEnd]

Sign = Callable[[bytes], bytes]
"""[-] gives the record's signature, 64 bytes."""

TEXT: Final = Speaker("archive_text")
"""[-] what is signed about the text: so many lines, and their SHA-256 as the root."""


class Archived(msgspec.Struct, frozen=True, kw_only=True):
    """What came of writing or checking an archive."""

    pump: PumpId
    """[-] whose record."""
    report: RecordReport
    """[-] lines, events, checkpoints compared, and what is wrong."""
    uncovered: dict[Speaker, int]
    """[-] events behind the newest checkpoint, by speaker; the key of the record signed them with
    the archive, or nobody did."""
    is_signed: bool
    """[-] the key of the record has signed the archive to its end."""

    @property
    def unsigned(self) -> int:
        """Count the events that nobody has signed."""
        return 0 if self.is_signed else sum(self.uncovered.values())

    @property
    def is_sound(self) -> bool:
        """Say whether nothing is wrong, and all of it is signed."""
        return self.is_signed and not self.report.faults


def archive_of(
    rows: Iterable[Row],
    *,
    pump: PumpId,
    release: str,
    since: UtcMillis | None,
    until: UtcMillis | None,
    kept: Checkpoints,
    public: bytes,
    sign: Sign,
) -> Iterator[Part]:
    """Give an archive of a period, part by part.

    Args:
        rows: the whole record of the pump; what lies before the period is checked as well.
        pump: whose record.
        release: of Basalt.
        since: [ms] therapy time at which the record heard the first line; None: the first of all.
        until: [ms] therapy time before which it heard the last; None: the newest.
        kept: the checkpoints; the record is held against them before its end is signed.
        public: [-] the record's Ed25519 key, 32 bytes.
        sign: signs with that key.

    Raises:
        ArchiveBroken: the record is not sound up to there, or has nothing in this period.
    """
    check, before = RecordCheck(kept), PumpCheck()
    digest, lines, is_begun, is_cut = hashlib.sha256(), 0, False, False
    for row in rows:
        at = _heard_at(row)
        if until is not None and at >= until:
            is_cut = True
            break
        found = list[Part]()
        if not is_begun and (since is None or at >= since):
            is_begun = True
            before = check.pumps.get(pump, PumpCheck()).copy()
            found.append(_head(before, pump=pump, release=release, since=since, until=until))
        for fault in check.add(row):
            raise _unsound(fault)
        if is_begun:
            found.append(_line(row))
        for part in found:
            digest.update(encoded(part))
            lines += 1
            yield part
    if not is_begun:
        raise ArchiveBroken("the record has nothing in this period")
    for fault in () if is_cut else check.end({}):
        if fault.pump == pump:
            raise _unsound(fault)
    after = check.pumps[pump]
    text = Checkpoint(pump=pump, speaker=TEXT, size=lines, root=digest.digest())
    yield ArchiveEnd(
        position=after.position,
        link=after.link,
        notes=dict(_newest_notes(before, after, kept=kept, pump=pump, public=public, sign=sign)),
        text=checkpoints.signed(text, public=public, sign=sign),
    )


def _unsound(fault: Difference) -> ArchiveBroken:
    return ArchiveBroken(f"line {fault.position}: {fault.text}; look with 'verify record'")


def _heard_at(row: Row) -> UtcMillis:
    """Read when the record got a line: its therapy time never goes back."""
    return split(row.state)[0].therapy


def _head(
    before: PumpCheck,
    *,
    pump: PumpId,
    release: str,
    since: UtcMillis | None,
    until: UtcMillis | None,
) -> ArchiveHead:
    trees = {
        speaker: TreeThen(
            size=tree.size,
            sha256=before.heads[speaker].sha256,
            perfect=tuple(one.hex() for one in tree.perfect),
        )
        for speaker, tree in before.trees.items()
    }
    return ArchiveHead(
        pump=pump,
        release=release,
        since=since,
        until=until,
        position=before.position,
        link=before.link,
        trees=trees,
    )


def _line(row: Row) -> ArchivedLine:
    try:
        return ArchivedLine(position=row.position, topic=row.topic, state=row.state.decode())
    except UnicodeDecodeError:
        return ArchivedLine(position=row.position, topic=row.topic, raw=row.state)


def row_in(line: ArchivedLine, pump: PumpId) -> Row:
    """Give the line of the record that stands in an archive."""
    return Row(pump, line.position, line.topic, line.raw or line.state.encode())


def _newest_notes(
    before: PumpCheck,
    after: PumpCheck,
    *,
    kept: Checkpoints,
    pump: PumpId,
    public: bytes,
    sign: Sign,
) -> Iterator[tuple[Speaker, str]]:
    """Give for each speaker the newest checkpoint that lies in the period, as it was signed."""
    for speaker, tree in sorted(after.trees.items()):
        begun = before.trees[speaker].size if speaker in before.trees else 0
        for one in reversed(kept.get((pump, speaker), ())):
            if begun < one.size <= tree.size:
                yield speaker, checkpoints.signed(one, public=public, sign=sign)
                break


def verify_archive(
    read: Callable[[], Iterable[tuple[bytes, Part]]],
    *,
    public: bytes,
    told: Callable[[int], None],
) -> Archived:
    """Check an archive, without the record.

    Args:
        read: reads its lines from the first; once for its end, and once again.
        public: [-] the record's Ed25519 key, 32 bytes.
        told: hears now and then how many lines are checked.

    Raises:
        ArchiveBroken: it is none, or is cut short.
        CheckpointBroken: a checkpoint in it is not signed by this key.
    """
    ((_, end),) = deque(read(), maxlen=1)
    if not isinstance(end, ArchiveEnd):
        raise ArchiveBroken("it is cut short: its last line is not the end of an archive")
    signed = [checkpoints.read(note, public=public) for note in end.notes.values()]
    check = RecordCheck({(one.pump, one.speaker): [_of_events(one)] for one in signed})
    parts = iter(read())
    line, head = next(parts)
    if not isinstance(head, ArchiveHead):
        raise ArchiveBroken("it does not begin with the head of an archive")
    begun = check.pumps[head.pump] = _begun(head)
    before = {speaker: tree.size for speaker, tree in begun.trees.items()}
    faults, digest, lines = list[Difference](), hashlib.sha256(line), 1
    for line, part in parts:
        if isinstance(part, ArchivedLine):
            faults.extend(check.add(row_in(part, head.pump)))
            digest.update(line)
            lines += 1
        elif part is not end and part != end:
            raise ArchiveBroken(f"line {lines + 1} is no line of a record")
        if lines % TOLD_EVERY == 0:
            told(lines)
    faults.extend(check.end({head.pump: ChainTip(end.position, end.link)}))
    text = Checkpoint(pump=head.pump, speaker=TEXT, size=lines, root=digest.digest())
    if end.text and not is_stated(text, end.text, public=public):
        reason = "the text up to here is not the one that the key of the record has signed"
        faults.append(Difference(head.pump, end.position, reason))
    covered = before | {one.speaker: one.size for one in signed}
    found = _verdict(head, begun, before, covered, check.compared, faults)
    return msgspec.structs.replace(found, is_signed=bool(end.text))


def is_stated(text: Checkpoint, note: str, *, public: bytes) -> bool:
    """Say whether a signed note says this of a text."""
    return checkpoints.read(note, public=public) == text


def _of_events(one: Checkpoint) -> Checkpoint:
    """Leave out what a checkpoint says of the whole record: an archive begins in the middle."""
    return msgspec.structs.replace(one, lines=0, lines_root=b"")


def _verdict(
    head: ArchiveHead,
    after: PumpCheck,
    before: Mapping[Speaker, int],
    covered: Mapping[Speaker, int],
    compared: int,
    faults: Sequence[Difference],
) -> Archived:
    lines = after.position - head.position
    sizes = {speaker: tree.size for speaker, tree in sorted(after.trees.items())}
    behind = {speaker: size - covered.get(speaker, 0) for speaker, size in sizes.items()}
    events = sum(sizes.values()) - sum(before.values())
    return Archived(
        pump=head.pump,
        report=RecordReport(lines, events, compared, tuple(faults)),
        uncovered={speaker: count for speaker, count in behind.items() if count > 0},
        is_signed=False,
    )


def trees_then(trees: Mapping[Speaker, TreeThen]) -> dict[Speaker, GrowingTree]:
    """Give the trees as they stood before a period.

    Raises:
        ArchiveBroken: these are none.
    """
    try:
        return {
            speaker: GrowingTree.resumed(then.size, [bytes.fromhex(one) for one in then.perfect])
            for speaker, then in trees.items()
        }
    except ValueError as error:
        raise ArchiveBroken(f"its head says nothing of the trees before it: {error}") from error


def _begun(head: ArchiveHead) -> PumpCheck:
    heads = {speaker: StreamHead(then.size, then.sha256) for speaker, then in head.trees.items()}
    return PumpCheck(head.position, head.link, heads, trees_then(head.trees))
