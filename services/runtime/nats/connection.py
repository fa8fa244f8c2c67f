"""nats-py, tamed: bounded first connect, fast pings, endless reconnect, errors that are heard.

nats-py's client with its header parser made quick, and a flush that overtakes nothing.

The library looks at every character of every name of every message, a fifth of what a fetched
event costs; here names repeat, so each is judged once. Its flush writes the ping at once and lets
what waits to be written follow, so the answer says nothing of it. Its close cancels the attempt to
connect again once, and an attempt that swallows this goes on for ever. This overrides one private
method of the pinned version, calls another and reads a task; tests hold all three against the
library's own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nats
import nats.errors
from nats.aio.client import Client

from schemas.wire.subjects import request_inbox
from services.runtime.nats.user_keys import public_key_of
from services.runtime.platform.errors import BusUnreachable
from services.runtime.platform.shutdown import end

NAMES_KEPT = 256
"""[-] names of headers remembered; there are about twenty."""


FLUSH_S = 10
"""[s] that a flush waits; source: the library's DEFAULT_FLUSH_TIMEOUT."""


@lru_cache(maxsize=NAMES_KEPT)
def _name(raw: bytes) -> str | None:
    """Give a header's name, None for one that is no token."""
    try:
        name = raw.strip().decode("ascii")
    except UnicodeDecodeError:
        return None
    return None if any(letter.isspace() for letter in name) else name


class QuickClient(Client):
    """The library's client in everything but the cost of a header and the order of a flush."""

    async def flush(self, timeout: int = FLUSH_S) -> None:  # noqa: ASYNC109  # the library's own name
        """Wait until the broker has read all that was sent before; `timeout` [s] for its answer."""
        await self._flush_pending(force_flush=True)
        await super().flush(timeout)

    async def close(self) -> None:
        """Close for good, whatever an attempt to connect again is just doing."""
        await super().close()
        attempt = self._reconnection_task
        if attempt is not None and attempt is not asyncio.current_task():
            await end(attempt)
            await super().close()

    @staticmethod
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in raw.split(b"\r\n"):
            name, colon, value = line.partition(b":")
            if not colon:
                continue
            known = _name(name)
            if known is not None:
                found[known] = value.strip().decode("utf-8", "replace")
        return found


PING_INTERVAL_S = 1
"""[s] between pings; two unanswered ones mean that the line is dead (found within 3 s)."""

PINGS_OUTSTANDING_MAX = 2
"""[-] unanswered pings before the line counts as dead."""

RECONNECT_WAIT_S = 1
"""[s] between attempts to connect again, for ever."""

ATTEMPT_S = 2
"""[s] for one attempt to connect, and for the broker's first answer."""

FIRST_CONNECT_S = 5.0
"""[s] until the first connect is given up with one line of error."""

PENDING_BYTES = 0
"""[bytes] kept while disconnected: none, for what is stale must not be sent later."""


async def _nothing() -> None:
    """Do nothing about a line that is down: the library connects again."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who connects, and the file with the seed of its key; none for a server without users."""

    user: str
    seed: Path | None


@dataclass(slots=True)
class ConnectionEvents:
    """What the connection tells its owner."""

    reconnected: Callable[[], Awaitable[None]]
    error: Callable[[Exception], Awaitable[None]]
    closed: Callable[[], Awaitable[None]]
    disconnected: Callable[[], Awaitable[None]] = _nothing


async def connect(*, url: str, credentials: Credentials, events: ConnectionEvents) -> Client:
    """Connect to the broker.

    Raises:
        BusUnreachable: no connection within FIRST_CONNECT_S, or the key was refused, or is another
            user's.
        BusKeyBroken: there is no seed in the file.
    """
    if credentials.seed is not None:
        public_key_of(credentials.seed)
    first = _FirstConnect(events)
    client = QuickClient()
    connecting = client.connect(
        url,
        name=credentials.user,
        nkeys_seed=str(credentials.seed) if credentials.seed else None,
        ping_interval=PING_INTERVAL_S,
        max_outstanding_pings=PINGS_OUTSTANDING_MAX,
        max_reconnect_attempts=-1,
        reconnect_time_wait=RECONNECT_WAIT_S,
        connect_timeout=ATTEMPT_S,
        allow_reconnect=True,
        pending_size=PENDING_BYTES,
        inbox_prefix=request_inbox(credentials.user),
        error_cb=first.error,
        disconnected_cb=first.disconnected,
        reconnected_cb=events.reconnected,
        closed_cb=first.closed,
    )
    try:
        await asyncio.wait_for(connecting, FIRST_CONNECT_S)
        first.last = None  # of an attempt before the one that succeeded
        await _listen_to_own_inbox(client, credentials.user)
    except (TimeoutError, OSError, nats.errors.Error) as error:
        reason = first.last or error
        await client.close()
        raise BusUnreachable(url, _in_words(reason)) from error
    if first.last is not None:
        await client.close()
        raise BusUnreachable(url, f"the key {credentials.seed} is not that of {credentials.user}")
    first.is_over = True
    return client


def _in_words(reason: Exception) -> str:
    words = str(reason) or f"no answer within {FIRST_CONNECT_S:.0f} s"
    return f"{type(reason).__name__}: {words}"


async def _listen_to_own_inbox(client: Client, user: str) -> None:
    """Find out whether the broker knows this key as this user's: no other may listen there."""
    own = await client.subscribe(f"{request_inbox(user)}.own")
    await client.flush(timeout=ATTEMPT_S)
    await own.unsubscribe()


@dataclass(slots=True)
class _FirstConnect:
    """Keeps the errors of the first connect for its one line; later ones go to their owner."""

    owner: ConnectionEvents
    last: Exception | None = None
    is_over: bool = False

    async def error(self, error: Exception) -> None:
        self.last = error
        if self.is_over:
            await self.owner.error(error)

    async def disconnected(self) -> None:
        if self.is_over:
            await self.owner.disconnected()

    async def closed(self) -> None:
        if self.is_over:
            await self.owner.closed()
