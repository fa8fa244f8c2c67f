"""A line that is closed while it connects again stays closed, in whatever turn the order comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from nats.aio.client import Client

from services.runtime.nats.connection import QuickClient

INFO = b'INFO {"server_id":"x","version":"2.15.1","headers":true,"max_payload":1048576}\r\n'

TURNS = range(3)
"""[-] turns of the loop between the attempt to connect again and the order to close."""


@asynccontextmanager
async def lost_line(client: Client) -> AsyncIterator[asyncio.Event]:
    """Connect to a broker that hangs up after the first answer, and on all who come after."""
    tried_again = asyncio.Event()
    first = True

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal first
        if first:
            first = False
            writer.write(INFO)
            await reader.readuntil(b"PING\r\n")
            writer.write(b"PONG\r\n")
            await hang_up.wait()
        else:
            tried_again.set()
        writer.close()

    async def nothing(_error: Exception) -> None:
        """Take no notice."""

    hang_up = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await client.connect(
        f"nats://127.0.0.1:{port}",
        error_cb=nothing,
        reconnect_time_wait=0,
        max_reconnect_attempts=-1,
    )
    hang_up.set()
    yield tried_again
    server.close()


async def left_after_close(client: Client, *, turns: int) -> int:
    """Close so many turns after it began to connect again; count the tasks that go on."""
    mine = asyncio.current_task()
    async with lost_line(client) as tried_again:
        await tried_again.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        await client.close()
        await asyncio.sleep(0.03)
        return sum("reconnect" in str(one.get_coro()) for one in asyncio.all_tasks() - {mine})


@pytest.mark.parametrize("turns", TURNS)
async def test_nothing_connects_again_after_a_close(turns: int) -> None:
    assert 0 == await left_after_close(QuickClient(), turns=turns)


async def test_the_librarys_own_close_leaves_an_attempt_that_swallowed_its_cancel() -> None:
    """Why close is overridden: when this fails, the override can go."""
    left = 0
    for turns in TURNS:
        client = Client()
        left += await left_after_close(client, turns=turns)
        attempt = client._reconnection_task
        while attempt is not None and not attempt.done():
            attempt.cancel()
            await asyncio.sleep(0.001)

    assert left > 0
