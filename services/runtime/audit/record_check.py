"""A historian's record held against itself and against checkpoints that lie elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from core.deciders.names import HISTORIAN
from core.record.checkpoints import Checkpoint
from core.record.merkle_tree import GrowingTree, leaf_hash
from schemas.message import Now
from schemas.units import PumpId, Speaker, UtcMillis
from schemas.wire import codec
from services.runtime.audit.findings import Difference
from services.runtime.audit.merkle_leaves import LOST, Leaf, leaves_in, line_leaf
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.entries import split
from services.runtime.journal.hash_chain import link_in, verify_next
from services.runtime.platform.errors import JournalAltered
from services.runtime.ports import ChainTip, Row, StreamHead

Checkpoints = Mapping[tuple[PumpId, Speaker], Sequence[Checkpoint]]
"""[-] those kept elsewhere, in any order."""


NEVER: Final = Now(therapy=UtcMillis(0), real=UtcMillis(0), speed=1)
"""[-] before the first line."""


@dataclass(slots=True)
class Signed:
    """How far a record is what checkpoints say, and what stands open behind them."""

    position: int = 0
    """[-] of the last line under a checkpoint; 0 for none."""
    sizes: dict[Speaker, int] = field(default_factory=dict)
    """[-] events under a checkpoint, by speaker; of older checkpoints without their times."""
    since: Now | None = None
    """[-] when the record got the first line behind it; none: there is none."""
    is_wrong: bool = False
    """[-] a checkpoint said something else of the lines: each later one does so too."""


@dataclass(slots=True)
class PumpCheck:
    """How far the record of one pump has been checked."""

    position: int = 0
    link: str = ""
    heads: dict[Speaker, StreamHead] = field(default_factory=dict)
    trees: dict[Speaker, GrowingTree] = field(default_factory=dict)
    lines: GrowingTree = field(default_factory=GrowingTree)
    """[-] over the lines themselves."""
    at: Now = NEVER
    """[-] when the record got the last line."""
    signed: Signed = field(default_factory=Signed)

    def copy(self) -> "PumpCheck":
        """Give another that goes on from here by itself."""
        trees = {speaker: tree.copy() for speaker, tree in self.trees.items()}
        return PumpCheck(
            self.position, self.link, dict(self.heads), trees, self.lines.copy(), self.at
        )

    @property
    def open_lines(self) -> int:
        """Count the lines behind the last checkpoint of the whole record."""
        return self.position - self.signed.position

    @property
    def open_events(self) -> int:
        """Count the events behind the last checkpoint that covers them."""
        sizes = self.signed.sizes
        return sum(tree.size - sizes.get(name, 0) for name, tree in self.trees.items())


@dataclass(frozen=True, slots=True)
class OpenEnd:
    """What of one pump stands behind the last checkpoint: signed by nobody yet."""

    pump: PumpId
    after: int
    """[-] position of the last line under a checkpoint."""
    lines: int
    """[-] behind it."""
    events: int
    """[-] among them that no checkpoint of their speaker covers."""
    since: UtcMillis
    """[ms] therapy time at which the record got the first of these lines."""
    until: UtcMillis
    """[ms] and the last."""
    elsewhere: int = 0
    """[-] of the lines that stand in another journal at hand, with the same words and times."""
    missing: tuple[str, ...] = ()
    """[-] what other journals have and the record has not."""
    has_checkpoint: bool = True
    """[-] some line or event before was signed."""

    @property
    def nowhere(self) -> int:
        """Count the lines that nothing but the record itself has."""
        return self.lines - self.elsewhere

    @property
    def stands(self) -> bool:
        """Say whether all of it is held by another journal, and begins behind what is signed."""
        return not self.nowhere and not self.missing and self.has_checkpoint


@dataclass(frozen=True, slots=True)
class RecordReport:
    """What came of a check."""

    lines: int
    events: int
    checkpoints: int
    faults: tuple[Difference, ...]
    open_ends: tuple[OpenEnd, ...] = ()
    """[-] of each pump that has one."""

    @property
    def is_open(self) -> bool:
        """Say whether something stands under no checkpoint and in no other journal."""
        return any(not one.stands for one in self.open_ends)


class RecordCheck:
    """Checks line after line; what is wrong is named where it stands."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        """Hold the record against these checkpoints."""
        self.pumps: dict[PumpId, PumpCheck] = {}
        self.compared = 0
        self.contradicted: dict[PumpId, Difference] = {}
        """[-] by pump the first place where the record is not what a checkpoint says."""
        self._due: dict[tuple[PumpId, Speaker], dict[int, set[bytes]]] = {}
        self._lines_due: dict[PumpId, dict[int, set[bytes]]] = {}
        self._complete: set[tuple[PumpId, int]] = set()
        """[-] the lines up to which the historian signed: its own checkpoint is written last."""
        for (pump, speaker), found in checkpoints.items():
            due = self._due.setdefault((pump, speaker), {})
            for one in found:
                due.setdefault(one.size, set()).add(one.root)
                if one.lines:
                    lines_due = self._lines_due.setdefault(pump, {})
                    lines_due.setdefault(one.lines, set()).add(one.lines_root)
                    if speaker == HISTORIAN:
                        self._complete.add((pump, one.lines))

    def add(self, row: Row) -> Sequence[Difference]:
        """Check the next line of a pump and give what is wrong with it."""
        pump, wrong = self.pumps.get(row.pump), list[str]()
        if pump is None:
            pump = self.pumps[row.pump] = PumpCheck()
        try:
            pump.link = verify_next(pump.link, row, after=pump.position)
        except JournalAltered as error:
            wrong.append(error.reason)
            pump.link = link_in(row)
        pump.position = row.position
        pump.lines.add(line_leaf(row))
        try:
            head, _ = split(row.state)
            pump.at = Now(therapy=head.therapy, real=head.real, speed=head.speed)
            pump.signed.since = pump.signed.since or pump.at
            for leaf in leaves_in(row, pump.heads):
                self._grow(pump, row, leaf, wrong)
        except codec.DECODE_ERRORS as error:
            wrong.append(f"not understood: {error}")
        self._sign(pump, row, wrong)
        return [Difference(row.pump, row.position, text) for text in wrong] if wrong else ()

    def _contradict(self, pump: PumpId, position: int, text: str) -> Difference:
        found = Difference(pump, position, text)
        self.contradicted.setdefault(pump, found)
        return found

    def _grow(self, pump: PumpCheck, row: Row, leaf: Leaf, wrong: list[str]) -> None:
        """Let a speaker's tree grow by a leaf, and add what is wrong with it."""
        head = pump.heads.get(leaf.speaker, NOTHING_HEARD)
        tree = pump.trees.get(leaf.speaker)
        if tree is None:
            tree = pump.trees[leaf.speaker] = GrowingTree()
        is_known = bool(head.sha256) or not head.version
        if leaf.version != head.version + 1:
            wrong.append(f"{leaf.speaker} says number {leaf.version} after {head.version}")
            for _ in range(head.version + 1, leaf.version):
                tree.add(leaf_hash(LOST))  # a number is a place in the tree
        elif is_known and leaf.previous not in (None, head.sha256):
            wrong.append(
                f"number {leaf.version} of {leaf.speaker} does not follow upon the one before"
            )
        sha256 = codec.sha256_hex(leaf.data) if leaf.data is not LOST else ""
        pump.heads[leaf.speaker] = StreamHead(leaf.version, sha256)
        tree.add(leaf_hash(leaf.data))
        roots = self._due.get((row.pump, leaf.speaker), {}).get(tree.size)
        if roots is None:
            return
        self.compared += 1
        if roots == {tree.root()}:
            pump.signed.sizes[leaf.speaker] = tree.size
        else:
            text = f"events 1 to {tree.size} of {leaf.speaker} are not those of the checkpoint"
            wrong.append(self._contradict(row.pump, row.position, text).text)

    def _sign(self, pump: PumpCheck, row: Row, wrong: list[str]) -> None:
        """Hold all lines so far against what a checkpoint says of them."""
        roots = self._lines_due.get(row.pump, {}).get(row.position)
        if roots is None or pump.signed.is_wrong:
            return
        self.compared += 1
        if roots != {pump.lines.root()}:
            pump.signed.is_wrong = True
            after = pump.signed.position + 1
            text = (
                f"lines {after} to {row.position} are not those of the checkpoint: an event, a "
                "command, who gave it, or a time is another one"
            )
            wrong.append(self._contradict(row.pump, row.position, text).text)
            return
        if (row.pump, row.position) in self._complete:
            sizes = {name: tree.size for name, tree in pump.trees.items()}
            pump.signed = Signed(row.position, sizes)

    def end(self, ends: Mapping[PumpId, ChainTip]) -> Iterator[Difference]:
        """Give what is missing behind the last line, in the record or among the checkpoints."""
        for name, end in ends.items():
            pump = self.pumps.get(name, PumpCheck())
            if pump.position < end.position:
                text = f"the journal goes on to line {end.position}"
                yield Difference(name, pump.position + 1, text)
            elif pump.position == end.position and pump.link != end.link:
                text = "it is not the line that the journal ended with"
                yield Difference(name, end.position, text)
        for name, lines in self._lines_due.items():
            pump, most = self.pumps.get(name, PumpCheck()), max(lines)
            if pump.position < most:
                text = f"the record ends here, with {most} lines in the checkpoint"
                yield self._contradict(name, pump.position, text)
        for (name, speaker), due in self._due.items():
            pump = self.pumps.get(name, PumpCheck())
            tree, most = pump.trees.get(speaker, GrowingTree()), max(due, default=0)
            if tree.size < most:
                text = f"{speaker} has {tree.size} events here, {most} in the checkpoint"
                yield self._contradict(name, pump.position, text)
        yield from self.missing_checkpoints()

    def missing_checkpoints(self) -> Iterator[Difference]:
        """Name the speakers of whom a checkpoint is gone that was there.

        The historian's own is written last: by then each of the others has one of its size.
        """
        for name, pump in self.pumps.items():
            if (name, pump.signed.position) not in self._complete:
                continue
            for speaker, size in sorted(pump.signed.sizes.items()):
                if size not in self._due.get((name, speaker), {}):
                    text = f"the checkpoint of {speaker} over {size} events is gone"
                    yield Difference(name, pump.signed.position, text)


def open_end(name: PumpId, pump: PumpCheck) -> OpenEnd:
    """Say what of a pump stands behind the last checkpoint; nothing: no lines."""
    since, until = pump.signed.since or pump.at, pump.at
    return OpenEnd(
        pump=name,
        after=pump.signed.position,
        lines=pump.open_lines,
        events=pump.open_events,
        since=since.therapy,
        until=until.therapy,
        has_checkpoint=bool(pump.signed.position or pump.signed.sizes),
    )
