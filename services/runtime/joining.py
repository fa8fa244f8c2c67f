"""How a service that starts finds its place: in the stream, and in what it has said before."""

from collections.abc import Sequence
from typing import Any

import structlog

from core.decider import Decider
from schemas.message import Now, Report
from schemas.record import ClockChanged, Restarted, RuntimeFault
from schemas.subjects import speaker_filter
from schemas.units import PumpId
from services.runtime.admission import NOTHING_HEARD
from services.runtime.adopting import HISTORIAN, adopt
from services.runtime.crashpoints import crashpoint
from services.runtime.errors import HistoryUnavailable, RestoredFromOldCopy, SecondWriter
from services.runtime.machine import Input, Machine, Reported
from services.runtime.outbox import Outbox
from services.runtime.ports import Arrived, Bus, Head, Store, StreamState
from services.runtime.release import version as release_version
from services.runtime.speech import read_back
from services.runtime.zones import tzdata_version

log = structlog.get_logger()


def as_arrived(data: bytes) -> Arrived:
    """Give a stored event the shape of one that arrived, outside the stream's order."""
    return Arrived(read_back(data).subject, data, {}, 0)


class Joining:
    """The checks between the start of a process and the first message."""

    def __init__(self, *, machine: Machine[Any], outbox: Outbox, bus: Bus, store: Store) -> None:
        """Prepare; nothing is asked before `join`."""
        self._machine = machine
        self._decider: Decider[Any] = machine.decider
        self._outbox = outbox
        self._bus = bus
        self._store = store

    async def join(self, *, now: Now) -> Sequence[Input]:
        """Find the place in the stream; give the reports that the decider must hear first.

        Raises:
            RestoredFromOldCopy: newer events of this service exist and nobody can give them.
            SecondWriter: the stream holds another event under a number of this journal.
        """
        crashpoint("join_begun")
        state = await self._bus.stream_state()
        followed = self._store.streams()
        position = self._machine.books.follow(stream=state.created)
        stream_faults = _stream_faults(state, followed, position)
        pumps = list(self._machine.books.ledgers)
        for pump in pumps:
            await self._compare_own(pump, now)
        if await self._take_pasts(pumps, now):
            position = state.last_sequence
        stream_lost = bool(followed) and state.created not in followed
        await self._outbox.recover(stream_lost=stream_lost)
        crashpoint("join_recovered")
        await self._bus.reset(position=0 if stream_faults else position)
        crashpoint("join_reset")
        reports: tuple[Report, ...] = (
            Restarted(release=release_version(), tzdata=tzdata_version()),
            *stream_faults,
            *clock_reports(self._machine.books.last_now, now),
        )
        return [Reported(pump, report) for pump in pumps for report in reports]

    async def _take_pasts(self, pumps: Sequence[PumpId], now: Now) -> bool:
        """Take over the past of every pump that the stream knows of us and the journal does not.

        What was said before would otherwise be said again under the same numbers, and old commands
        would be obeyed anew. Gives whether there was such a pump.
        """
        new = [pump for pump in await self._bus.own_pumps() if pump not in pumps]
        for pump in new:
            newest = await self._newest_own(pump)
            if newest is None:
                continue
            if self._decider.name == HISTORIAN:
                self._machine.books.put_head(self._machine.books.ledger(pump), HISTORIAN, newest)
                self._machine.books.commit()
            else:
                known = newest.version
                await adopt(self._machine, self._bus, pump, known=known, now=now)
        return bool(new) and self._decider.name != HISTORIAN

    async def _newest_own(self, pump: PumpId) -> Head | None:
        subject = speaker_filter(self._decider.name).replace("*", pump, 1)
        newest = await self._bus.last_own(subject=subject)
        return None if newest is None else read_back(newest.data).head

    async def _compare_own(self, pump: PumpId, now: Now) -> None:
        """Hold the own head against the newest own event that the stream and the historian know."""
        me = self._decider.name
        newest = await self._newest_own(pump)
        if newest is None:
            return
        version = newest.version
        ledger = self._machine.books.ledger(pump)
        own = ledger.heads.get(me, NOTHING_HEARD)
        if version == own.version and newest != own:
            raise SecondWriter(f"{me}:{pump}:{version} stands in the stream with other bytes")
        while own.version < version:
            await self._import(pump, own.version + 1, version, now)
            own = ledger.heads.get(me, NOTHING_HEARD)

    async def _import(self, pump: PumpId, first: int, last: int, now: Now) -> None:
        me, historian = self._decider.name, HISTORIAN
        log.warning("joining.restored_from_old_copy", pump=pump, first=first, last=last)
        crashpoint("history_asking")
        try:
            found = await self._bus.history(
                of=me, asked=historian, pump=pump, first=first, last=last
            )
        except HistoryUnavailable as error:
            raise RestoredFromOldCopy(pump, first - 1, last) from error
        crashpoint("history_fetched")
        if not found or read_back(found[0]).head.version != first:
            raise RestoredFromOldCopy(pump, first - 1, last)
        self._machine.take(pump, found, now=now)
        crashpoint("history_taken")


def clock_reports(last: Now | None, now: Now) -> tuple[Report, ...]:
    """Tell what has happened to the clock since this service last decided anything."""
    if last is None:
        return ()
    changed: tuple[Report, ...] = ()
    if last.speed != now.speed:
        changed = (ClockChanged(speed=now.speed, therapy=now.therapy),)
    behind_ms = max(last.therapy - now.therapy, last.real - now.real)
    if behind_ms <= 0:
        return changed
    detail = f"{behind_ms} ms behind the last decision; time stands still until it is caught up"
    return (*changed, RuntimeFault(fault="clock_went_back", detail=detail))


def _stream_faults(
    state: StreamState, followed: Sequence[str], position: int
) -> tuple[RuntimeFault, ...]:
    if followed and state.created not in followed:
        return (RuntimeFault(fault="stream_replaced", detail=f"created {state.created}"),)
    if state.last_sequence < position:
        detail = f"the stream ends at {state.last_sequence}, the journal at {position}"
        return (RuntimeFault(fault="stream_behind", detail=detail),)
    return ()
