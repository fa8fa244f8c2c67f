"""The whole system on one machine: its clock, broker, processes and picture, start to stop."""

import asyncio
import os
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console

from core.deciders.registry import DECIDERS
from core.formats.display import units
from schemas.units import MilliUnits, PumpId
from services.runtime.nats.client import BusClient
from services.runtime.nats.connection import Credentials
from services.runtime.platform.clock import ClockRecord, wall_ms
from services.runtime.platform.data_folder import DataFolder, Running
from services.runtime.platform.logs import configure_logs
from services.runtime.platform.shutdown import end
from services.runtime.platform.start_progress import Reading, readings
from services.supervisor.broker import server as broker
from services.supervisor.broker.health import HISTORIAN, CatchUpStatus
from services.supervisor.broker.permissions import GLUCOSE_PLAYER, SCRIPTED_PERSON, SUPERVISOR
from services.supervisor.broker.stream import StreamRefused, make_stream
from services.supervisor.children import Child, ChildSpec
from services.supervisor.demonstration import ACTOR, send_settings
from services.supervisor.errors import StartRefused
from services.supervisor.processes.clock_keeper import ClockKeeper
from services.supervisor.processes.health_reports import ProcessReports
from services.supervisor.processes.newest_instant import newest_instant
from services.supervisor.processes.process_list import (
    PUMP_PROCESS,
    Plan,
    client_specs,
    decider_specs,
    pump_spec,
)
from services.supervisor.processes.pump_socket import socket_path, until_it_listens
from services.supervisor.screen.event_lines import Line
from services.supervisor.screen.observer import Observer
from services.supervisor.screen.plain_log import PlainLines, say
from services.supervisor.screen.screen import NO_RESPONSE, NOT_MEDICAL, draw
from services.supervisor.screen.screen_model import Process, ScreenModel
from services.supervisor.storage_watch import StorageWatch
from services.supervisor.trace_choice import (
    FIRST_PUMP,
    Begun,
    Wish,
    choose,
    in_words,
    remember,
)

READY_S = 30.0
"""[s] from the start of the services until all have joined the stream; a long record is read."""

LOOK_S = 0.05
"""[s] between two looks whether all are ready."""

CLIENTS = (GLUCOSE_PLAYER, SCRIPTED_PERSON)
"""[-] stopped first: nobody asks for anything any more."""

MIDDLE = (PUMP_PROCESS, "actuator", "glucose_ingest", "basal_scheduler", "bolus_advisor")
"""[-] stopped next, all at once, so that nobody is missed; then the historian receives their
last events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemOptions:
    """What the system is made of."""

    host: str
    port: int | None
    speed: int | None
    wish: Wish
    has_person: bool
    has_screen: bool
    pump_faults: Path | None = None
    machine_clock: bool = False


class System:
    """Everything that runs on one data folder."""

    def __init__(self, folder: DataFolder, options: SystemOptions) -> None:
        """Prepare; nothing is read or written before `start`."""
        self.closing_line = ""
        self.was_killed = False
        self._folder = folder
        self._options = options
        self._keeper = ClockKeeper(folder)
        self._children: dict[str, Child] = {}
        self._client: BusClient | None = None
        self._model: ScreenModel | None = None
        self._observer: Observer | None = None
        self._beat: asyncio.Task[None] | None = None
        self._is_ready = False
        self._told: dict[str, Reading] = {}

    async def start(self) -> None:
        """Start everything; done when every service has joined the stream.

        Raises:
            StartRefused: something is in the way, in one line.
            OSError: the folder cannot be written.
        """
        options, folder, began = self._options, self._folder, wall_ms()
        folder.running.unlink(missing_ok=True)
        begun = choose(folder, options.wish)
        for line in begun.left_out:
            say(line)
        pump = begun.pump or FIRST_PUMP
        configure_logs(service=SUPERVISOR, into=folder.log(SUPERVISOR))
        program = await asyncio.to_thread(broker.find_broker)
        port = broker.choose_port(host=options.host, port=options.port)
        url = await self._start_broker(program, pump, port)
        # Therapy time runs from here: what follows at once is the pump's own start.
        record = await self._start_clock(begun, pump)
        plan = Plan(
            folder=folder,
            pump=pump,
            url=url,
            begun=begun,
            has_person=options.has_person,
            pump_faults=options.pump_faults,
        )
        for spec in pump_spec(plan):
            await self._spawn(spec)
        remember(folder, begun)
        model = self._model = ScreenModel(
            pump=pump,
            zone=begun.zone,
            speed=record.speed,
            glucose_from=in_words(begun),
            plays_trace=bool(begun.file),
            trace_ends_at=begun.ends_at,
            tell=_silent if options.has_screen else PlainLines(zone=begun.zone).tell,
        )
        for child in self._children.values():
            self._changed(child)
        client, observer = await self._connect(url, model)
        # Until the pump is on it has the machine to itself: five more starts would slow its own.
        await until_it_listens(self._children[PUMP_PROCESS], path=socket_path(folder))
        for spec in decider_specs(plan):
            await self._spawn(spec)
        await self._until_ready(observer)
        self._is_ready = True
        if not begun.has_settings:
            await send_settings(client, pump=pump, zone=begun.zone)
            remember(folder, msgspec.structs.replace(begun, has_settings=True))
        for spec in client_specs(plan):
            await self._spawn(spec)
        self._tell_of_start(url, begun, speed=record.speed, took_ms=wall_ms() - began)

    async def _start_clock(self, begun: Begun, pump: PumpId) -> ClockRecord:
        """Let therapy time run, and say what was wrong with the clock."""
        record = self._keeper.start(
            begins_at=begun.begins_at,
            speed=self._options.speed,
            floor=await asyncio.to_thread(newest_instant, self._folder, pump),
            takes_wall=self._options.machine_clock,
        )
        for line in self._keeper.problems:
            say(line)
        self._beat = asyncio.create_task(self._keeper.beat())
        return record

    async def watch(self) -> None:
        """Keep the picture up to date until cancelled."""
        if self._observer is None or self._model is None:
            raise StartRefused("nothing was started")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._observer.look())
            if self._client is not None:
                reports = ProcessReports(self._client, self._model.pump)
                tasks.create_task(reports.watch(self._children, model=self._model))
                storage = StorageWatch(self._client, self._model.pump, self._folder.path)
                tasks.create_task(storage.watch(model=self._model))
            if self._options.has_screen:
                tasks.create_task(draw(self._model, clock=self._keeper.clock, console=Console()))

    async def stop(self) -> None:
        """Stop everything in order: those who command, those who hear, the clock, the broker."""
        # Whatever one of them raises, as a full disk does, the others are stopped as well.
        async with AsyncExitStack() as stack:
            stack.callback(self._folder.running.unlink, missing_ok=True)
            stack.push_async_callback(self._stop_all, ("broker",))
            stack.push_async_callback(self._stop_clock)
            stack.push_async_callback(self._stop_all, ("historian",))
            stack.push_async_callback(self._stop_all, MIDDLE)
            if self._client is not None:
                stack.push_async_callback(self._client.close)
            if self._observer is not None and not self.was_killed:
                stack.push_async_callback(self._observer.look_once)
            stack.push_async_callback(self._stop_all, CLIENTS)
        self.closing_line = self._closing()

    async def _stop_clock(self) -> None:
        if self._beat is not None:
            await end(self._beat)
            self._keeper.pause()

    async def _stop_all(self, names: Iterable[str]) -> None:
        stopping = (self._children[name].stop() for name in names if name in self._children)
        await asyncio.gather(*stopping)

    def kill(self) -> None:
        """End every process at once."""
        self.was_killed = True
        for child in self._children.values():
            child.kill()

    async def _start_broker(self, program: Path, pump: PumpId, port: int) -> str:
        host = self._options.host
        spec = broker.broker_spec(
            program=program, folder=self._folder, pump=pump, host=host, port=port
        )
        server = await self._spawn(spec)
        await broker.until_it_answers(server, store=self._folder.broker, host=host, port=port)
        return f"nats://{host}:{port}"

    async def _connect(self, url: str, model: ScreenModel) -> tuple[BusClient, Observer]:
        client = self._client = BusClient(
            url=url,
            credentials=Credentials(SUPERVISOR, self._folder.seed(SUPERVISOR)),
            actor=ACTOR,
            clock=self._keeper.clock,
        )
        await client.open()
        try:
            await make_stream(client.client)
        except (StreamRefused, TimeoutError) as error:
            raise StartRefused(
                f"{self._folder.broker}: the broker makes no stream: {error}"
            ) from error
        observer = self._observer = Observer(client=client, clock=self._keeper.clock, model=model)
        await observer.listen()
        return client, observer

    async def _spawn(self, spec: ChildSpec) -> Child:
        child = self._children[spec.name] = Child(spec, self._changed)
        await child.start()
        return child

    def _changed(self, child: Child) -> None:
        is_said_at_the_end = child.has_broken_files and not self._is_ready
        if self._model is not None and not is_said_at_the_end:
            why = child.last_words if child.state == "restarting" else ""
            process = Process(state=child.state, restarts=child.restarts, why=why)
            at = self._keeper.clock.now().therapy
            self._model.take_process(child.spec.name, process=process, at=at)

    async def _until_ready(self, observer: Observer) -> None:
        """Wait until every service has joined the stream.

        Raises:
            StartRefused: a process cannot use its files, or READY_S are over in which nobody read
                on, neither its journal nor, for the others, a long stream.
        """
        self._told = readings(self._folder.states)
        reading = CatchUpStatus()
        is_ready = False
        try:
            while not is_ready:
                async with asyncio.timeout(READY_S):
                    is_ready = await self._look_on(observer, reading)
        except TimeoutError as error:
            words = [child.last_words for child in self._children.values() if child.restarts]
            why = "; ".join(filter(None, words)) or f"see {self._folder.logs}"
            raise StartRefused(f"not ready within {READY_S:.0f} s: {why}") from error

    async def _look_on(self, observer: Observer, reading: CatchUpStatus) -> bool:
        """Look until all are ready, or the historian has read so much that waiting begins anew."""
        while not await observer.look_once():
            self._refuse_broken()
            if reading.goes_on(observer.handled(HISTORIAN)) or self._reads_on():
                return False
            await asyncio.sleep(LOOK_S)
        self._refuse_broken()
        return True

    def _reads_on(self) -> bool:
        """Say whether a service has read on in a long journal, and tell how far it is."""
        found = readings(self._folder.states)
        if found == self._told:
            return False
        self._told = found
        for name, read in found.items():
            say(f"{name} reads its journal: {read.lines:,} of {read.of:,} lines")
        return bool(found)

    def _refuse_broken(self) -> None:
        for name, child in self._children.items():
            if child.has_broken_files:
                words = child.last_words or f"see {child.spec.log}"
                is_named = str(self._folder.path) in words or name not in DECIDERS
                raise StartRefused(words if is_named else f"{self._folder.journal(name)}: {words}")

    def _tell_of_start(self, url: str, begun: Begun, *, speed: int, took_ms: int) -> None:
        words = in_words(begun)
        self._folder.write_running(
            Running(
                pid=os.getpid(),
                url=url,
                pump=begun.pump or FIRST_PUMP,
                speed=speed,
                started=wall_ms(),
                glucose=words,
            )
        )
        if not self._options.has_screen:
            say(f"ready in {took_ms / 1_000:.1f} s at {url}: {words}, speed {speed}")
            say(f"{NO_RESPONSE}; {NOT_MEDICAL}" if begun.file else NOT_MEDICAL)

    def _closing(self) -> str:
        again = f"start again with the same folder, {self._folder.path}, to go on"
        if self.was_killed:
            return f"ended at once; what was delivered stands in the pump's memory; {again}"
        delivery = self._model.delivery if self._model else None
        if delivery is None:
            return ""
        given = MilliUnits(delivery.basal_total + delivery.bolus_total)
        primed = MilliUnits(delivery.odometer - given)
        rest = f"; {units(primed)} moved into no body" if primed else ""
        return (
            f"stopped; delivered {units(given)} as counted by then: "
            f"basal {units(delivery.basal_total)}, boluses {units(delivery.bolus_total)}{rest}; "
            f"{again}"
        )


def _silent(line: Line) -> None:
    """Leave it to the screen."""
    del line
