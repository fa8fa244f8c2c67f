"""Every decision of a journal made once more, and held against what is stored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.decider import Decider
from schemas import codec
from schemas.message import Event
from schemas.units import PumpId
from services.runtime.books import Ledger
from services.runtime.causal_order import read_past
from services.runtime.entries import ADOPTED, HEARD, ReadEntry, read_row
from services.runtime.errors import JournalAltered
from services.runtime.moved_heads import moved_head
from services.runtime.ports import End, Head, Row, Store
from services.runtime.replay import Difference
from services.runtime.row_links import followed, link_in
from services.runtime.speech import say


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of making decisions again."""

    decisions: int
    events: int
    differences: tuple[Difference, ...]


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
