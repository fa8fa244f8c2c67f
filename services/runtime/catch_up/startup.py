"""How a service that starts finds its place: in the stream, and in what it has said before."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from core.deciders.names import HISTORIAN
from core.kernel.decider import Decider
from schemas.message import Now, Report
from schemas.record import ClockChanged, Restarted, RuntimeFault
from schemas.units import PumpId
from schemas.wire.subjects import speaker_filter
from services.runtime.catch_up.backfill import backfill
from services.runtime.catch_up.peer_heads import newest_from_peers
from services.runtime.decider_host.event_writer import read_back
from services.runtime.decider_host.outbox import Outbox
from services.runtime.decider_host.processor import DeciderProcessor, Input, Reported
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.event_ids import is_own_event, is_that_event, stored_head
from services.runtime.platform.clock import NOTHING_UNPROVEN, Unproven
from services.runtime.platform.errors import SecondWriter
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.logs import get_logger
from services.runtime.platform.release import version as release_version
from services.runtime.platform.zones import tzdata_version
from services.runtime.ports import Arrived, Bus, Store, StreamHead, StreamState

log = get_logger()


def as_arrived(data: bytes) -> Arrived:
    """Give a stored event the shape of one that arrived, outside the stream's order."""
    return Arrived(read_back(data).subject, data, {}, 0)


def out_of_order(arrived: Arrived) -> Arrived:
    """Give a message that was read by itself: it moves no cursor."""
    return msgspec.structs.replace(arrived, sequence=0)


class Startup:
    """The checks between the start of a process and the first message."""

    def __init__(
        self, *, processor: DeciderProcessor[Any], outbox: Outbox, bus: Bus, store: Store
    ) -> None:
        """Prepare; nothing is asked before `join`."""
        self._processor = processor
        self._decider: Decider[Any] = processor.decider
        self._outbox = outbox
        self._bus = bus
        self._store = store
        self._kept: Mapping[PumpId, Arrived] = {}
        self._foreign: list[Arrived] = []
        self._cut: list[Reported] = []

    async def join(self, *, now: Now, unproven: Unproven = NOTHING_UNPROVEN) -> Sequence[Input]:
        """Find the place in the stream; give the reports that the decider must hear first.

        Args:
            now: of the start.
            unproven: what of the time before it nothing proves.

        Raises:
            RestoredFromOldCopy: newer events of this service exist and nobody can give them.
            SecondWriter: the stream holds another event under a number of this journal.
        """
        failpoint("join_begun")
        state = await self._bus.stream_state()
        followed = self._store.streams()
        position = self._processor.unit_of_work.follow(stream=state.created)
        stream_faults = _stream_faults(state, followed, position)
        spoken_of = await self._bus.own_pumps()
        is_new = not self._processor.unit_of_work.pump_streams and not spoken_of
        self._kept = await newest_from_peers(self._bus, self._decider.name, is_new=is_new)
        later = [
            await self._compare_own(pump, now)
            for pump in list(self._processor.unit_of_work.pump_streams)
        ]
        later += [
            await self._take_past(pump, newest, now) for pump, newest in await self._new(spoken_of)
        ]
        position = self._processor.unit_of_work.position
        stream_lost = bool(followed) and state.created not in followed
        await self._outbox.recover(stream_lost=stream_lost)
        failpoint("join_recovered")
        await self._bus.reset(position=0 if stream_faults else position)
        failpoint("join_reset")
        reports: tuple[Report, ...] = (
            restarted(unproven),
            *stream_faults,
            *clock_reports(self._processor.unit_of_work.last_now, now),
        )
        told = [
            Reported(pump, one)
            for pump in self._processor.unit_of_work.pump_streams
            for one in reports
        ]
        heard = (as_arrived(data) for events in later for data in events)
        return [*told, *self._cut, *self._foreign, *heard]

    async def _new(self, spoken_of: Sequence[PumpId]) -> Sequence[tuple[PumpId, Arrived]]:
        """Name the pumps that others know of us and the journal does not, oldest word first.

        What was said before would otherwise be said again under the same numbers.
        """
        known = sorted({*spoken_of, *self._kept})
        pumps = [pump for pump in known if pump not in self._processor.unit_of_work.pump_streams]
        found = [(pump, await self._newest_own(pump)) for pump in pumps]
        said = [(pump, newest) for pump, newest in found if newest is not None]
        return sorted(said, key=lambda one: one[1].sequence)

    async def _take_past(self, pump: PumpId, newest: Arrived, now: Now) -> Sequence[bytes]:
        # An empty journal hears on from its own newest word: what it said had been heard by then.
        is_empty = not self._processor.unit_of_work.pump_streams
        return await self._take(pump, newest, newest.sequence if is_empty else 0, now)

    async def _newest_own(self, pump: PumpId) -> Arrived | None:
        """Give the newest own event that the stream or the historian has.

        Bytes in its place that are no event of this service are set aside: then its peers know.
        """
        subject = speaker_filter(self._decider.name).replace("*", pump, 1)
        carried, kept = await self._bus.last_own(subject=subject), self._kept.get(pump)
        if carried is not None and not is_own_event(carried, self._decider.name):
            log.error("joining.foreign_bytes", pump=pump, sequence=carried.sequence)
            self._foreign.append(out_of_order(carried))
            carried = None
        if carried is None or kept is None:
            return carried or kept
        is_behind = stored_head(carried).version < stored_head(kept).version
        return kept if is_behind else carried

    async def _compare_own(self, pump: PumpId, now: Now) -> Sequence[bytes]:
        """Hold the own head against the newest own event that the stream and the historian know."""
        me = self._decider.name
        newest = await self._newest_own(pump)
        if newest is None:
            return ()
        head = stored_head(newest)
        own = self._processor.unit_of_work.pump_stream(pump).heads.get(me, NOTHING_HEARD)
        if head.version == own.version and not is_that_event(newest, own.sha256):
            raise SecondWriter(f"{me}:{pump}:{head.version} stands in the stream with other bytes")
        if head.version <= own.version:
            return ()
        log.warning(
            "joining.restored_from_old_copy", pump=pump, first=own.version + 1, last=head.version
        )
        # The cursor stays where the copy has it: what was heard before is known by its number.
        return await self._take(pump, newest, 0, now)

    async def _take(
        self, pump: PumpId, newest: Arrived, position: int, now: Now
    ) -> Sequence[bytes]:
        """Take over what is missing up to the newest own event; give what was not heard by then."""
        head = stored_head(newest)
        if self._decider.name == HISTORIAN:
            # What it said itself nobody else has; what others said it hears in the stream.
            log.warning("joining.own_words_lost", pump=pump, last=head.version)
            pump_stream = self._processor.unit_of_work.pump_stream(pump)
            self._tell_of_a_cut(pump, pump_stream.heads.get(HISTORIAN, NOTHING_HEARD), head)
            self._processor.unit_of_work.put_head(pump_stream, HISTORIAN, head)
            self._processor.unit_of_work.commit()
            return ()
        return await backfill(
            self._processor, self._bus, pump, known=head.version, position=position, now=now
        )

    def _tell_of_a_cut(self, pump: PumpId, own: StreamHead, published: StreamHead) -> None:
        """Report a record that ends before what was published out of it: it was stored first."""
        detail = (
            f"it ends with its own event {own.version}, and event {published.version} was "
            "published: the record was cut short, lost or put back; what others said is heard again"
        )
        self._cut.append(Reported(pump, RuntimeFault(fault="record_altered", detail=detail)))


def restarted(unproven: Unproven) -> Restarted:
    """Tell of a start, by which code, and how much of the time before it nothing proves."""
    return Restarted(
        release=release_version(),
        tzdata=tzdata_version(),
        unproven=unproven.passed,
        unproven_since=unproven.since,
    )


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
