"""A service that starts with an empty journal: who is asked for its past, and what if nobody is."""

import asyncio
import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from core.deciders.bolus.decider import BOLUS_DECIDER
from core.deciders.record.decider import RECORD_DECIDER
from schemas.bolus.orders import OrderBolus
from schemas.units import MINUTE_MS, MilliUnits, PumpId, Speaker
from services.runtime.catch_up import backfill, peer_heads
from services.runtime.journal.event_ids import stored_head
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.memory_bus import FakeBroker, FakeBus
from services.runtime.platform.errors import RestoredFromOldCopy
from services.runtime.ports import Arrived
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.joining import ADVISOR, eat, join, serve_history

HISTORIAN = Speaker("historian")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "PATIENCE_PAUSE_S", 0.0)
    monkeypatch.setattr(peer_heads, "PAUSE_S", 0.0)


@pytest.fixture
def system() -> FakeSystem:
    ready = FakeSystem()
    ready.set_up()
    return ready


@pytest.mark.requirement("R97")
async def test_an_empty_journal_takes_the_whole_past_over_and_decides_nothing(
    system: FakeSystem,
) -> None:
    """What was said would be said again under the same numbers, old commands obeyed anew."""
    eat(system, 20)
    system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    system.run(ms=5 * MINUTE_MS)
    serve_history(system, "historian", "actuator", "glucose_ingest", "basal_scheduler")

    processor, first = await join(system, FakeStore())
    later = [one for one in first if isinstance(one, Arrived)]
    assert not processor.handle(later, now=system.clock.now()).decisions

    live = system.services[ADVISOR].processor.unit_of_work.pump_stream(PUMP)
    taken = processor.unit_of_work.pump_stream(PUMP)
    assert live.heads == taken.heads
    assert live.state.doses == taken.state.doses
    assert (20, live.state.settings) == (taken.state.carbs_total, taken.state.settings)


async def test_an_empty_journal_that_nobody_can_complete_stays_silent(system: FakeSystem) -> None:
    """Without the historian there is no past to take over."""
    eat(system, 20)

    with pytest.raises(RestoredFromOldCopy) as caught:
        await join(system, FakeStore())

    assert "historian" in str(caught.value)


def patch_own_pumps(patch: pytest.MonkeyPatch) -> None:
    async def nobody(self: FakeBus) -> list[PumpId]:
        return []

    patch.setattr(FakeBus, "own_pumps", nobody)


async def no_words(*_: object, **__: object) -> dict[PumpId, Arrived]:
    return {}


async def test_the_mutant_that_asks_nobody_speaks_twice_under_one_number(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the look at stream and historian an emptied journal begins at number one again."""
    patch_own_pumps(monkeypatch)
    monkeypatch.setattr("services.runtime.catch_up.startup.newest_from_peers", no_words)
    eat(system, 20)
    serve_history(system, "historian")

    processor, _ = await join(system, FakeStore())

    assert ADVISOR not in processor.unit_of_work.pump_stream(PUMP).heads


async def test_an_emptied_historian_goes_on_with_its_own_number(system: FakeSystem) -> None:
    """What it said itself nobody else has; what others said it hears again."""
    system.run(ms=5 * MINUTE_MS)
    live = system.services[HISTORIAN].processor.unit_of_work.pump_stream(PUMP)
    store = FakeStore()

    processor, _ = await join(system, store, decider=RECORD_DECIDER)

    own = live.heads.get(HISTORIAN)
    assert own == processor.unit_of_work.pump_stream(PUMP).heads.get(HISTORIAN)
    assert 0 == len(list(store.rows()))


@pytest.mark.requirement("R97")
async def test_a_journal_and_a_stream_lost_together_come_back_from_the_historian(
    system: FakeSystem,
) -> None:
    """Its own words stand with the historian alone: it asks before it says the first one anew."""
    eat(system, 10)
    serve_history(system, "historian", "actuator", "glucose_ingest", "basal_scheduler")
    said = system.services[ADVISOR].processor.unit_of_work.pump_stream(PUMP).heads[ADVISOR]
    broker = FakeBroker()
    broker.historians = system.broker.historians

    processor, _ = await join(system, FakeStore(), broker=broker)

    assert said == processor.unit_of_work.pump_stream(PUMP).heads[ADVISOR]
    assert (
        system.state("bolus_advisor").doses == processor.unit_of_work.pump_stream(PUMP).state.doses
    )


def only_hearers(system: FakeSystem) -> FakeBroker:
    """Lose the stream and the historian: what is left stands in the journals of who heard it."""
    eat(system, 10)
    serve_history(system, "actuator", "glucose_ingest", "basal_scheduler")
    broker = FakeBroker()
    broker.historians = {**system.broker.historians, HISTORIAN: lambda *_: ()}
    return broker


@pytest.mark.requirement("R97")
async def test_what_the_historian_lost_as_well_comes_from_who_heard_it(system: FakeSystem) -> None:
    """The actuator has every word of the advisor: it says nothing anew under an old number."""
    broker = only_hearers(system)

    processor, _ = await join(system, FakeStore(), broker=broker)

    live = system.services[ADVISOR].processor.unit_of_work.pump_stream(PUMP)
    taken = processor.unit_of_work.pump_stream(PUMP)
    assert live.heads[ADVISOR] == taken.heads[ADVISOR]
    assert (10, live.state.doses) == (taken.state.carbs_total, taken.state.doses)


async def test_the_mutant_that_asks_the_historian_alone_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would begin with number one."""
    monkeypatch.setattr(peer_heads, "holders_of", lambda _: (HISTORIAN,))

    processor, _ = await join(system, FakeStore(), broker=only_hearers(system))

    assert ADVISOR not in processor.unit_of_work.pump_stream(PUMP).heads


async def test_of_several_who_heard_the_newest_counts_and_who_hangs_is_left(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One was put back as well, another stands still: both would hide what was said since."""
    monkeypatch.setattr(peer_heads, "ANSWER_S_MAX", 0.01)
    older = copy.deepcopy(system.stores[Speaker("actuator")])
    broker = only_hearers(system)
    system.stores[HISTORIAN] = older
    serve_history(system, "historian")
    broker.historians[HISTORIAN] = system.broker.historians[HISTORIAN]
    said = system.services[ADVISOR].processor.unit_of_work.pump_stream(PUMP).heads[ADVISOR].version

    async def hangs(bus: FakeBus, *, asked: Speaker, **rest: Any) -> Sequence[bytes]:
        if asked == "glucose_ingest":
            await asyncio.sleep(60)
        return await FakeBus.history(bus, asked=asked, **rest)

    bus = FakeBus(broker=broker, speaker=ADVISOR, subscribes_to=BOLUS_DECIDER.subscribes_to)
    monkeypatch.setattr(bus, "history", partial(hangs, bus))
    found = await peer_heads.newest_from_peers(bus, ADVISOR, is_new=False)

    assert said == stored_head(found[PUMP]).version > 1


async def test_the_first_of_its_kind_waits_for_nobody_for_ever(system: FakeSystem) -> None:
    """Without a historian, and with one that has nothing, it begins with its first word."""
    processor, _ = await join(system, FakeStore(), broker=FakeBroker())
    assert not processor.unit_of_work.pump_streams

    fresh = FakeBroker()
    fresh.historians[HISTORIAN] = lambda *_: ()
    processor, _ = await join(system, FakeStore(), broker=fresh)
    assert not processor.unit_of_work.pump_streams


async def test_the_mutant_that_asks_no_historian_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the next word would bear a number that was used before."""
    monkeypatch.setattr("services.runtime.catch_up.startup.newest_from_peers", no_words)
    serve_history(system, "historian", "actuator", "glucose_ingest", "basal_scheduler")
    broker = FakeBroker()
    broker.historians = system.broker.historians

    processor, _ = await join(system, FakeStore(), broker=broker)

    assert ADVISOR not in processor.unit_of_work.pump_stream(PUMP).heads
