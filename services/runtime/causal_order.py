"""Events of several speakers in the order in which one can have led to another."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from core.decider import Entry
from schemas import codec
from schemas.message import Envelope, parse_event_id
from schemas.subjects import parse_subject
from schemas.units import PumpId, Speaker
from services.runtime.entries import event_entry, split
from services.runtime.ports import Store


class Past(NamedTuple):
    """An event of the past, and what its speaker had heard by then."""

    data: bytes
    envelope: Envelope
    version: int


def read_past(data: bytes) -> Past:
    """Read an event of the past from its bytes."""
    envelope = codec.decode_envelope(data)
    return Past(data, envelope, parse_event_id(envelope.id)[2])


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


def recorded(store: Store, *, pump: PumpId, speakers: Collection[Speaker]) -> list[Entry]:
    """Give the events of some speakers about a pump, each after all that its speaker had heard.

    A record that was taken over speaker by speaker, after a loss, is no other for that.
    """
    pasts: dict[Speaker, list[Past]] = {speaker: [] for speaker in sorted(speakers)}
    for _, row in store.rows(pump=pump):
        head, data = split(row.state)
        if ".event." not in head.subject:
            continue
        speaker = parse_subject(head.subject).service
        if speaker in pasts:
            pasts[speaker].append(read_past(data))
    return [
        event_entry(past.envelope, codec.sha256_hex(past.data)) for past in in_causal_order(pasts)
    ]
