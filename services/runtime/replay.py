"""Replay: what a record says of a pump, and every decision of a journal made once more."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from core.decider import Decider
from schemas import codec
from schemas.message import Event, Now
from schemas.units import PumpId, UtcMillis
from services.runtime.books import Ledger
from services.runtime.causal_order import read_past
from services.runtime.entries import ADOPTED, HEARD, ReadEntry, read_row
from services.runtime.errors import JournalAltered
from services.runtime.moved_heads import moved_head
from services.runtime.ports import End, Head, Row, Store
from services.runtime.record_fold import RecordFold
from services.runtime.row_links import followed, link_in
from services.runtime.snapshots import Snapshots, folded
from services.runtime.speech import say


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where a journal and its decider do not agree."""

    pump: PumpId
    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of making decisions again."""

    decisions: int
    events: int
    differences: tuple[Difference, ...]


def replay(
    store: Store,
    *,
    pump: PumpId,
    at: UtcMillis | None = None,
    snapshots: Snapshots | None = None,
) -> dict[str, msgspec.Struct]:
    """Fold the record of a pump with the deciders' own `evolve`, and show what each would.

    Args:
        store: the historian's journal.
        pump: whose record.
        at: [ms] therapy time; what was decided later is left out; None for all.
        snapshots: from which the fold goes on where they are of this record; all is folded else.

    Returns:
        The view of each speaker at `at`, or at the time of the last event.
    """
    fold = folded(store, snapshots, pump=pump, at=at) if snapshots else None
    if fold is None:
        fold = RecordFold(pump)
        for _, row in store.rows(pump=pump):
            fold.add(row, until=at)
    return fold.views(at=at)


def known_by(
    decider: Decider[Any], store: Store, *, pump: PumpId, at: UtcMillis | None = None
) -> msgspec.Struct:
    """Fold a service's own journal: what it knew at an instant, and nothing that came later.

    What happened before and was heard after is absent; so is every later correction.

    Args:
        decider: whose journal it is.
        store: its journal.
        pump: of which pump.
        at: [ms] therapy time; what it decided later is left out; None for all.

    Returns:
        The service's view at `at`, or at the time of its last decision.
    """
    state = decider.initial(pump)
    now = Now(therapy=UtcMillis(at or 0), real=UtcMillis(0), speed=1)
    for _, row in store.rows(pump=pump):
        read = read_row(row)
        if at is not None and read.now.therapy > at:
            break  # a service's time never goes back
        state = decider.evolve(state, read.entry)
        if at is None:
            now = read.now
    return decider.view(state, now)


def pumps_in(store: Store) -> tuple[PumpId, ...]:
    """Name the pumps that a journal knows, sorted."""
    return tuple(sorted({pump for pump, _ in store.heads()}))


@dataclass(slots=True)
class _Again:
    """One pump's decisions, made again."""

    ledger: Ledger[Any]
    heard: ReadEntry | None = None
    position: int = 0
    link: str = ""
    at: int = 0
    expected: list[Event] = field(default_factory=list)


def verify_decisions(decider: Decider[Any], store: Store) -> Verdict:
    """Run a journal again and compare each event's bytes with those stored."""
    pumps: dict[PumpId, _Again] = {}
    ends = store.ends()
    differences: list[Difference] = []
    decisions = events = 0
    for _, row in store.rows():
        again = pumps.setdefault(row.pump, _Again(Ledger(row.pump, decider.initial(row.pump))))
        differences.extend(_follow(again, row, ends.get(row.pump)))
        try:
            read = read_row(row)
        except codec.DECODE_ERRORS as error:
            differences.append(Difference(row.pump, row.position, f"not understood: {error}"))
            continue
        if row.topic.startswith(HEARD):
            differences.extend(_unsaid(row.pump, again))
            differences.extend(_hear(decider, row.pump, again, read, row.position))
            decisions += 1
        elif row.topic.startswith(ADOPTED):
            _fold(decider, again, read)
        else:
            events += 1
            differences.extend(_compare(decider, row.pump, again, read, row.position))
    for pump, again in pumps.items():
        differences.extend(_unsaid(pump, again))
    differences.extend(_cut_off(pumps, ends))
    return Verdict(decisions, events, tuple(differences))


def _follow(again: _Again, row: Row, end: End | None) -> Iterator[Difference]:
    """Hold a line against the one before and against the end; go on from it as it stands."""
    try:
        followed(again.link, row, after=again.at)
    except JournalAltered as error:
        yield Difference(row.pump, row.position, error.reason)
    again.at, again.link = row.position, link_in(row)
    if end is not None and row.position == end.position and again.link != end.link:
        yield Difference(row.pump, row.position, "it is not the line that the journal ended with")


def _cut_off(pumps: dict[PumpId, _Again], ends: Mapping[PumpId, End]) -> Iterator[Difference]:
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
    try:
        again.expected = list(decider.decide(again.ledger.state, read.entry, read.now))
    except Exception as error:  # noqa: BLE001  # what no longer decides is a difference
        again.expected = []
        yield Difference(pump, position, f"deciding raised {type(error).__name__}: {error}")
    _fold(decider, again, read)


def _fold(decider: Decider[Any], again: _Again, read: ReadEntry) -> None:
    ledger = again.ledger
    ledger.state = decider.evolve(ledger.state, read.entry)
    moved = moved_head(read, ledger.heads, hears=decider.hears)
    if moved is not None:
        speaker, head = moved
        ledger.heads[speaker] = head
        if speaker != decider.name:
            ledger.heard[speaker] = head.version


def _compare(
    decider: Decider[Any], pump: PumpId, again: _Again, read: ReadEntry, position: int
) -> Iterator[Difference]:
    if read.head.entry == 0:
        _fold(decider, again, read)
        return
    if not again.expected or again.heard is None:
        yield Difference(pump, position, f"{read.entry.id} is not decided any more")
    else:
        _begin_where_it_goes_on(decider, again, read)
        spoken = say(
            again.expected.pop(0),
            speaker=decider.name,
            pump=pump,
            after=again.ledger.heads.get(decider.name),
            cause=again.heard.entry.id,
            heard=again.ledger.heard,
            when=again.heard.head,
        )
        if spoken.data != read.data and not _is_older_form(spoken.data, read.data):
            said, stored = spoken.data.decode(), read.data.decode(errors="replace")
            yield Difference(pump, position, f"decided {said}, stored {stored}")
    _fold(decider, again, read)


def _begin_where_it_goes_on(decider: Decider[Any], again: _Again, read: ReadEntry) -> None:
    """Take over the number of what was said before this journal began, which nobody has any more.

    A historian whose journal was lost goes on with its own number; its earlier remarks are gone.
    """
    if decider.name in again.ledger.heads:
        return
    first = read_past(read.data)
    if first.version > 1:
        again.ledger.heads[decider.name] = Head(first.version - 1, first.envelope.previous)


def _is_older_form(said: bytes, stored: bytes) -> bool:
    """Say whether the stored event has an older tag, and means what is decided today."""
    now, then = codec.decode_envelope(said), codec.decode_envelope(stored)
    if codec.upcast(then.event) is None:
        return False
    return codec.decode_event(now.event) == codec.decode_event(then.event)


def _unsaid(pump: PumpId, again: _Again) -> Iterator[Difference]:
    for event in again.expected:
        yield Difference(pump, again.position, f"{type(event).__name__} is decided, not stored")
    again.expected = []
