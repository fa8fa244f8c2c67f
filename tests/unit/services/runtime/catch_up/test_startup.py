"""A service that starts finds its place, or says why it cannot: old copies, lost streams, holes."""

import asyncio
import copy
from typing import Any

import pytest

from core.deciders.bolus.decider import BOLUS_DECIDER
from core.deciders.glucose.decider import GLUCOSE_DECIDER
from core.kernel.decider import Decider
from schemas.bolus.orders import OrderBolus
from schemas.message import tag_of
from schemas.record import HistoryMissing
from schemas.units import MINUTE_MS, MilliUnits, Speaker
from services.runtime.catch_up import backfill, peer_heads
from services.runtime.catch_up.startup import Startup
from services.runtime.decider_host.processor import Input, Reported
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.memory_bus import FakeBroker, FakeBus
from services.runtime.platform.errors import RestoredFromOldCopy, SecondWriter
from services.runtime.platform.zone_lookup import ZoneLookupHandler
from services.runtime.process.loop import Loop
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


def faults(reports: list[Input]) -> list[str]:
    return [
        str(getattr(one.report, "fault", ""))
        for one in reports
        if isinstance(one, Reported) and hasattr(one.report, "fault")
    ]


async def test_a_journal_from_an_old_copy_takes_its_own_events_back(system: FakeSystem) -> None:
    """Restored from yesterday: what was said since comes from the record, letter for letter."""
    old_copy = copy.deepcopy(system.stores[ADVISOR])
    eat(system, 20)
    system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    system.run(ms=5 * MINUTE_MS)
    serve_history(system, "historian")

    processor, _ = await join(system, old_copy)

    live = system.services[ADVISOR].processor.unit_of_work.pump_stream(PUMP)
    restored = processor.unit_of_work.pump_stream(PUMP)
    assert live.heads[ADVISOR] == restored.heads[ADVISOR]
    assert 20 == restored.state.carbs_total


async def nothing_newer(*_: object) -> None:
    return None


async def test_the_mutant_that_compares_no_head_goes_on_from_yesterday(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next word would bear a number that it has used, and its carbs of today would be gone."""
    monkeypatch.setattr(Startup, "_newest_own", nothing_newer)
    old_copy = copy.deepcopy(system.stores[ADVISOR])
    eat(system, 20)
    serve_history(system, "historian")

    processor, _ = await join(system, old_copy)

    restored = processor.unit_of_work.pump_stream(PUMP)
    assert 0 == restored.state.carbs_total
    assert (
        restored.heads[ADVISOR]
        != system.services[ADVISOR].processor.unit_of_work.pump_stream(PUMP).heads[ADVISOR]
    )


async def test_an_old_copy_that_nobody_can_complete_stays_silent(system: FakeSystem) -> None:
    """Without its own past a service would say two things under one number."""
    old_copy = copy.deepcopy(system.stores[ADVISOR])
    eat(system, 20)

    with pytest.raises(RestoredFromOldCopy):
        await join(system, old_copy)


async def test_a_journal_that_went_another_way_is_a_second_writer(system: FakeSystem) -> None:
    """The same number with other bytes in the stream: one of the two must stop."""
    other = FakeSystem()
    other.set_up()
    eat(system, 20)
    eat(other, 30)

    with pytest.raises(SecondWriter):
        await join(system, other.stores[ADVISOR])


async def test_a_stream_that_was_made_anew_is_told(system: FakeSystem) -> None:
    """The journals are the record; the loss of the carrier is a fault, not a loss of history."""
    anew = FakeBroker()
    anew.created = "2026-02-02T00:00:00Z"

    processor, reports = await join(system, system.stores[ADVISOR], broker=anew)

    assert ["stream_replaced"] == faults(reports)
    assert processor.unit_of_work.pump_stream(PUMP).state.settings is not None


async def test_a_stream_that_lost_its_end_is_told(system: FakeSystem) -> None:
    """Never wait for sequences that will not come."""
    shorter = FakeBroker()

    _, reports = await join(system, system.stores[ADVISOR], broker=shorter)

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
    system: FakeSystem,
    store: FakeStore,
    broker: FakeBroker,
    *,
    decider: Decider[Any] = BOLUS_DECIDER,
) -> Loop[Any]:
    bus = FakeBus(broker=broker, speaker=decider.name, subscribes_to=decider.subscribes_to)
    return Loop(
        decider=decider,
        store=store,
        bus=bus,
        clock=system.clock,
        effect_handler=ZoneLookupHandler(),
    )


def with_a_hole(system: FakeSystem) -> FakeBroker:
    """Give the stream as it is after the retention took an actuator's event out of the middle."""
    holed = FakeBroker()
    for message in system.broker.messages:
        if b'"actuator:p1:2"' not in message.data[:40]:
            holed.put(message.subject, message.data, message.headers)
    return holed


async def test_a_hole_is_filled_from_the_speaker(system: FakeSystem) -> None:
    """Versions without holes: who misses some asks for them before going on."""
    system.ask(OrderBolus(amount=MilliUnits(500)), to="bolus_advisor")
    system.run(ms=5 * MINUTE_MS)
    holed = with_a_hole(system)
    serve_history(system, "actuator")
    holed.historians = system.broker.historians
    store = FakeStore()
    loop = fresh_loop(system, store, holed, decider=GLUCOSE_DECIDER)

    await run_for_a_while(loop)

    known = loop.processor.unit_of_work.pump_stream(PUMP).heads[Speaker("actuator")]
    assert (
        system.services[Speaker("actuator")]
        .processor.unit_of_work.pump_stream(PUMP)
        .heads[Speaker("actuator")]
        == known
    )


async def test_a_hole_that_nobody_fills_is_an_event_and_stops_boluses(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unknown is not zero: until a person settles it there is no advice."""
    monkeypatch.setattr("services.runtime.process.loop.HISTORY_PAUSE_S", 0.0)
    system.run(ms=60 * MINUTE_MS)
    store = FakeStore()
    holed = with_a_hole(system)
    stranger = FakeBroker()
    for message in holed.messages:
        if ".event.bolus_advisor." not in message.subject:
            stranger.put(message.subject, message.data, message.headers)
    loop = fresh_loop(system, store, stranger)

    await run_for_a_while(loop)

    state = loop.processor.unit_of_work.pump_stream(PUMP).state
    assert (Speaker("actuator"),) == state.common.missing_from
    assert any(tag_of(HistoryMissing) in row.topic for _, row in store.rows())
    assert HISTORIAN not in state.common.missing_from
