"""A service that starts finds its place, or says why it cannot: old copies, lost streams, holes."""

import asyncio
import copy
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from core.deciders.bolus.decider import BOLUS_DECIDER
from core.deciders.glucose.decider import GLUCOSE_DECIDER
from core.deciders.record.decider import RECORD_DECIDER
from core.kernel.decider import Decider
from schemas.bolus.advice import RecordCarbs
from schemas.bolus.orders import OrderBolus
from schemas.message import tag_of
from schemas.record import HistoryMissing
from schemas.units import MINUTE_MS, Grams, MilliUnits, PumpId, Speaker
from services.runtime.catch_up import backfill as adopting
from services.runtime.catch_up import peer_heads as last_words
from services.runtime.catch_up.startup import Joining
from services.runtime.decider_host.outbox import Outbox
from services.runtime.decider_host.unit_of_work import Input, Machine, Reported
from services.runtime.journal.event_ids import stored_head
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.memory_bus import FakeBroker, FakeBus
from services.runtime.platform.errors import RestoredFromOldCopy, SecondWriter
from services.runtime.platform.zone_lookup import ZoneHands
from services.runtime.ports import NEWEST_OF_ALL, Arrived
from services.runtime.process.loop import Loop
from support.simulated.fake_system import PUMP, FakeHouse

ADVISOR = Speaker("bolus_advisor")
HISTORIAN = Speaker("historian")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adopting, "PATIENCE_PAUSE_S", 0.0)
    monkeypatch.setattr(last_words, "PAUSE_S", 0.0)


@pytest.fixture
def house() -> FakeHouse:
    ready = FakeHouse()
    ready.set_up()
    return ready


def eat(house: FakeHouse, grams: int) -> None:
    meal = RecordCarbs(grams=Grams(grams), eaten_at=house.clock.now().therapy)
    house.ask(meal, to="bolus_advisor")


def serve_history(house: FakeHouse, *names: str) -> None:
    """Let services answer questions for old events, as their processes do."""
    for name in names:
        store, me = house.stores[Speaker(name)], Speaker(name)

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

        house.broker.historians[me] = history


async def join(house: FakeHouse, store: FakeStore, broker: FakeBroker) -> tuple[Any, list[Input]]:
    bus = FakeBus(broker=broker, speaker=ADVISOR, hears=BOLUS_DECIDER.hears)
    machine = Machine(decider=BOLUS_DECIDER, store=store)
    outbox = Outbox(bus=bus, store=store, speaker=ADVISOR)
    joining = Joining(machine=machine, outbox=outbox, bus=bus, store=store)
    return machine, list(await joining.join(now=house.clock.now()))


def faults(reports: list[Input]) -> list[str]:
    return [
        str(getattr(one.report, "fault", ""))
        for one in reports
        if isinstance(one, Reported) and hasattr(one.report, "fault")
    ]


async def test_a_journal_from_an_old_copy_takes_its_own_events_back(house: FakeHouse) -> None:
    """Restored from yesterday: what was said since comes from the record, letter for letter."""
    old_copy = copy.deepcopy(house.stores[ADVISOR])
    eat(house, 20)
    house.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    house.run(ms=5 * MINUTE_MS)
    serve_history(house, "historian")

    machine, _ = await join(house, old_copy, house.broker)

    live = house.services[ADVISOR].machine.books.ledger(PUMP)
    restored = machine.books.ledger(PUMP)
    assert live.heads[ADVISOR] == restored.heads[ADVISOR]
    assert 20 == restored.state.carbs_total


async def nothing_newer(*_: object) -> None:
    return None


async def test_the_mutant_that_compares_no_head_goes_on_from_yesterday(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next word would bear a number that it has used, and its carbs of today would be gone."""
    monkeypatch.setattr(Joining, "_newest_own", nothing_newer)
    old_copy = copy.deepcopy(house.stores[ADVISOR])
    eat(house, 20)
    serve_history(house, "historian")

    machine, _ = await join(house, old_copy, house.broker)

    restored = machine.books.ledger(PUMP)
    assert 0 == restored.state.carbs_total
    assert (
        restored.heads[ADVISOR] != house.services[ADVISOR].machine.books.ledger(PUMP).heads[ADVISOR]
    )


async def test_an_old_copy_that_nobody_can_complete_stays_silent(house: FakeHouse) -> None:
    """Without its own past a service would say two things under one number."""
    old_copy = copy.deepcopy(house.stores[ADVISOR])
    eat(house, 20)

    with pytest.raises(RestoredFromOldCopy):
        await join(house, old_copy, house.broker)


async def test_a_journal_that_went_another_way_is_a_second_writer(house: FakeHouse) -> None:
    """The same number with other bytes in the stream: one of the two must stop."""
    other = FakeHouse()
    other.set_up()
    eat(house, 20)
    eat(other, 30)

    with pytest.raises(SecondWriter):
        await join(house, other.stores[ADVISOR], house.broker)


async def test_a_stream_that_was_made_anew_is_told(house: FakeHouse) -> None:
    """The journals are the record; the loss of the carrier is a fault, not a loss of history."""
    anew = FakeBroker()
    anew.created = "2026-02-02T00:00:00Z"

    machine, reports = await join(house, house.stores[ADVISOR], anew)

    assert ["stream_replaced"] == faults(reports)
    assert machine.books.ledger(PUMP).state.settings is not None


async def test_a_stream_that_lost_its_end_is_told(house: FakeHouse) -> None:
    """Never wait for sequences that will not come."""
    shorter = FakeBroker()

    _, reports = await join(house, house.stores[ADVISOR], shorter)

    assert ["stream_behind"] == faults(reports)


async def run_for_a_while(loop: Loop[Any]) -> None:
    running = asyncio.create_task(loop.run())
    for _ in range(2000):
        await asyncio.sleep(0)
        if running.done():
            break
    if running.done():
        running.result()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def fresh_loop(
    house: FakeHouse, store: FakeStore, broker: FakeBroker, *, decider: Decider[Any] = BOLUS_DECIDER
) -> Loop[Any]:
    bus = FakeBus(broker=broker, speaker=decider.name, hears=decider.hears)
    return Loop(decider=decider, store=store, bus=bus, clock=house.clock, hands=ZoneHands())


def with_a_hole(house: FakeHouse) -> FakeBroker:
    """Give the stream as it is after the retention took an actuator's event out of the middle."""
    holed = FakeBroker()
    for message in house.broker.messages:
        if b'"actuator:p1:2"' not in message.data[:40]:
            holed.put(message.subject, message.data, message.headers)
    return holed


async def test_a_hole_is_filled_from_the_speaker(house: FakeHouse) -> None:
    """Versions without holes: who misses some asks for them before going on."""
    house.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    house.run(ms=5 * MINUTE_MS)
    holed = with_a_hole(house)
    serve_history(house, "actuator")
    holed.historians = house.broker.historians
    store = FakeStore()
    loop = fresh_loop(house, store, holed, decider=GLUCOSE_DECIDER)

    await run_for_a_while(loop)

    known = loop.machine.books.ledger(PUMP).heads[Speaker("actuator")]
    assert (
        house.services[Speaker("actuator")].machine.books.ledger(PUMP).heads[Speaker("actuator")]
        == known
    )


async def test_a_hole_that_nobody_fills_is_an_event_and_stops_boluses(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown is not zero: until a person settles it there is no advice."""
    monkeypatch.setattr("services.runtime.process.loop.HISTORY_PAUSE_S", 0.0)
    house.run(ms=60 * MINUTE_MS)
    store = FakeStore()
    holed = with_a_hole(house)
    stranger = FakeBroker()
    for message in holed.messages:
        if ".event.bolus_advisor." not in message.subject:
            stranger.put(message.subject, message.data, message.headers)
    loop = fresh_loop(house, store, stranger)

    await run_for_a_while(loop)

    state = loop.machine.books.ledger(PUMP).state
    assert (Speaker("actuator"),) == state.common.missing_from
    assert any(tag_of(HistoryMissing) in row.topic for _, row in store.rows())
    assert HISTORIAN not in state.common.missing_from


@pytest.mark.requirement("R97")
async def test_an_empty_journal_takes_the_whole_past_over_and_decides_nothing(
    house: FakeHouse,
) -> None:
    """What was said would be said again under the same numbers, old commands obeyed anew."""
    eat(house, 20)
    house.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    house.run(ms=5 * MINUTE_MS)
    serve_history(house, "historian", "actuator", "glucose_ingest", "basal_scheduler")

    machine, first = await join(house, FakeStore(), house.broker)
    later = [one for one in first if isinstance(one, Arrived)]
    assert not machine.handle(later, now=house.clock.now()).decisions

    live = house.services[ADVISOR].machine.books.ledger(PUMP)
    taken = machine.books.ledger(PUMP)
    assert live.heads == taken.heads
    assert live.state.doses == taken.state.doses
    assert (20, live.state.settings) == (taken.state.carbs_total, taken.state.settings)


async def test_an_empty_journal_that_nobody_can_complete_stays_silent(house: FakeHouse) -> None:
    """Without the historian there is no past to take over."""
    eat(house, 20)

    with pytest.raises(RestoredFromOldCopy) as caught:
        await join(house, FakeStore(), house.broker)

    assert "historian" in str(caught.value)


def patch_own_pumps(patch: pytest.MonkeyPatch) -> None:
    async def nobody(self: FakeBus) -> list[PumpId]:
        return []

    patch.setattr(FakeBus, "own_pumps", nobody)


async def no_words(*_: object, **__: object) -> dict[PumpId, Arrived]:
    return {}


async def test_the_mutant_that_asks_nobody_speaks_twice_under_one_number(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the look at stream and historian an emptied journal begins at number one again."""
    patch_own_pumps(monkeypatch)
    monkeypatch.setattr("services.runtime.catch_up.startup.last_words", no_words)
    eat(house, 20)
    serve_history(house, "historian")

    machine, _ = await join(house, FakeStore(), house.broker)

    assert ADVISOR not in machine.books.ledger(PUMP).heads


async def test_an_emptied_historian_goes_on_with_its_own_number(house: FakeHouse) -> None:
    """What it said itself nobody else has; what others said it hears again."""
    house.run(ms=5 * MINUTE_MS)
    live = house.services[HISTORIAN].machine.books.ledger(PUMP)
    bus = FakeBus(broker=house.broker, speaker=HISTORIAN, hears=RECORD_DECIDER.hears)
    store = FakeStore()
    machine = Machine(decider=RECORD_DECIDER, store=store)
    outbox = Outbox(bus=bus, store=store, speaker=HISTORIAN)
    joining = Joining(machine=machine, outbox=outbox, bus=bus, store=store)

    await joining.join(now=house.clock.now())

    own = live.heads.get(HISTORIAN)
    assert own == machine.books.ledger(PUMP).heads.get(HISTORIAN)
    assert 0 == len(list(store.rows()))


@pytest.mark.requirement("R97")
async def test_a_journal_and_a_stream_lost_together_come_back_from_the_historian(
    house: FakeHouse,
) -> None:
    """Its own words stand with the historian alone: it asks before it says the first one anew."""
    eat(house, 10)
    serve_history(house, "historian", "actuator", "glucose_ingest", "basal_scheduler")
    said = house.services[ADVISOR].machine.books.ledger(PUMP).heads[ADVISOR]
    broker = FakeBroker()
    broker.historians = house.broker.historians

    machine, _ = await join(house, FakeStore(), broker)

    assert said == machine.books.ledger(PUMP).heads[ADVISOR]
    assert house.state("bolus_advisor").doses == machine.books.ledger(PUMP).state.doses


def only_hearers(house: FakeHouse) -> FakeBroker:
    """Lose the stream and the historian: what is left stands in the journals of who heard it."""
    eat(house, 10)
    serve_history(house, "actuator", "glucose_ingest", "basal_scheduler")
    broker = FakeBroker()
    broker.historians = {**house.broker.historians, HISTORIAN: lambda *_: ()}
    return broker


@pytest.mark.requirement("R97")
async def test_what_the_historian_lost_as_well_comes_from_who_heard_it(house: FakeHouse) -> None:
    """The actuator has every word of the advisor: it says nothing anew under an old number."""
    broker = only_hearers(house)

    machine, _ = await join(house, FakeStore(), broker)

    live = house.services[ADVISOR].machine.books.ledger(PUMP)
    taken = machine.books.ledger(PUMP)
    assert live.heads[ADVISOR] == taken.heads[ADVISOR]
    assert (10, live.state.doses) == (taken.state.carbs_total, taken.state.doses)


async def test_the_mutant_that_asks_the_historian_alone_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would begin with number one."""
    monkeypatch.setattr(last_words, "witnesses", lambda _: (HISTORIAN,))

    machine, _ = await join(house, FakeStore(), only_hearers(house))

    assert ADVISOR not in machine.books.ledger(PUMP).heads


async def test_of_several_who_heard_the_newest_counts_and_who_hangs_is_left(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One was put back as well, another stands still: both would hide what was said since."""
    monkeypatch.setattr(last_words, "ANSWER_S_MAX", 0.01)
    older = copy.deepcopy(house.stores[Speaker("actuator")])
    broker = only_hearers(house)
    house.stores[HISTORIAN] = older
    serve_history(house, "historian")
    broker.historians[HISTORIAN] = house.broker.historians[HISTORIAN]
    said = house.services[ADVISOR].machine.books.ledger(PUMP).heads[ADVISOR].version

    async def hangs(bus: FakeBus, *, asked: Speaker, **rest: Any) -> Sequence[bytes]:
        if asked == "glucose_ingest":
            await asyncio.sleep(60)
        return await FakeBus.history(bus, asked=asked, **rest)

    bus = FakeBus(broker=broker, speaker=ADVISOR, hears=BOLUS_DECIDER.hears)
    monkeypatch.setattr(bus, "history", partial(hangs, bus))
    found = await last_words.last_words(bus, ADVISOR, is_new=False)

    assert said == stored_head(found[PUMP]).version > 1


async def test_the_first_of_its_kind_waits_for_nobody_for_ever(house: FakeHouse) -> None:
    """Without a historian, and with one that has nothing, it begins with its first word."""
    machine, _ = await join(house, FakeStore(), FakeBroker())
    assert not machine.books.ledgers

    fresh = FakeBroker()
    fresh.historians[HISTORIAN] = lambda *_: ()
    machine, _ = await join(house, FakeStore(), fresh)
    assert not machine.books.ledgers


async def test_the_mutant_that_asks_no_historian_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the next word would bear a number that was used before."""
    monkeypatch.setattr("services.runtime.catch_up.startup.last_words", no_words)
    serve_history(house, "historian", "actuator", "glucose_ingest", "basal_scheduler")
    broker = FakeBroker()
    broker.historians = house.broker.historians

    machine, _ = await join(house, FakeStore(), broker)

    assert ADVISOR not in machine.books.ledger(PUMP).heads
