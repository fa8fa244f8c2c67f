"""The one loop that runs every decider: listen, think, store, then speak and act."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from core.kernel.decider import Decider, Effect
from schemas.message import Report
from schemas.record import FaultName, HistoryLost, RuntimeFault
from schemas.units import PumpId, Speaker
from schemas.wire import codec
from services.runtime.catch_up.causal_backfill import CausalBackfill
from services.runtime.catch_up.peer_heads import own_event, peers_to_ask, tail_of
from services.runtime.catch_up.startup import Startup, as_arrived, out_of_order
from services.runtime.decider_host.inbox_results import Gap
from services.runtime.decider_host.outbox import Outbox
from services.runtime.decider_host.processor import (
    DeciderProcessor,
    Input,
    ProcessingResult,
    Reported,
)
from services.runtime.decider_host.state_snapshot import StateFile
from services.runtime.journal.event_ids import event_id_in
from services.runtime.platform.clock import Clock
from services.runtime.platform.errors import HistoryUnavailable
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.logs import get_logger
from services.runtime.platform.shutdown import is_running
from services.runtime.ports import Arrived, Bus, Store, TailAnswer

INBOX_BATCHES_MAX = 8
"""[-] batches and reports waiting to be thought about."""

YIELDS_WHEN_FULL = 12
"""[-] of the event loop between two steps while more is waiting. An answer of the broker is read,
told to the outbox, the next batch handed over and written: with 1 turn the service waited 7 us for
each event, with 12 it waits 2."""

SLEEP_S_MAX = 3600.0
"""[s] longest sleep when nothing is due."""

HISTORY_TRIES_MAX = 3
"""[-] rounds of asking the speaker and then all who heard it for missing events."""

HISTORY_PAUSE_S = 1.0
"""[s] between rounds."""

StateT = TypeVar("StateT")
Put = Callable[[Reported], Awaitable[None]]
InputSource = Callable[[Put], Awaitable[None]]

log = get_logger()


class EffectHandler(Protocol):
    """Makes effects happen in the world."""

    async def handle(self, pump: PumpId, effect: Effect) -> Report | None:
        """Do it and report what came of it; never raises for what the world may do."""
        ...


class Loop(Generic[StateT]):
    """One decider with its journal, its bus, its effect handler and its input sources."""

    def __init__(
        self,
        *,
        decider: Decider[StateT],
        store: Store,
        bus: Bus,
        clock: Clock,
        effect_handler: EffectHandler | None = None,
        input_sources: Sequence[InputSource] = (),
        snapshot: StateFile | None = None,
    ) -> None:
        """Fold the journal, from a snapshot on where one fits; nothing is heard before `run`."""
        self.processor: DeciderProcessor[StateT] = DeciderProcessor(
            decider=decider, store=store, snapshot=snapshot
        )
        self.outbox = Outbox(bus=bus, store=store, speaker=decider.name, foreign=self._set_aside)
        self.ready = asyncio.Event()
        self.handled = 0
        self.bus_errors = 0
        self._causal_backfill = (
            CausalBackfill(processor=self.processor, bus=bus) if decider.keeps_commands else None
        )
        self._bus = bus
        self._store = store
        self._clock = clock
        self._effect_handler = effect_handler
        self._input_sources = input_sources
        self._inbox: asyncio.Queue[Sequence[Input]] = asyncio.Queue(INBOX_BATCHES_MAX)
        self._tasks = asyncio.TaskGroup()

    async def run(self) -> None:
        """Join the stream where the journal ends, then run for ever.

        Raises:
            An exception group with the error that stopped it: SecondWriter, InvariantError,
            RestoredFromOldCopy, or an error of the store.
        """
        startup = Startup(
            processor=self.processor, outbox=self.outbox, bus=self._bus, store=self._store
        )
        first = await startup.join(now=self._clock.now(), unproven=self._clock.unproven)
        async with self._tasks as tasks:
            tasks.create_task(self.outbox.run())
            await self._think(first)
            self.ready.set()
            tasks.create_task(self._listen())
            for source in self._input_sources:
                tasks.create_task(self._run_source(source))
            tasks.create_task(self._turn())

    @property
    def waiting(self) -> int:
        """Count the batches and reports fetched and not yet thought about."""
        return self._inbox.qsize()

    async def put(self, reported: Reported) -> None:
        """Bring a report to the decider."""
        await self._inbox.put((reported,))

    async def own_event(self, pump: PumpId, speaker: Speaker, version: int) -> bytes | None:
        """Ask a service for one of its own events; None where it has not, or does not answer."""
        return await own_event(self._bus, speaker, pump=pump, version=version)

    async def tail_of(self, pump: PumpId, speaker: Speaker, after: int) -> TailAnswer | None:
        """Ask a service for the newest lines of its journal; None where it does not answer."""
        return await tail_of(self._bus, speaker, pump=pump, after=after)

    def tell_of_fault(self, detail: str, *, fault: FaultName = "bus_error") -> None:
        """Bring an error that nobody waits for to every pump; count those of the bus library."""
        log.error("loop.fault", fault=fault, detail=detail)
        self.bus_errors += fault == "bus_error"
        if not self.ready.is_set():
            return
        report = RuntimeFault(fault=fault, detail=detail[:300])
        for pump in self.processor.unit_of_work.pump_streams:
            self._tasks.create_task(self.put(Reported(pump, report)))

    def _set_aside(self, foreign: Arrived) -> None:
        """Bring bytes under an own subject that are no own event to the decider, out of order."""
        self._tasks.create_task(self._inbox.put((out_of_order(foreign),)))

    async def _run_source(self, source: InputSource) -> None:
        await source(self.put)

    async def _listen(self) -> None:
        while is_running():
            await self._inbox.put(await self._bus.fetch())

    async def _turn(self) -> None:
        while is_running():
            await self._give_way()
            inputs = await self._next()
            if inputs:
                await self._think(inputs)
            else:
                await self._follow(self.processor.wake(now=self._clock.now()))

    async def _give_way(self) -> None:
        """Let what talks to the broker go on before the next step: a full inbox never waits."""
        for _ in range(YIELDS_WHEN_FULL if self.waiting else 1):
            await asyncio.sleep(0)

    async def _next(self) -> Sequence[Input]:
        now = self._clock.now()
        at = self.processor.wake_at()
        if at is None:
            wait_s = SLEEP_S_MAX
        else:
            wait_s = min(SLEEP_S_MAX, (at - now.therapy) / now.speed / 1000)
        if wait_s <= 0:
            return () if self._inbox.empty() else self._inbox.get_nowait()
        try:
            async with asyncio.timeout(wait_s):
                return await self._inbox.get()
        except TimeoutError:
            return ()

    async def _think(self, inputs: Sequence[Input]) -> None:
        while inputs:
            step = self.processor.handle(inputs, now=self._clock.now())
            self.handled += len(inputs) - len(step.unread)
            await self._follow(step)
            inputs = step.unread
            if step.missing is not None:
                inputs = [*await self._find(step.missing), *inputs]

    async def _follow(self, step: ProcessingResult) -> None:
        self.outbox.put(step.decisions)
        for inbox, data in step.answers:
            failpoint("answer_before")
            await self._bus.answer(inbox=inbox, data=data)
            failpoint("answer_after")
        for pump, effect in step.effects:
            self._tasks.create_task(self._act(pump, effect))

    async def _act(self, pump: PumpId, effect: Effect) -> None:
        if self._effect_handler is None:
            raise TypeError(f"no effect handler for {type(effect).__name__}")
        failpoint("effect_before")
        report = await self._effect_handler.handle(pump, effect)
        failpoint("effect_after")
        if report is not None:
            await self.put(Reported(pump, report))
            failpoint("effect_reported")

    async def _find(self, missing: Gap) -> list[Input]:
        """Fetch missing events from their speaker, else from its hearers, else report them lost.

        Who keeps the record asks all at once: it needs them in causal order.
        """
        log.warning(
            "loop.fetching_missing",
            speaker=missing.speaker,
            pump=missing.pump,
            first=missing.first,
            last=missing.last,
        )
        if self._causal_backfill is not None:
            return await self._causal_backfill.find(missing)
        is_new_here = (
            missing.first == 1
            and self.processor.unit_of_work.pump_stream(missing.pump).position == 0
        )
        for attempt in range(HISTORY_TRIES_MAX):
            for asked in peers_to_ask(missing.speaker, by=self.processor.decider.name):
                found = await self._ask(missing, asked)
                if found and is_new_here:
                    await self._adopt(missing, found, asked)
                    return []
                if found:
                    return list(found)
            if attempt + 1 < HISTORY_TRIES_MAX:
                await asyncio.sleep(HISTORY_PAUSE_S)
        lost = HistoryLost(speaker=missing.speaker, first=missing.first, last=missing.last)
        return [Reported(missing.pump, lost)]

    async def _adopt(self, missing: Gap, found: list[Arrived], asked: Speaker) -> None:
        """Fold an old pump's past page by page without deciding: its orders are not ours."""
        first = missing.first
        while found:
            events = [arrived.data for arrived in found]
            self.processor.take(missing.pump, events, now=self._clock.now())
            first += len(found)
            if first > missing.last:
                return
            rest = Gap(missing.pump, missing.speaker, first, missing.last)
            found = await self._ask(rest, asked)

    async def _ask(self, missing: Gap, asked: Speaker) -> list[Arrived]:
        failpoint("history_asking")
        try:
            found = await self._bus.history(
                of=missing.speaker,
                asked=asked,
                pump=missing.pump,
                first=missing.first,
                last=missing.last,
            )
        except HistoryUnavailable as error:
            log.warning("loop.history_unavailable", asked=error.asked, reason=error.reason)
            return []
        failpoint("history_fetched")
        wanted = f"{missing.speaker}:{missing.pump}:{missing.first}"
        try:
            arrived = [as_arrived(data) for data in found]
            begins = event_id_in(found[0]) if found else ""
        except codec.DECODE_ERRORS as error:
            log.warning("loop.history_unreadable", asked=asked, reason=str(error)[:200])
            return []
        return arrived if begins == wanted else []
