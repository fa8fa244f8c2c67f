"""What a service takes over when its journal is gone: each thing once, and nothing is swallowed."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

import core.deciders.delivery.pump_sync.history
from core.deciders.bolus.decider import BOLUS_DECIDER
from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.record.decider import RECORD_DECIDER
from schemas.bolus.advice import RecordCarbs
from schemas.bolus.orders import BolusOrdered, OrderBolus
from schemas.delivery.delivery import BolusDelivered, BolusRefused, BolusStartRequested
from schemas.delivery.pump import PumpFound
from schemas.message import Now
from schemas.record import Restarted
from schemas.units import MINUTE_MS, Grams, MilliUnits, PumpId, Speaker, UtcMillis
from services.runtime.catch_up import backfill, peer_heads, startup
from services.runtime.decider_host import processor
from services.runtime.decider_host.processor import DeciderProcessor, Input, Reported
from services.runtime.decider_host.unit_of_work import UnitOfWork
from services.runtime.journal.memory_store import FakeStore
from services.runtime.platform.errors import RestoredFromOldCopy, SecondWriter
from services.runtime.ports import Arrived
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.joining import join

ACTUATOR = Speaker("actuator")
ADVISOR = Speaker("bolus_advisor")
HISTORIAN = Speaker("historian")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is there to answer: to ask again at once gives the same as to wait."""
    monkeypatch.setattr(backfill, "PATIENCE_PAUSE_S", 0.0)
    monkeypatch.setattr(peer_heads, "PAUSE_S", 0.0)


@pytest.fixture
def system() -> FakeSystem:
    ready = FakeSystem()
    ready.set_up()
    ready.order(500)
    ready.run(ms=5 * MINUTE_MS)
    return ready


def serve_record(system: FakeSystem, *, more_each_time: int = 10_000) -> None:
    """Let the historian answer; one that is itself reading the stream has more each time."""
    store, asked = system.stores[HISTORIAN], 0

    def history(of: Speaker, pump: PumpId, first: int, last: int) -> Iterator[bytes]:
        nonlocal asked
        asked += 1
        upto = min(last, asked * more_each_time)
        return store.history(speaker=of, pump=pump, first=first, last=upto, own=of == HISTORIAN)

    system.broker.historians[HISTORIAN] = history


def commands_to(system: FakeSystem, name: str) -> list[Arrived]:
    return [one for one in system.broker.messages if f".command.{name}." in one.subject]


async def hear_all_commands_again(system: FakeSystem) -> tuple[DeciderProcessor[Any], Any]:
    """Empty the advisor's journal, and let it hear every command of its past once more."""
    serve_record(system)
    joined, _ = await join(system, FakeStore(), decider=BOLUS_DECIDER)
    now = system.clock.now()
    young = Now(therapy=UtcMillis(now.therapy - 5 * MINUTE_MS), real=now.real, speed=1)
    return joined, joined.handle(commands_to(system, ADVISOR), now=young)


@pytest.mark.requirement("R97")
async def test_a_command_that_was_obeyed_is_known_again_with_its_outcome(
    system: FakeSystem,
) -> None:
    """A bolus would be ordered a second time by a retry of the command that asked for it."""
    joined, step = await hear_all_commands_again(system)

    told = dict(step.answers)
    assert not step.decisions
    assert told
    assert {inbox: system.broker.answers[inbox][-1] for inbox in told} == told
    assert 1 == len([*ordered(system)])
    assert joined.unit_of_work.pump_stream(PUMP).state.settings is not None


def ordered(system: FakeSystem) -> Iterator[BolusOrdered]:
    yield from system.said_of("bolus_advisor", BolusOrdered)


@pytest.mark.requirement("R97")
async def test_the_mutant_that_forgets_the_commands_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without their ids they are answered anew: the test above can fail."""
    monkeypatch.setattr(processor, "command_answered", lambda *_: None)

    _, step = await hear_all_commands_again(system)

    assert step.decisions


async def test_a_historian_that_is_still_reading_is_waited_for(system: FakeSystem) -> None:
    """All journals are gone: the historian has the past only when it has read the stream."""
    serve_record(system, more_each_time=1)

    joined, _ = await join(system, FakeStore(), decider=DELIVERY_DECIDER)

    live = system.services[ACTUATOR].processor.unit_of_work.pump_stream(PUMP)
    assert live.heads[ACTUATOR].version > 5
    assert live.heads[ACTUATOR] == joined.unit_of_work.pump_stream(PUMP).heads[ACTUATOR]


async def test_a_historian_that_has_no_more_ends_the_wait(system: FakeSystem) -> None:
    """Refused with one reason, which says how far the past goes and what is missing."""
    serve_record(system, more_each_time=0)
    known = (
        system.services[ACTUATOR].processor.unit_of_work.pump_stream(PUMP).heads[ACTUATOR].version
    )

    with pytest.raises(RestoredFromOldCopy) as caught:
        await join(system, FakeStore(), decider=DELIVERY_DECIDER)

    assert (0, known) == (caught.value.own, caught.value.known)


async def test_the_cursor_is_kept_together_with_the_past(system: FakeSystem) -> None:
    """A death right after would have the whole stream heard again from its beginning."""
    serve_record(system)
    store = FakeStore()

    await join(system, store, decider=DELIVERY_DECIDER)

    newest = system.broker.newest[ACTUATOR].sequence
    assert newest == store.sequence(stream=system.broker.created)


async def test_no_dose_before_the_pump_was_read(system: FakeSystem) -> None:
    """Its past says that the pump is connected; that was before, and is not known now."""
    serve_record(system)
    joined, first = await join(system, FakeStore(), decider=DELIVERY_DECIDER)
    assert joined.unit_of_work.pump_stream(PUMP).state.is_connected

    joined.handle(first, now=system.clock.now())

    assert [Restarted] == [type(one.report) for one in first if isinstance(one, Reported)]
    assert not joined.unit_of_work.pump_stream(PUMP).state.is_connected


async def lose_in_the_middle(system: FakeSystem) -> list[Input]:
    """Order a bolus that the actuator never heard of, and empty its journal."""
    del system.services[ACTUATOR]
    system.post(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    system.settle()
    serve_record(system)
    store = system.stores[ACTUATOR] = FakeStore()
    _, first = await join(system, store, decider=DELIVERY_DECIDER)
    return first


async def test_an_order_that_was_not_answered_is_heard(system: FakeSystem) -> None:
    """Folded like the rest it would stay open for ever: nobody would say what became of it."""
    first = await lose_in_the_middle(system)
    joined = DeciderProcessor(decider=DELIVERY_DECIDER, store=system.stores[ACTUATOR])
    joined.handle(first, now=system.clock.now())
    refused = system.said_of("actuator", BolusRefused)

    assert ["pump_unreachable"] == [event.reason for event in refused]


async def lose_right_after_a_bolus(system: FakeSystem) -> None:
    """Empty the actuator's journal when its newest word is the end of a bolus; let it read on."""
    system.order(1_000)
    while len(system.said_of("actuator", BolusDelivered)) < 2:
        system.run(ms=1_000)
    serve_record(system)
    store = system.stores[ACTUATOR] = FakeStore()
    await join(system, store, decider=DELIVERY_DECIDER)
    system.restart("actuator")
    system.run(ms=10 * MINUTE_MS)


async def test_the_pump_is_read_anew_and_nothing_of_it_is_told_twice(system: FakeSystem) -> None:
    """It knows what it said, not up to which record it had read."""
    await lose_right_after_a_bolus(system)
    system.order(1_500)
    system.run(ms=10 * MINUTE_MS)

    assert [500, 1_000, 1_500] == [e.delivered for e in system.said_of("actuator", BolusDelivered)]
    assert 3 == len(system.said_of("actuator", BolusStartRequested))
    assert 2 == len(system.said_of("actuator", PumpFound))
    assert system.odometer == system.accounted()


async def test_the_mutant_that_tells_every_end_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the look at what was told a bolus is delivered twice in the record."""
    monkeypatch.setattr(core.deciders.delivery.pump_sync.history, "_is_told", lambda *_: False)

    await lose_right_after_a_bolus(system)

    assert [500, 1_000, 1_000] == [e.delivered for e in system.said_of("actuator", BolusDelivered)]


async def test_the_mutant_that_hears_nothing_of_what_came_later_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order would be answered by nobody."""

    async def folds_only(*given: Any, **named: Any) -> list[bytes]:
        await backfill.backfill(*given, **named)
        return []

    monkeypatch.setattr(startup, "backfill", folds_only)
    first = await lose_in_the_middle(system)
    joined = DeciderProcessor(decider=DELIVERY_DECIDER, store=system.stores[ACTUATOR])
    joined.handle(first, now=system.clock.now())

    assert not system.said_of("actuator", BolusRefused)


async def test_the_mutant_that_tells_of_no_restart_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pump would count as connected before anybody has read it."""
    monkeypatch.setattr(startup, "Reported", lambda *_: None)
    serve_record(system)
    joined, first = await join(system, FakeStore(), decider=DELIVERY_DECIDER)
    joined.handle([one for one in first if one is not None], now=system.clock.now())

    assert joined.unit_of_work.pump_stream(PUMP).state.is_connected


async def test_a_copy_that_went_another_way_is_not_completed(system: FakeSystem) -> None:
    """Two stories of one service: it must not speak at all."""
    other = FakeSystem()
    other.set_up()
    carbs = RecordCarbs(grams=Grams(20), eaten_at=other.clock.now().therapy)
    other.ask(carbs, to="bolus_advisor")
    serve_record(system)

    with pytest.raises(SecondWriter):
        await join(system, other.stores[ADVISOR], decider=BOLUS_DECIDER)


async def test_a_historian_from_an_old_copy_goes_on_with_its_own_number(system: FakeSystem) -> None:
    """It cannot ask itself for what it said; it would end again and again."""
    older = copy.deepcopy(system.stores[HISTORIAN])
    system.run(ms=90 * MINUTE_MS)
    live = system.services[HISTORIAN].processor.unit_of_work.pump_stream(PUMP)

    joined, _ = await join(system, older, decider=RECORD_DECIDER)

    assert live.heads[HISTORIAN] == joined.unit_of_work.pump_stream(PUMP).heads[HISTORIAN]


async def test_the_mutant_that_keeps_no_cursor_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the cursor can fail."""
    monkeypatch.setattr(UnitOfWork, "put_sequence", lambda *_: None)
    serve_record(system)
    store = FakeStore()

    await join(system, store, decider=DELIVERY_DECIDER)

    assert 0 == store.sequence(stream=system.broker.created)
