"""FakeStore: the port Store in memory, for tests and for years on a fake clock."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from schemas.units import CommandId, EventId, PumpId, Speaker
from services.runtime.journal.entries import IMPORTED, INPUT, split
from services.runtime.journal.event_ids import event_id_in, is_event_of
from services.runtime.journal.reading import rows_behind
from services.runtime.platform.errors import SecondWriter
from services.runtime.ports import ChainTip, Commit, Row, StreamHead, TopicState


class FakeStore:
    """A journal in memory; survives a 'restart' of the service that uses it."""

    def __init__(self) -> None:
        """Start empty."""
        self._rows: list[Row] = []
        self._keys: set[tuple[PumpId, int]] = set()
        self._heads: dict[tuple[PumpId, Speaker], StreamHead] = {}
        self._commands: dict[tuple[PumpId, CommandId], int] = {}
        self._ends: dict[PumpId, ChainTip] = {}
        self._sequences: dict[str, int] = {}

    def commit(self, commit: Commit) -> None:
        """Store a step: all of it or nothing."""
        keys = {(row.pump, row.position) for row in commit.rows}
        if keys & self._keys or len(keys) != len(commit.rows):
            raise SecondWriter("a position was written twice")
        if commit.sequence and commit.sequence <= self._sequences.get(commit.stream, 0):
            raise SecondWriter(f"position {commit.sequence} does not go on")
        self._rows.extend(commit.rows)
        self._keys |= keys
        self._heads.update(commit.heads)
        self._commands.update(commit.commands)
        self._ends.update(commit.ends)
        if commit.sequence:
            self._sequences[commit.stream] = commit.sequence

    def rows(
        self, *, pump: PumpId | None = None, after_row: int = 0, newest_first: bool = False
    ) -> Iterator[tuple[int, Row]]:
        """Stream (row number, row) in the order of storing, or from the newest back."""
        numbered = list(enumerate(self._rows[after_row:], start=after_row + 1))
        for number, row in reversed(numbered) if newest_first else numbered:
            if pump is None or row.pump == pump:
                yield number, row

    def states(self, *, pump: PumpId, topics: Collection[str]) -> Iterator[Sequence[TopicState]]:
        """Stream topic and state of a pump's lines with one of these topics, page by page."""
        yield [(row.topic, row.state) for _, row in self.rows(pump=pump) if row.topic in topics]

    def said_after(self, *, event: EventId | None) -> Iterator[Row]:
        """Stream this service's own events stored after the one named, or all."""
        own = (row for row in self._rows if not row.topic.startswith((INPUT, IMPORTED)))
        yield from rows_behind(own, event)

    def history(
        self, *, speaker: Speaker, pump: PumpId, first: int, last: int, own: bool
    ) -> Iterator[bytes]:
        """Stream the stored bytes of a speaker's events first..last, heard or own."""
        for row in self._rows:
            heard = row.topic.startswith((INPUT, IMPORTED))
            head, data = split(row.state)
            if row.pump != pump or heard == own or not is_event_of(head.subject, speaker):
                continue
            if first <= int(event_id_in(data).rsplit(":", 1)[1]) <= last:
                yield data

    def heads(self) -> Mapping[tuple[PumpId, Speaker], StreamHead]:
        """Read all heads."""
        return dict(self._heads)

    def ends(self) -> Mapping[PumpId, ChainTip]:
        """Read where the lines of each pump end."""
        return dict(self._ends)

    def command(self, *, pump: PumpId, command: CommandId) -> int | None:
        """Find the position at which a command was heard, None if it never was."""
        return self._commands.get((pump, command))

    def knows(self, *, pump: PumpId, command: CommandId) -> bool:
        """Say whether a command was ever heard."""
        return (pump, command) in self._commands

    def commands(self) -> Iterator[tuple[PumpId, CommandId, int]]:
        """Stream where each command was heard, by pump and id."""
        for (pump, command), position in sorted(self._commands.items()):
            yield pump, command, position

    def rows_from(self, pump: PumpId, position: int, *, count: int) -> Sequence[Row]:
        """Read the rows of a pump from a position on."""
        found = [row for row in self._rows if row.pump == pump and row.position >= position]
        return found[:count]

    def sequence(self, *, stream: str) -> int:
        """Read the position in the stream created at that instant, 0 if never heard."""
        return self._sequences.get(stream, 0)

    def streams(self) -> Sequence[str]:
        """Read the creation times of all streams ever followed."""
        return list(self._sequences)

    def close(self) -> None:
        """Nothing to let go of."""
