"""Looking at a running system from a benchmark: who runs, who is ready, what is counted."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import nats.errors

from bench.system import System
from core.deciders.delivery.view import DeliveryView
from core.deciders.registry import DECIDERS
from schemas.units import Actor, Speaker
from schemas.wire.subjects import Endpoint, service_endpoint
from services.runtime.nats.client import BusClient
from services.runtime.nats.connection import Credentials
from services.runtime.platform.clock import SystemClock, read_clock_record
from services.runtime.platform.errors import BusUnreachable
from services.runtime.process.service_endpoint import Health

LOOK_S = 0.01
"""[s] between two looks."""

ASK_S = 0.1
"""[s] until a question counts as lost: one put to a process in its last moment gets no answer."""

NEVER_S = 60.0
"""[s] after which what does not come counts as never."""

_views = msgspec.json.Decoder(dict[str, DeliveryView])


def pid_of(running: System, name: str) -> int | None:
    """Find a process of the system by the service that it runs, or the broker."""
    for pid in running.processes():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if f"services.{name}" in words or (name == "broker" and words[0].endswith("nats-server")):
            return pid
    return None


async def client_of(running: System) -> BusClient:
    """Connect as the command line does.

    Raises:
        BusUnreachable: the broker is not there.
    """
    client = BusClient(
        url=running.folder.read_running().url,
        credentials=Credentials("console", running.folder.seed("console")),
        actor=Actor("service:bench"),
        clock=SystemClock(record=read_clock_record(running.folder.clock)),
    )
    await client.open()
    return client


async def is_ready(client: BusClient, name: str, *, not_pid: int | None = None) -> bool:
    """Say whether a service calls itself ready, as `basalt status` shows it, in a new process."""
    answer = await _ask(client, name, "health")
    if answer is None:
        return False
    health = msgspec.json.decode(answer, type=Health)
    return health.ready and health.pid != not_pid


async def delivery(client: BusClient) -> DeliveryView | None:
    """Ask the actuator what it knows of the pump."""
    answer = await _ask(client, "actuator", "state")
    return None if answer is None else next(iter(_views.decode(answer).values()), None)


async def _ask(client: BusClient, name: str, endpoint: Endpoint) -> bytes | None:
    subject = service_endpoint(service=Speaker(name), endpoint=endpoint)
    try:
        answer = await client.client.request(subject, b"", timeout=ASK_S)
    except (TimeoutError, nats.errors.Error):
        return None
    return answer.data


async def all_ready_anew(running: System) -> bool:
    """Connect anew, and say whether every service answers and is ready."""
    try:
        client = await client_of(running)
    except BusUnreachable:
        return False
    try:
        return all([await is_ready(client, name) for name in DECIDERS])
    finally:
        await client.close()


async def until(holds: Callable[[], Awaitable[bool]], *, since: float) -> float:
    """Look until something holds; give the time since an instant of `perf_counter` [s]."""
    while not await holds():
        if time.perf_counter() - since > NEVER_S:
            raise RuntimeError(f"never within {NEVER_S:.0f} s")
        await asyncio.sleep(LOOK_S)
    return time.perf_counter() - since
