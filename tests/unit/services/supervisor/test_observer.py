"""The eyes of the supervisor: they close when told to, whatever a request swallows."""

import asyncio
from typing import cast

import pytest

from schemas.units import MINUTE_MS, PumpId, Speaker, UtcMillis
from services.runtime.nats.client import BusClient, ServiceAbsent
from services.runtime.platform.clock import FakeClock
from services.runtime.platform.shutdown import end
from services.supervisor.screen.observer import Observer
from services.supervisor.screen.screen_model import ScreenModel

ENDED_S = 5.0
"""[s] within which Ctrl-C must have ended the looking."""


class SwallowingClient:
    """A client whose first requests swallow a cancellation, as nats-py's do on Python 3.11."""

    def __init__(self) -> None:
        self.swallowed = 0

    async def ask(self, service: str, endpoint: str) -> bytes:
        del service, endpoint
        raise ServiceAbsent("nobody")

    async def lag(self, service: Speaker) -> int | None:
        del service
        try:
            await asyncio.sleep(MINUTE_MS)
        except asyncio.CancelledError:
            self.swallowed += 1
        return None


@pytest.mark.asyncio
async def test_looking_ends_although_each_request_swallows_a_cancellation() -> None:
    """Otherwise Ctrl-C would sometimes do nothing, and the pump would go on."""
    client = SwallowingClient()
    clock = FakeClock(therapy=UtcMillis(0))
    model = ScreenModel(
        pump=PumpId("demo"),
        zone="UTC",
        speed=1,
        glucose_from="",
        plays_trace=False,
        tell=lambda line: None,
    )
    observer = Observer(client=cast("BusClient", client), clock=clock, model=model)

    async def watch() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(observer.look())

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    async with asyncio.timeout(ENDED_S):
        await end(watching)

    assert watching.done()
    assert client.swallowed
