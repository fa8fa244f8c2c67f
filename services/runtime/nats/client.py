"""A client of the system: sends commands, waits for their outcome, asks services how they are."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import APIError

from schemas.message import Command, CommandEnvelope, Deadline, Outcome, name_of
from schemas.units import Actor, CommandId, Milliseconds, PumpId, Speaker, UtcMillis
from schemas.wire import codec
from schemas.wire.headers import SHA256_HEADER, TRACE_HEADER, trace_id_of, traceparent
from schemas.wire.subjects import (
    CLIENT_API,
    REPLY_HEADER,
    STREAM,
    Endpoint,
    command_subject,
    reply_inbox,
    service_endpoint,
)
from services.runtime.nats.connection import ConnectionEvents, Credentials, connect
from services.runtime.platform.clock import Clock
from services.runtime.platform.errors import BasaltError

COMMAND_LIFE_MS = Milliseconds(30_000)
"""[ms] therapy time after which a command is not worth obeying any more."""

COMMAND_LIFE_REAL_MS = Milliseconds(10_000)
"""[ms] real time that a command lives at least."""

OUTCOME_S = 10.0
"""[s] until a command without outcome is reported as unknown."""

ANSWER_S = 2.0
"""[s] until a service that does not answer a question counts as absent."""


class OutcomeUnknown(BasaltError):
    """No outcome came in time: the command may or may not have been obeyed."""


class ServiceAbsent(BasaltError):
    """A service did not answer a question."""


class BusClient:
    """One connection of a person's tool; obeys nobody and says no events."""

    def __init__(self, *, url: str, credentials: Credentials, actor: Actor, clock: Clock) -> None:
        """Prepare; `actor` is written into every command."""
        self.client = Client()
        self.clock = clock
        self._url = url
        self._credentials = credentials
        self._actor = actor
        self._is_open = False
        self._waiting: dict[str, asyncio.Future[Outcome]] = {}

    async def open(self) -> None:
        """Connect, and listen to this client's own reply inboxes.

        Raises:
            BusUnreachable: the broker is not there, or refuses the key.
        """
        events = ConnectionEvents(_nothing, _ignore, _nothing)
        self.client = await connect(url=self._url, credentials=self._credentials, events=events)
        self._is_open = True
        await self.client.subscribe(
            reply_inbox(client=self._credentials.user, token="*"), cb=self._on_reply
        )

    async def close(self) -> None:
        """Disconnect; nothing is done where `open` failed."""
        if self._is_open:
            await self.client.close()

    async def send(
        self,
        command: Command,
        *,
        to: Speaker,
        pump: PumpId,
        command_id: CommandId | None = None,
    ) -> Outcome:
        """Send a command and wait for its outcome.

        Args:
            command: what is asked.
            to: the decider that obeys it.
            pump: whose pump.
            command_id: the same id is obeyed once; a retry gets the stored outcome.

        Raises:
            OutcomeUnknown: nothing came in time; ask again with the same id, never a new one.
        """
        name = command_id or CommandId(secrets.token_hex(12))
        token = secrets.token_hex(8)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting[token] = future
        try:
            await self._publish(command, to=to, pump=pump, name=name, token=token)
            async with asyncio.timeout(OUTCOME_S):
                return await future
        except (TimeoutError, nats.errors.Error, APIError) as error:
            raise OutcomeUnknown(
                f"no outcome of {name_of(type(command))} from {to} "
                f"({type(error).__name__}); it may or may not have been obeyed"
            ) from error
        finally:
            del self._waiting[token]

    async def _publish(
        self, command: Command, *, to: Speaker, pump: PumpId, name: CommandId, token: str
    ) -> None:
        now = self.clock.now()
        envelope = CommandEnvelope(
            id=name,
            actor=self._actor,
            expires=Deadline(
                therapy=UtcMillis(now.therapy + COMMAND_LIFE_MS),
                real=UtcMillis(now.real + COMMAND_LIFE_REAL_MS),
            ),
            command=codec.encode_raw(command),
        )
        subject = command_subject(pump=pump, service=to, name=name_of(type(command)))
        headers = {
            "Nats-Msg-Id": f"{to}:{pump}:{name}",
            "content-type": "application/json",
            REPLY_HEADER: reply_inbox(client=self._credentials.user, token=token),
            TRACE_HEADER: traceparent(
                trace=trace_id_of(None, cause=name), span=secrets.token_hex(8)
            ),
        }
        data = codec.encode(envelope)
        headers[SHA256_HEADER] = codec.sha256_hex(data)
        answer = await self._store(subject, data, headers)
        if answer.duplicate:
            # A retry inside the broker's window: the stream keeps it under a number of its own,
            # so that the service hears it and answers with the stored outcome.
            headers["Nats-Msg-Id"] += f":{token}"
            answer = await self._store(subject, data, headers)
        if answer.error is not None:
            raise OutcomeUnknown(f"the broker refused {name_of(type(command))}: {answer.error}")

    async def _store(self, subject: str, data: bytes, headers: dict[str, str]) -> "_PubAnswer":
        answer = await self.client.request(subject, data, timeout=OUTCOME_S, headers=headers)
        try:
            return msgspec.json.decode(answer.data, type=_PubAnswer)
        except codec.DECODE_ERRORS as error:
            raise OutcomeUnknown(f"the broker's answer cannot be read: {error}") from error

    async def ask(self, service: str, endpoint: Endpoint, data: bytes = b"") -> bytes:
        """Ask a service something that changes nothing.

        Raises:
            ServiceAbsent: it does not answer.
        """
        subject = service_endpoint(service=service, endpoint=endpoint)
        try:
            answer = await self.client.request(subject, data, timeout=ANSWER_S)
        except (TimeoutError, nats.errors.Error) as error:
            raise ServiceAbsent(f"{service} does not answer") from error
        return answer.data

    async def listen(self, subject: str, *, heard: Callable[[str, bytes], None]) -> None:
        """Hear what is said from now on, with its subject; what is missed stays missed."""

        async def on_message(message: Msg) -> None:
            heard(message.subject, message.data)

        await self.client.subscribe(subject, cb=on_message)

    async def lag(self, service: Speaker) -> int | None:
        """Count the messages in the stream that a service has not fetched; None if unknown."""
        subject = f"{CLIENT_API}.CONSUMER.INFO.{STREAM}.{service}"
        try:
            answer = await self.client.request(subject, b"", timeout=ANSWER_S)
            return msgspec.json.decode(answer.data, type=_ConsumerInfo).num_pending
        except (TimeoutError, nats.errors.Error, msgspec.DecodeError):
            return None

    async def _on_reply(self, message: Msg) -> None:
        future = self._waiting.get(message.subject.rsplit(".", 1)[-1])
        if future is None or future.done():
            return
        try:
            future.set_result(msgspec.json.decode(message.data, type=Outcome))
        except codec.DECODE_ERRORS:
            # Whatever it is, it is no outcome: the service's own is still to come.
            return


class _PubAnswer(msgspec.Struct):
    error: dict[str, Any] | None = None
    duplicate: bool = False


class _ConsumerInfo(msgspec.Struct):
    num_pending: int | None = None


async def _nothing() -> None:
    """Do nothing about what a short-lived client need not act on."""


async def _ignore(error: Exception) -> None:
    """Leave it to the request that times out to tell of it."""
    del error
