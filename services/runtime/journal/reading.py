"""What reading a journal comes to, whichever database its rows stand in.

Where the pages of a history begin, remembered so that the next page is not looked for anew.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping

from schemas.units import CommandId, EventId, PumpId, Speaker
from services.runtime.journal.entries import split
from services.runtime.journal.event_ids import event_id_in, is_event_of
from services.runtime.ports import Row

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
            head, data = split(state)
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
