"""What a service takes over when its journal is gone: each thing once, and nothing is swallowed."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

import core.deciders.delivery.pump_sync.history
from core.deciders.bolus.decider import BOLUS_DECIDER
from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.record.decider import RECORD_DECIDER
from core.kernel.decider import Decider
from schemas.bolus.advice import RecordCarbs
from schemas.bolus.orders import BolusOrdered, OrderBolus
from schemas.delivery.delivery import BolusDelivered, BolusRefused, BolusStarted
from schemas.delivery.pump import PumpFound
from schemas.message import Now
from schemas.record import Restarted
from schemas.units import MINUTE_MS, Grams, MilliUnits, PumpId, Speaker, UtcMillis
from services.runtime.catch_up import backfill as adopting
from services.runtime.catch_up import startup as joining
from services.runtime.catch_up.startup import Joining
from services.runtime.decider_host import unit_of_work as machine
from services.runtime.decider_host.ledger import Books
from services.runtime.decider_host.outbox import Outbox
from services.runtime.decider_host.unit_of_work import Input, Machine, Reported
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.memory_bus import FakeBus
from services.runtime.platform.errors import RestoredFromOldCopy, SecondWriter
from services.runtime.ports import Arrived
from support.simulated.fake_system import PUMP, FakeHouse

ACTUATOR = Speaker("actuator")
ADVISOR = Speaker("bolus_advisor")
HISTORIAN = Speaker("historian")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adopting, "PATIENCE_PAUSE_S", 0.0)


@pytest.fixture
def house() -> FakeHouse:
    ready = FakeHouse()
    ready.set_up()
    ready.order(500)
    ready.run(ms=5 * MINUTE_MS)
    return ready


def serve_record(house: FakeHouse, *, more_each_time: int = 10_000) -> None:
    """Let the historian answer; one that is itself reading the stream has more each time."""
    store, asked = house.stores[HISTORIAN], 0

    def history(of: Speaker, pump: PumpId, first: int, last: int) -> Iterator[bytes]:
        nonlocal asked
        asked += 1
        upto = min(last, asked * more_each_time)
        return store.history(speaker=of, pump=pump, first=first, last=upto, own=of == HISTORIAN)

    house.broker.historians[HISTORIAN] = history


async def join(
    house: FakeHouse, store: FakeStore, decider: Decider[Any]
) -> tuple[Machine[Any], list[Input]]:
    bus = FakeBus(broker=house.broker, speaker=decider.name, hears=decider.hears)
    joined = Machine(decider=decider, store=store)
    outbox = Outbox(bus=bus, store=store, speaker=decider.name)
    place = Joining(machine=joined, outbox=outbox, bus=bus, store=store)
    return joined, list(await place.join(now=house.clock.now()))


def commands_to(house: FakeHouse, name: str) -> list[Arrived]:
    return [one for one in house.broker.messages if f".command.{name}." in one.subject]


async def hear_all_commands_again(house: FakeHouse) -> tuple[Machine[Any], Any]:
    """Empty the advisor's journal, and let it hear every command of its past once more."""
    serve_record(house)
    joined, _ = await join(house, FakeStore(), BOLUS_DECIDER)
    now = house.clock.now()
    young = Now(therapy=UtcMillis(now.therapy - 5 * MINUTE_MS), real=now.real, speed=1)
    return joined, joined.handle(commands_to(house, ADVISOR), now=young)


@pytest.mark.requirement("R97")
async def test_a_command_that_was_obeyed_is_known_again_with_its_outcome(house: FakeHouse) -> None:
    """A bolus would be ordered a second time by a retry of the command that asked for it."""
    joined, step = await hear_all_commands_again(house)

    told = dict(step.answers)
    assert not step.decisions
    assert told
    assert {inbox: house.broker.answers[inbox][-1] for inbox in told} == told
    assert 1 == len([*ordered(house)])
    assert joined.books.ledger(PUMP).state.settings is not None


def ordered(house: FakeHouse) -> Iterator[BolusOrdered]:
    yield from house.said_of("bolus_advisor", BolusOrdered)


@pytest.mark.requirement("R97")
async def test_the_mutant_that_forgets_the_commands_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without their ids they are answered anew: the test above can fail."""
    monkeypatch.setattr(machine, "command_answered", lambda *_: None)

    _, step = await hear_all_commands_again(house)

    assert step.decisions


async def test_a_historian_that_is_still_reading_is_waited_for(house: FakeHouse) -> None:
    """All journals are gone: the historian has the past only when it has read the stream."""
    serve_record(house, more_each_time=1)

    joined, _ = await join(house, FakeStore(), DELIVERY_DECIDER)

    live = house.services[ACTUATOR].machine.books.ledger(PUMP)
    assert live.heads[ACTUATOR].version > 5
    assert live.heads[ACTUATOR] == joined.books.ledger(PUMP).heads[ACTUATOR]


async def test_a_historian_that_has_no_more_ends_the_wait(house: FakeHouse) -> None:
    """Refused with one reason, which says how far the past goes and what is missing."""
    serve_record(house, more_each_time=0)
    known = house.services[ACTUATOR].machine.books.ledger(PUMP).heads[ACTUATOR].version

    with pytest.raises(RestoredFromOldCopy) as caught:
        await join(house, FakeStore(), DELIVERY_DECIDER)

    assert (0, known) == (caught.value.own, caught.value.known)


async def test_the_cursor_is_kept_together_with_the_past(house: FakeHouse) -> None:
    """A death right after would have the whole stream heard again from its beginning."""
    serve_record(house)
    store = FakeStore()

    await join(house, store, DELIVERY_DECIDER)

    newest = house.broker.newest[ACTUATOR].sequence
    assert newest == store.sequence(stream=house.broker.created)


async def test_no_dose_before_the_pump_was_read(house: FakeHouse) -> None:
    """Its past says that the pump is connected; that was before, and is not known now."""
    serve_record(house)
    joined, first = await join(house, FakeStore(), DELIVERY_DECIDER)
    assert joined.books.ledger(PUMP).state.is_connected

    joined.handle(first, now=house.clock.now())

    assert [Restarted] == [type(one.report) for one in first if isinstance(one, Reported)]
    assert not joined.books.ledger(PUMP).state.is_connected


async def lose_in_the_middle(house: FakeHouse) -> list[Input]:
    """Order a bolus that the actuator never heard of, and empty its journal."""
    del house.services[ACTUATOR]
    house.post(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    house.settle()
    serve_record(house)
    store = house.stores[ACTUATOR] = FakeStore()
    _, first = await join(house, store, DELIVERY_DECIDER)
    return first


async def test_an_order_that_was_not_answered_is_heard(house: FakeHouse) -> None:
    """Folded like the rest it would stay open for ever: nobody would say what became of it."""
    first = await lose_in_the_middle(house)
    joined = Machine(decider=DELIVERY_DECIDER, store=house.stores[ACTUATOR])
    joined.handle(first, now=house.clock.now())
    refused = house.said_of("actuator", BolusRefused)

    assert ["pump_unreachable"] == [event.reason for event in refused]


async def lose_right_after_a_bolus(house: FakeHouse) -> None:
    """Empty the actuator's journal when its newest word is the end of a bolus; let it read on."""
    house.order(1_000)
    while len(house.said_of("actuator", BolusDelivered)) < 2:
        house.run(ms=1_000)
    serve_record(house)
    store = house.stores[ACTUATOR] = FakeStore()
    await join(house, store, DELIVERY_DECIDER)
    house.restart("actuator")
    house.run(ms=10 * MINUTE_MS)


async def test_the_pump_is_read_anew_and_nothing_of_it_is_told_twice(house: FakeHouse) -> None:
    """It knows what it said, not up to which record it had read."""
    await lose_right_after_a_bolus(house)
    house.order(1_500)
    house.run(ms=10 * MINUTE_MS)

    assert [500, 1_000, 1_500] == [e.delivered for e in house.said_of("actuator", BolusDelivered)]
    assert 3 == len(house.said_of("actuator", BolusStarted))
    assert 2 == len(house.said_of("actuator", PumpFound))
    assert house.odometer == house.accounted()


async def test_the_mutant_that_tells_every_end_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the look at what was told a bolus is delivered twice in the record."""
    monkeypatch.setattr(core.deciders.delivery.pump_sync.history, "_is_told", lambda *_: False)

    await lose_right_after_a_bolus(house)

    assert [500, 1_000, 1_000] == [e.delivered for e in house.said_of("actuator", BolusDelivered)]


async def test_the_mutant_that_hears_nothing_of_what_came_later_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order would be answered by nobody."""

    async def folds_only(*given: Any, **named: Any) -> list[bytes]:
        await adopting.adopt(*given, **named)
        return []

    monkeypatch.setattr(joining, "adopt", folds_only)
    first = await lose_in_the_middle(house)
    joined = Machine(decider=DELIVERY_DECIDER, store=house.stores[ACTUATOR])
    joined.handle(first, now=house.clock.now())

    assert not house.said_of("actuator", BolusRefused)


async def test_the_mutant_that_tells_of_no_restart_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pump would count as connected before anybody has read it."""
    monkeypatch.setattr(joining, "Reported", lambda *_: None)
    serve_record(house)
    joined, first = await join(house, FakeStore(), DELIVERY_DECIDER)
    joined.handle([one for one in first if one is not None], now=house.clock.now())

    assert joined.books.ledger(PUMP).state.is_connected


async def test_a_copy_that_went_another_way_is_not_completed(house: FakeHouse) -> None:
    """Two stories of one service: it must not speak at all."""
    other = FakeHouse()
    other.set_up()
    carbs = RecordCarbs(grams=Grams(20), eaten_at=other.clock.now().therapy)
    other.ask(carbs, to="bolus_advisor")
    serve_record(house)

    with pytest.raises(SecondWriter):
        await join(house, other.stores[ADVISOR], BOLUS_DECIDER)


async def test_a_historian_from_an_old_copy_goes_on_with_its_own_number(house: FakeHouse) -> None:
    """It cannot ask itself for what it said; it would end again and again."""
    older = copy.deepcopy(house.stores[HISTORIAN])
    house.run(ms=90 * MINUTE_MS)
    live = house.services[HISTORIAN].machine.books.ledger(PUMP)

    joined, _ = await join(house, older, RECORD_DECIDER)

    assert live.heads[HISTORIAN] == joined.books.ledger(PUMP).heads[HISTORIAN]


async def test_the_mutant_that_keeps_no_cursor_is_caught(
    house: FakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the cursor can fail."""
    monkeypatch.setattr(Books, "put_sequence", lambda *_: None)
    serve_record(house)
    store = FakeStore()

    await join(house, store, DELIVERY_DECIDER)

    assert 0 == store.sequence(stream=house.broker.created)
