"""The question for the newest lines of a journal: the live broker and the fake give one answer."""

import msgspec
import pytest

from bench.broker import broker
from schemas.units import PumpId, Speaker
from services.runtime.catch_up import peer_heads
from services.runtime.catch_up.peer_heads import tail_of
from services.runtime.nats.bus import NatsBus, TailRequest
from services.runtime.nats.memory_bus import FakeBus
from services.runtime.platform.errors import HistoryUnavailable
from services.runtime.ports import TailAnswer
from services.runtime.process import service_endpoint
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.signed_record import questions_to, tail_answer

ACTUATOR, ADVISOR, HISTORIAN = Speaker("actuator"), Speaker("bolus_advisor"), Speaker("historian")


@pytest.fixture(scope="module")
def system() -> FakeSystem:
    ready = FakeSystem()
    ready.set_up()
    for amount in (500, 1_000, 1_500):
        ready.order(amount)
        ready.run(ms=600_000)
    return ready


def asked_of(system: FakeSystem, *, after: int, pump: PumpId = PUMP) -> TailAnswer:
    return questions_to(system, ADVISOR).tail(TailRequest(pump=pump, after=after))


@pytest.mark.requirement("R121")
async def test_a_live_broker_carries_the_same_answer_as_the_fake(system: FakeSystem) -> None:
    """From a service that is ready to the historian; one that joins says that it is not."""
    system.broker.tails[ADVISOR] = lambda pump, after: tail_answer(system, pump, ADVISOR, after)
    fake = FakeBus(broker=system.broker, speaker=HISTORIAN, subscribes_to=())
    async with broker() as running:
        asked, asking = await running.bus(ADVISOR), await running.bus(HISTORIAN)
        questions = questions_to(system, ADVISOR)
        with pytest.raises(HistoryUnavailable, match="NoResponders"):
            await asking.tail(asked=ADVISOR, pump=PUMP, after=0)
        await questions.register(asked.client)
        with pytest.raises(HistoryUnavailable, match="has not joined"):
            await asking.tail(asked=ADVISOR, pump=PUMP, after=0)

        questions._loop.ready.set()
        for bus in (asking, fake):
            answer = await bus.tail(asked=ADVISOR, pump=PUMP, after=2)
            assert answer == asked_of(system, after=2)
            assert answer.lines
        await refused(asking)
        for one in (asked, asking):
            await one.close()
    with pytest.raises(HistoryUnavailable):
        await fake.tail(asked=ACTUATOR, pump=PUMP, after=0)


async def refused(asking: NatsBus) -> None:
    """Ask what is no question."""
    answer = await asking.client.request("basalt_service.bolus_advisor.tail", b"?", timeout=5)
    assert (answer.headers or {})["Nats-Service-Error-Code"] == "400"


def test_the_answer_goes_down_to_the_event_that_was_named(system: FakeSystem) -> None:
    """Newest first: each own event, and each command that was heard since then."""
    answer = asked_of(system, after=3)
    versions = [one.version for one in answer.lines if one.version]
    assert versions == list(range(answer.newest, 2, -1))
    commands = [one.command for one in asked_of(system, after=0).lines if one.command]
    assert commands
    assert len(set(commands)) == len(commands)
    assert asked_of(system, after=answer.newest).lines[-1].version == answer.newest
    assert asked_of(system, after=0, pump=PumpId("other")) == TailAnswer(newest=0)


@pytest.mark.parametrize(
    ("limit", "most"), [("TAIL_LINES_MAX", 3), ("TAIL_BYTES_MAX", 300), ("TAIL_LINES_READ_MAX", 9)]
)
def test_an_answer_has_an_end(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    """A journal of ten years is not read while a pump waits: the oldest lines are left out."""
    whole = asked_of(system, after=0)
    monkeypatch.setattr(service_endpoint, limit, most)
    some = asked_of(system, after=0)
    assert 0 < len(some.lines) < len(whole.lines)
    assert some.lines == whole.lines[: len(some.lines)]
    assert len(msgspec.json.encode(some.lines)) <= 9 * 150


async def test_who_does_not_answer_is_asked_again_and_then_left(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be starting; one of an older release never knows the question."""
    monkeypatch.setattr(peer_heads, "PAUSE_S", 0.0)
    bus = FakeBus(broker=system.broker, speaker=HISTORIAN, subscribes_to=())
    asked: list[int] = []

    def answer(pump: PumpId, after: int) -> TailAnswer:
        asked.append(after)
        if len(asked) < peer_heads.TRIES_MAX:
            raise HistoryUnavailable(ACTUATOR, "it has not joined the stream yet")
        return tail_answer(system, pump, ACTUATOR, after)

    assert await tail_of(bus, ACTUATOR, pump=PUMP, after=1) is None
    system.broker.tails[ACTUATOR] = answer
    found = await tail_of(bus, ACTUATOR, pump=PUMP, after=1)
    assert found == tail_answer(system, PUMP, ACTUATOR, 1)
