"""A historian's record held against itself and against checkpoints that lie elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.record.checkpoints import Checkpoint
from core.record.merkle_tree import GrowingTree, leaf_hash
from schemas.units import PumpId, Speaker
from schemas.wire import codec
from services.runtime.audit.findings import Difference
from services.runtime.audit.merkle_leaves import LOST, Leaf, leaves_in
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.hash_chain import link_in, verify_next
from services.runtime.platform.errors import JournalAltered
from services.runtime.ports import ChainTip, Row, Store, StreamHead

Checkpoints = Mapping[tuple[PumpId, Speaker], Sequence[Checkpoint]]
"""[-] those kept elsewhere, in any order."""


@dataclass(slots=True)
class PumpCheck:
    """How far the record of one pump has been checked."""

    position: int = 0
    link: str = ""
    heads: dict[Speaker, StreamHead] = field(default_factory=dict)
    trees: dict[Speaker, GrowingTree] = field(default_factory=dict)

    def copy(self) -> "PumpCheck":
        """Give another that goes on from here by itself."""
        trees = {speaker: tree.copy() for speaker, tree in self.trees.items()}
        return PumpCheck(self.position, self.link, dict(self.heads), trees)


@dataclass(frozen=True, slots=True)
class RecordReport:
    """What came of a check."""

    lines: int
    events: int
    checkpoints: int
    faults: tuple[Difference, ...]


class RecordCheck:
    """Checks line after line; what is wrong is named where it stands."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        """Hold the record against these checkpoints."""
        self.pumps: dict[PumpId, PumpCheck] = {}
        self.compared = 0
        self._due = {key: {one.size: one for one in found} for key, found in checkpoints.items()}

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
        try:
            for leaf in leaves_in(row, pump.heads):
                self._grow(pump, row, leaf, wrong)
        except codec.DECODE_ERRORS as error:
            wrong.append(f"not understood: {error}")
        return [Difference(row.pump, row.position, text) for text in wrong] if wrong else ()

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
        due = self._due.get((row.pump, leaf.speaker))
        if due is not None and tree.size in due:
            self.compared += 1
            if due[tree.size].root != tree.root():
                wrong.append(
                    f"events 1 to {tree.size} of {leaf.speaker} are not those of the checkpoint"
                )

    def end(self, ends: Mapping[PumpId, ChainTip]) -> Iterator[Difference]:
        """Give what is missing behind the last line."""
        for name, end in ends.items():
            pump = self.pumps.get(name, PumpCheck())
            if pump.position < end.position:
                text = f"the journal goes on to line {end.position}"
                yield Difference(name, pump.position + 1, text)
            elif pump.position == end.position and pump.link != end.link:
                text = "it is not the line that the journal ended with"
                yield Difference(name, end.position, text)
        for (name, speaker), due in self._due.items():
            pump = self.pumps.get(name, PumpCheck())
            tree, most = pump.trees.get(speaker, GrowingTree()), max(due, default=0)
            if tree.size < most:
                text = f"{speaker} has {tree.size} events here, {most} in the checkpoint"
                yield Difference(name, pump.position, text)


def check_record(store: Store, *, checkpoints: Checkpoints) -> RecordReport:
    """Check a whole record, once through.

    Args:
        store: the historian's journal.
        checkpoints: what lies elsewhere.
    """
    check, faults, lines = RecordCheck(checkpoints), list[Difference](), 0
    ends = store.ends()
    for _, row in store.rows():
        faults.extend(check.add(row))
        lines += 1
    faults.extend(check.end(ends))
    events = sum(tree.size for pump in check.pumps.values() for tree in pump.trees.values())
    return RecordReport(lines, events, check.compared, tuple(faults))
