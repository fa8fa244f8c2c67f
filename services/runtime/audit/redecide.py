"""Every decision of a journal made once more, and held against what is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from core.kernel.decider import Decider
from core.record.decision_diff import EventChange, change_of, paired
from schemas.basal.profiles import ZoneResolved
from schemas.message import Event, name_of
from schemas.record import Restarted
from schemas.units import PumpId, UtcMillis
from schemas.wire import codec
from services.runtime.audit.findings import (
    BrokenOff,
    Changed,
    Difference,
    VerificationReport,
    Versions,
)
from services.runtime.decider_host.event_writer import seal
from services.runtime.decider_host.speaker_heads import head_after
from services.runtime.decider_host.unit_of_work import PumpStream
from services.runtime.journal.causal_order import read_past
from services.runtime.journal.entries import IMPORTED, INPUT, ReadEntry, read_row
from services.runtime.journal.hash_chain import link_in, verify_next
from services.runtime.platform.errors import JournalAltered
from services.runtime.platform.release import version
from services.runtime.platform.zones import tzdata_version
from services.runtime.ports import ChainTip, Row, Store, StreamHead


@dataclass(slots=True)
class _Again:
    """One pump's decisions, made again."""

    ledger: PumpStream[Any]
    heard: ReadEntry | None = None
    position: int = 0
    link: str = ""
    at: int = 0
    expected: list[Event] = field(default_factory=list)
    stored: list["_Stored"] = field(default_factory=list)
    versions: list[Versions] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)


class _Stored(NamedTuple):
    """One event of a decision as it was said, and after which of its speaker's."""

    read: ReadEntry
    position: int
    after: StreamHead | None

    @property
    def body(self) -> Event:
        """Give the event."""
        body = self.read.entry.body
        if not isinstance(body, Event):
            raise TypeError(f"{self.read.entry.id} is no event")
        return body


def verify_decisions(
    decider: Decider[Any], store: Store, *, since: UtcMillis | None = None
) -> VerificationReport:
    """Run a journal again and compare each event's bytes with those stored.

    Args:
        decider: whose journal it is.
        store: the journal.
        since: [ms] therapy time; what was decided before is folded as it stands. None: all anew.

    Raises:
        BrokenOff: by Ctrl-C; from its time on the rest can be done.
    """
    run = _Run(decider, since)
    ends = store.ends()
    try:
        for _, row in store.rows():
            run.take(row, ends.get(row.pump))
        run.end(ends)
    except KeyboardInterrupt:
        raise BrokenOff(run.report(), run.reached) from None
    return run.report()


class _Run:
    """One reading of a journal."""

    def __init__(self, decider: Decider[Any], since: UtcMillis | None) -> None:
        self._decider = decider
        self._since = since
        self._pumps: dict[PumpId, _Again] = {}
        self._differences: list[Difference] = []
        self._decisions = self._events = 0
        self.reached = UtcMillis(since or 0)

    def take(self, row: Row, end: ChainTip | None) -> None:
        """Hold one line."""
        pump, decider = row.pump, self._decider
        again = self._pumps.get(pump)
        if again is None:
            again = self._pumps[pump] = _Again(PumpStream(pump, decider.initial(pump)))
        self._differences.extend(_follow(again, row, end))
        try:
            read = read_row(row)
        except codec.DECODE_ERRORS as error:
            self._differences.append(Difference(pump, row.position, f"not understood: {error}"))
            return
        is_adopted = row.topic.startswith(IMPORTED)
        if self._since is not None and read.head.therapy < self._since:
            _skip(decider, again, read)
        elif row.topic.startswith(INPUT):
            self._differences.extend(_held(decider, pump, again))
            self.reached = read.head.therapy
            self._differences.extend(_hear(decider, pump, again, read, row.position))
            self._decisions += 1
        elif read.head.entry and not is_adopted:
            self._events += 1
            _take(decider, again, read, row.position)
        else:
            self._events += not is_adopted
            self._differences.extend(_held(decider, pump, again))
            _fold(decider, again, read)

    def end(self, ends: Mapping[PumpId, ChainTip]) -> None:
        """Hold what was decided last, and where the journal ends."""
        for pump, again in self._pumps.items():
            self._differences.extend(_held(self._decider, pump, again))
        self._differences.extend(_cut_off(self._pumps, ends))

    def report(self) -> VerificationReport:
        """Say what came of it so far."""
        found = self._pumps.values()
        return VerificationReport(
            self._decisions,
            self._events,
            tuple(self._differences),
            tuple(one for again in found for one in again.changed),
            tuple(dict.fromkeys(one for again in found for one in again.versions)),
            Versions(version(), tzdata_version()),
        )


def _skip(decider: Decider[Any], again: _Again, read: ReadEntry) -> None:
    """Go on from what was decided as it stands."""
    if read.is_input:
        _note_versions(again, read.entry.body)
    elif read.head.entry:
        _begin_where_it_goes_on(decider, again, read)
    _fold(decider, again, read)


def _follow(again: _Again, row: Row, end: ChainTip | None) -> Iterator[Difference]:
    """Hold a line against the one before and against the end; go on from it as it stands."""
    try:
        verify_next(again.link, row, after=again.at)
    except JournalAltered as error:
        yield Difference(row.pump, row.position, error.reason)
    again.at, again.link = row.position, link_in(row)
    if end is not None and row.position == end.position and again.link != end.link:
        yield Difference(row.pump, row.position, "it is not the line that the journal ended with")


def _cut_off(pumps: dict[PumpId, _Again], ends: Mapping[PumpId, ChainTip]) -> Iterator[Difference]:
    """Name lines that the journal said it had; a service that runs may have written more since."""
    for pump, end in ends.items():
        again = pumps.get(pump)
        at = again.at if again else 0
        if at < end.position:
            yield Difference(pump, at + 1, f"the journal goes on to line {end.position}")


def _hear(
    decider: Decider[Any], pump: PumpId, again: _Again, read: ReadEntry, position: int
) -> Iterator[Difference]:
    again.heard, again.position = read, position
    _note_versions(again, read.entry.body)
    try:
        again.expected = list(decider.decide(again.ledger.state, read.entry, read.now))
    except Exception as error:  # noqa: BLE001  # what no longer decides is a difference
        again.expected = []
        yield Difference(pump, position, f"deciding raised {type(error).__name__}: {error}")
    _fold(decider, again, read)


def _note_versions(again: _Again, body: object) -> None:
    """Note what the process runs by: it says so at each start, and at each look at a zone."""
    match body:
        case Restarted(release=release, tzdata=tzdata):
            again.versions.append(Versions(release, tzdata))
        case ZoneResolved(tzdata=tzdata):
            release = again.versions[-1].release if again.versions else ""
            again.versions.append(Versions(release, tzdata))
        case _:
            pass


def _fold(decider: Decider[Any], again: _Again, read: ReadEntry) -> None:
    ledger = again.ledger
    ledger.state = decider.evolve(ledger.state, read.entry)
    moved = head_after(read, ledger.heads, subscribes_to=decider.subscribes_to)
    if moved is not None:
        speaker, head = moved
        ledger.heads[speaker] = head
        if speaker != decider.name:
            ledger.heard[speaker] = head.version


def _take(decider: Decider[Any], again: _Again, read: ReadEntry, position: int) -> None:
    """Take an event that was said because of the entry before; go on from it as it stands."""
    _begin_where_it_goes_on(decider, again, read)
    again.stored.append(_Stored(read, position, again.ledger.heads.get(decider.name)))
    _fold(decider, again, read)


def _held(decider: Decider[Any], pump: PumpId, again: _Again) -> Iterator[Difference]:
    """Hold what was said because of an entry against what is decided of it today."""
    stored, decided = again.stored, again.expected
    again.stored, again.expected = [], []
    heard = again.heard
    said = [one.body for one in stored]
    found: list[EventChange] = []
    for one, other in paired(said, decided):
        kept = None if one is None else stored[one]
        event = None if other is None else decided[other]
        if kept is not None and event is not None and _is_said_again(decider, again, kept, event):
            continue
        change = change_of(kept.body if kept else None, event)
        found.append(change)
        yield Difference(pump, kept.position if kept else again.position, _in_words(change))
    if found and heard is not None:
        again.changed.append(_changed(pump, again, heard, found))


def _is_said_again(decider: Decider[Any], again: _Again, kept: _Stored, event: Event) -> bool:
    """Say whether an event of today is what is stored, to the byte."""
    if again.heard is None:
        return False
    spoken = seal(
        event,
        speaker=decider.name,
        pump=again.ledger.pump,
        after=kept.after,
        cause=again.heard.entry.id,
        heard=again.ledger.heard,
        when=again.heard.head,
    )
    return spoken.data == kept.read.data or _is_older_form(spoken.data, kept.read.data)


def _in_words(change: EventChange) -> str:
    if not change.is_decided:
        return f"{change.kind} is not decided any more"
    if not change.is_stored:
        return f"{change.kind} is decided, not stored"
    fields = "; ".join(f"{one.field} {one.stored} -> {one.decided}" for one in change.fields)
    return f"{change.kind} is decided otherwise: {fields or 'what stands around it'}"


def _changed(
    pump: PumpId, again: _Again, heard: ReadEntry, found: Sequence[EventChange]
) -> Changed:
    return Changed(
        pump=pump,
        position=again.position,
        at=heard.head.therapy,
        heard=heard.entry.id,
        kind=name_of(type(heard.entry.body)),
        versions=again.versions[-1] if again.versions else None,
        events=tuple(found),
    )


def _begin_where_it_goes_on(decider: Decider[Any], again: _Again, read: ReadEntry) -> None:
    """Take over the number of what was said before this journal began, which nobody has any more.

    A historian whose journal was lost goes on with its own number; its earlier remarks are gone.
    """
    if decider.name in again.ledger.heads:
        return
    first = read_past(read.data)
    if first.version > 1:
        again.ledger.heads[decider.name] = StreamHead(first.version - 1, first.envelope.previous)


def _is_older_form(said: bytes, stored: bytes) -> bool:
    """Say whether the stored event has an older tag, and means what is decided today."""
    now, then = codec.decode_envelope(said), codec.decode_envelope(stored)
    if codec.upcast(then.event) is None:
        return False
    return codec.decode_event(now.event) == codec.decode_event(then.event)
