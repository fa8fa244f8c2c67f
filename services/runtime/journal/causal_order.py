"""Events of several speakers in the order in which one can have led to another."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from core.kernel.decider import Entry
from schemas.message import Envelope, parse_event_id
from schemas.units import PumpId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.subjects import parse_subject
from services.runtime.journal.entries import event_entry, is_event, split
from services.runtime.journal.event_ids import VERSION_MAX
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
    done = {name: past[0].version - 1 for name, past in pasts.items() if past}
    ordered: list[Past] = []
    while nexts := _nexts(pasts, taken):
        ready = {name: past for name, past in nexts.items() if not _unheard(past, done)}
        name, chosen = _earliest(ready or nexts)
        ordered.append(chosen)
        taken[name] += 1
        is_all = taken[name] == len(pasts[name])  # nobody waits for more than there is
        done[name] = VERSION_MAX if is_all else chosen.version
    return ordered


def _nexts(
    pages: Mapping[Speaker, Sequence[Past]], taken: Mapping[Speaker, int]
) -> dict[Speaker, Past]:
    """Give the next event of each speaker who has one left."""
    return {name: page[taken[name]] for name, page in pages.items() if taken[name] < len(page)}


def _earliest(nexts: Mapping[Speaker, Past]) -> tuple[Speaker, Past]:
    return min(nexts.items(), key=lambda one: (one[1].envelope.recorded_at, one[0]))


class Merged(NamedTuple):
    """The next events of all, and what stands in the way of more."""

    events: list[Past]
    """[-] in causal order; may be empty."""
    lacks: dict[Speaker, int]
    """[-] with no events: the version of each speaker that was heard and that nobody gives."""


def merged(
    pages: Mapping[Speaker, Sequence[Past]],
    *,
    known: Mapping[Speaker, int],
    until: UtcMillis,
    wanted: tuple[Speaker, int],
) -> Merged:
    """Merge the next events of several speakers, as far as no other event can come in between.

    None comes before what its speaker had heard; between events that did not know of each other
    the earlier one by its own clock comes first. It ends where a page ends: what follows in the
    next one may be older than what the others say.

    Args:
        pages: of each speaker the events after the known ones, without a hole; empty if nobody
            gives any.
        known: version of each speaker up to which nothing is waited for; of nobody else is
            anything.
        until: [ms] real time; what was said later is left out, unless what is wanted comes after.
        wanted: a speaker, and the version up to which its events are needed.
    """
    taken = dict.fromkeys(pages, 0)
    done = dict(known)
    events: list[Past] = []
    while True:
        nexts = _nexts(pages, taken)
        ready = {name: past for name, past in nexts.items() if not _unheard(past, done)}
        if not ready:
            return Merged(events, _in_the_way(nexts, done))
        name, chosen = _earliest(ready)
        if chosen.envelope.recorded_at > until and not _is_before(nexts.get(wanted[0]), wanted[1]):
            return Merged(events, {})
        events.append(chosen)
        done[name] = max(chosen.version, done[name])
        taken[name] += 1
        if taken[name] == len(pages[name]):
            return Merged(events, {})


def _is_before(past: Past | None, last: int) -> bool:
    """Say whether an event is one of those up to a version."""
    return past is not None and past.version <= last


def stands_alone(page: Sequence[Past], *, known: Mapping[Speaker, int]) -> bool:
    """Say whether there are events, and all that their speaker had heard before them is known."""
    return bool(page) and not any(_unheard(past, known) for past in page)


def _unheard(past: Past, done: Mapping[Speaker, int]) -> dict[Speaker, int]:
    """Give what the speaker of an event had heard and those who wait for it have not."""
    heard = {Speaker(name): version for name, version in past.envelope.versions_seen.items()}
    return {
        name: version for name, version in heard.items() if name in done and version > done[name]
    }


def _in_the_way(
    nexts: Mapping[Speaker, Past],
    done: Mapping[Speaker, int],
) -> dict[Speaker, int]:
    """Name what nobody gives; where each waits for another one, all that they wait for."""
    waited_for: dict[Speaker, int] = {}
    for past in nexts.values():
        for name, version in _unheard(past, done).items():
            waited_for[name] = max(version, waited_for.get(name, 0))
    given_by_nobody = {name: version for name, version in waited_for.items() if name not in nexts}
    return given_by_nobody or waited_for


def recorded(store: Store, *, pump: PumpId, speakers: Collection[Speaker]) -> list[Entry]:
    """Give the events of some speakers about a pump, each after all that its speaker had heard.

    A record that was taken over speaker by speaker, after a loss, is no other for that.
    """
    pasts: dict[Speaker, list[Past]] = {speaker: [] for speaker in sorted(speakers)}
    for _, row in store.rows(pump=pump):
        head, data = split(row.state)
        if not is_event(head):
            continue
        speaker = parse_subject(head.subject).service
        if speaker in pasts:
            pasts[speaker].append(read_past(data))
    return [
        event_entry(past.envelope, codec.sha256_hex(past.data)) for past in in_causal_order(pasts)
    ]
