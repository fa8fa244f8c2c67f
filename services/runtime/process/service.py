"""The edge of a service's process: arguments, signals, exit codes, one clear line for an error."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.kernel.decider import Decider
from core.kernel.errors import CoreError
from schemas.units import Speaker
from services.runtime.decider_host.state_snapshot import StateFile
from services.runtime.journal.open_store import store_to_write
from services.runtime.nats.bus import NatsBus
from services.runtime.nats.connection import Credentials
from services.runtime.platform.clock import Clock, SystemClock, read_clock_record
from services.runtime.platform.errors import (
    BasaltError,
    JournalAltered,
    StoreBroken,
    StoreFormatUnknown,
    StoreUrlWrong,
)
from services.runtime.platform.failpoints import arm_failpoints
from services.runtime.platform.logs import configure_logs, get_logger
from services.runtime.platform.shutdown import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, end
from services.runtime.ports import Store
from services.runtime.process.loop import EffectHandler, InputSource, Loop
from services.runtime.process.service_endpoint import Questions
from services.runtime.process.state_keeper import StateKeeper

LAST_WORDS_S = 2.0
"""[s] that a service hears on at most when it is to stop; less than the supervisor waits."""

QUIET_S = 0.25
"""[s] without a message after which nothing more is expected."""

log = get_logger()


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What a service is given beside its decider."""

    arguments: argparse.Namespace
    clock: Clock
    store: Store
    loop: Callable[[], Loop[Any]]


@dataclass(frozen=True, slots=True)
class ServiceWiring:
    """The effect handler and input sources of one service."""

    effect_handler: EffectHandler | None = None
    input_sources: Sequence[InputSource] = ()
    hears_to_the_end: bool = False
    """[-] told to stop, it goes on until nothing comes any more: others were stopped before."""
    at_end: Callable[[], Awaitable[None]] | None = None
    """[-] what is done after the last message, when it was told to stop."""


def no_wiring(context: ServiceContext) -> ServiceWiring:
    """Give neither effect handler nor input sources, for services that only exchange messages."""
    del context
    return ServiceWiring()


def parser_for(decider: Decider[Any]) -> argparse.ArgumentParser:
    """Make the parser that every service shares."""
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{decider.name}",
        description=f"Basalt's {decider.name.replace('_', ' ')} as a process of its own. "
        "For research and integration; not a medical device.",
    )
    parser.add_argument("--nats", required=True, metavar="URL", help="nats://HOST:PORT")
    parser.add_argument(
        "--creds", type=Path, metavar="FILE", help="file with the nkey seed of this service's user"
    )
    parser.add_argument(
        "--store",
        required=True,
        metavar="URL",
        help="the journal of this service: sqlite:FILE, or postgresql://USER@HOST:PORT/DATABASE "
        "with the password in PGPASSWORD or a service file, where 'ps' does not show it",
    )
    parser.add_argument(
        "--clock", type=Path, metavar="FILE", help="shared clock record; without it, real time"
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="where snapshots of the own state are kept, so that a start is quick after years of "
        "history; without it the whole journal is folded",
    )
    parser.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="stop when standard input ends (the supervisor's)",
    )
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING"))
    return parser


def run_service(
    decider: Decider[Any],
    *,
    wiring: Callable[[ServiceContext], ServiceWiring] = no_wiring,
    parser: argparse.ArgumentParser | None = None,
) -> int:
    """Run one decider until it is told to stop; give the exit code."""
    arguments = (parser or parser_for(decider)).parse_args()
    configure_logs(service=decider.name, level=arguments.log_level)
    arm_failpoints(process=decider.name)
    try:
        return asyncio.run(_run(decider, wiring, arguments))
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        return _fail(decider, first)
    except (BasaltError, CoreError, OSError, ValueError) as error:
        return _fail(decider, error)


def _fail(decider: Decider[Any], error: BaseException) -> int:
    in_one_line = " ".join(str(error).split())
    print(f"{decider.name}: {type(error).__name__}: {in_one_line}", file=sys.stderr)
    if not isinstance(error, BasaltError | CoreError | OSError | ValueError):
        log.error("process.failed", exc_info=error)
    no_use = StoreBroken | StoreFormatUnknown | StoreUrlWrong | JournalAltered | ValueError
    return EXIT_USAGE if isinstance(error, no_use) else EXIT_FAILED


async def _run(
    decider: Decider[Any],
    wiring: Callable[[ServiceContext], ServiceWiring],
    arguments: argparse.Namespace,
) -> int:
    with store_to_write(arguments.store, service=decider.name) as store:
        record = read_clock_record(arguments.clock) if arguments.clock else None
        clock = SystemClock(record=record)
        made = wiring(ServiceContext(arguments, clock, store, lambda: loop))
        state = _state_file(arguments)
        keeper = StateKeeper(lambda: loop, store, path=arguments.state)
        bus = NatsBus(
            url=arguments.nats,
            speaker=Speaker(decider.name),
            credentials=Credentials(decider.name, arguments.creds),
            fault=lambda detail: loop.tell_of_fault(detail),
        )
        loop: Loop[Any] = Loop(
            decider=decider,
            store=store,
            bus=bus,
            clock=clock,
            effect_handler=made.effect_handler,
            input_sources=[*made.input_sources, keeper.keep],
            snapshot=state,
        )
        await bus.open()
        questions = Questions(loop=loop, store=store, clock=clock, pid=os.getpid())
        await questions.register(bus.client)
        try:
            await _until_told(
                loop,
                exit_with_parent=arguments.exit_with_parent,
                hears_to_the_end=made.hears_to_the_end,
            )
            if made.at_end is not None:
                await made.at_end()
            await keeper.finish()
        finally:
            await bus.close()
    return EXIT_DONE


def _state_file(arguments: argparse.Namespace) -> StateFile | None:
    """Say where the state is kept; the seed of the service's own user guards it."""
    if arguments.state is None:
        return None
    return StateFile(arguments.state, arguments.creds.read_bytes() if arguments.creds else b"")


async def _until_told(loop: Loop[Any], *, exit_with_parent: bool, hears_to_the_end: bool) -> None:
    told = asyncio.Event()
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, told.set)
    if exit_with_parent:
        running.add_reader(sys.stdin.fileno(), told.set)
    work = asyncio.create_task(loop.run())
    stop = asyncio.create_task(told.wait())
    await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        stop.cancel()
        work.result()
    elif hears_to_the_end:
        await until_quiet(loop, work)
    await end(work)


async def until_quiet(loop: Loop[Any], work: asyncio.Task[None]) -> None:
    """Let a service hear what others said before they stopped, for LAST_WORDS_S at most."""
    monotonic = asyncio.get_running_loop().time
    heard, since = loop.handled, monotonic()
    end_at = since + LAST_WORDS_S
    while not work.done() and monotonic() < min(end_at, since + QUIET_S):
        await asyncio.sleep(QUIET_S / 5)
        if loop.handled != heard:
            heard, since = loop.handled, monotonic()
