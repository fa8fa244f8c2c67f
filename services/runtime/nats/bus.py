"""Bus on NATS JetStream, as one service is allowed to use it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from schemas.units import PumpId, Speaker
from schemas.wire import codec
from schemas.wire.headers import SHA256_HEADER
from schemas.wire.subjects import STREAM, Endpoint, pumps_in, service_endpoint, speaker_filter
from services.runtime.nats.atomic_batch import send_inner
from services.runtime.nats.connection import ConnectionEvents, Credentials, connect
from services.runtime.nats.pull_consumer import Puller
from services.runtime.platform.errors import (
    BusUnreachable,
    HistoryUnavailable,
    PublishUnknown,
    StreamChanged,
    WrongLastSequence,
)
from services.runtime.platform.logs import get_logger
from services.runtime.platform.shutdown import is_running
from services.runtime.ports import NONE_OF_THEM, Arrived, Outgoing, StreamState, TailAnswer

REQUEST_S = 5.0
"""[s] until an answer of the broker counts as unknown."""

RESET_PAUSE_S = 0.5
"""[s] between attempts to set the cursor back."""

HISTORY_S = 5.0
"""[s] until another service counts as not answering."""

REFUSAL_HEADER = "Nats-Service-Error"
"""[-] why a service does not answer, by the NATS services protocol."""

WRONG_LAST_SEQUENCE = 10071
"""[-] the broker's code for an expected sequence that is not the last."""

UNKNOWN_ERRORS = (TimeoutError, nats.errors.Error, OSError)
"""[-] what a request can raise without telling whether it was done."""

DISCONNECTS = (
    nats.errors.UnexpectedEOF,
    nats.errors.StaleConnectionError,
    nats.errors.ConnectionClosedError,
    nats.errors.ConnectionReconnectingError,
    OSError,
)
"""[-] errors that say no more than that the line is gone; it comes back by itself."""

log = get_logger()


class _ApiError(msgspec.Struct):
    err_code: int = 0
    description: str = ""


class _StreamFacts(msgspec.Struct):
    last_seq: int = 0
    subjects: dict[str, int] | None = None


class _ApiAnswer(msgspec.Struct):
    error: _ApiError | None = None
    seq: int = 0
    created: str = ""
    state: _StreamFacts = msgspec.field(default_factory=_StreamFacts)


class HistoryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What one service asks another for."""

    speaker: str
    pump: str
    first: int
    last: int


class TailRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the historian asks a service for at its start."""

    pump: str
    after: int
    """[-] number of the newest of its events that need not be told."""


_answers = msgspec.json.Decoder(_ApiAnswer)
_tails = msgspec.json.Decoder(TailAnswer)


class NatsBus:
    """One service's connection: its own consumer, its own subjects, nobody else's."""

    def __init__(
        self,
        *,
        url: str,
        speaker: Speaker,
        credentials: Credentials,
        fault: Callable[[str], None],
        consumer: str | None = None,
    ) -> None:
        """Prepare; `fault` is told of every error that the library only whispers."""
        self.client = Client()
        self._url = url
        self._speaker = speaker
        self._credentials = credentials
        self._fault = fault
        self._consumer = consumer or speaker
        self._puller: Puller | None = None
        self._position = 0
        self._created = ""
        self._batches = 0

    async def open(self) -> None:
        """Connect.

        Raises:
            BusUnreachable: the broker is not there, or refuses the key.
        """
        events = ConnectionEvents(
            self._on_reconnected, self._on_error, self._on_closed, self._on_disconnected
        )
        self.client = await connect(url=self._url, credentials=self._credentials, events=events)
        self._puller = Puller(client=self.client, consumer=self._consumer, lost=self._on_lost)

    async def close(self) -> None:
        """Disconnect."""
        await self.client.close()

    async def stream_state(self) -> StreamState:
        """Ask when the stream was created and how far it goes."""
        answer = await self._api(f"STREAM.INFO.{STREAM}", b"")
        self._created = self._created or answer.created
        return StreamState(answer.created, answer.state.last_seq)

    async def reset(self, *, position: int) -> None:
        """Begin to fetch right after this sequence; what was fetched before is forgotten."""
        self._position = position
        if self._puller is not None:
            await self._puller.stop()
        body = msgspec.json.encode({"seq": position + 1})
        await self._api(f"CONSUMER.RESET.{STREAM}.{self._consumer}", body)
        if self._puller is not None:
            await self._puller.start()

    async def fetch(self) -> Sequence[Arrived]:
        """Wait for messages, 1 to FETCH_MESSAGES_MAX, in the order of the stream."""
        if self._puller is None:
            raise BusUnreachable(self._url, "not open")
        while is_running():
            batch = await self._puller.fetch()
            if batch:
                self._position = max(self._position, batch[-1].sequence)
                return batch
            await self._reset_again()
        raise asyncio.CancelledError

    async def _reset_again(self) -> None:
        """Set the cursor back after a reconnect or a jump, as soon as the broker lets us.

        Raises:
            StreamChanged: the stream is another one, or ends before the position: the process
                ends, and the next one joins anew.
        """
        while is_running():
            try:
                state = await self.stream_state()
                if state.created != self._created or state.last_sequence < self._position:
                    raise StreamChanged(state.created, state.last_sequence, self._position)
                await self.reset(position=self._position)
                return
            except PublishUnknown as error:
                log.warning("bus.reset_delayed", reason=error.reason)
                await asyncio.sleep(RESET_PAUSE_S)

    async def publish(self, messages: Sequence[Outgoing], *, expected_last: int) -> int:
        """Put messages into the stream, all or none; give the sequence of the last."""
        guard = {
            "Nats-Expected-Last-Subject-Sequence": str(expected_last),
            "Nats-Expected-Last-Subject-Sequence-Subject": speaker_filter(self._speaker),
        }
        try:
            if len(messages) == 1:
                answer = await self._put(messages[0], guard)
            else:
                answer = await self._put_batch(messages, guard)
        except UNKNOWN_ERRORS as error:
            raise PublishUnknown(f"{type(error).__name__}: {error}") from error
        if answer.error is not None:
            if answer.error.err_code == WRONG_LAST_SEQUENCE:
                raise WrongLastSequence(expected_last)
            raise PublishUnknown(f"{answer.error.err_code}: {answer.error.description}")
        return answer.seq

    async def _put(self, message: Outgoing, more: dict[str, str]) -> _ApiAnswer:
        headers = {**message.headers, **more}
        answer = await self.client.request(
            message.subject, message.data, timeout=REQUEST_S, headers=headers
        )
        return _read(answer)

    async def _put_batch(self, messages: Sequence[Outgoing], guard: dict[str, str]) -> _ApiAnswer:
        self._batches += 1
        batch = f"{self._client_token()}-{self._batches}"
        if not self.client.is_connected:
            raise nats.errors.OutboundBufferLimitError
        await send_inner(self.client, batch=batch, messages=messages[:-1], guard=guard)
        commit = {
            "Nats-Batch-Id": batch,
            "Nats-Batch-Sequence": str(len(messages)),
            "Nats-Batch-Commit": "1",
        }
        return await self._put(messages[-1], commit)

    def _client_token(self) -> str:
        return self.client.new_inbox().rsplit(".", 1)[-1]

    async def last_own(self, *, subject: str | None = None) -> Arrived | None:
        """Read this speaker's newest event, or the newest on one subject of its own.

        The answer bears the message's own headers, among them whatever its sender wrote: only the
        broker's answer about none has no sequence, and the library's `request` would take a
        'Status' of the sender's for the broker's.
        """
        name = subject or speaker_filter(self._speaker)
        message = await self._ask_unjudged(f"$JS.API.DIRECT.GET.{STREAM}.{name}")
        headers = message.headers or {}
        if "Nats-Sequence" in headers:
            sequence = int(headers["Nats-Sequence"])
            return Arrived(headers["Nats-Subject"], message.data, headers, sequence)
        if headers.get("Status") == "404":
            return None
        raise PublishUnknown(f"direct get: {headers}")

    async def own_pumps(self) -> Sequence[PumpId]:
        """Name the pumps about which the stream holds events of this speaker, sorted."""
        body = msgspec.json.encode({"subjects_filter": speaker_filter(self._speaker)})
        answer = await self._api(f"STREAM.INFO.{STREAM}", body)
        return pumps_in(answer.state.subjects or {})

    async def answer(self, *, inbox: str, data: bytes) -> None:
        """Send an outcome to a reply inbox; lost if nobody waits."""
        try:
            await self.client.publish(inbox, data)
        except nats.errors.Error as error:
            log.warning("bus.answer_lost", inbox=inbox, reason=repr(error))

    async def history(
        self, *, of: Speaker, asked: Speaker, pump: PumpId, first: int, last: int
    ) -> Sequence[bytes]:
        """Ask a service for stored events of a speaker, in order, as many as fit an answer."""
        request = HistoryRequest(speaker=of, pump=pump, first=first, last=last)
        data = await self._told_by(asked, "history", request)
        return data.split(b"\n")

    async def tail(self, *, asked: Speaker, pump: PumpId, after: int) -> TailAnswer:
        """Ask a service what its journal has from the event of that number on, newest first."""
        data = await self._told_by(asked, "tail", TailRequest(pump=pump, after=after))
        try:
            return _tails.decode(data)
        except codec.DECODE_ERRORS as error:
            raise HistoryUnavailable(asked, f"its answer is none: {error}") from error

    async def _told_by(self, asked: Speaker, endpoint: Endpoint, request: msgspec.Struct) -> bytes:
        """Put a question to a service, and give its answer as it left the service."""
        subject = service_endpoint(service=asked, endpoint=endpoint)
        try:
            answer = await self.client.request(
                subject, msgspec.json.encode(request), timeout=HISTORY_S
            )
        except UNKNOWN_ERRORS as error:
            raise HistoryUnavailable(asked, f"{type(error).__name__}: {error}") from error
        refused = (answer.headers or {}).get(REFUSAL_HEADER)
        if refused is not None:
            raise HistoryUnavailable(asked, refused)
        if not answer.data:
            raise HistoryUnavailable(asked, NONE_OF_THEM)
        if (answer.headers or {}).get(SHA256_HEADER) != codec.sha256_hex(answer.data):
            raise HistoryUnavailable(asked, "its answer changed on the way")
        return answer.data

    async def _api(self, name: str, body: bytes) -> _ApiAnswer:
        answer = _read(await self._request(f"$JS.API.{name}", body))
        if answer.error is not None:
            raise PublishUnknown(f"{name}: {answer.error.err_code} {answer.error.description}")
        return answer

    async def _request(self, subject: str, body: bytes) -> Msg:
        try:
            return await self.client.request(subject, body, timeout=REQUEST_S)
        except UNKNOWN_ERRORS as error:
            raise PublishUnknown(f"{subject}: {type(error).__name__} {error}") from error

    async def _ask_unjudged(self, subject: str) -> Msg:
        """Ask, and give the answer whatever its headers say."""
        inbox = self.client.new_inbox()
        try:
            answers = await self.client.subscribe(inbox)
            try:
                await self.client.publish(subject, b"", reply=inbox)
                return await answers.next_msg(REQUEST_S)
            finally:
                await answers.unsubscribe()
        except UNKNOWN_ERRORS as error:
            raise PublishUnknown(f"{subject}: {type(error).__name__} {error}") from error

    def _interrupt(self) -> None:
        if self._puller is not None:
            self._puller.interrupt()

    async def _on_reconnected(self) -> None:
        self._interrupt()

    def _on_lost(self, reason: str) -> None:
        log.warning("bus.resetting", service=self._speaker, reason=reason)
        self._interrupt()

    async def _on_error(self, error: Exception) -> None:
        if isinstance(error, DISCONNECTS) or not self.client.is_connected:
            log.warning("bus.line_error", service=self._speaker, reason=repr(error))
            return
        self._fault(f"{type(error).__name__}: {error}")

    async def _on_disconnected(self) -> None:
        log.warning("bus.disconnected", user=self._credentials.user)

    async def _on_closed(self) -> None:
        log.info("bus.closed", service=self._speaker)


def _read(message: Any) -> _ApiAnswer:
    try:
        return _answers.decode(message.data or b"{}")
    except codec.DECODE_ERRORS as error:
        raise PublishUnknown(f"an answer that is none: {error}") from error
