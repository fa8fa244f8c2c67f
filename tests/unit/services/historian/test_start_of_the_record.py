"""A historian that starts on a record which somebody cut short, and one that is told to stop."""

import asyncio
from typing import Any, cast

import pytest

from core.deciders.record.decider import HISTORIAN, RECORD_DECIDER
from schemas.record import CheckpointMade, RuntimeFault
from schemas.units import HOUR_MS, Speaker
from services.runtime.catch_up import peer_heads
from services.runtime.catch_up.peer_heads import own_event
from services.runtime.catch_up.startup import Startup
from services.runtime.decider_host.processor import Input, Reported
from services.runtime.nats.memory_bus import FakeBroker, FakeBus
from services.runtime.process import service
from services.runtime.process.loop import Loop
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.joining import join, serve_history
from support.simulated.tampering import remade

ACTUATOR = Speaker("actuator")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_heads, "PAUSE_S", 0.0)


@pytest.fixture
def system() -> FakeSystem:
    ready = FakeSystem()
    ready.set_up()
    ready.run(ms=2 * HOUR_MS)
    return ready


def faults_in(inputs: list[Input]) -> list[RuntimeFault]:
    reports = [one.report for one in inputs if isinstance(one, Reported)]
    return [one for one in reports if isinstance(one, RuntimeFault)]


async def faults_without_the_last(system: FakeSystem, lines: int) -> list[RuntimeFault]:
    rows = [row for _, row in system.stores[HISTORIAN].rows(pump=PUMP)]
    store = remade(rows[: len(rows) - lines])
    _, inputs = await join(system, store, decider=RECORD_DECIDER)
    return [one for one in faults_in(inputs) if one.fault == "record_altered"]


def lines_back_to_its_own_word(system: FakeSystem) -> int:
    """Count the lines from the newest that the historian said itself."""
    rows = [row for _, row in system.stores[HISTORIAN].rows(pump=PUMP)]
    assert system.said_of("historian", CheckpointMade)
    return next(n for n, row in enumerate(reversed(rows), 1) if b".event.historian." in row.state)


@pytest.mark.requirement("R121")
async def test_a_record_that_lacks_what_it_published_is_an_alarm(system: FakeSystem) -> None:
    """Each word was stored before it was published: the lines behind it were cut off."""
    last = lines_back_to_its_own_word(system)
    (fault,) = await faults_without_the_last(system, last)
    assert "was cut short, lost or put back" in fault.detail
    assert await faults_without_the_last(system, last - 1) == []


async def test_the_mutant_that_takes_a_cut_for_a_crash_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Startup, "_tell_of_a_cut", lambda *_: None)
    with pytest.raises(ValueError, match="not enough values"):
        await test_a_record_that_lacks_what_it_published_is_an_alarm(system)


def historians_bus(broker: FakeBroker) -> FakeBus:
    return FakeBus(broker=broker, speaker=HISTORIAN, subscribes_to=RECORD_DECIDER.subscribes_to)


async def test_a_service_is_asked_for_what_it_said(system: FakeSystem) -> None:
    """It gives the event, has it not, or does not answer: only the first says anything."""
    bus = historians_bus(system.broker)
    assert await own_event(bus, ACTUATOR, pump=PUMP, version=3) is None
    serve_history(system, "actuator")
    data = await own_event(bus, ACTUATOR, pump=PUMP, version=3)
    assert data is not None and b'"id":"actuator:p1:3"' in data
    assert await own_event(bus, ACTUATOR, pump=PUMP, version=99_999) is None


async def test_who_does_not_answer_in_time_is_not_waited_for(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = historians_bus(system.broker)

    async def never(**_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(peer_heads, "ANSWER_S_MAX", 0.01)
    monkeypatch.setattr(bus, "history", never)
    assert await own_event(bus, ACTUATOR, pump=PUMP, version=3) is None


class Talking:
    """A loop that hears a message at each turn."""

    def __init__(self, messages: int) -> None:
        self.handled = 0
        self._left = messages

    async def run(self) -> None:
        while self._left:
            await asyncio.sleep(0)
            self._left -= 1
            self.handled += 1
        await asyncio.Event().wait()


@pytest.mark.parametrize(("messages", "heard"), [(0, 0), (10, 10)])
async def test_last_words_are_heard_before_the_end(
    monkeypatch: pytest.MonkeyPatch, messages: int, heard: int
) -> None:
    """The others were stopped before: what they said last is still on its way."""
    monkeypatch.setattr(service, "QUIET_S", 0.1)
    talking = Talking(messages)
    work = asyncio.create_task(talking.run())
    await service.until_quiet(cast(Loop[Any], talking), work)
    assert talking.handled == heard
    work.cancel()


async def test_who_never_stops_talking_is_not_heard_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor ends a process that takes too long, and then nothing is signed."""
    monkeypatch.setattr(service, "LAST_WORDS_S", 0.1)
    talking = Talking(10**9)
    work = asyncio.create_task(talking.run())
    await service.until_quiet(cast(Loop[Any], talking), work)
    assert 0 < talking.handled < 10**9
    work.cancel()
