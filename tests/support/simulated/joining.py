"""A service joins a simulated system with a journal of a test's choice."""

from collections.abc import Callable, Iterator
from typing import Any

from core.deciders.bolus.decider import BOLUS_DECIDER
from core.kernel.decider import Decider
from schemas.bolus.advice import RecordCarbs
from schemas.units import Grams, PumpId, Speaker
from services.runtime.catch_up.startup import Startup
from services.runtime.decider_host.outbox import Outbox
from services.runtime.decider_host.processor import DeciderProcessor, Input
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.memory_bus import FakeBroker, FakeBus
from services.runtime.ports import NEWEST_OF_ALL, Arrived
from support.simulated.fake_system import PUMP, FakeSystem

ADVISOR = Speaker("bolus_advisor")


def eat(system: FakeSystem, grams: int) -> None:
    """Record a meal now."""
    meal = RecordCarbs(grams=Grams(grams), eaten_at=system.clock.now().therapy)
    system.ask(meal, to="bolus_advisor")


def serve_history(system: FakeSystem, *names: str) -> None:
    """Let services answer questions for old events, as their processes do."""
    for name in names:
        store, me = system.stores[Speaker(name)], Speaker(name)

        def history(
            of: Speaker,
            pump: PumpId,
            first: int,
            last: int,
            store: FakeStore = store,
            me: Speaker = me,
        ) -> Iterator[bytes]:
            if pump == NEWEST_OF_ALL:
                head = store.heads().get((PUMP, of))
                first = last = head.version if head else 0
                pump = PUMP
            return store.history(speaker=of, pump=pump, first=first, last=last, own=of == me)

        system.broker.historians[me] = history


def outbox_of(
    decider: Decider[Any],
    store: FakeStore,
    bus: FakeBus,
    *,
    foreign: Callable[[Arrived], None] = lambda _: None,
) -> Outbox:
    """Give a decider's outbox; what is no event of it goes to `foreign`."""
    return Outbox(bus=bus, store=store, speaker=decider.name, foreign=foreign)


async def join(
    system: FakeSystem,
    store: FakeStore,
    *,
    decider: Decider[Any] = BOLUS_DECIDER,
    broker: FakeBroker | None = None,
) -> tuple[DeciderProcessor[Any], list[Input]]:
    """Start a service with this journal; give it and what it must hear first."""
    bus = FakeBus(
        broker=broker or system.broker,
        speaker=decider.name,
        subscribes_to=decider.subscribes_to,
    )
    processor = DeciderProcessor(decider=decider, store=store)
    outbox = outbox_of(decider, store, bus)
    joining = Startup(processor=processor, outbox=outbox, bus=bus, store=store)
    return processor, list(await joining.join(now=system.clock.now()))
