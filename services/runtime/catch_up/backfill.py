"""A service whose journal lacks its own past: it takes the past over, deciding nothing."""

import asyncio
from collections.abc import Sequence
from typing import Any

from schemas.message import Now, event_id
from schemas.units import PumpId, Speaker
from schemas.wire import codec
from services.runtime.catch_up.peer_heads import holders_of, peers_to_ask
from services.runtime.decider_host.processor import DeciderProcessor
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.causal_order import Past, in_causal_order, read_past
from services.runtime.journal.event_ids import VERSION_MAX
from services.runtime.platform.errors import HistoryUnavailable, RestoredFromOldCopy, SecondWriter
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.logs import get_logger
from services.runtime.ports import Bus

PAGES_MAX = 100_000
"""[-] answers taken from one service about one speaker."""

PATIENCE_TRIES = 20
"""[-] questions in a row that bring nothing new until nobody counts as having more."""

PATIENCE_PAUSE_S = 0.5
"""[s] between them; the historian may itself be reading the stream anew."""

log = get_logger()


async def backfill(
    processor: DeciderProcessor[Any], bus: Bus, pump: PumpId, *, known: int, position: int, now: Now
) -> list[bytes]:
    """Take over what this service said of a pump, and what it had heard by then, in causal order.

    What others said later it has not decided upon: that is given back, to be heard.

    Args:
        machine: with nothing of this pump, or with an older copy.
        bus: to ask the historian, the speakers themselves, and everybody who heard them.
        pump: whose past it is.
        known: version of the newest own event that the stream holds.
        position: in the stream, kept in the same transaction; 0 to leave it.
        now: the time at which it is taken over.

    Raises:
        RestoredFromOldCopy: nobody gives all of the own events: this service stays silent.
        SecondWriter: the own events do not follow upon those of the journal.
    """
    me = processor.decider.name
    heads = processor.unit_of_work.pump_stream(pump).heads
    failpoint("history_asking")
    own = await _own(bus, me, pump, after=heads.get(me, NOTHING_HEARD).version, known=known)
    if own[0].envelope.previous != heads.get(me, NOTHING_HEARD).sha256:
        raise SecondWriter(f"{own[0].envelope.id} does not follow upon this journal")
    heard: dict[Speaker, list[Past]] = {me: own}
    later: dict[Speaker, list[Past]] = {}
    for speaker in processor.decider.subscribes_to:
        first = heads.get(speaker, NOTHING_HEARD).version + 1
        events = await _all(bus, speaker, peers_to_ask(speaker, by=me), pump, first=first)
        last = own[-1].envelope.versions_seen.get(speaker, 0)
        heard[speaker] = [past for past in events if past.version <= last]
        later[speaker] = [past for past in events if past.version > last]
    failpoint("history_fetched")
    events = in_causal_order(heard)
    log.warning("adopting.past_was_missing", pump=pump, events=len(events))
    processor.take(pump, [past.data for past in events], position=position, now=now)
    failpoint("history_taken")
    return [past.data for past in in_causal_order(later)]


async def _own(bus: Bus, me: Speaker, pump: PumpId, *, after: int, known: int) -> list[Past]:
    """Fetch the own events after a version, waiting while the others are getting more of them."""
    found: list[Past] = []
    tries = 0
    while True:
        last = found[-1].version if found else after
        more = await _all(bus, me, holders_of(me), pump, first=last + 1)
        found.extend(more)
        if found and found[-1].version >= known:
            return found
        tries = 0 if more else tries + 1
        if tries == PATIENCE_TRIES:
            raise RestoredFromOldCopy(pump, last, known)
        await asyncio.sleep(PATIENCE_PAUSE_S)


async def _all(
    bus: Bus, of: Speaker, asked: Sequence[Speaker], pump: PumpId, *, first: int
) -> list[Past]:
    """Fetch all that somebody has of a speaker from a version on, without a hole."""
    found: list[Past] = []
    for whom in asked:
        for _ in range(PAGES_MAX):
            begin = found[-1].version + 1 if found else first
            try:
                page = await bus.history(
                    of=of, asked=whom, pump=pump, first=begin, last=VERSION_MAX
                )
                read = [read_past(data) for data in page]
            except (HistoryUnavailable, *codec.DECODE_ERRORS):
                break
            if not read or read[0].envelope.id != event_id(speaker=of, pump=pump, version=begin):
                break
            found.extend(read)
    return found
