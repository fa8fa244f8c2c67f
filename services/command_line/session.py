"""One connection for one command: found by the data folder, closed at the end.

The bus is imported when a connection is made: help, and a text that is refused, need none.
"""

import argparse
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from core.deciders.names import ACTUATOR, BASAL_SCHEDULER
from schemas.message import Command, Event, Outcome, Refusal, tag_of
from schemas.units import Actor, CommandId, PumpId, Speaker
from schemas.wire import codec
from services.command_line.output.event_messages import refused, tell
from services.command_line.output.exit_codes import (
    DONE,
    REFUSED,
    CommandFailed,
    unreachable,
    wrong_input,
)
from services.command_line.output.options import Choices, choices
from services.runtime.platform.clock import SystemClock, read_clock_record
from services.runtime.platform.data_folder import NotRunning, Running
from services.runtime.platform.errors import BusKeyBroken, BusUnreachable
from services.runtime.store_formats.folders import known_folder

if TYPE_CHECKING:
    from services.runtime.nats.client import BusClient

USER = "console"
"""[-] the broker's user of people's tools."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with."""

    client: "BusClient"
    clock: SystemClock
    running: Running
    pump: PumpId
    data: Path
    as_json: bool

    async def send(
        self, command: Command, *, to: Speaker, command_id: CommandId | None = None
    ) -> Outcome:
        """Send a command and wait for its outcome.

        Raises:
            CommandFailed: nothing came in time.
        """
        from services.runtime.nats.client import OutcomeUnknown

        try:
            return await self.client.send(command, to=to, pump=self.pump, command_id=command_id)
        except OutcomeUnknown as error:
            raise unreachable(
                f"{error}. Look with 'basalt status' and 'basalt replay' before you ask again"
            ) from error

    async def view(self, service: Speaker) -> dict[str, Any]:
        """Read what a service shows of this pump; empty where it knows nothing of it.

        Raises:
            CommandFailed: it does not answer.
        """
        return (await self._views(service)).get(self.pump, {})

    async def must_know_pump(self) -> None:
        """Let no slip of the pen open the record of a pump that nobody wears.

        Raises:
            CommandFailed: the actuator drives no pump of this name, or does not answer.
        """
        known = await self._views(Speaker("actuator"))
        if self.pump not in known:
            names = ", ".join(sorted({self.running.pump, *known}))
            raise wrong_input(f"--pump: no pump {self.pump!r} runs here, only {names}")

    async def _views(self, service: Speaker) -> dict[str, dict[str, Any]]:
        from services.runtime.nats.client import ServiceAbsent

        try:
            answer = await self.client.ask(service, "state")
        except ServiceAbsent as error:
            raise unreachable(f"{error}; look with 'basalt status'") from error
        views: dict[str, dict[str, Any]] = msgspec.json.decode(answer)
        return views

    async def handle(self, command: Command, *, to: Speaker) -> int:
        """Send a command and print what came of it; give the exit code."""
        return self.show(await self.send(command, to=to))

    def show(self, outcome: Outcome) -> int:
        """Print what came of a command; give the exit code."""
        if self.as_json:
            print_json(outcome)
        else:
            for event in said(outcome):
                print_event(event)
            if not outcome.accepted and not any(isinstance(e, Refusal) for e in said(outcome)):
                print(f"refused: {refused(outcome.reason)}", file=sys.stderr)
        return DONE if outcome.accepted else REFUSED


def send_command(arguments: argparse.Namespace, command: Command, *, to: Speaker) -> int:
    """Connect, send one command, print what came of it; give the exit code."""

    async def work(session: Session) -> int:
        code = await session.handle(command, to=to)
        if code == DONE and to == BASAL_SCHEDULER:
            await tell_of_another(session)
        return code

    return run_session(choices(arguments), work)


async def tell_of_another(session: Session) -> None:
    """Say that a basal setting that was stored does not reach the pump, where that is so."""
    try:
        view = await session.view(ACTUATOR)
    except CommandFailed:
        return
    if view.get("driven_by_another"):
        print(
            "basalt: this is stored, but another controller drives the pump: nothing of it flows "
            "until 'basalt pump take'",
            file=sys.stderr,
        )


def said(outcome: Outcome) -> tuple[Event, ...]:
    """Decode what was said because of a command."""
    return tuple(codec.decode_event(raw) for raw in outcome.said)


def print_event(event: Event) -> None:
    """Print one event in words, a refusal on stderr."""
    if isinstance(event, Refusal):
        print(f"refused: {refused(event)}", file=sys.stderr)
    else:
        print(tell(event) or tag_of(type(event)))


def print_json(value: object) -> None:
    """Print a struct or what a struct is made of as JSON, two spaces deep."""
    print(json.dumps(json.loads(codec.encode(value)), indent=2, ensure_ascii=False))


def run_session(chosen: Choices, work: Callable[[Session], Awaitable[int]]) -> int:
    """Connect, do one thing, disconnect; give the exit code.

    Raises:
        CommandFailed: no system runs, or it is not reachable.
    """

    import asyncio

    async def connected() -> int:
        async with session(chosen) as opened:
            return await work(opened)

    return asyncio.run(connected())


@asynccontextmanager
async def session(chosen: Choices) -> AsyncIterator[Session]:
    """Connect to the system that runs on the data folder."""
    # What the library has to say comes as an exception and is told in one line.
    logging.getLogger("nats").setLevel(logging.CRITICAL)
    folder = known_folder(chosen.data)
    try:
        running = folder.read_running()
        clock = SystemClock(record=read_clock_record(folder.clock))
    except NotRunning as error:
        raise unreachable(str(error)) from error
    except (OSError, msgspec.DecodeError) as error:
        raise unreachable(f"the data folder {chosen.data} cannot be read: {error}") from error
    from services.runtime.nats.client import BusClient
    from services.runtime.nats.connection import Credentials

    client = BusClient(
        url=running.url,
        credentials=Credentials(USER, folder.seed(USER)),
        actor=Actor(chosen.actor),
        clock=clock,
    )
    try:
        await client.open()
    except BusUnreachable as error:
        text = f"the broker at {running.url} is not reachable: {error.reason}"
        raise unreachable(text) from error
    except BusKeyBroken as error:
        raise unreachable(str(error)) from error
    try:
        opened = Session(
            client=client,
            clock=clock,
            running=running,
            pump=chosen.pump or running.pump,
            data=chosen.data,
            as_json=chosen.json,
        )
        if opened.pump != running.pump:
            await opened.must_know_pump()
        yield opened
    finally:
        await client.close()
