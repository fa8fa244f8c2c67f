"""What a service knows of each pump, and the transaction that it is writing."""

from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from core.kernel.decider import Decider, Entry
from schemas.message import EVENTS_PER_DECISION_MAX, Now
from schemas.record import SpeakerForked
from schemas.units import CommandId, PumpId, Speaker
from schemas.wire import codec
from schemas.wire.subjects import parse_subject
from services.runtime.decider_host.command_outcomes import outcome_again
from services.runtime.decider_host.speaker_heads import head_after
from services.runtime.decider_host.state_snapshot import (
    Remembered,
    StateFile,
    Unusable,
    packed,
    read_snapshot,
)
from services.runtime.journal.entries import ReadEntry, RowMetadata, kept_name, read_row, split
from services.runtime.journal.hash_chain import append_link, verify_next
from services.runtime.platform.errors import JournalAltered
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.logs import get_logger
from services.runtime.platform.start_progress import StartProgress
from services.runtime.ports import ChainTip, Commit, Row, Store, StreamHead

StateT = TypeVar("StateT")

LINES_TOLD: Final = 10_000
"""[-] of a journal that are read between two words about it."""

log = get_logger()


@dataclass(slots=True)
class PumpStream(Remembered[StateT]):
    """What is known of one pump."""

    pump: PumpId
    state: StateT
    position: int = 0
    link: str = ""
    heads: dict[Speaker, StreamHead] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    forked: set[Speaker] = field(default_factory=set)
    given_up: dict[Speaker, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    rows: list[Row] = field(default_factory=list)
    heads: dict[tuple[PumpId, Speaker], StreamHead] = field(default_factory=dict)
    commands: dict[tuple[PumpId, CommandId], int] = field(default_factory=dict)
    touched: dict[PumpId, PumpStream[Any]] = field(default_factory=dict)
    sequence: int = 0


class UnitOfWork(Generic[StateT]):
    """The ledgers of all pumps over one store."""

    def __init__(
        self, *, decider: Decider[StateT], store: Store, snapshot: StateFile | None = None
    ) -> None:
        """Fold the journal, or what of it came after a snapshot that fits.

        Args:
            decider: whose state it is.
            store: the journal.
            snapshot: the file; none, or one that does not fit, and all lines are folded.

        Raises:
            JournalAltered: a line of it is not what was written.
        """
        self.pump_streams: dict[PumpId, PumpStream[StateT]] = {}
        self.last_now: Now | None = None
        self.stream = ""
        self._decider = decider
        self._store = store
        self._draft = _Draft()
        self._sequence = 0
        self.row = 0
        """[-] number of the newest line folded, in the order of storing; of what a start read."""
        self.verified_from: dict[PumpId, ChainTip] = {}
        """[-] by pump, the line before the first that this start has held against its chain."""
        self._key = snapshot.key if snapshot else b""
        self._begin(snapshot)
        self._load(StartProgress(snapshot.path if snapshot else None))

    @property
    def position(self) -> int:
        """Give the position in the stream that is followed, as stored."""
        return self._sequence

    def follow(self, *, stream: str) -> int:
        """Follow the stream created at that instant; give the position in it, 0 for a new one."""
        self.stream = stream
        self._sequence = self._store.sequence(stream=stream)
        return self._sequence

    def _begin(self, file: StateFile | None) -> None:
        """Go on from a snapshot if there is one that fits."""
        if file is None:
            return
        try:
            found = read_snapshot(file, self._decider, self._store)
        except FileNotFoundError:
            return
        except (Unusable, OSError) as error:
            log.warning("journal.snapshot_not_used", path=str(file.path), reason=str(error))
            return
        for pump, known in found.pumps.items():
            self.pump_streams[pump] = PumpStream(
                pump,
                known.state,
                known.position,
                known.link,
                known.heads,
                known.heard,
                known.forked,
            )
            self.verified_from[pump] = ChainTip(known.position, known.link)
        self.row, self.last_now = found.row, found.now

    def snapshot(self) -> bytes | None:
        """Write what is known, between two transactions; None where the journal is empty.

        Raises:
            Unusable: a state would not be read back as it is.
        """
        newest = next(self._store.rows(newest_first=True), None)
        if newest is None:
            return None
        self.row, row = newest
        head, _ = split(row.state)
        now = Now(therapy=head.therapy, real=head.real, speed=head.speed)
        # A pump that was named and never written of has no line to be found again by.
        kept = {pump: known for pump, known in self.pump_streams.items() if known.position}
        return packed(self._decider, kept, row=self.row, now=now, key=self._key)

    def _load(self, progress: StartProgress) -> None:
        total = sum(end.position for end in self._store.ends().values())
        for read, (number, row) in enumerate(self._store.rows(after_row=self.row), start=1):
            self.row = number
            if read % LINES_TOLD == 0:
                progress.tell(read, of=total)
                log.info("journal.reading", lines=read, of=total)
            pump_stream = self.pump_stream(row.pump)
            pump_stream.link = verify_next(pump_stream.link, row, after=pump_stream.position)
            pump_stream.position = row.position
            try:
                line = read_row(row)
            except codec.DECODE_ERRORS as error:
                raise JournalAltered(row.pump, row.position, f"not understood: {error}") from error
            if line.entry.actor is not None and not self._is_kept(row.pump, line):
                reason = f"the command {line.entry.id} is not among those that were obeyed"
                raise JournalAltered(row.pump, row.position, reason)
            self._fold(pump_stream, line.entry)
            moved = head_after(line, pump_stream.heads, subscribes_to=self._decider.subscribes_to)
            if moved is not None:
                self._set_head(pump_stream, *moved)
            self.last_now = line.now
        progress.end()
        self._compare_ends()

    def _is_kept(self, pump: PumpId, read: ReadEntry) -> bool:
        """Say whether a command that was heard is known as such: it would be obeyed again."""
        name = CommandId(read.entry.id)
        if not read.is_input:
            name = kept_name(parse_subject(read.head.subject).service, name)
        return self._store.knows(pump=pump, command=name)

    def _compare_ends(self) -> None:
        """Hold what the lines led to against what was kept beside them."""
        for pump, end in self._store.ends().items():
            pump_stream = self.pump_stream(pump)
            if (pump_stream.position, pump_stream.link) != (end.position, end.link):
                reason = f"the journal goes on to line {end.position}, which is not there"
                raise JournalAltered(pump, pump_stream.position + 1, reason)
        for (pump, speaker), head in self._store.heads().items():
            pump_stream = self.pump_stream(pump)
            found = pump_stream.heads.get(speaker)
            # A historian whose own words were lost goes on with a later number.
            is_later = speaker == self._decider.name and (
                found is None or head.version > found.version
            )
            if found != head and not is_later:
                reason = f"{speaker} was heard up to {head.version} by another count"
                raise JournalAltered(pump, pump_stream.position, reason)
            self._set_head(pump_stream, speaker, head)

    def pump_stream(self, pump: PumpId) -> PumpStream[StateT]:
        """Give what is known of a pump, nothing for a new one."""
        found = self.pump_streams.get(pump)
        if found is None:
            found = self.pump_streams[pump] = PumpStream(pump, self._decider.initial(pump))
        return found

    def not_before(self, now: Now) -> Now:
        """Give `now`, or the last time a decision got where the clock has gone back."""
        last = self.last_now
        if last is not None and (now.therapy < last.therapy or now.real < last.real):
            now = Now(
                therapy=max(now.therapy, last.therapy),
                real=max(now.real, last.real),
                speed=now.speed,
            )
        self.last_now = now
        return now

    def outcome(self, pump: PumpId, command: CommandId) -> bytes | None:
        """Give what came of a command, that of this transaction included."""
        drafted = self._draft.commands.get((pump, command))
        if drafted is not None:
            rows = [row for row in self._draft.rows if row.pump == pump]
            return outcome_again(command, [row for row in rows if row.position >= drafted])
        position = self._store.command(pump=pump, command=command)
        if position is None:
            return None
        count = EVENTS_PER_DECISION_MAX + 1
        return outcome_again(command, self._store.rows_from(pump, position, count=count))

    def is_answered(self, pump: PumpId, command: CommandId) -> bool:
        """Say whether a command was heard before, in this transaction or an earlier one."""
        if (pump, command) in self._draft.commands:
            return True
        return self._store.knows(pump=pump, command=command)

    def put_row(
        self,
        pump_stream: PumpStream[StateT],
        topic: str,
        *,
        head: RowMetadata,
        data: bytes,
        entry: Entry,
        evolved: StateT | None = None,
    ) -> int:
        """Write one line, fold it unless `evolved` is the state after it, give its position."""
        pump_stream.position += 1
        bare = Row(pump_stream.pump, pump_stream.position, topic, b"")
        row, pump_stream.link = append_link(pump_stream.link, bare, head, data)
        self._draft.rows.append(row)
        self._draft.touched[pump_stream.pump] = pump_stream
        if evolved is None:
            self._fold(pump_stream, entry)
        else:
            pump_stream.state = evolved
        return pump_stream.position

    def put_head(self, pump_stream: PumpStream[StateT], speaker: Speaker, head: StreamHead) -> None:
        """Move a speaker's head on."""
        self._set_head(pump_stream, speaker, head)
        self._draft.heads[pump_stream.pump, speaker] = head

    def put_command(
        self, pump_stream: PumpStream[StateT], command: CommandId, position: int
    ) -> None:
        """Keep where a command was heard: what came of it stands there and right after."""
        self._draft.commands[pump_stream.pump, command] = position

    def put_sequence(self, sequence: int) -> None:
        """Move the position in the stream on."""
        self._draft.sequence = max(self._draft.sequence, sequence)

    def commit(self) -> None:
        """Store the transaction, durable when this returns."""
        draft, self._draft = self._draft, _Draft()
        moved = draft.sequence if draft.sequence > self._sequence else 0
        if not draft.rows and not moved:
            return
        failpoint("commit_before")
        self._store.commit(
            Commit(
                rows=draft.rows,
                heads=draft.heads,
                commands=draft.commands,
                ends={
                    pump: ChainTip(pump_stream.position, pump_stream.link)
                    for pump, pump_stream in draft.touched.items()
                },
                stream=self.stream,
                sequence=moved,
            )
        )
        failpoint("commit_after")
        self._sequence = max(self._sequence, moved)

    def _fold(self, pump_stream: PumpStream[StateT], entry: Entry) -> None:
        pump_stream.state = self._decider.evolve(pump_stream.state, entry)
        if isinstance(entry.body, SpeakerForked) and entry.speaker == self._decider.name:
            pump_stream.forked.add(Speaker(entry.body.speaker))

    def _set_head(
        self, pump_stream: PumpStream[StateT], speaker: Speaker, head: StreamHead
    ) -> None:
        pump_stream.heads[speaker] = head
        if speaker != self._decider.name:
            pump_stream.heard[speaker] = head.version
