"""A system that lost its stream and its historian, and the historian that gathers it all anew."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from core.deciders.record.decider import HISTORIAN, RECORD_DECIDER
from schemas.message import parse_event_id
from schemas.units import Speaker
from services.historian.checkpoint_handler import CheckpointHandler
from services.runtime.journal.entries import read_row
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.memory_bus import FakeBroker, FakeBus
from services.runtime.ports import NEWEST_OF_ALL
from services.runtime.process.loop import Loop
from services.runtime.replay.replay import replay
from support.simulated.fake_system import PUMP, FakeSystem

OTHERS = tuple(RECORD_DECIDER.subscribes_to)
TURNS_MAX = 100_000
"""[-] of the event loop until a historian counts as one that never comes to rest."""

QUIET_TURNS = 500
"""[-] of the event loop without a new event until it has come to rest."""


def stream_made_anew(system: FakeSystem) -> FakeBroker:
    """Give an empty stream."""
    broker = FakeBroker()
    broker.created = f"after {system.clock.now().real}"
    return broker


def answer(system: FakeSystem, broker: FakeBroker, *names: Speaker, page: int = 100) -> None:
    """Let services answer questions for old events, a page at a time, as their processes do."""
    for name in names:

        def history(
            of: Speaker, pump: str, first: int, last: int, me: Speaker = name
        ) -> Iterator[bytes]:
            store = system.stores[me]
            if pump == NEWEST_OF_ALL:
                head = store.heads().get((PUMP, of))
                first = last = head.version if head else 0
            found = store.history(speaker=of, pump=PUMP, first=first, last=last, own=of == me)
            return islice(found, page)

        broker.historians[name] = history


def say_again(system: FakeSystem, broker: FakeBroker, speaker: Speaker, *, last: int = 1) -> None:
    """Let a service say its newest events to the new stream, as its outbox does."""
    own = [one for one in system.broker.messages if f".event.{speaker}." in one.subject]
    for message in own[-last:]:
        broker.put(message.subject, message.data, message.headers)


async def gathered(
    system: FakeSystem,
    broker: FakeBroker,
    *,
    store: FakeStore | None = None,
    old: bool = False,
    turns: int | None = None,
) -> FakeStore:
    """Start a historian with nothing, or with a store, and let it come to rest.

    Args:
        system: whose clock it shares.
        broker: its stream.
        store: its journal.
        old: ask each speaker for its own hole, one after another.
        turns: of the event loop, until it is killed.
    """
    journal = FakeStore() if store is None else store
    bus = FakeBus(broker=broker, speaker=HISTORIAN, subscribes_to=OTHERS, keeps_commands=True)
    effect_handler = CheckpointHandler(journal, key=None, folder=None)
    loop: Loop[Any] = Loop(
        decider=RECORD_DECIDER,
        store=journal,
        bus=bus,
        clock=system.clock,
        effect_handler=effect_handler,
    )
    if old:
        loop._causal_backfill = None
    running = asyncio.create_task(loop.run())
    await (_turns(turns) if turns else _until_it_rests(running, journal))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return journal


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def _until_it_rests(running: asyncio.Task[None], journal: FakeStore) -> None:
    heads, quiet = journal.heads(), 0
    for _ in range(TURNS_MAX):
        await asyncio.sleep(0)
        if running.done():
            running.result()
        quiet = quiet + 1 if heads == journal.heads() else 0
        if quiet == QUIET_TURNS:
            return
        heads = journal.heads()
    raise AssertionError("it never comes to rest")


def too_early(store: FakeStore) -> list[str]:
    """Name the events of a record that stand before one that their speaker had heard."""
    known: dict[str, int] = {}
    wrong: list[str] = []
    for _, row in store.rows(pump=PUMP):
        entry = read_row(row).entry
        if entry.speaker in (None, HISTORIAN):
            continue
        if any(version > known.get(name, 0) for name, version in entry.versions_seen.items()):
            wrong.append(entry.id)
        known[str(entry.speaker)] = parse_event_id(entry.id)[2]
    return wrong


def events_in(store: FakeStore, names: Sequence[Speaker] = OTHERS) -> dict[str, list[bytes]]:
    """Give each speaker's events in a record, letter for letter."""
    last = 2**62
    return {
        name: [*store.history(speaker=name, pump=PUMP, first=1, last=last, own=False)]
        for name in names
    }


def folded(store: FakeStore, system: FakeSystem) -> dict[str, Any]:
    """Fold a record: what each of the others would know."""
    views = replay(store, pump=PUMP, at=system.clock.now().therapy)
    return {name: views[name] for name in OTHERS}


def lived(system: FakeSystem) -> dict[str, Any]:
    """Give what each of the others knows."""
    return {name: system.view(name) for name in OTHERS}
