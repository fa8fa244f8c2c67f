"""A service as the NATS services protocol shows it: ping, info, stats, and four questions."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.micro import add_service
from nats.micro.request import Request

from schemas.units import PumpId, Speaker
from schemas.wire import codec
from schemas.wire.headers import SHA256_HEADER
from schemas.wire.subjects import ENDPOINTS, service_endpoint
from services.runtime.journal.history_pages import confirmed
from services.runtime.journal.witness import witnesses
from services.runtime.nats.bus import HistoryRequest, TailRequest
from services.runtime.platform.clock import Clock
from services.runtime.platform.errors import JournalAltered, StoreBroken
from services.runtime.platform.release import version
from services.runtime.ports import NEWEST_OF_ALL, Store, TailAnswer, WitnessLine
from services.runtime.process.loop import Loop

HISTORY_BYTES_MAX = 512 * 1024
"""[bytes] of events in one answer; half of what the broker takes."""

TAIL_LINES_MAX = 2_000
"""[-] of a journal in one answer; ten times what stands behind a checkpoint."""

TAIL_BYTES_MAX = HISTORY_BYTES_MAX
"""[bytes] of them."""

TAIL_LINES_READ_MAX = 4_000
"""[-] of a journal that are read for one answer: 50 ms in which the service does nothing else."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How a service is, by its own word."""

    service: str
    """[-] its name."""
    pid: int
    """[-] its process."""
    ready: bool
    """[-] it has joined the stream."""
    handled: int
    """[-] messages heard since it started."""
    unpublished: int
    """[-] events stored and not yet in the stream."""
    waiting: int
    """[-] messages fetched and not yet thought about."""
    bus_errors: int
    """[-] errors that the bus library told of since it started."""
    published: int = 0
    """[-] events that the stream took since it started."""


class Questions:
    """Answers what others may ask of a service; nothing here changes anything."""

    def __init__(self, *, loop: Loop[Any], store: Store, clock: Clock, pid: int) -> None:
        """Answer from this loop and this store."""
        self._loop = loop
        self._store = store
        self._clock = clock
        self._pid = pid

    async def register(self, client: Client) -> None:
        """Make the service visible."""
        decider = self._loop.processor.decider
        service = await add_service(
            client,
            name=decider.name,
            version=version(),
            description=f"Basalt {decider.name.replace('_', ' ')}; not a medical device",
            metadata={"hears": ",".join(decider.subscribes_to)},
        )
        handlers = (self._state, self._history, self._health, self._tail)
        for name, handler in zip(ENDPOINTS, handlers, strict=True):
            subject = service_endpoint(service=decider.name, endpoint=name)
            await service.add_endpoint(name=name, handler=handler, subject=subject)

    async def _state(self, request: Request) -> None:
        await request.respond(codec.encode(self.views()))

    def views(self) -> dict[str, msgspec.Struct]:
        """Give the view of each pump, by the clock of now."""
        now, processor = self._clock.now(), self._loop.processor
        pump_streams = processor.unit_of_work.pump_streams
        return {
            pump: processor.decider.view(pump_streams[pump].state, now)
            for pump in sorted(pump_streams)
        }

    async def _health(self, request: Request) -> None:
        health = Health(
            service=self._loop.processor.decider.name,
            pid=self._pid,
            ready=self._loop.ready.is_set(),
            handled=self._loop.handled,
            unpublished=self._loop.outbox.pending_events,
            waiting=self._loop.waiting,
            bus_errors=self._loop.bus_errors,
            published=self._loop.outbox.published_events,
        )
        await request.respond(codec.encode(health))

    async def _history(self, request: Request) -> None:
        try:
            asked = msgspec.json.decode(request.data, type=HistoryRequest)
        except codec.DECODE_ERRORS as error:
            await request.respond_error("400", str(error)[:200])
            return
        answer = b"\n".join(self._page(asked))
        await request.respond(answer, headers={SHA256_HEADER: codec.sha256_hex(answer)})

    def _page(self, asked: HistoryRequest) -> Iterator[bytes]:
        processor = self._loop.processor
        speaker, pump = Speaker(asked.speaker), PumpId(asked.pump)
        if pump == NEWEST_OF_ALL:
            yield from self._newest_of(speaker)
            return
        pump_stream = processor.unit_of_work.pump_streams.get(pump)
        head = pump_stream.heads.get(speaker) if pump_stream else None
        if head is None or head.version < asked.first:
            return  # whoever has heard all asks now and then: no journal is read for that
        events = self._store.history(
            speaker=speaker,
            pump=pump,
            first=asked.first,
            last=asked.last + 1,
            own=speaker == processor.decider.name,
        )
        size = 0
        try:
            for data in confirmed(events, pump=pump, last=asked.last, head=head):
                size += len(data)
                if size > HISTORY_BYTES_MAX:
                    return
                yield data
        except (JournalAltered, StoreBroken) as error:
            self._loop.tell_of_fault(str(error), fault="journal_altered")

    async def _tail(self, request: Request) -> None:
        """Say what this journal has; one that is still joining may yet take events back."""
        if not self._loop.ready.is_set():
            await request.respond_error("503", "it has not joined the stream yet")
            return
        try:
            asked = msgspec.json.decode(request.data, type=TailRequest)
            answer = codec.encode(self.tail(asked))
        except codec.DECODE_ERRORS as error:
            await request.respond_error("400", str(error)[:200])
        except StoreBroken as error:
            self._loop.tell_of_fault(str(error), fault="journal_altered")
            await request.respond_error("500", "its journal cannot be read")
        else:
            await request.respond(answer, headers={SHA256_HEADER: codec.sha256_hex(answer)})

    def tail(self, asked: TailRequest) -> TailAnswer:
        """Give the own events and the commands of a pump down to one event, newest first."""
        processor, pump = self._loop.processor, PumpId(asked.pump)
        pump_stream = processor.unit_of_work.pump_streams.get(pump)
        head = pump_stream.heads.get(processor.decider.name) if pump_stream else None
        lines, size = list[WitnessLine](), 0
        rows = self._store.rows(pump=pump, newest_first=True)
        newest = (row for _, row in islice(rows, TAIL_LINES_READ_MAX))
        found = witnesses(newest, service=processor.decider.name, after=asked.after)
        for line in islice(found, TAIL_LINES_MAX):
            size += len(codec.encode(line))
            if size > TAIL_BYTES_MAX:
                break
            lines.append(line)
        return TailAnswer(
            newest=head.version if head else 0,
            unpublished=self._loop.outbox.pending_events,
            lines=tuple(lines),
        )

    def _newest_of(self, speaker: Speaker) -> Iterator[bytes]:
        """Give the newest event of a speaker for each pump."""
        processor = self._loop.processor
        own = speaker == processor.decider.name
        for pump, pump_stream in processor.unit_of_work.pump_streams.items():
            head = pump_stream.heads.get(speaker)
            if head is not None:
                at = head.version
                yield from self._store.history(
                    speaker=speaker, pump=pump, first=at, last=at, own=own
                )
