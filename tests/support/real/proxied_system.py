"""The real services and a real broker, each service behind a line of its own that can fail."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.broker import free_port
from schemas.units import Actor, PumpId
from services.runtime.nats.client import BusClient
from services.runtime.nats.connection import Credentials
from services.runtime.platform.clock import (
    ClockRecord,
    SystemClock,
    boot_ns,
    read_clock_record,
    wall_ms,
    write_clock_record,
)
from services.runtime.platform.data_folder import DataFolder, Running
from services.runtime.platform.errors import BasaltError
from services.supervisor.broker.config import broker_config, make_keys
from services.supervisor.broker.stream import make_stream
from services.supervisor.demonstration import send_settings
from services.supervisor.processes.process_list import Plan, decider_specs, pump_spec
from services.supervisor.trace_choice import Begun
from support.real.bus_proxy import Proxy, proxies
from support.real.patience import PATIENCE_S, POLL_S, until
from support.real.real_system import RealSystem

SERVICES = ("glucose_ingest", "basal_scheduler", "bolus_advisor", "actuator", "historian")
SPEED = 60


class ProxiedSystem(RealSystem):
    """Looks like a system of `basalt up`; its processes are the test's own children."""

    def __init__(self, folder: Path) -> None:
        self.folder = DataFolder(folder)
        self.pump = PumpId("demo")
        self.environment = dict(os.environ)
        self.lines: dict[str, Proxy] = {}
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def text(self) -> str:
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-1500:]}"
            for path in sorted(self.folder.logs.glob("*.log"))
        )

    def wait_until(self, holds: Any, what: str, *, s: float = PATIENCE_S) -> None:
        if not until(holds, s=s, first=self._assert_it_runs):
            raise AssertionError(f"never: {what}; {self.text()}")

    def _assert_it_runs(self) -> None:
        ended = [name for name, one in self.children.items() if one.poll() is not None]
        if ended:
            raise AssertionError(f"{ended} ended; {self.text()}")

    def pids(self) -> dict[str, int]:
        return {name: one.pid for name, one in self.children.items()}

    def spawn(self, name: str, command: Any, log: Path) -> None:
        with log.open("ab") as file:
            self.children[name] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=file, stderr=file
            )

    def end(self) -> None:
        for child in reversed(self.children.values()):
            child.terminate()
        for child in self.children.values():
            try:
                child.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


async def _opened(client: BusClient) -> None:
    for _ in range(round(PATIENCE_S / POLL_S)):
        try:
            return await client.open()
        except BasaltError:
            await asyncio.sleep(POLL_S)
    raise AssertionError("the broker does not start")


async def _set_up(system: ProxiedSystem, url: str) -> None:
    client = BusClient(
        url=url,
        credentials=Credentials("supervisor", system.folder.seed("supervisor")),
        actor=Actor("demonstration"),
        clock=SystemClock(record=read_clock_record(system.folder.clock)),
    )
    await _opened(client)
    await make_stream(client.client)
    begun = Begun(pump=system.pump)
    plan = Plan(folder=system.folder, pump=system.pump, url=url, begun=begun, has_person=False)
    for spec in pump_spec(plan):
        system.spawn(spec.name, spec.command, spec.log)
    socket = system.folder.pump / "line.sock"
    await asyncio.to_thread(system.wait_until, socket.exists, "the pump listens")
    for name in SERVICES:
        line = f"nats://127.0.0.1:{system.lines[name].port}"
        through = Plan(
            folder=plan.folder, pump=plan.pump, url=line, begun=plan.begun, has_person=False
        )
        spec = next(one for one in decider_specs(through) if one.name == name)
        system.spawn(spec.name, spec.command, spec.log)
    await send_settings(client, pump=system.pump, zone="UTC")
    await client.close()


@contextmanager
def proxied_system(path: Path, *, speed: int = SPEED) -> Iterator[ProxiedSystem]:
    """Start everything, each service behind its own line to the broker."""
    system = ProxiedSystem(path)
    system.folder.make()
    port = free_port()
    text = broker_config(
        public_keys=make_keys(system.folder, pumps=(system.pump,)),
        host="127.0.0.1",
        port=port,
        store=system.folder.broker,
    )
    config = system.folder.broker / "nats.conf"
    config.write_text(text)
    anchor = wall_ms()
    record = ClockRecord(real=anchor, therapy=anchor, speed=speed, boot_ns=boot_ns())
    write_clock_record(system.folder.clock, record)
    url = f"nats://127.0.0.1:{port}"
    with ExitStack() as held:
        held.callback(system.end)
        server = Path(sys.executable).with_name("nats-server")
        system.spawn("broker", [str(server), "-c", str(config)], system.folder.log("broker"))
        system.lines = held.enter_context(proxies(SERVICES, host="127.0.0.1", port=port))
        asyncio.run(_set_up(system, url))
        system.folder.write_running(
            Running(
                pid=os.getpid(),
                url=url,
                pump=system.pump,
                speed=speed,
                started=anchor,
                glucose="none",
            )
        )
        system.wait_until(lambda: system.pumped() > 0, "basal flows")
        yield system
