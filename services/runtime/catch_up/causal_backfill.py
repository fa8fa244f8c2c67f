"""Missing events fetched from every service that has them, in causal order."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.record import HistoryLost, RuntimeFault
from schemas.units import PumpId, Speaker, UtcMillis
from schemas.wire import codec
from services.runtime.catch_up.peer_heads import peers_to_ask
from services.runtime.catch_up.startup import as_arrived
from services.runtime.decider_host.inbox_results import Gap
from services.runtime.decider_host.processor import DeciderProcessor, Input, Reported
from services.runtime.decider_host.version_check import NOTHING_HEARD
from services.runtime.journal.causal_order import Merged, Past, merged, read_past, stands_alone
from services.runtime.journal.event_ids import VERSION_MAX
from services.runtime.platform.errors import HistoryUnavailable
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.logs import get_logger
from services.runtime.ports import Bus

TRIES_MAX = 3
"""[-] rounds of asking everybody for what is missing."""

PAUSE_S = 1.0
"""[s] between rounds."""

ANSWER_S_MAX = 3.0
"""[s] for one that is there and does not answer; it is asked last from then on."""

log = get_logger()


class CausalBackfill:
    """Asks all speakers at once, so that what one had heard of another is put before it.

    Were they asked one after another, all that one ever said would stand before all that it heard.
    """

    def __init__(self, *, processor: DeciderProcessor[Any], bus: Bus) -> None:
        """Ask nothing yet."""
        self._processor = processor
        self._bus = bus
        self._silent: set[Speaker] = set()

    async def find(self, missing: Gap) -> list[Input]:
        """Give the next events up to those that are missing, or say what nobody has."""
        wanted = missing.speaker, missing.last
        page = Merged([], {})
        for attempt in range(TRIES_MAX):
            page = await self._page(missing.pump, until=missing.until, wanted=wanted)
            if page.events:
                return [as_arrived(past.data) for past in page.events]
            if attempt + 1 < TRIES_MAX:
                await asyncio.sleep(PAUSE_S)
        lacks = page.lacks
        if missing.was_heard and not lacks:
            lacks = {missing.speaker: missing.last}
        if lacks:
            return [give_up(self._processor, missing.pump, lacks)]
        lost = HistoryLost(speaker=missing.speaker, first=missing.first, last=missing.last)
        return [Reported(missing.pump, lost)]

    async def _page(self, pump: PumpId, *, until: UtcMillis, wanted: tuple[Speaker, int]) -> Merged:
        """Ask whose events are wanted; the others as well if it had heard what is not here."""
        pump_stream, me = (
            self._processor.unit_of_work.pump_stream(pump),
            self._processor.decider.name,
        )
        speakers = [
            one for one in self._processor.decider.subscribes_to if one not in pump_stream.forked
        ]
        heads = {one: pump_stream.heads.get(one, NOTHING_HEARD).version for one in speakers}
        known = {one: max(heads[one], pump_stream.given_up.get(one, 0)) for one in speakers}

        async def ask(of: Speaker, asked: Sequence[Speaker]) -> None:
            pages[of] = await self._next(pump, of, asked, first=heads[of] + 1)

        failpoint("history_asking")
        pages: dict[Speaker, Sequence[Past]] = {}
        speaker, last = wanted
        await ask(speaker, peers_to_ask(speaker, by=me))
        hole = [past for past in pages[speaker] if past.version <= last]
        if stands_alone(hole, known=known):
            failpoint("history_fetched")
            return Merged(hole, {})
        others = [one for one in speakers if one != speaker]
        await asyncio.gather(*(ask(one, () if one in self._silent else (one,)) for one in others))
        page, asked_of_all = merged(pages, known=known, until=until, wanted=wanted), {speaker}
        while not page.events and not page.lacks.keys() <= asked_of_all:
            more = page.lacks.keys() - asked_of_all
            await asyncio.gather(*(ask(one, peers_to_ask(one, by=me)) for one in more))
            asked_of_all |= more
            page = merged(pages, known=known, until=until, wanted=wanted)
        if page.events:
            failpoint("history_fetched")
        return page

    async def _next(
        self, pump: PumpId, of: Speaker, asked: Sequence[Speaker], *, first: int
    ) -> Sequence[Past]:
        """Give a speaker's events from a version on, of the first who has them."""
        for whom in sorted(asked, key=lambda one: one in self._silent):
            try:
                async with asyncio.timeout(ANSWER_S_MAX):
                    found = await self._bus.history(
                        of=of, asked=whom, pump=pump, first=first, last=VERSION_MAX
                    )
                page = [read_past(data) for data in found]
            except TimeoutError:
                self._silent.add(whom)
                log.warning("causal_backfill.not_answered", asked=whom)
                continue
            except (HistoryUnavailable, *codec.DECODE_ERRORS) as error:
                self._silent.discard(whom)
                log.debug("causal_backfill.unavailable", asked=whom, of=of, reason=str(error))
                continue
            self._silent.discard(whom)
            whole = [past for at, past in enumerate(page) if past.version == first + at]
            if whole:
                return whole
        return ()


def give_up(
    processor: DeciderProcessor[Any], pump: PumpId, lacks: Mapping[Speaker, int]
) -> Reported:
    """Go on without what others had heard: should it still come, it stands later."""
    pump_stream = processor.unit_of_work.pump_stream(pump)
    for speaker, version in lacks.items():
        pump_stream.given_up[speaker] = max(version, pump_stream.given_up.get(speaker, 0))
    names = ", ".join(f"{speaker} up to {lacks[speaker]}" for speaker in sorted(lacks))
    detail = f"others had heard {names}; nobody gives it now, and what they said stands first"
    return Reported(pump, RuntimeFault(fault="heard_by_others", detail=detail))
