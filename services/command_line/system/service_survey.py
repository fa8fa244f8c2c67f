"""Who is there and how they are, asked in the ways that NATS has for it; changes nothing."""

import asyncio
from collections import defaultdict
from typing import Protocol, TypeVar

import msgspec

from schemas.wire import codec
from schemas.wire.subjects import CLIENT_API, STREAM
from services.command_line.output.exit_codes import unreachable
from services.runtime.nats.client import BusClient, ServiceAbsent
from services.runtime.process.service_endpoint import Health

SURVEY_S = 1.0
"""[s] until a service that has not answered counts as absent."""

AnswerT = TypeVar("AnswerT")


class _Message(Protocol):
    """The part of a message of the bus that is read here."""

    data: bytes


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint of a service has done; the NATS services protocol."""

    name: str
    num_requests: int = 0
    num_errors: int = 0


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """One instance of a service in its answer to $SRV.PING, INFO or STATS."""

    name: str
    id: str
    version: str
    endpoints: tuple[Endpoint, ...] = ()


class ConsumerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker says of a service's consumer."""

    num_pending: int


class StreamNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """How much the stream holds."""

    messages: int
    bytes: int
    first_seq: int
    last_seq: int


class StreamInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker says of the stream."""

    created: str
    state: StreamNumbers


async def presences(client: BusClient, verb: str, *, expected: int) -> dict[str, list[Presence]]:
    """Ask everybody at once; give the answers by name of service.

    Args:
        client: that asks.
        verb: PING, INFO or STATS.
        expected: answers after which nobody else is waited for.
    """
    found: dict[str, list[Presence]] = defaultdict(list)
    for data in await _answers(client, f"$SRV.{verb}", most=expected):
        presence = msgspec.json.decode(data, type=Presence)
        found[presence.name].append(presence)
    return dict(found)


async def health(client: BusClient, service: str) -> Health | None:
    """Ask a service how it is; None if it does not answer."""
    try:
        return msgspec.json.decode(await client.ask(service, "health"), type=Health)
    except (ServiceAbsent, msgspec.DecodeError):
        return None


async def consumer(client: BusClient, service: str) -> ConsumerInfo | None:
    """Ask the broker how much a service has not fetched yet; None if there is no consumer."""
    return await _api(client, f"CONSUMER.INFO.{STREAM}.{service}", ConsumerInfo)


async def stream(client: BusClient) -> StreamInfo | None:
    """Ask the broker what the stream holds; None if there is none."""
    return await _api(client, f"STREAM.INFO.{STREAM}", StreamInfo)


async def _api(client: BusClient, name: str, kind: type[AnswerT]) -> AnswerT | None:
    answers = await _answers(client, f"{CLIENT_API}.{name}", most=1)
    if not answers:
        return None
    try:
        return msgspec.json.decode(answers[0], type=kind)
    except codec.DECODE_ERRORS:
        return None


async def _answers(client: BusClient, subject: str, *, most: int) -> list[bytes]:
    """Collect the answers to one question, as many as come in SURVEY_S, `most` at most."""
    if not client.client.is_connected:
        raise unreachable("the broker has gone")
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(message: _Message) -> None:
        if message.data:
            queue.put_nowait(message.data)

    inbox = client.client.new_inbox()
    subscription = await client.client.subscribe(inbox, cb=take)
    found: list[bytes] = []
    try:
        await client.client.publish(subject, reply=inbox)
        async with asyncio.timeout(SURVEY_S):
            while len(found) < most:
                found.append(await queue.get())
    except TimeoutError:
        pass
    finally:
        await subscription.unsubscribe()
    return found
