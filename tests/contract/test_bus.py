"""Bus: NATS JetStream and its fake keep the same promises."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bench.broker import Broker, broker
from schemas.units import Actor, PumpId, Speaker
from services.runtime.nats import connection
from services.runtime.nats.bus import NatsBus
from services.runtime.nats.client import BusClient
from services.runtime.nats.connection import Credentials
from services.runtime.nats.memory_bus import FakeBroker, FakeBus
from services.runtime.platform.clock import SystemClock
from services.runtime.platform.errors import (
    BusKeyBroken,
    BusUnreachable,
    HistoryUnavailable,
    PublishUnknown,
    WrongLastSequence,
)
from services.runtime.ports import Arrived, Bus, Outgoing

ACTUATOR = Speaker("actuator")
ADVISOR = Speaker("bolus_advisor")
HEADERS = {"ce-id": "1", "content-type": "application/json"}


NOTICED_LOOKS_MAX = 40
"""[-] looks, 0.1 s apart, until a dead line must be known as such."""


@dataclass
class Pair:
    """The advisor speaks, the actuator hears it."""

    speaker: Bus
    policy: Bus
    running: Broker | None


@pytest.fixture(params=["nats", "fake"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    if request.param == "fake":
        shared = FakeBroker()
        yield Pair(
            FakeBus(broker=shared, speaker=ADVISOR, subscribes_to=()),
            FakeBus(broker=shared, speaker=ACTUATOR, subscribes_to=(ADVISOR,)),
            None,
        )
        return
    async with broker() as running:
        speaker, policy = await running.bus(ADVISOR), await running.bus(ACTUATOR)
        await policy.reset(position=0)
        yield Pair(speaker, policy, running)
        await speaker.close()
        await policy.close()


def event(number: int, *, name: str = "bolus_ordered", pump: str = "p1") -> Outgoing:
    subject = f"basalt.{pump}.event.bolus_advisor.{name}"
    return Outgoing(subject, b'{"n":%d}' % number, HEADERS)


async def hear(bus: Bus, count: int) -> list[Arrived]:
    found: list[Arrived] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found.extend(await bus.fetch())
    return found


async def test_a_batch_arrives_whole_in_order_with_its_headers(pair: Pair) -> None:
    """All events of a decision or none, in the order of the store."""
    events = [event(n) for n in range(7)]

    last = await pair.speaker.publish(events, expected_last=0)

    heard = await hear(pair.policy, 7)
    assert [one.data for one in events] == [one.data for one in heard]
    assert last == heard[-1].sequence
    assert all(HEADERS.items() <= dict(one.headers).items() for one in heard)


async def test_one_event_and_a_full_batch_are_both_taken(pair: Pair) -> None:
    """The smallest and the largest batch, after one another."""
    first = await pair.speaker.publish([event(0)], expected_last=0)
    await pair.speaker.publish([event(n) for n in range(1, 501)], expected_last=first)

    assert 501 == len(await hear(pair.policy, 501))


@pytest.mark.parametrize("count", [1, 3])
async def test_a_second_writer_is_refused(pair: Pair, count: int) -> None:
    """The expected sequence is what makes a re-send harmless."""
    await pair.speaker.publish([event(1)], expected_last=0)

    with pytest.raises(WrongLastSequence):
        await pair.speaker.publish([event(n) for n in range(count)], expected_last=0)

    assert 1 == len(await hear(pair.policy, 1))


async def test_others_speaking_in_between_do_no_harm(pair: Pair) -> None:
    """The guard looks at this speaker's own events only."""
    first = await pair.speaker.publish([event(1)], expected_last=0)
    other = Outgoing("basalt.p1.event.actuator.bolus_refused", b"{}", HEADERS)
    await pair.policy.publish([other], expected_last=0)

    assert first < await pair.speaker.publish([event(2)], expected_last=first)


async def test_the_newest_own_event_can_be_read_back(pair: Pair) -> None:
    """After an unknown publish the stream itself says what is there."""
    assert await pair.speaker.last_own() is None
    last = await pair.speaker.publish([event(1), event(2)], expected_last=0)
    await pair.speaker.publish([event(3, pump="p2")], expected_last=last)

    newest = await pair.speaker.last_own()
    of_p1 = await pair.speaker.last_own(subject="basalt.p1.event.bolus_advisor.>")
    assert "p1" in await pair.speaker.own_pumps()

    assert newest is not None
    assert of_p1 is not None
    assert (b'{"n":3}', b'{"n":2}') == (newest.data, of_p1.data)


@pytest.mark.requirement("R119")
@pytest.mark.parametrize(
    "headers", [{"Status": "503"}, {"Status": "404"}, {"Nats-Sequence": "7", "Nats-Subject": "x"}]
)
async def test_the_newest_is_told_by_the_brokers_headers_not_by_its_senders(
    pair: Pair, headers: dict[str, str]
) -> None:
    """A status in a message is its sender's word; the broker's own says that there is none."""
    forged = Outgoing("basalt.p1.event.bolus_advisor.bolus_ordered", b"\xff", headers)
    at = await pair.speaker.publish([forged], expected_last=0)

    newest = await pair.speaker.last_own()

    assert newest is not None
    assert (at, forged.subject, b"\xff") == (newest.sequence, newest.subject, newest.data)


async def test_a_reset_hears_again_from_a_position(pair: Pair) -> None:
    """The position lives in the journal: what was not stored is heard again."""
    await pair.speaker.publish([event(n) for n in range(5)], expected_last=0)
    heard = await hear(pair.policy, 5)

    await pair.policy.reset(position=heard[2].sequence)

    assert [one.data for one in heard[3:]] == [one.data for one in await hear(pair.policy, 2)]


async def test_the_stream_tells_its_creation_and_its_end(pair: Pair) -> None:
    """A stream that was made anew, or ends before the position, must be noticed."""
    before = await pair.speaker.stream_state()
    await pair.speaker.publish([event(1), event(2)], expected_last=0)
    after = await pair.speaker.stream_state()

    assert before.created == after.created
    assert 2 == after.last_sequence - before.last_sequence


async def test_history_of_nobody_is_unavailable(pair: Pair) -> None:
    """A service that does not answer is an answer, in bounded time."""
    with pytest.raises(HistoryUnavailable):
        await pair.policy.history(of=ADVISOR, asked=ADVISOR, pump=PumpId("p1"), first=1, last=2)


async def test_a_broker_that_is_not_there_gives_one_clear_error() -> None:
    """Sixty attempts with a traceback each help nobody."""
    bus = NatsBus(
        url="nats://127.0.0.1:1",
        speaker=ACTUATOR,
        credentials=Credentials("actuator", None),
        fault=lambda detail: None,
    )

    with pytest.raises(BusUnreachable) as caught, capture_logs() as logged:
        await bus.open()

    assert "127.0.0.1:1" in caught.value.url
    assert [] == logged


async def test_a_broker_that_stands_still_gives_one_clear_error_and_closing_is_harmless() -> None:
    """It takes the connection and says nothing: who waits for it must not end by another error."""
    async with broker() as running:
        client = BusClient(
            url=running.url,
            credentials=running.credentials("console"),
            actor=Actor("person:x"),
            clock=SystemClock(),
        )
        assert running.process is not None
        running.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(BusUnreachable, match="no answer within 5 s"):
                await client.open()
            await client.close()
        finally:
            running.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("content", [None, b"zzz", b"\xff\x00", b"U" * 58, b""])
async def test_a_seed_that_is_none_is_named_before_anything_is_connected(
    tmp_path: Path, content: bytes | None
) -> None:
    """A traceback names everything but the file that is broken."""
    seed = tmp_path / "actuator.nk"
    if content is not None:
        seed.write_bytes(content)
    bus = NatsBus(
        url="nats://127.0.0.1:1",
        speaker=ACTUATOR,
        credentials=Credentials("actuator", seed),
        fault=lambda detail: None,
    )

    with pytest.raises(BusKeyBroken, match=str(seed)):
        await bus.open()


async def test_a_broker_that_is_killed_and_comes_back_is_heard_again() -> None:
    """kill -9 of the broker: what was acknowledged is there, and nobody stays deaf (B2)."""
    async with broker() as running:
        speaker, policy = await running.bus(ADVISOR), await running.bus(ACTUATOR)
        await policy.stream_state()
        await policy.reset(position=0)
        last = await speaker.publish([event(n) for n in range(20)], expected_last=0)
        await hear(policy, 20)
        running.kill()
        running.start()
        async with asyncio.timeout(20):
            while True:
                try:
                    await speaker.publish([event(99)], expected_last=last)
                    break
                except PublishUnknown:
                    await asyncio.sleep(0.2)

        assert b'{"n":99}' == (await hear(policy, 1))[-1].data
        await speaker.close()
        await policy.close()


async def is_noticed(running: Broker) -> bool:
    """Freeze the broker for a while; say whether a client takes its line for dead."""
    bus = await running.bus(ACTUATOR)
    assert running.process is not None
    running.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(NOTICED_LOOKS_MAX):
            if not bus.client.is_connected:
                return True
            await asyncio.sleep(0.1)
        return False
    finally:
        running.process.send_signal(signal.SIGCONT)
        await bus.close()


async def test_a_broker_that_is_frozen_is_noticed() -> None:
    """Its connections stay open and say nothing: two pings without answer (B3, N5)."""
    async with broker() as running:
        assert await is_noticed(running)


async def test_the_mutant_whose_line_is_never_dead_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A client that waits for the system to tell it would not notice for minutes."""
    monkeypatch.setattr(connection, "PINGS_OUTSTANDING_MAX", 10**6)
    async with broker() as running:
        assert not await is_noticed(running)


async def test_the_mutant_that_trusts_the_broker_with_its_place_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The broker goes on after what it sent, stored or not: what was not stored would be lost."""
    async with broker() as running:
        speaker, policy = await running.bus(ADVISOR), await running.bus(ACTUATOR)
        await policy.reset(position=0)
        await speaker.publish([event(n) for n in range(5)], expected_last=0)
        heard = await hear(policy, 5)
        api = NatsBus._api

        async def deaf(self: NatsBus, name: str, body: bytes) -> object:
            return (
                await api(self, "STREAM.INFO.basalt", b"")
                if "RESET" in name
                else await api(self, name, body)
            )

        monkeypatch.setattr(NatsBus, "_api", deaf)
        await policy.reset(position=heard[2].sequence)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await hear(policy, 2)
        await speaker.close()
        await policy.close()
