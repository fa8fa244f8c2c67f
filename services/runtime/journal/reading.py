"""What reading a journal comes to, whichever database its rows stand in.

Where the pages of a history begin, remembered so that the next page is not looked for anew.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from schemas.units import CommandId, EventId, PumpId, Speaker
from services.runtime.journal.entries import IMPORTED, INPUT, split
from services.runtime.journal.event_ids import event_id_in, is_event_of
from services.runtime.ports import ChainTip, Row, StreamHead, TopicState

MARKS_MAX = 10_000
"""[-] pages remembered for one speaker and pump; of more, all are forgotten."""

Key = tuple[PumpId, Speaker, bool]
"""[-] whose pump, whose events, own or heard."""


class PageMarks:
    """Versions of a speaker go up with positions in a journal: a page stands after those before."""

    def __init__(self) -> None:
        """Begin with no page known."""
        self._marks: dict[Key, list[tuple[int, int]]] = {}

    def before(self, key: Key, version: int) -> int:
        """Give a position that the event of this version does not come before, 0 if unknown."""
        marks = self._marks.get(key, [])
        index = bisect_right(marks, (version + 1,))
        return marks[index - 1][1] if index else 0

    def put(self, key: Key, version: int, position: int) -> None:
        """Remember where an event stands."""
        marks = self._marks.setdefault(key, [])
        if len(marks) >= MARKS_MAX:
            marks.clear()
        mark = (version, position)
        index = bisect_left(marks, mark)
        if marks[index : index + 1] != [mark]:
            marks.insert(index, mark)


FETCH_ROWS = 2000
"""[-] rows taken from a database at a time; source: three times the rate of select_events."""

COMMANDS_KEPT_MAX = 1_000_000
"""[-] ids of commands kept in memory, ten years of readings; of more, each is looked up."""


def rows_behind(rows: Iterable[Row], event: EventId | None) -> Iterator[Row]:
    """Give the rows of own events stored after the one named, or all."""
    passed = event is None
    for row in rows:
        if passed:
            yield row
        elif event_id_in(split(row.state)[1]) == event:
            passed = True


def stored_row(name: object, position: int, topic: object, state: object) -> Row:
    """Give a row of the table, whatever types its columns bear.

    SQLite keeps a text in a column of bytes if somebody writes one there: the line's hash tells of
    it, as of every other change, and no reader ends over it.
    """
    return Row(PumpId(str(name)), position, str(topic), as_bytes(state))


def as_bytes(state: object) -> bytes:
    """Give a stored state as bytes."""
    return state if isinstance(state, bytes) else str(state).encode(errors="replace")


class Pages:
    """The stored bytes of a speaker's events, page by page; where pages begin is remembered."""

    def __init__(self) -> None:
        """Begin with no page known."""
        self._marks = PageMarks()

    def read(
        self,
        rows_from: Callable[[int], Iterable[tuple[int, bytes]]],
        *,
        speaker: Speaker,
        pump: PumpId,
        first: int,
        last: int,
        own: bool,
    ) -> Iterator[bytes]:
        """Stream the events first..last.

        Args:
            rows_from: gives position and state of a pump's rows, own or heard, from a position on.
            speaker: whose events.
            pump: about which.
            first: [-] lowest version.
            last: [-] highest version.
            own: they are this service's own, and no other events stand among the rows.
        """
        key, is_first = (pump, speaker, own), True
        for position, state in rows_from(self._marks.before(key, first)):
            head, data = split(as_bytes(state))
            if own or is_event_of(head.subject, speaker):
                version = int(event_id_in(data).rsplit(":", 1)[1])
                if version > last:
                    return
                if version >= first:
                    if is_first:
                        self._marks.put(key, version, position)
                    is_first = False
                    yield data


class CommandIds:
    """The ids of commands ever heard, in memory as long as they are not too many."""

    def __init__(
        self,
        known: Iterable[tuple[str, str]],
        *,
        position_of: Callable[[PumpId, CommandId], int | None],
    ) -> None:
        """Take (pump, id) of COMMANDS_KEPT_MAX + 1 of them at most, else of all.

        Args:
            known: as read.
            position_of: looks one up where it stands.
        """
        kept = set(known)
        self._known = kept if len(kept) <= COMMANDS_KEPT_MAX else None
        self._position_of = position_of

    def position(self, pump: PumpId, command: CommandId) -> int | None:
        """Find the position at which a command was heard, None if it never was."""
        if self._known is not None and (pump, command) not in self._known:
            return None
        return self._position_of(pump, command)

    def has(self, pump: PumpId, command: CommandId) -> bool:
        """Say whether a command was ever heard."""
        if self._known is not None:
            return (pump, command) in self._known
        return self._position_of(pump, command) is not None

    def add(self, commands: Mapping[tuple[PumpId, CommandId], int]) -> None:
        """Take in what was stored."""
        if self._known is not None:
            self._known.update(commands)


PAGE_LINES: Final = 1_000
"""[-] lines that are handed on at once."""

EVENTS: Final = "{0}.stored_events"
"""[-] the table of lines; {0} is the schema that a journal is in."""

ROW: Final = "originator_id, originator_version, topic, state"
"""[-] columns of a line."""

IS_OWN: Final = "NOT (topic LIKE ? OR topic LIKE ?)"
"""[-] picks the service's own events, by NOT_OWN."""

NOT_OWN: Final = (f"{INPUT}%", f"{IMPORTED}%")
"""[-] topics of what is not the service's own."""

NO_STREAM: Final = "__migration__"
"""[-] what the library keeps among the positions in streams, about the table itself."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What each database spells in its own way."""

    number: str
    """[-] column of a line's number, in the order of storing."""
    bytewise: str
    """[-] collation that orders texts by their bytes."""


class JournalReader(ABC):
    """What a journal is asked, in either database: the reading half of the port Store.

    Statements name a parameter '?' and the schema '{0}'; each database puts its own spelling there.
    """

    def __init__(self, dialect: Dialect) -> None:
        """Take in which commands were ever heard; the database is open by now."""
        self._dialect = dialect
        statement = "SELECT pump, command FROM {0}.commands LIMIT ?"
        known = self._stream(statement, COMMANDS_KEPT_MAX + 1)
        self._commands = CommandIds(known, position_of=self._position_of)
        self._pages = Pages()

    @abstractmethod
    def _stream(self, statement: str, *parameters: object) -> Iterator[Any]:
        """Run a statement and give its rows as tuples, FETCH_ROWS at a time."""

    def rows(
        self, *, pump: PumpId | None = None, after_row: int = 0, newest_first: bool = False
    ) -> Iterator[tuple[int, Row]]:
        """Stream (row number, row) in the order of storing, or from the newest back."""
        number = self._dialect.number
        # Of one pump by its own index, whose order is the same: by row number all would be sorted.
        of_pump = "AND originator_id=? " if pump is not None else ""
        key = number if pump is None else "originator_version"
        found = self._stream(
            f"SELECT {number}, {ROW} FROM {EVENTS} WHERE {number}>? {of_pump}"  # noqa: S608  # no foreign text
            f"ORDER BY {key} {'DESC' if newest_first else 'ASC'}",
            *((after_row,) if pump is None else (after_row, pump)),
        )
        for at, name, position, topic, state in found:
            yield at, stored_row(name, position, topic, state)

    def states(self, *, pump: PumpId, topics: Collection[str]) -> Iterator[Sequence[TopicState]]:
        """Stream topic and state of a pump's lines with one of these topics, page by page."""
        wanted = sorted(topics)
        marks = ", ".join("?" * len(wanted))
        found = self._stream(
            f"SELECT topic, state FROM {EVENTS} WHERE originator_id=? "  # noqa: S608  # no foreign text
            f"AND topic IN ({marks}) ORDER BY originator_version",
            *(pump, *wanted),
        )
        while page := list(islice(found, PAGE_LINES)):
            yield [(topic, as_bytes(state)) for topic, state in page]

    def said_after(self, *, event: EventId | None) -> Iterator[Row]:
        """Stream this service's own events stored after the one named, or all."""
        said = self._stream(
            f"SELECT {ROW} FROM {EVENTS} WHERE {IS_OWN} ORDER BY {self._dialect.number}",  # noqa: S608  # no foreign text
            *NOT_OWN,
        )
        yield from rows_behind((stored_row(*columns) for columns in said), event)

    def history(
        self, *, speaker: Speaker, pump: PumpId, first: int, last: int, own: bool
    ) -> Iterator[bytes]:
        """Stream the stored bytes of a speaker's events first..last, heard or own."""
        statement = (
            f"SELECT originator_version, state FROM {EVENTS} "  # noqa: S608  # no foreign text
            "WHERE originator_id=? AND originator_version>=? "
            f"AND {'' if own else 'NOT '}{IS_OWN} ORDER BY originator_version"
        )
        yield from self._pages.read(
            lambda position: self._stream(statement, pump, position, *NOT_OWN),
            speaker=speaker,
            pump=pump,
            first=first,
            last=last,
            own=own,
        )

    def rows_from(self, pump: PumpId, position: int, *, count: int) -> Sequence[Row]:
        """Read the rows of a pump from a position on, `count` at most."""
        found = self._stream(
            f"SELECT {ROW} FROM {EVENTS} WHERE originator_id=? AND originator_version>=? "  # noqa: S608  # no foreign text
            "ORDER BY originator_version LIMIT ?",
            *(pump, position, count),
        )
        return [stored_row(*columns) for columns in found]

    def heads(self) -> Mapping[tuple[PumpId, Speaker], StreamHead]:
        """Read all heads."""
        return {
            (PumpId(pump), Speaker(speaker)): StreamHead(version, sha256)
            for pump, speaker, version, sha256 in self._stream("SELECT * FROM {0}.heads")
        }

    def ends(self) -> Mapping[PumpId, ChainTip]:
        """Read where the lines of each pump end."""
        return {
            PumpId(pump): ChainTip(position, link)
            for pump, position, link in self._stream("SELECT * FROM {0}.ends")
        }

    def command(self, *, pump: PumpId, command: CommandId) -> int | None:
        """Find the position at which a command was heard, None if it never was."""
        return self._commands.position(pump, command)

    def knows(self, *, pump: PumpId, command: CommandId) -> bool:
        """Say whether a command was ever heard."""
        return self._commands.has(pump, command)

    def _position_of(self, pump: PumpId, command: CommandId) -> int | None:
        statement = "SELECT position FROM {0}.commands WHERE pump=? AND command=?"
        return self._number(statement, pump, command)

    def commands(self) -> Iterator[tuple[PumpId, CommandId, int]]:
        """Stream where each command was heard, by pump and id."""
        order = f"pump COLLATE {self._dialect.bytewise}, command COLLATE {self._dialect.bytewise}"
        yield from self._stream(f"SELECT * FROM {{0}}.commands ORDER BY {order}")  # noqa: S608  # no foreign text

    def sequence(self, *, stream: str) -> int:
        """Read the position in the stream created at that instant, 0 if never heard."""
        statement = "SELECT notification_id FROM {0}.tracking WHERE application_name=?"
        return self._number(statement, stream) or 0

    def streams(self) -> Sequence[str]:
        """Read the creation times of all streams ever followed."""
        statement = "SELECT application_name FROM {0}.tracking WHERE application_name != ?"
        return [name for (name,) in self._stream(statement, NO_STREAM)]

    def _number(self, statement: str, *parameters: object) -> int | None:
        found = list(self._stream(statement, *parameters))
        return int(found[0][0]) if found else None
