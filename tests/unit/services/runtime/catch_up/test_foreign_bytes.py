"""Bytes under a service's own subject that are no event of it: it starts, says so and goes on."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from core.deciders.bolus.decider import BOLUS_DECIDER
from schemas.units import MINUTE_MS, Speaker
from schemas.wire.subjects import event_subject
from services.runtime.catch_up import backfill, peer_heads
from services.runtime.decider_host.processor import Input
from services.runtime.journal.event_ids import event_id_in, is_own_event
from services.runtime.journal.memory_store import FakeStore
from services.runtime.nats.memory_bus import FakeBus
from services.runtime.ports import Arrived, Outgoing
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.joining import ADVISOR, eat, join, outbox_of, serve_history

SUBJECT = event_subject(pump=PUMP, speaker=ADVISOR, name="carbs_recorded")

ACKNOWLEDGEMENT = b'{"stream":"basalt","seq":12}'
"""[-] what the broker itself puts there when a permitted publish names it as reply subject."""

OF_ANOTHER_PUMP = b'{"id":"bolus_advisor:p2:1","at":1,"recorded_at":1,"cause":"x","event":{}}'

FOREIGN = [ACKNOWLEDGEMENT, b"", b"\xff\x00", b"[" * 100_000, b"null", OF_ANOTHER_PUMP]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "PATIENCE_PAUSE_S", 0.0)
    monkeypatch.setattr(peer_heads, "PAUSE_S", 0.0)
    monkeypatch.setattr("services.runtime.decider_host.outbox.RETRY_S_FIRST", 0.0)


@pytest.fixture
def system() -> FakeSystem:
    ready = FakeSystem()
    ready.set_up()
    return ready


def set_aside(given: list[Input]) -> list[bytes]:
    return [one.data for one in given if isinstance(one, Arrived)]


@pytest.mark.requirement("R119")
@pytest.mark.parametrize("foreign", FOREIGN)
async def test_a_start_sets_them_aside_and_is_not_prevented(
    system: FakeSystem, foreign: bytes
) -> None:
    """The alarm is raised by the service whose place was taken, with the bytes in its journal."""
    store = system.stores[ADVISOR]
    system.broker.put(SUBJECT, foreign, {"Status": "404"})

    processor, first = await join(system, store)
    step = processor.handle(first, now=system.clock.now())

    assert [foreign] == set_aside(first)
    said = [message.subject.rsplit(".", 1)[-1] for made in step.decisions for message in made]
    assert {"message_quarantined", "alarm_raised"} <= set(said)


@pytest.mark.requirement("R119")
@pytest.mark.parametrize("foreign", FOREIGN)
async def test_what_was_not_said_yet_is_said_behind_them(
    system: FakeSystem, foreign: bytes
) -> None:
    """Each pump's newest word is said once more; who knows it drops it, who misses more asks."""
    store, broker = system.stores[ADVISOR], system.broker
    broker.put(SUBJECT, foreign, {})
    outbox = outbox_of(
        BOLUS_DECIDER, store, FakeBus(broker=broker, speaker=ADVISOR, subscribes_to=())
    )

    await outbox.recover(stream_lost=False)
    await run_for_a_while(outbox.run())

    newest = broker.newest[ADVISOR]
    assert is_own_event(newest, ADVISOR)
    own = store.heads()[(PUMP, ADVISOR)]
    assert event_id_in(newest.data) == f"{ADVISOR}:{PUMP}:{own.version}"


async def run_for_a_while(running: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(running)
    for _ in range(200):
        await asyncio.sleep(0)
    if task.done():
        task.result()
    task.cancel()


@pytest.mark.requirement("R119")
@pytest.mark.parametrize("foreign", FOREIGN)
async def test_the_outbox_goes_on_behind_them_while_it_runs(
    system: FakeSystem, foreign: bytes
) -> None:
    broker, found = system.broker, list[Arrived]()
    bus = FakeBus(broker=broker, speaker=ADVISOR, subscribes_to=())
    outbox = outbox_of(BOLUS_DECIDER, system.stores[ADVISOR], bus, foreign=found.append)
    await outbox.recover(stream_lost=False)
    own = broker.newest[ADVISOR]
    at = broker.put(SUBJECT, foreign, {})

    outbox.put([[again(own)]])
    await run_for_a_while(outbox.run())

    assert [at] == [one.sequence for one in found]
    assert broker.newest[ADVISOR].data == own.data


def again(own: Arrived) -> Outgoing:
    return Outgoing(own.subject, own.data, own.headers)


async def test_peers_know_what_lies_under_them(system: FakeSystem) -> None:
    """An emptied journal takes its past back although the stream shows foreign bytes."""
    eat(system, 20)
    system.run(ms=5 * MINUTE_MS)
    system.broker.put(SUBJECT, ACKNOWLEDGEMENT, {})
    serve_history(system, "historian", "actuator", "glucose_ingest", "basal_scheduler")

    processor, _ = await join(system, FakeStore())

    live = system.services[ADVISOR].processor.unit_of_work.pump_stream(PUMP)
    assert live.heads[ADVISOR] == processor.unit_of_work.pump_stream(PUMP).heads[ADVISOR]


@pytest.mark.parametrize("answer", [ACKNOWLEDGEMENT, b"\xff", b'{"id":"actuator:demo:7"}'])
async def test_a_peer_that_answers_with_anything_else_counts_as_not_having_it(
    system: FakeSystem, answer: bytes
) -> None:
    """The next one is asked."""
    eat(system, 20)
    serve_history(system, "historian", "actuator", "glucose_ingest", "basal_scheduler")
    for name in ("actuator", "glucose_ingest", "basal_scheduler"):
        system.broker.historians[Speaker(name)] = lambda *_: iter((answer,))

    processor, _ = await join(system, FakeStore())

    live = system.services[ADVISOR].processor.unit_of_work.pump_stream(PUMP)
    assert live.heads[ADVISOR] == processor.unit_of_work.pump_stream(PUMP).heads[ADVISOR]


async def test_subjects_that_name_no_pump_name_none(system: FakeSystem) -> None:
    bus = FakeBus(broker=system.broker, speaker=ADVISOR, subscribes_to=())
    system.broker.messages.append(
        Arrived(f"basalt.\u00e4.event.{ADVISOR}.carbs_recorded", b"", {}, 99)
    )

    assert [PUMP] == await bus.own_pumps()


async def test_the_mutant_that_takes_them_for_its_own_word_does_not_start(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was: the process ended at every start, with the last line of a traceback."""
    monkeypatch.setattr("services.runtime.catch_up.startup.is_own_event", lambda *_: True)
    system.broker.put(SUBJECT, ACKNOWLEDGEMENT, {})

    with pytest.raises(Exception, match="id"):
        await join(system, system.stores[ADVISOR])


async def test_the_mutant_that_guards_by_them_ends_as_a_second_writer(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.runtime.decider_host.outbox.is_own_event", lambda *_: True)
    broker = system.broker
    bus = FakeBus(broker=broker, speaker=ADVISOR, subscribes_to=())
    outbox = outbox_of(BOLUS_DECIDER, system.stores[ADVISOR], bus)
    await outbox.recover(stream_lost=False)
    own = broker.newest[ADVISOR]
    broker.put(SUBJECT, ACKNOWLEDGEMENT, {})

    outbox.put([[again(own)]])

    with pytest.raises(Exception, match="id"):
        await run_for_a_while(outbox.run())
