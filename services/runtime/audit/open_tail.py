"""The lines of a record that no checkpoint covers: held against themselves and other journals."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from core.deciders.names import HISTORIAN
from core.record.provenance import is_event_id
from schemas.message import parse_event_id, tag_of
from schemas.record import Restarted
from schemas.units import CommandId, PumpId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.subjects import parse_subject
from services.runtime.audit.findings import Difference
from services.runtime.audit.line_times import Both, Heard, is_near, moved
from services.runtime.audit.record_check import OpenEnd
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.entries import (
    RowMetadata,
    is_event,
    kept_name,
    split,
    tag_in_topic,
)
from services.runtime.journal.witness import Sent, command_in
from services.runtime.ports import Row, Store, StreamHead, WitnessLine

LINES_AT_ONCE: Final = 1_000
"""[-] of a record that are read at once."""

UNDER_WAY_MS: Final = 5_000
"""[ms] before the newest line of a journal of a running system from which on the record may not
have heard it yet."""

_RESTARTED: Final = tag_of(Restarted)

_IN_WORDS_MAX: Final = 3
"""[-] of what is missing that are named one by one."""


class _Acting(msgspec.Struct):
    """What is read of an event's inside."""

    actor: str = ""


class _Told(msgspec.Struct):
    """What is read of an event."""

    id: str
    cause: str
    event: _Acting


_told: Final = msgspec.json.Decoder(_Told)


@dataclass(slots=True)
class OpenTail:
    """The open lines of one pump, by what they are."""

    end: OpenEnd
    newest: Mapping[Speaker, StreamHead] = field(default_factory=dict)
    """[-] the newest event of each speaker in the whole record."""
    events: dict[tuple[Speaker, int], Heard] = field(default_factory=dict)
    commands: dict[tuple[Speaker, str], Heard] = field(default_factory=dict)
    faults: list[Difference] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    """[-] what should stand in the record and does not."""
    newer: dict[Speaker, int] = field(default_factory=dict)
    """[-] number of the newest event that a service has said and the record has not."""
    is_cut: bool = False
    """[-] an event came by the stream, and its command, which stood before it there, is gone."""
    longest_ms: int = 0
    """[ms] of real time between the first and the last of them, within one run of the historian."""
    elsewhere: int = 0
    """[-] lines that another journal has too."""

    def first_open(self, speaker: Speaker) -> int:
        """Give the number of a speaker's first event among them, or the one after its newest."""
        open_ones = [version for name, version in self.events if name == speaker]
        return min(open_ones, default=self.newest.get(speaker, NOTHING_HEARD).version + 1)

    def told_from(self, service: Speaker) -> int:
        """Give the number of the last event of a service before them, or of its newest."""
        newest = self.newest.get(service, NOTHING_HEARD).version
        return min(self.first_open(service) - 1, newest)

    def fault(self, position: int, text: str) -> None:
        """Name what is wrong at a line."""
        self.faults.append(Difference(self.end.pump, position, text))

    def finished(self) -> OpenEnd:
        """Give what is known of the end now."""
        named = self.lacks[:_IN_WORDS_MAX]
        if len(self.lacks) > len(named):
            named.append(f"{len(self.lacks) - len(named)} more of that kind")
        return replace(self.end, elsewhere=self.elsewhere, missing=tuple(named))


@dataclass(slots=True)
class _Order:
    """How far the lines before went: no time goes back, nor does the stream within one run."""

    begun: UtcMillis = UtcMillis(0)
    """[ms] real time at which the run of the historian began, or its first open line was got."""
    therapy: UtcMillis = UtcMillis(0)
    real: UtcMillis = UtcMillis(0)
    sequence: int = 0
    """[-] in the stream."""

    def follow(self, row: Row, head: RowMetadata) -> Iterator[str]:
        """Go on to a line, and say what cannot follow upon the lines before."""
        if tag_in_topic(row.topic) == _RESTARTED:
            self.begun, self.sequence = head.real, 0
        self.begun = self.begun or head.real
        if head.real < self.real or head.therapy < self.therapy:
            yield "its time is before that of the line before it"
        if 0 < head.sequence <= self.sequence:
            yield "it stood in the stream before a line that was heard before it"
        self.therapy, self.real = head.therapy, head.real
        self.sequence = max(self.sequence, head.sequence)


def tail_in(record: Store, end: OpenEnd, *, newest: Mapping[Speaker, StreamHead]) -> OpenTail:
    """Read the open lines of a pump, and hold them against each other.

    An event that was heard in the stream stands behind the command that led to it, and says who
    gave it. One that was fetched later, when the stream was lost, may stand without.

    Args:
        record: the historian's journal.
        end: which lines those are.
        newest: [-] the newest event of each speaker in it.
    """
    tail = OpenTail(end, newest)
    actors: dict[tuple[Speaker, str], str] = {}
    order = _order_after(record, end)
    for row in _rows(record, end):
        try:
            head, data = split(row.state)
            for text in order.follow(row, head):
                tail.fault(row.position, text)
            tail.longest_ms = max(tail.longest_ms, head.real - order.begun)
            heard = Heard(row.position, codec.sha256_hex(data), head, order.begun)
            if is_event(head):
                told = _told.decode(data)
                speaker, _, version = parse_event_id(told.id)
                tail.events[speaker, version] = heard
                _hold_against_command(record, tail, actors, told, heard)
            elif (found := command_in(row, head, data)) is not None:
                service = parse_subject(head.subject).service if head.subject else HISTORIAN
                tail.commands[service, found.id] = heard
                actors[service, found.id] = found.actor
        except codec.DECODE_ERRORS:
            continue  # the check of lines and links tells of it
    return tail


def _order_after(record: Store, end: OpenEnd) -> _Order:
    """Begin with the last line that somebody has signed."""
    for row in record.rows_from(end.pump, end.after, count=1) if end.after else ():
        try:
            head, _ = split(row.state)
        except codec.DECODE_ERRORS:
            break
        return _Order(therapy=head.therapy, real=head.real, sequence=head.sequence)
    return _Order()


def _rows(record: Store, end: OpenEnd) -> Iterator[Row]:
    at, last = end.after + 1, end.after + end.lines
    while at <= last:
        page = record.rows_from(end.pump, at, count=min(LINES_AT_ONCE, last + 1 - at))
        if not page:
            return
        yield from page
        at = page[-1].position + 1


def _hold_against_command(
    record: Store,
    tail: OpenTail,
    actors: dict[tuple[Speaker, str], str],
    told: _Told,
    heard: Heard,
) -> None:
    """Hold an event against the command that it names as its cause."""
    if told.cause.startswith("report:") or is_event_id(told.cause):
        return
    speaker, pump, _ = parse_event_id(told.id)
    place = speaker, told.cause
    actor = actors.get(place)
    if actor is None:
        sent = kept_command(record, pump, *place)
        if sent is None:
            tail.lacks.append(f"the command {told.cause} that {told.id} came of")
            tail.is_cut = tail.is_cut or heard.head.sequence > 0
            return
        actor = actors[place] = sent.actor
    if told.event.actor not in ("", actor):
        text = f"{told.id} was asked for by {told.event.actor}, its command was given by {actor}"
        tail.fault(heard.position, text)


def kept_command(record: Store, pump: PumpId, service: Speaker, name: str) -> Sent | None:
    """Read a command that the record has, wherever it stands; None where it has not."""
    key = CommandId(name) if service == HISTORIAN else kept_name(service, name)
    position = record.command(pump=pump, command=key)
    rows = record.rows_from(pump, position, count=1) if position is not None else ()
    for row in rows:
        try:
            found = command_in(row, *split(row.state))
        except codec.DECODE_ERRORS:
            return None
        if found is not None and found.id == name:
            return found
    return None


def hold_against(
    record: Store,
    tail: OpenTail,
    lines: Iterable[WitnessLine],
    *,
    service: Speaker,
    newest: int,
    runs: bool = False,
) -> None:
    """Hold the open lines of a pump against what a service's own journal says.

    Args:
        record: the historian's journal.
        tail: its open lines; of a pump without any, an empty one.
        lines: of the service, newest first, as far as the open lines go; read after the record
            was: what was heard is in them.
        service: whose journal it is.
        newest: [-] number of its newest event for the pump.
        runs: the system runs: what the service got last may be on its way to the record.
    """
    kept = tail.newest.get(service, NOTHING_HEARD).version
    if newest < kept:
        text = f"event {kept} of {service} is not in its own journal, which ends with {newest}"
        tail.fault(tail.end.after + tail.end.lines, text)
    until: UtcMillis | None = None
    events: list[Both] = []
    for line in lines:
        until = until or UtcMillis(line.real - (UNDER_WAY_MS if runs else 0))
        is_due = not runs or line.real < until
        if line.version:
            theirs = _event_here(tail, line, service, is_due=is_due)
            what = f"event {line.version} of {service}"
        else:
            theirs = _command_here(record, tail, line, service, is_due=is_due)
            what = f"the command {line.command} to {service}"
        if theirs is not None:
            events.append(Both(theirs, line))
            _compare(tail, events[-1], what)
    for position, text in moved(events):
        tail.fault(position, f"{text} {service} did")
    last = tail.newer.get(service, 0)
    if last:
        tail.lacks.append(_events(service, kept + 1, last))


def _event_here(
    tail: OpenTail, line: WitnessLine, service: Speaker, *, is_due: bool
) -> Heard | None:
    """Find the event of a line among the open ones; where it is not, say what that means."""
    theirs = tail.events.get((service, line.version))
    if theirs is not None:
        return theirs
    kept = tail.newest.get(service, NOTHING_HEARD)
    if kept.version == line.version and kept.sha256 not in ("", line.sha256):
        tail.fault(tail.end.after, _another(f"event {line.version} of {service}"))
    elif line.version > kept.version and is_due:
        tail.newer[service] = max(line.version, tail.newer.get(service, 0))
    return None


def _command_here(
    record: Store, tail: OpenTail, line: WitnessLine, service: Speaker, *, is_due: bool
) -> Heard | None:
    """Find the command of a line among the open ones; where it is nowhere, say so."""
    theirs = tail.commands.get((service, line.command))
    if theirs is not None or not is_due or line.is_malformed:
        return theirs
    if kept_command(record, tail.end.pump, service, line.command) is None:
        tail.lacks.append(f"the command {line.command} that {service} has heard")
    return None


def _compare(tail: OpenTail, both: Both, what: str) -> None:
    if not both.is_same:
        tail.fault(both.here.position, _another(what))
        return
    tail.elsewhere += is_near(both)


def _events(service: Speaker, first: int, last: int) -> str:
    return (
        f"event {last} of {service}" if first == last else f"events {first} to {last} of {service}"
    )


def _another(what: str) -> str:
    return f"{what} is another one in that service's own journal"
