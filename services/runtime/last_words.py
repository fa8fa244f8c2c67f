"""What the historian has of a service: asked at each start, for the stream may have lost it."""

import asyncio
from collections.abc import Mapping

import structlog

from schemas.message import parse_event_id
from schemas.units import PumpId, Speaker
from services.runtime.adopting import HISTORIAN
from services.runtime.errors import HistoryUnavailable
from services.runtime.ports import NEWEST_OF_ALL, NONE_OF_THEM, Arrived, Bus
from services.runtime.speech import read_back

TRIES_MAX = 20
"""[-] questions of a service that knows nothing at all until it counts as the first of its kind."""

PAUSE_S = 0.5
"""[s] between them: on a first start the historian is there within two."""

log = structlog.get_logger()


async def last_words(bus: Bus, me: Speaker, *, is_new: bool) -> Mapping[PumpId, Arrived]:
    """Ask the historian for the newest event that it has of this service, for each pump.

    Args:
        bus: to ask.
        me: who asks.
        is_new: neither journal nor stream know anything of it; then it waits for the historian,
            for what it says now could otherwise bear numbers that were used before.
    """
    if me == HISTORIAN:
        return {}
    for _ in range(TRIES_MAX if is_new else 1):
        try:
            found = await bus.history(of=me, asked=HISTORIAN, pump=NEWEST_OF_ALL, first=1, last=1)
        except HistoryUnavailable as error:
            if error.reason == NONE_OF_THEM:
                return {}
            await asyncio.sleep(PAUSE_S if is_new else 0)
            continue
        return {
            parse_event_id(str(spoken.entry.id))[1]: Arrived(spoken.subject, spoken.data, {}, 0)
            for spoken in map(read_back, found)
        }
    log.warning("joining.historian_not_heard", is_new=is_new)
    return {}
