"""Single lines of journals found by their ids: events, and the commands and reports behind them."""

from collections.abc import Callable, Iterator, Set

import msgspec

from core.record.provenance import Known, is_event_id
from schemas.message import Command, Report
from schemas.units import CommandId, EventId, PumpId, Speaker
from schemas.wire import codec
from services.runtime.journal.entries import (
    event_name_in_topic,
    is_event,
    kept_name,
    read_row,
    split,
    topics_named,
)
from services.runtime.journal.event_ids import event_id_in
from services.runtime.ports import Row, Store

OpenJournal = Callable[[Speaker], Store | None]
"""[-] gives a service's own journal; None where it is not at hand."""


class Lookup:
    """Looks names up in a record, and what led to a decision in the decider's own journal.

    The record is read from its end as far back as the names asked for: what is new is found soon.
    """

    def __init__(self, record: Store, *, pump: PumpId, journals: OpenJournal) -> None:
        """Read nothing yet."""
        self._pump = pump
        self._record = record
        self._unread = record.rows(pump=pump, newest_first=True)
        self._met: dict[str, Row] = {}
        self._journals = journals

    def find(self, name: str, speaker: str) -> Known | None:
        """Find an event by its id, or a command or report that this speaker heard."""
        if is_event_id(name):
            return self._event(EventId(name))
        return self._heard(name, Speaker(speaker))

    def newest(self, kind: str) -> EventId | None:
        """Find the newest event of a kind, named as in its tag without the version."""
        for name, row in self._read_on():
            if event_name_in_topic(row.topic) == kind:
                return EventId(name)
        return None

    def _event(self, name: EventId) -> Known | None:
        if name not in self._met:
            next((found for found, _ in self._read_on() if found == name), None)
        row = self._met.get(name)
        return None if row is None else _known_event(split(row.state)[1])

    def _read_on(self) -> Iterator[tuple[str, Row]]:
        for _, row in self._unread:
            head, data = split(row.state)
            if is_event(head):
                name = str(event_id_in(data))
                self._met[name] = row
                yield name, row

    def _heard(self, name: str, speaker: Speaker) -> Known | None:
        """Read what a service heard itself: its own journal has it, the record commands alone."""
        journal = self._journals(speaker)
        if journal is not None:
            known = _line(journal, self._pump, _position(journal, self._pump, name))
            if known is not None and known.name == name:
                return msgspec.structs.replace(known, by=known.by or speaker)
        kept = self._record.command(pump=self._pump, command=kept_name(speaker, name))
        return _line(self._record, self._pump, kept)


def _line(journal: Store, pump: PumpId, position: int | None) -> Known | None:
    """Read the command or report of a line; `by` stays empty for a report."""
    rows = () if position is None else journal.rows_from(pump, position, count=1)
    for row in rows:
        read = read_row(row)
        if isinstance(read.entry.body, Command | Report):
            return Known(
                name=read.entry.id,
                at=read.head.therapy,
                recorded_at=read.head.real,
                by=str(read.entry.actor or ""),
                cause=None,
                body=read.entry.body,
            )
    return None


def events_of(store: Store, *, pump: PumpId, kinds: Set[str] = frozenset()) -> Iterator[Known]:
    """Stream a pump's events in the order in which the record has them.

    Args:
        store: the historian's journal, or any other.
        pump: about which.
        kinds: named as in their tags without the version; all when empty.
    """
    if kinds:
        for page in store.states(pump=pump, topics=topics_named(kinds)):
            for _, state in page:
                yield event_of(state)
        return
    for _, row in store.rows(pump=pump):
        if event_name_in_topic(row.topic) is not None:
            yield _known_event(row.state.partition(b"\n")[2])


def event_of(state: bytes) -> Known:
    """Decode the event of a line.

    Raises:
        One of codec.DECODE_ERRORS: it was altered, or is newer than this release.
    """
    return _known_event(state.partition(b"\n")[2])


def _known_event(data: bytes) -> Known:
    envelope = codec.decode_whole(data)
    return Known(
        name=envelope.id,
        at=envelope.at,
        recorded_at=envelope.recorded_at,
        by=envelope.id.partition(":")[0],
        cause=envelope.cause,
        body=envelope.event,
    )


def _position(journal: Store, pump: PumpId, name: str) -> int | None:
    """Give the line at which a command or report was heard; None for a command never heard."""
    _, _, number = name.partition("report:")
    if number.isdigit():
        return int(number)
    return journal.command(pump=pump, command=CommandId(name))
