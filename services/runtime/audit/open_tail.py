"""The lines of a record that no checkpoint covers: held against themselves and other journals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import msgspec

from core.deciders.names import HISTORIAN
from core.record.provenance import is_event_id
from schemas.message import parse_event_id, tag_of
from schemas.record import CommandExpired, Malformed, Restarted
from schemas.units import CommandId, PumpId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.subjects import parse_subject
from services.runtime.audit.findings import Difference
from services.runtime.audit.record_check import OpenEnd
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.entries import (
    INPUT,
    RowMetadata,
    is_event,
    kept_name,
    split,
    tag_in_topic,
)
from services.runtime.journal.event_ids import is_event_of
from services.runtime.ports import Row, Store, StreamHead

LINES_AT_ONCE: Final = 1_000
"""[-] of a record that are read at once."""

APART_MS_MAX: Final = 10_000
"""[ms] between the times at which two journals got the same, and by which therapy time may differ
from what real time says; more, and neither journal speaks for the other's time."""

UNDER_WAY_MS: Final = 5_000
"""[ms] before the newest line of a journal of a running system from which on the record may not
have heard it yet."""

_MALFORMED: Final = tag_of(Malformed)
_RESTARTED: Final = tag_of(Restarted)

_WITH_A_COMMAND: Final = frozenset({tag_of(CommandExpired), _MALFORMED})
"""[-] reports with the bytes of a message beside them."""

_IN_WORDS_MAX: Final = 3
"""[-] of what is missing that are named one by one."""


class _Sent(msgspec.Struct):
    """What is read of a command."""

    id: str
    actor: str = ""


class _Acting(msgspec.Struct):
    """What is read of an event's inside."""

    actor: str = ""


class _Told(msgspec.Struct):
    """What is read of an event."""

    id: str
    cause: str
    event: _Acting


_sent: Final = msgspec.json.Decoder(_Sent)
_told: Final = msgspec.json.Decoder(_Told)


class Heard(NamedTuple):
    """What was heard or said, and when a journal got it."""

    position: int
    sha256: str
    head: RowMetadata


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

    def fault(self, position: int, text: str) -> None:
        """Name what is wrong at a line."""
        self.faults.append(Difference(self.end.pump, position, text))

    def finished(self) -> OpenEnd:
        """Give what is known of the end now."""
        named = self.lacks[:_IN_WORDS_MAX]
        if len(self.lacks) > len(named):
            named.append(f"{len(self.lacks) - len(named)} more of that kind")
        return replace(self.end, elsewhere=self.elsewhere, missing=tuple(named))


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
    begun: UtcMillis | None = None
    for row in _rows(record, end):
        try:
            head, data = split(row.state)
            if begun is None or tag_in_topic(row.topic) == _RESTARTED:
                begun = head.real
            tail.longest_ms = max(tail.longest_ms, head.real - begun)
            heard = Heard(row.position, codec.sha256_hex(data), head)
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


def _rows(record: Store, end: OpenEnd) -> Iterator[Row]:
    at, last = end.after + 1, end.after + end.lines
    while at <= last:
        page = record.rows_from(end.pump, at, count=min(LINES_AT_ONCE, last + 1 - at))
        if not page:
            return
        yield from page
        at = page[-1].position + 1


def command_in(row: Row, head: RowMetadata, data: bytes) -> _Sent | None:
    """Read the command that a line holds, obeyed or not; None where it holds none."""
    if ".command." in head.subject:
        return _sent.decode(data)
    if row.topic.startswith(INPUT) and tag_in_topic(row.topic) in _WITH_A_COMMAND:
        try:
            found = _sent.decode(data.partition(b"\n")[2])
        except codec.DECODE_ERRORS:
            return None  # what was set aside was no command
        return None if is_event_id(found.id) else found
    return None


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


def kept_command(record: Store, pump: PumpId, service: Speaker, name: str) -> _Sent | None:
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
    tails: Mapping[PumpId, OpenTail],
    journal: Store,
    *,
    service: Speaker,
    runs: bool = False,
) -> None:
    """Hold the open lines of all pumps against what a service's own journal says.

    The journal is read from its newest line back, as far as the open lines go.

    Args:
        record: the historian's journal.
        tails: its open lines; of a pump without any, an empty one.
        journal: of the service, opened after the record was read: what was heard is in it.
        service: whose journal it is.
        runs: the system runs: what the service got last may be on its way to the record.
    """
    newest = {
        pump: head.version for (pump, name), head in journal.heads().items() if name == service
    }
    due: dict[PumpId, int] = {}
    for pump, tail in tails.items():
        here, there = newest.get(pump, 0), tail.newest.get(service, NOTHING_HEARD).version
        due[pump] = min(tail.first_open(service) - 1, there)
        if here < there:
            text = f"event {there} of {service} is not in its own journal, which ends with {here}"
            tail.fault(tail.end.after + tail.end.lines, text)
    open_pumps = {pump for pump, number in due.items() if newest.get(pump, 0) >= number}
    until: UtcMillis | None = None
    for _, row in journal.rows(newest_first=True):
        if not open_pumps:
            break
        if row.pump not in open_pumps:
            continue
        try:
            head, data = split(row.state)
            until = until or UtcMillis(head.real - (UNDER_WAY_MS if runs else 0))
            line = _Line(row, head, data, is_due=not runs or head.real < until)
            number = _hold_line(record, tails[row.pump], line, service=service)
        except codec.DECODE_ERRORS:
            continue  # that journal is checked by 'verify decisions'
        if number is not None and number <= due[row.pump]:
            open_pumps.discard(row.pump)
    for tail in tails.values():
        last = tail.newer.get(service, 0)
        if last:
            first = tail.newest.get(service, NOTHING_HEARD).version + 1
            tail.lacks.append(_events(service, first, last))


class _Line(NamedTuple):
    """A line of another journal."""

    row: Row
    head: RowMetadata
    data: bytes
    is_due: bool
    """[-] the record should have it by now."""


def _hold_line(record: Store, tail: OpenTail, line: _Line, *, service: Speaker) -> int | None:
    """Hold one line of a service's journal against the open ones; give the number of its event."""
    row, head, data, is_due = line
    mine = Heard(row.position, codec.sha256_hex(data), head)
    if is_event(head):
        if not is_event_of(head.subject, service):
            return None
        version = parse_event_id(_told.decode(data).id)[2]
        theirs, kept = tail.events.get((service, version)), tail.newest.get(service, NOTHING_HEARD)
        if theirs is not None:
            _compare(tail, theirs, mine, f"event {version} of {service}")
        elif kept.version == version and kept.sha256 not in ("", mine.sha256):
            tail.fault(tail.end.after, _another(f"event {version} of {service}"))
        elif version > kept.version and is_due:
            tail.newer[service] = max(version, tail.newer.get(service, 0))
        return version
    found = command_in(row, head, data)
    if found is None:
        return None
    theirs = tail.commands.get((service, found.id))
    if theirs is None:
        is_known = kept_command(record, tail.end.pump, service, found.id) is not None
        if is_due and not is_known and tag_in_topic(row.topic) != _MALFORMED:
            tail.lacks.append(f"the command {found.id} that {service} has heard")
        return None
    if not head.subject:  # its bytes stand beside the report that took its place
        mine = mine._replace(sha256=codec.sha256_hex(data.partition(b"\n")[2]))
    _compare(tail, theirs, mine, f"the command {found.id} to {service}")
    return None


def _compare(tail: OpenTail, theirs: Heard, mine: Heard, what: str) -> None:
    if theirs.sha256 != mine.sha256:
        tail.fault(theirs.position, _another(what))
        return
    later_ms = theirs.head.real - mine.head.real
    therapy_ms = theirs.head.therapy - mine.head.therapy
    is_near = (
        abs(later_ms) <= APART_MS_MAX
        and abs(therapy_ms - later_ms * mine.head.speed) <= APART_MS_MAX
    )
    tail.elsewhere += is_near


def _events(service: Speaker, first: int, last: int) -> str:
    return (
        f"event {last} of {service}" if first == last else f"events {first} to {last} of {service}"
    )


def _another(what: str) -> str:
    return f"{what} is another one in that service's own journal"
