"""The ports Bus and Store: what the loop needs of the outside, and nothing more."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from schemas.units import CommandId, EventId, PumpId, Speaker, UtcMillis

BATCH_MESSAGES_MAX = 500
"""[-] messages published at once, in whole decisions; half of what the broker takes."""

FETCH_MESSAGES_MAX = BATCH_MESSAGES_MAX
"""[-] messages heard, decided and stored in one transaction: one wait for the disk for all, and no
more than the outbox publishes meanwhile."""

NEWEST_OF_ALL = PumpId("")
"""[-] asked for instead of a pump: the newest event of a speaker for each pump."""

NONE_OF_THEM = "it has none of them"
"""[-] why a service that answered gave no events."""


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """One message of the stream, as it came."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    sequence: int


class Outgoing(msgspec.Struct, frozen=True, gc=False):
    """One event on its way to the stream."""

    subject: str
    data: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StreamState:
    """What the broker says of the stream."""

    created: str
    last_sequence: int


class WitnessLine(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A line of a service's own journal, as much of it as tells a record right from wrong."""

    sha256: str
    """[-] of the event or command, letter for letter."""
    therapy: UtcMillis
    """[ms] at which the service decided."""
    real: UtcMillis
    """[ms] the same in real time."""
    speed: int
    """[-] of the clock then."""
    version: int = 0
    """[-] number of an own event; 0 for a command."""
    command: str = ""
    """[-] id of a command that was heard."""
    is_malformed: bool = False
    """[-] the command was set aside unread."""
    is_adopted: bool = False
    """[-] the own event was taken back from others: its times are those of that."""


class TailAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a service says of the newest lines of its journal for one pump."""

    newest: int
    """[-] number of its newest event, 0 for none."""
    unpublished: int = 0
    """[-] events of it, for any pump, that are not in the stream yet."""
    lines: tuple[WitnessLine, ...] = ()
    """[-] newest first; the oldest are left out where they are too many."""


class Bus(Protocol):
    """The broker, as one service is allowed to use it."""

    async def stream_state(self) -> StreamState:
        """Ask when the stream was created and how far it goes."""
        ...

    async def reset(self, *, position: int) -> None:
        """Begin to fetch right after this sequence; what was fetched before is forgotten."""
        ...

    async def fetch(self) -> Sequence[Arrived]:
        """Wait for messages, 1 to FETCH_MESSAGES_MAX, in the order of the stream."""
        ...

    async def publish(self, messages: Sequence[Outgoing], *, expected_last: int) -> int:
        """Put messages into the stream, all or none; give the sequence of the last.

        Args:
            messages: 1 to BATCH_MESSAGES_MAX events of this speaker.
            expected_last: sequence of this speaker's event before them, 0 for none.

        Raises:
            PublishUnknown: no answer in time; they may or may not be there.
            WrongLastSequence: somebody spoke as this speaker, or they are there already.
        """
        ...

    async def last_own(self, *, subject: str | None = None) -> Arrived | None:
        """Read this speaker's newest event, or the newest on one subject of its own."""
        ...

    async def own_pumps(self) -> Sequence[PumpId]:
        """Name the pumps about which the stream holds events of this speaker, sorted."""
        ...

    async def answer(self, *, inbox: str, data: bytes) -> None:
        """Send an outcome to a reply inbox; lost if nobody waits."""
        ...

    async def history(
        self, *, of: Speaker, asked: Speaker, pump: PumpId, first: int, last: int
    ) -> Sequence[bytes]:
        """Ask a service for stored events of a speaker, in order, as many as fit an answer.

        Raises:
            HistoryUnavailable: it does not answer or has none of them.
        """
        ...

    async def tail(self, *, asked: Speaker, pump: PumpId, after: int) -> TailAnswer:
        """Ask a service what its journal has from the event of that number on, newest first.

        Raises:
            HistoryUnavailable: it does not answer, is not ready, or knows not the question.
        """
        ...


class Row(msgspec.Struct, frozen=True, gc=False):
    """One stored line of a journal."""

    pump: PumpId
    position: int
    topic: str
    state: bytes


class StreamHead(msgspec.Struct, frozen=True, gc=False):
    """How far a speaker's events for a pump are known."""

    version: int
    sha256: str


class ChainTip(msgspec.Struct, frozen=True, gc=False):
    """The last line of a pump in a journal."""

    position: int
    link: str


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one step stores in one transaction."""

    rows: Sequence[Row]
    heads: Mapping[tuple[PumpId, Speaker], StreamHead] = field(default_factory=dict)
    commands: Mapping[tuple[PumpId, CommandId], int] = field(default_factory=dict)
    ends: Mapping[PumpId, ChainTip] = field(default_factory=dict)
    stream: str = ""
    sequence: int = 0


TopicState = tuple[str, bytes]
"""[-] what a line is, and the line as it was stored."""


class Store(Protocol):
    """A service's journal, and beside it the position, the heads and where commands stand."""

    def commit(self, commit: Commit) -> None:
        """Store a step: all of it or nothing, durable when it returns.

        Raises:
            SecondWriter: another process wrote the same position.
        """
        ...

    def rows(
        self, *, pump: PumpId | None = None, after_row: int = 0, newest_first: bool = False
    ) -> Iterator[tuple[int, Row]]:
        """Stream (row number, row) in the order of storing, or from the newest back."""
        ...

    def states(self, *, pump: PumpId, topics: Collection[str]) -> Iterator[Sequence[TopicState]]:
        """Stream topic and state of a pump's lines with one of these topics, page by page."""
        ...

    def said_after(self, *, event: EventId | None) -> Iterator[Row]:
        """Stream this service's own events stored after the one named, or all."""
        ...

    def history(
        self, *, speaker: Speaker, pump: PumpId, first: int, last: int, own: bool
    ) -> Iterator[bytes]:
        """Stream the stored bytes of a speaker's events first..last, heard or own."""
        ...

    def heads(self) -> Mapping[tuple[PumpId, Speaker], StreamHead]:
        """Read all heads."""
        ...

    def ends(self) -> Mapping[PumpId, ChainTip]:
        """Read where the lines of each pump end; nothing for those written before there were."""
        ...

    def command(self, *, pump: PumpId, command: CommandId) -> int | None:
        """Find the position at which a command was heard, None if it never was."""
        ...

    def knows(self, *, pump: PumpId, command: CommandId) -> bool:
        """Say whether a command was ever heard."""
        ...

    def commands(self) -> Iterator[tuple[PumpId, CommandId, int]]:
        """Stream where each command was heard, by pump and id."""
        ...

    def rows_from(self, pump: PumpId, position: int, *, count: int) -> Sequence[Row]:
        """Read the rows of a pump from a position on, `count` at most."""
        ...

    def sequence(self, *, stream: str) -> int:
        """Read the position in the stream created at that instant, 0 if never heard."""
        ...

    def streams(self) -> Sequence[str]:
        """Read the creation times of all streams ever followed."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...
