"""The ears on JetStream: one pull at a time, heartbeats watched, jumps in the sequence noticed."""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from schemas.wire.subjects import STREAM
from services.runtime.platform.logs import get_logger
from services.runtime.ports import FETCH_MESSAGES_MAX, Arrived

PULL_EXPIRES_NS = 30_000_000_000
"""[ns] life of one pull; the next follows at once."""

HEARTBEAT_NS = 2_000_000_000
"""[ns] between signs of life while nothing arrives."""

SILENCE_S_MAX = 6.0
"""[s] without message or heartbeat until the subscription counts as dead."""

BUFFER_MESSAGES_MAX = 4 * FETCH_MESSAGES_MAX
"""[-] messages waiting here; no further pull above it."""

log = get_logger()


class _Pull(msgspec.Struct):
    batch: int = FETCH_MESSAGES_MAX
    expires: int = PULL_EXPIRES_NS
    idle_heartbeat: int = HEARTBEAT_NS


class Puller:
    """Fetches what a durable consumer without acks delivers, in order, without holes."""

    def __init__(self, *, client: Client, consumer: str, lost: Callable[[str], None]) -> None:
        """`lost` is told when messages were missed or the subscription died."""
        self.is_interrupted = False
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{consumer}"
        self._request = msgspec.json.encode(_Pull())
        self._lost = lost
        self._arrived: deque[Arrived] = deque()
        self._ready = asyncio.Event()
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._in_pull = 0
        self._pulling = False
        self._consumer_sequence = 0
        self._last_sign_s = 0.0

    async def start(self) -> None:
        """Forget what came before and pull from where the consumer stands, just reset."""
        self._arrived.clear()
        self._consumer_sequence = 0
        self._pulling = False
        self.is_interrupted = False
        self._inbox = self._client.new_inbox()
        self._subscription = await self._client.subscribe(self._inbox, cb=self._on_message)
        await self._pull()

    async def stop(self) -> None:
        """Let go of the subscription.

        This comes before a reset: what the broker delivers to a pull that nobody listens to any
        more is not delivered again, and the service would receive nothing.
        """
        if self._subscription is not None and self._client.is_connected:
            await self._subscription.unsubscribe()
            await self._client.flush()
        self._subscription = None

    def interrupt(self) -> None:
        """Let `fetch` return empty-handed: the cursor must be set back first."""
        self.is_interrupted = True
        self._ready.set()

    async def fetch(self) -> list[Arrived]:
        """Wait for 1 to FETCH_MESSAGES_MAX messages; none when interrupted."""
        while not self._arrived or self.is_interrupted:
            if self.is_interrupted:
                return []
            self._ready.clear()
            try:
                async with asyncio.timeout(SILENCE_S_MAX):
                    await self._ready.wait()
            except TimeoutError:
                if self._client.is_connected:
                    self._lost("no heartbeat")
        count = min(len(self._arrived), FETCH_MESSAGES_MAX)
        batch = [self._arrived.popleft() for _ in range(count)]
        if not self._pulling and len(self._arrived) < BUFFER_MESSAGES_MAX:
            await self._pull()
        return batch

    async def _pull(self) -> None:
        if self._client.is_connected:
            self._pulling, self._in_pull = True, 0
            await self._client.publish(self._next, self._request, reply=self._inbox)

    async def _on_message(self, message: Msg) -> None:
        reply = message.reply
        if not reply.startswith("$JS.ACK."):
            await self._on_status(message)
            return
        _, stream_text, consumer_text, _, _ = reply.rsplit(".", 4)
        stream_sequence, consumer_sequence = int(stream_text), int(consumer_text)
        if self._consumer_sequence and consumer_sequence != self._consumer_sequence + 1:
            self._lost(f"consumer sequence {self._consumer_sequence} to {consumer_sequence}")
        self._consumer_sequence = consumer_sequence
        headers = message.headers or {}
        self._arrived.append(Arrived(message.subject, message.data, headers, stream_sequence))
        self._in_pull += 1
        if self._in_pull >= FETCH_MESSAGES_MAX:
            self._pulling = False
            if len(self._arrived) < BUFFER_MESSAGES_MAX:
                await self._pull()
        self._ready.set()

    async def _on_status(self, message: Msg) -> None:
        headers = message.headers or {}
        status = headers.get("Status", "")
        if status == "100":
            said = headers.get("Nats-Last-Consumer", "")
            if said.isdigit() and int(said) != self._consumer_sequence:
                self._lost(f"broker delivered {said}, heard {self._consumer_sequence}")
            self._ready.set()
            return
        if status not in ("404", "408"):
            self._lost(f"pull ended with status {status}")
        self._ready.set()
        await self._pull()
