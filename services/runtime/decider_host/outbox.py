"""What was stored goes to the stream in the order of the store, one publish in flight."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from schemas.units import EventId, Speaker
from schemas.wire import codec
from services.runtime.decider_host.event_writer import outgoing_again
from services.runtime.journal.entries import read_row
from services.runtime.journal.event_ids import (
    event_id_in,
    is_own_event,
    is_that_event,
    stored_id,
)
from services.runtime.platform.errors import PublishUnknown, SecondWriter, WrongLastSequence
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.logs import get_logger
from services.runtime.platform.shutdown import is_running
from services.runtime.ports import BATCH_MESSAGES_MAX, Arrived, Bus, Outgoing, Store

RECOVER_EVENTS_MAX = 1_000
"""[-] stored events said to a stream that holds none of ours; of more, only the newest ones."""

RETRY_S_FIRST = 0.1
"""[s] until a publish of unknown result is looked into again."""

RETRY_S_MAX = 2.0
"""[s] longest pause between attempts."""

PENDING_EVENTS_MAX = 100_000
"""[-] events kept in memory while the broker is away; the rest waits in the store."""

log = get_logger()


class Outbox:
    """Publishes decisions whole: all events of one together or none."""

    def __init__(
        self, *, bus: Bus, store: Store, speaker: Speaker, foreign: Callable[[Arrived], None]
    ) -> None:
        """Start with nothing to send; `recover` finds what a former process left.

        `foreign` is given what stands under this speaker's subjects and is no event of it.
        """
        self.published_events = 0
        self._bus = bus
        self._store = store
        self._speaker = speaker
        self._foreign = foreign
        self._pending: deque[Sequence[Outgoing]] = deque()
        self._pending_events = 0
        self._in_store_only = False
        self._wake = asyncio.Event()
        self._expected_last = 0
        self._published: EventId | None = None

    @property
    def pending_events(self) -> int:
        """Count the events stored but not yet known to be in the stream."""
        return self._pending_events

    async def recover(self, *, stream_lost: bool) -> None:
        """Find the newest own event in the stream and line up what was stored after it.

        To a stream that was lost, or that kept none of many events, or that has bytes of somebody
        else on top, only each pump's newest one is said again: whoever misses those before it asks
        for them, and whoever knows it drops it.
        """
        newest = await self._bus.last_own()
        self._expected_last = newest.sequence if newest else 0
        is_covered = newest is not None and not is_own_event(newest, self._speaker)
        self._published = None if newest is None or is_covered else stored_id(newest)
        if self._published or not (is_covered or stream_lost or self._has_said_many()):
            self._refill()
            return
        last = {row.pump: row for row in self._store.said_after(event=None)}
        self.put([(outgoing_again(read_row(row)),) for row in last.values()])

    def _has_said_many(self) -> bool:
        said = islice(self._store.said_after(event=None), RECOVER_EVENTS_MAX + 1)
        return sum(1 for _ in said) > RECOVER_EVENTS_MAX

    def put(self, decisions: Sequence[Sequence[Outgoing]]) -> None:
        """Line up what one step has stored."""
        count = sum(len(decision) for decision in decisions)
        if self._in_store_only or self._pending_events + count > PENDING_EVENTS_MAX:
            self._in_store_only = True
        else:
            self._pending.extend(decisions)
            self._pending_events += count
        if count:
            self._wake.set()

    async def run(self) -> None:
        """Publish for ever.

        Raises:
            SecondWriter: somebody else spoke as this speaker, or the stream was restored.
        """
        while is_running():
            while not self._pending:
                if self._in_store_only:
                    self._refill()
                    continue
                self._wake.clear()
                await self._wake.wait()
            batch, count = self._next_batch()
            await self._publish(batch)
            self._published = event_id_in(batch[-1].data)
            for _ in range(count):
                self._pending.popleft()
            self._pending_events -= len(batch)
            self.published_events += len(batch)

    def _refill(self) -> None:
        rows = self._store.said_after(event=self._published)
        for row in islice(rows, PENDING_EVENTS_MAX):
            self._pending.append((outgoing_again(read_row(row)),))
        self._pending_events = len(self._pending)
        self._in_store_only = self._pending_events >= PENDING_EVENTS_MAX

    def _next_batch(self) -> tuple[list[Outgoing], int]:
        batch: list[Outgoing] = []
        count = 0
        for decision in self._pending:
            if batch and len(batch) + len(decision) > BATCH_MESSAGES_MAX:
                break
            batch.extend(decision)
            count += 1
        return batch, count

    async def _publish(self, batch: Sequence[Outgoing]) -> None:
        pause_s = RETRY_S_FIRST
        while is_running():
            try:
                expected = self._expected_last
                failpoint("publish_before")
                self._expected_last = await self._bus.publish(batch, expected_last=expected)
                failpoint("publish_after")
                return
            except PublishUnknown as error:
                log.warning("outbox.unknown", speaker=self._speaker, reason=error.reason)
            except WrongLastSequence as error:
                log.warning("outbox.refused", speaker=self._speaker, expected=error.expected)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_S_MAX)
            batch = await self._left_of(batch)
            if not batch:
                return
        raise asyncio.CancelledError

    async def _left_of(self, batch: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """Give what of the batch is not in the stream; set what is expected to come before it.

        A broker whose disk is full has been seen to take a part of a batch. Behind bytes that are
        no event of this speaker all is said again: what was there already is dropped by its number.
        """
        try:
            newest = await self._bus.last_own()
        except PublishUnknown:
            return batch
        if newest is None:
            self._expected_last = 0
            return batch
        if not is_own_event(newest, self._speaker):
            log.error("outbox.foreign_bytes", speaker=self._speaker, sequence=newest.sequence)
            self._expected_last = newest.sequence
            self._foreign(newest)
            return batch
        found = stored_id(newest)
        for index, message in enumerate(batch):
            if is_that_event(newest, codec.sha256_hex(message.data)):
                self._expected_last = newest.sequence
                return batch[index + 1 :]
        if newest.sequence == self._expected_last or found == self._published:
            self._expected_last = newest.sequence
            return batch
        raise SecondWriter(f"{found} stands in the stream, not {self._published}")
