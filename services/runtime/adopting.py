"""A service without a journal on a pump with a past: it takes the past over, deciding nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import structlog

from schemas import codec
from schemas.message import Envelope, Now, parse_event_id
from schemas.units import PumpId, Speaker
from services.runtime.crashpoints import crashpoint
from services.runtime.errors import HistoryUnavailable, RestoredFromOldCopy
from services.runtime.machine import Machine
from services.runtime.ports import Bus

HISTORIAN = Speaker("historian")
"""[-] who has everybody's events."""

VERSION_MAX = 2**62
"""[-] more than any speaker ever says: asks for all there is."""

PAGES_MAX = 100_000
"""[-] answers taken from one service about one speaker."""

log = structlog.get_logger()


class Past(NamedTuple):
    """An event of the past, and what its speaker had heard by then."""

    data: bytes
    envelope: Envelope
    version: int


async def adopt(machine: Machine[Any], bus: Bus, pump: PumpId, *, known: int, now: Now) -> None:
    """Take over what this service said of a pump, and what it would have heard, in causal order.

    Args:
        machine: with nothing of this pump.
        bus: to ask the historian, and the speakers themselves.
        pump: whose past it is.
        known: version of the newest own event that the stream holds.
        now: the time at which it is taken over.

    Raises:
        RestoredFromOldCopy: nobody gives all of the own events: this service stays silent.
    """
    me = machine.decider.name
    crashpoint("history_asking")
    own = await _all(bus, me, (HISTORIAN,), pump)
    if not own or own[-1].version < known:
        raise RestoredFromOldCopy(pump, own[-1].version if own else 0, known)
    others = {
        speaker: await _all(bus, speaker, (HISTORIAN, speaker), pump)
        for speaker in machine.decider.hears
    }
    crashpoint("history_fetched")
    events = [past.data for past in in_causal_order({me: own, **others})]
    log.warning("adopting.journal_was_empty", pump=pump, events=len(events))
    machine.take(pump, events, now=now)
    crashpoint("history_taken")


def in_causal_order(pasts: Mapping[Speaker, Sequence[Past]]) -> list[Past]:
    """Merge the events of several speakers so that none comes before what it had heard.

    Between events that did not know of each other the earlier one by its own clock comes first.
    """
    taken = dict.fromkeys(pasts, 0)
    merged: list[Past] = []
    left = sum(len(past) for past in pasts.values())
    for _ in range(left):
        nexts = [
            (name, past[taken[name]]) for name, past in pasts.items() if taken[name] < len(past)
        ]
        ready = [pair for pair in nexts if _is_ready(pair[1], pasts, taken)]
        name, chosen = min(ready or nexts, key=lambda one: (one[1].envelope.recorded_at, one[0]))
        taken[name] += 1
        merged.append(chosen)
    return merged


def _is_ready(
    past: Past, pasts: Mapping[Speaker, Sequence[Past]], taken: Mapping[Speaker, int]
) -> bool:
    for name, version in past.envelope.heard.items():
        speaker = Speaker(name)
        events = pasts.get(speaker, ())
        if not events:
            continue
        done = events[taken[speaker] - 1].version if taken[speaker] else events[0].version - 1
        if done < min(version, events[-1].version):
            return False
    return True


async def _all(bus: Bus, of: Speaker, asked: Sequence[Speaker], pump: PumpId) -> list[Past]:
    """Fetch all that somebody has of a speaker, from its first event on without a hole."""
    found: list[Past] = []
    for whom in asked:
        for _ in range(PAGES_MAX):
            first = found[-1].version + 1 if found else 1
            try:
                page = await bus.history(
                    of=of, asked=whom, pump=pump, first=first, last=VERSION_MAX
                )
            except HistoryUnavailable:
                break
            read = [_read(data) for data in page]
            if not read or read[0].version != first:
                break
            found.extend(read)
    return found


def _read(data: bytes) -> Past:
    envelope = codec.decode_envelope(data)
    return Past(data, envelope, parse_event_id(envelope.id)[2])
