"""Who else has a service's events, and how far: asked at each start, for own copies may be old."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from core.deciders.names import HISTORIAN, SUBSCRIPTIONS
from schemas.message import parse_event_id
from schemas.units import PumpId, Speaker
from schemas.wire import codec
from services.runtime.decider_host.event_writer import read_back
from services.runtime.platform.errors import HistoryUnavailable
from services.runtime.platform.logs import get_logger
from services.runtime.ports import NEWEST_OF_ALL, NONE_OF_THEM, Arrived, Bus, TailAnswer


def holders_of(speaker: Speaker) -> Sequence[Speaker]:
    """Name those who keep what a speaker says, the historian first; its own words nobody keeps."""
    hearers = [name for name, subscribed in SUBSCRIPTIONS.items() if speaker in subscribed]
    return tuple(sorted(hearers, key=lambda name: (name != HISTORIAN, name)))


def peers_to_ask(speaker: Speaker, *, by: Speaker) -> Sequence[Speaker]:
    """Name those whom a service can ask for a speaker's events, the speaker first."""
    return tuple(name for name in (speaker, *holders_of(speaker)) if name != by)


TRIES_MAX = 6
"""[-] questions of one that does not answer: in a cold start it is there within two seconds."""

TRIES_MAX_OF_A_NEW_ONE = 20
"""[-] questions of the historian by one who may be the first of its kind."""

PAUSE_S = 0.5
"""[s] between them."""

ANSWER_S_MAX = 3.0
"""[s] for one that is there and does not answer; the others are heard all the same."""

AnswerT = TypeVar("AnswerT")

log = get_logger()


async def newest_from_peers(bus: Bus, me: Speaker, *, is_new: bool) -> Mapping[PumpId, Arrived]:
    """Ask all who hear this service for the newest event that they have of it, for each pump.

    Args:
        bus: to ask.
        me: who asks.
        is_new: neither journal nor stream know anything of it; then it waits longer for the
            historian, for what it says now could otherwise bear numbers that were used before.
    """
    asked = [_newest(bus, me, whom, is_new=is_new) for whom in holders_of(me)]
    newest: dict[PumpId, tuple[int, Arrived]] = {}
    for found in await asyncio.gather(*asked):
        for data in found:
            try:
                spoken = read_back(data)
            except codec.DECODE_ERRORS as error:
                log.warning("joining.answer_unreadable", reason=str(error)[:200])
                continue
            speaker, pump, version = parse_event_id(str(spoken.entry.id))
            if speaker == me and version > newest.get(pump, (0, None))[0]:
                newest[pump] = version, Arrived(spoken.subject, spoken.data, {}, 0)
    return {pump: arrived for pump, (_, arrived) in newest.items()}


async def _newest(bus: Bus, me: Speaker, whom: Speaker, *, is_new: bool) -> Sequence[bytes]:
    """Ask one of them until it has answered or the patience is over."""
    tries = TRIES_MAX_OF_A_NEW_ONE if is_new and whom == HISTORIAN else TRIES_MAX
    for _ in range(tries):
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                return await bus.history(of=me, asked=whom, pump=NEWEST_OF_ALL, first=1, last=1)
        except TimeoutError:
            break
        except HistoryUnavailable as error:
            if error.reason == NONE_OF_THEM:
                return ()
            await asyncio.sleep(PAUSE_S)
    log.warning("joining.not_answered", asked=whom, is_new=is_new)
    return ()


async def own_event(bus: Bus, speaker: Speaker, *, pump: PumpId, version: int) -> bytes | None:
    """Ask a service for one of its own events; None where it has not, or does not answer."""
    found = await _tried(
        lambda: bus.history(of=speaker, asked=speaker, pump=pump, first=version, last=version)
    )
    return found[0] if found else None


async def tail_of(bus: Bus, speaker: Speaker, *, pump: PumpId, after: int) -> TailAnswer | None:
    """Ask a service for the newest lines of its journal; None where it does not answer."""
    return await _tried(lambda: bus.tail(asked=speaker, pump=pump, after=after))


async def _tried(ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT | None:
    """Ask until there is an answer or the patience is over."""
    for _ in range(TRIES_MAX):
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                return await ask()
        except TimeoutError:
            break
        except HistoryUnavailable as error:
            if error.reason == NONE_OF_THEM:
                break
            await asyncio.sleep(PAUSE_S)
    return None
