"""FakeBus: the port Bus in memory, many services on one FakeBroker."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from schemas.units import PumpId, Speaker
from schemas.wire.subjects import listening_filters, parse_subject, pumps_in, speaker_filter
from services.runtime.platform.errors import HistoryUnavailable, WrongLastSequence
from services.runtime.ports import (
    FETCH_MESSAGES_MAX,
    NONE_OF_THEM,
    Arrived,
    Outgoing,
    StreamState,
    TailAnswer,
)

History = Callable[[Speaker, PumpId, int, int], Iterable[bytes]]
Tail = Callable[[PumpId, int], TailAnswer]


class FakeBroker:
    """A stream in memory, and the reply inboxes beside it."""

    def __init__(self) -> None:
        """Start empty."""
        self.created = "2026-01-01T00:00:00Z"
        self.messages: list[Arrived] = []
        self.newest: dict[Speaker, Arrived] = {}
        self.answers: dict[str, list[bytes]] = {}
        self.historians: dict[Speaker, History] = {}
        self.tails: dict[Speaker, Tail] = {}
        self.grown = asyncio.Event()

    def put(self, subject: str, data: bytes, headers: Mapping[str, str]) -> int:
        """Append one message; give its sequence."""
        sequence = len(self.messages) + 1
        arrived = Arrived(subject, data, headers, sequence)
        self.messages.append(arrived)
        parts = parse_subject(subject)
        if parts.kind == "event":
            self.newest[parts.service] = arrived
        self.grown.set()
        self.grown = asyncio.Event()
        return sequence


def matches(subject: str, pattern: str) -> bool:
    """Say whether a subject matches a pattern with '*' and a closing '>'."""
    have, want = subject.split("."), pattern.split(".")
    for index, token in enumerate(want):
        if token == ">":
            return len(have) > index
        if index >= len(have) or token not in ("*", have[index]):
            return False
    return len(have) == len(want)


class FakeBus:
    """One service's view of a FakeBroker."""

    def __init__(
        self,
        *,
        broker: FakeBroker,
        speaker: Speaker,
        subscribes_to: Sequence[Speaker],
        keeps_commands: bool = False,
    ) -> None:
        """Listen as a consumer of the stream does that is made for this decider."""
        self._broker = broker
        self._speaker = speaker
        self._filters = listening_filters(
            speaker, tuple(subscribes_to), keeps_commands=keeps_commands
        )
        self._position = 0

    async def stream_state(self) -> StreamState:
        """Ask when the stream was created and how far it goes."""
        return StreamState(self._broker.created, len(self._broker.messages))

    async def reset(self, *, position: int) -> None:
        """Begin to fetch right after this sequence."""
        self._position = position

    async def fetch(self) -> Sequence[Arrived]:
        """Wait for messages, 1 to FETCH_MESSAGES_MAX, in the order of the stream."""
        while True:
            found = self.fetch_nowait()
            if found:
                return found
            await self._broker.grown.wait()

    def fetch_nowait(self) -> Sequence[Arrived]:
        """Give what there is, perhaps nothing."""
        found: list[Arrived] = []
        for message in self._broker.messages[self._position :]:
            self._position = message.sequence
            if any(matches(message.subject, pattern) for pattern in self._filters):
                found.append(message)
            if len(found) == FETCH_MESSAGES_MAX:
                break
        return found

    async def publish(self, messages: Sequence[Outgoing], *, expected_last: int) -> int:
        """Put messages into the stream, all or none; give the sequence of the last."""
        newest = await self.last_own()
        if (newest.sequence if newest else 0) != expected_last:
            raise WrongLastSequence(expected_last)
        sequence = expected_last
        for message in messages:
            sequence = self._broker.put(message.subject, message.data, message.headers)
        return sequence

    async def last_own(self, *, subject: str | None = None) -> Arrived | None:
        """Read this speaker's newest event, or the newest on one subject of its own."""
        if subject is None:
            return self._broker.newest.get(self._speaker)
        pattern = subject
        for message in reversed(self._broker.messages):
            if matches(message.subject, pattern):
                return message
        return None

    async def own_pumps(self) -> Sequence[PumpId]:
        """Name the pumps about which the stream holds events of this speaker, sorted."""
        pattern = speaker_filter(self._speaker)
        found = [one.subject for one in self._broker.messages if matches(one.subject, pattern)]
        return pumps_in(found)

    async def answer(self, *, inbox: str, data: bytes) -> None:
        """Send an outcome to a reply inbox."""
        self._broker.answers.setdefault(inbox, []).append(data)

    async def history(
        self, *, of: Speaker, asked: Speaker, pump: PumpId, first: int, last: int
    ) -> Sequence[bytes]:
        """Ask another service for stored events of a speaker, in order."""
        if asked == self._speaker:
            raise RuntimeError(f"{asked} asks itself")
        if asked not in self._broker.historians:
            raise HistoryUnavailable(asked, "it does not answer")
        found = list(self._broker.historians[asked](of, pump, first, last))
        if not found:
            raise HistoryUnavailable(asked, NONE_OF_THEM)
        return found

    async def tail(self, *, asked: Speaker, pump: PumpId, after: int) -> TailAnswer:
        """Ask another service what its journal has from the event of that number on."""
        if asked not in self._broker.tails:
            raise HistoryUnavailable(asked, "it does not answer")
        return self._broker.tails[asked](pump, after)
