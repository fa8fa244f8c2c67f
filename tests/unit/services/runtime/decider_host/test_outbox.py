"""The outbox: what was stored is published once, in order, whatever the broker answers."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from core.deciders.bolus.decider import BOLUS_DECIDER
from schemas.bolus.advice import RecordCarbs
from schemas.units import Grams
from services.runtime.decider_host.outbox import Outbox
from services.runtime.journal.event_ids import event_id_in
from services.runtime.nats.memory_bus import FakeBroker, FakeBus
from services.runtime.platform.errors import PublishUnknown, SecondWriter
from services.runtime.ports import Arrived, Outgoing
from support.simulated.fake_system import FakeSystem
from support.simulated.joining import ADVISOR, outbox_of


class Flaky(FakeBus):
    """Loses the answer, or the message, of the first publishes."""

    def __init__(self, *, broker: FakeBroker, loses: list[str]) -> None:
        super().__init__(broker=broker, speaker=ADVISOR, subscribes_to=())
        self.loses = loses

    async def publish(self, messages: Sequence[Outgoing], *, expected_last: int) -> int:
        lost = self.loses.pop(0) if self.loses else ""
        if lost == "message":
            raise PublishUnknown("lost")
        if lost == "half":
            await super().publish(messages[: len(messages) // 2], expected_last=expected_last)
            raise PublishUnknown("disk full")
        sequence = await super().publish(messages, expected_last=expected_last)
        if lost == "answer":
            raise PublishUnknown("lost")
        return sequence


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> FakeSystem:
    monkeypatch.setattr("services.runtime.decider_host.outbox.RETRY_S_FIRST", 0.0)
    ready = FakeSystem()
    ready.set_up()
    for grams in (10, 20, 30):
        meal = RecordCarbs(grams=Grams(grams), eaten_at=ready.clock.now().therapy)
        ready.ask(meal, to="bolus_advisor")
    return ready


def own(broker: FakeBroker) -> list[str]:
    return [
        event_id_in(one.data) for one in broker.messages if ".event.bolus_advisor." in one.subject
    ]


async def publish_all(outbox: Outbox) -> None:
    running = asyncio.create_task(outbox.run())
    for _ in range(500):
        await asyncio.sleep(0)
    if running.done():
        running.result()
    running.cancel()


def make(system: FakeSystem, bus: FakeBus) -> Outbox:
    return outbox_of(BOLUS_DECIDER, system.stores[ADVISOR], bus)


@pytest.mark.parametrize(
    "loses",
    [
        [],
        ["message"],
        ["answer"],
        ["message", "answer"],
        ["answer", "message"],
        ["half"],
        ["half", "half", "answer"],
    ],
)
async def test_each_event_is_in_the_stream_once_and_in_order(
    system: FakeSystem, loses: list[str]
) -> None:
    """A lost answer is neither yes nor no: the stream itself is asked."""
    broker = FakeBroker()
    bus = Flaky(broker=broker, loses=list(loses))
    outbox = make(system, bus)

    await outbox.recover(stream_lost=False)
    await publish_all(outbox)

    assert [f"bolus_advisor:p1:{n}" for n in range(1, 6)] == own(broker)


async def test_a_start_goes_on_where_the_stream_ends(system: FakeSystem) -> None:
    """What a killed process stored and did not publish goes out, and nothing twice."""
    broker = FakeBroker()
    mine = [one for one in system.broker.messages if ".event.bolus_advisor." in one.subject]
    for message in mine[:2]:
        broker.put(message.subject, message.data, message.headers)
    outbox = make(system, FakeBus(broker=broker, speaker=ADVISOR, subscribes_to=()))

    await outbox.recover(stream_lost=False)
    await publish_all(outbox)

    assert [f"bolus_advisor:p1:{n}" for n in range(1, 6)] == own(broker)


async def test_to_a_lost_stream_only_the_newest_event_is_said_again(system: FakeSystem) -> None:
    """Listeners ask for what they miss; a year of history is not shouted again."""
    broker = FakeBroker()
    outbox = make(system, FakeBus(broker=broker, speaker=ADVISOR, subscribes_to=()))

    await outbox.recover(stream_lost=True)
    await publish_all(outbox)

    assert ["bolus_advisor:p1:5"] == own(broker)


async def test_a_second_writer_stops_the_outbox(system: FakeSystem) -> None:
    """Somebody else spoke as this service: silence is safer than a fork."""
    broker = FakeBroker()
    bus = FakeBus(broker=broker, speaker=ADVISOR, subscribes_to=())
    outbox = make(system, bus)
    await outbox.recover(stream_lost=False)
    other = system.broker.newest[ADVISOR]
    broker.put(other.subject, other.data.replace(b":p1:", b":p1:9"), {})

    with pytest.raises(SecondWriter):
        await publish_all(outbox)


async def test_the_expected_sequence_is_what_prevents_a_double(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: without reading back, a lost answer puts the event into the stream twice."""
    broker = FakeBroker()
    bus = Flaky(broker=broker, loses=["answer"])

    async def careless(messages: Sequence[Outgoing], *, expected_last: int) -> int:
        del expected_last
        sequence = 0
        for message in messages:
            sequence = broker.put(message.subject, message.data, message.headers)
        if bus.loses:
            bus.loses.pop()
            raise PublishUnknown("lost")
        return sequence

    async def forgetful(*, subject: str | None = None) -> Arrived | None:
        del subject
        return None

    monkeypatch.setattr(bus, "publish", careless)
    monkeypatch.setattr(bus, "last_own", forgetful)
    outbox = make(system, bus)
    await outbox.recover(stream_lost=False)
    await publish_all(outbox)

    assert len(own(broker)) > len(set(own(broker)))


async def test_while_the_broker_is_away_the_store_keeps_the_rest(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded; what does not fit is read again from the journal."""
    monkeypatch.setattr("services.runtime.decider_host.outbox.PENDING_EVENTS_MAX", 2)
    broker = FakeBroker()
    outbox = make(system, FakeBus(broker=broker, speaker=ADVISOR, subscribes_to=()))
    await outbox.recover(stream_lost=False)
    running: Any = asyncio.create_task(outbox.run())
    for _ in range(200):
        await asyncio.sleep(0)
    running.cancel()

    assert [f"bolus_advisor:p1:{n}" for n in range(1, 6)] == own(broker)
