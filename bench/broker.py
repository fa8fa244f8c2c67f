"""A broker of one's own: the real server, `sync_interval: always`, a folder that goes."""

import asyncio
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from nats.aio.client import Client

from schemas.units import Speaker
from services.runtime.nats.bus import NatsBus
from services.runtime.nats.connection import ConnectionEvents, Credentials, connect
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import BusUnreachable
from services.supervisor.broker.config import broker_config, make_keys
from services.supervisor.broker.stream import make_stream

READY_TRIES_MAX = 50
"""[-] attempts to connect, 0.1 s apart."""


@dataclass(slots=True)
class Broker:
    """A broker and the folder it lives in."""

    url: str
    folder: DataFolder
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server on its folder."""
        server = Path(sys.executable).parent / "nats-server"
        config = self.folder.broker / "nats.conf"
        self.process = subprocess.Popen([server, "-c", config, "-l", self.folder.log("broker")])

    def kill(self) -> None:
        """kill -9 the server."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def credentials(self, user: str) -> Credentials:
        """Give a user's key."""
        return Credentials(user, self.folder.seed(user))

    async def connect(self, user: str) -> Client:
        """Connect as a user."""
        events = ConnectionEvents(_nothing, _ignore, _nothing)
        return await connect(url=self.url, credentials=self.credentials(user), events=events)

    async def bus(self, speaker: Speaker) -> NatsBus:
        """Connect as a decider."""
        bus = NatsBus(
            url=self.url, speaker=speaker, credentials=self.credentials(speaker), fault=print
        )
        await bus.open()
        return bus


@asynccontextmanager
async def broker() -> AsyncIterator[Broker]:
    """Start a broker with keys, permissions, stream and consumers as `basalt up` makes them."""
    with tempfile.TemporaryDirectory() as name:
        folder = DataFolder(Path(name))
        folder.make()
        port = free_port()
        text = broker_config(
            public_keys=make_keys(folder, pumps=()),
            host="127.0.0.1",
            port=port,
            store=folder.broker,
        )
        (folder.broker / "nats.conf").write_text(text)
        running = Broker(f"nats://127.0.0.1:{port}", folder)
        running.start()
        try:
            client = await _connected(running)
            await make_stream(client)
            await client.close()
            yield running
        finally:
            running.kill()


async def _connected(running: Broker) -> Client:
    for _ in range(READY_TRIES_MAX):
        try:
            return await running.connect("supervisor")
        except BusUnreachable:
            await asyncio.sleep(0.1)
    raise TimeoutError("the broker does not start")


def free_port() -> int:
    """Find a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def _nothing() -> None:
    """Take no notice."""


async def _ignore(error: Exception) -> None:
    """Take no notice."""
    del error
