"""`basalt up`: starts everything on this machine, watches it, stops it in order."""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from schemas.units import PumpId
from schemas.wire.subjects import is_token
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import (
    BasaltError,
    BusKeyBroken,
    OrderKeyBroken,
    PumpScriptBroken,
    StoreFormatUnknown,
)
from services.runtime.platform.shutdown import end
from services.supervisor.errors import StartRefused
from services.supervisor.folder_lock import FolderLock
from services.supervisor.screen.plain_log import complain, say
from services.supervisor.start_remedies import with_remedy
from services.supervisor.store_choice import settle_store
from services.supervisor.store_upgrade import assert_known, upgrade
from services.supervisor.system import System, SystemOptions
from services.supervisor.trace_choice import Wish
from services.virtual_pump.fault_script import read_pump_script

EXIT_REFUSED = 2
"""[-] nothing was started, or it did not come up; one line says why."""

REFUSALS = (StartRefused, BusKeyBroken, OrderKeyBroken, PumpScriptBroken)
"""[-] errors whose text is the line that says why."""

EXIT_FAILED = 3
"""[-] it ran, and an error stopped it; one line names it."""

EXIT_KILLED = 130
"""[-] a second Ctrl-C ended it at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """What `basalt up` is told."""

    data: Path = Path("data")
    """[-] folder that everything is kept in."""
    port: int | None = None
    """[-] of the broker, 1 to 65535; None chooses a free one."""
    host: str = "127.0.0.1"
    """[-] address that the broker listens on."""
    speed: int | None = None
    """[-] 1 to 600; None keeps that of the last run, at first 30 with a trace and 1 without."""
    glucose: Path | None = None
    """[-] trace to play; None the one that the folder was begun with, at first the bundled one;
    `Path('none')` no trace: therapy time is real time."""
    unit: str | None = None
    """[-] of a trace that does not say."""
    zone: str | None = None
    """[-] IANA name: of a trace's times, and of the demonstration's profile."""
    person: bool = True
    """[-] a scripted person eats, asks and accepts."""
    screen: bool = True
    """[-] draw the live screen, if standard output is a terminal."""
    for_s: float | None = None
    """[s] real time from ready to stop; None runs until told."""
    pump: PumpId | None = None
    """[-] id of the virtual pump; None that of the folder, at first 'demo'."""
    store: str | None = None
    """[-] of the journals: 'sqlite' for files, or the URL of a database; None as last time."""
    pump_faults: Path | None = None
    """[-] script of faults that the virtual pump will have; None for an honest one."""
    machine_clock: bool = False
    """[-] go on by the machine's clock, where this system's is behind it."""


def run_up(options: UpOptions) -> int:
    """Run the system until it is told to stop; give the exit code."""
    os.umask(0o077)
    try:
        return asyncio.run(_up(options))
    except StoreFormatUnknown as error:
        complain(str(error))  # what to do about it stands in it
    except REFUSALS as error:
        complain(with_remedy(str(error), folder=options.data))
    except (OSError, BasaltError) as error:
        complain(with_remedy(_in_words(error), folder=options.data))
    except BaseExceptionGroup as group:
        complain(with_remedy(_in_words(group), folder=options.data))
        return EXIT_FAILED
    return EXIT_REFUSED


def _in_words(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return f"{type(error).__name__}: {error}"


async def _up(options: UpOptions) -> int:
    _check(options)
    folder = DataFolder(options.data)
    assert_known(folder)  # before the lock makes anything in it
    told = asyncio.Event()
    system = System(
        folder,
        SystemOptions(
            host=options.host,
            port=options.port,
            speed=options.speed,
            wish=Wish(
                file=options.glucose, unit=options.unit, zone=options.zone, pump=options.pump
            ),
            has_person=options.person,
            has_screen=options.screen and sys.stdout.isatty(),
            pump_faults=options.pump_faults,
            machine_clock=options.machine_clock,
        ),
    )
    with FolderLock(folder):
        assert_known(folder)
        settle_store(folder, options.store)
        if upgraded := upgrade(folder):
            say(upgraded)
        _hear_signals(told, system)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(system.stop)
            starting = asyncio.create_task(system.start())
            await _first(starting, told)
            if not told.is_set():
                await _run(system, told, options.for_s)
        say(system.closing_line or "stopped before everything had started")
    return EXIT_KILLED if system.was_killed else 0


async def _first(starting: asyncio.Task[None], told: asyncio.Event) -> None:
    """Wait until the system is ready or somebody stops it before."""
    stop = asyncio.create_task(told.wait())
    await asyncio.wait((starting, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if starting.done():
        starting.result()
        return
    await end(starting)
    if not starting.cancelled():
        starting.result()


async def _run(system: System, told: asyncio.Event, for_s: float | None) -> None:
    watching = asyncio.create_task(system.watch())
    stop = asyncio.create_task(told.wait())
    with suppress(TimeoutError):
        async with asyncio.timeout(for_s):
            await asyncio.wait((watching, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if watching.done():
        watching.result()
    await end(watching)


def _hear_signals(told: asyncio.Event, system: System) -> None:
    """The first signal stops in order, the second one kills."""

    def on_signal() -> None:
        if told.is_set():
            system.kill()
        told.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, on_signal)


def _check(options: UpOptions) -> None:
    if options.pump is not None and not is_token(options.pump):
        raise StartRefused(f"{options.pump!r} is no pump id: 1 to 32 of a-z, 0-9, '-' and '_'")
    if options.pump_faults is not None:
        read_pump_script(options.pump_faults)
    if options.for_s is not None and options.for_s <= 0:
        raise StartRefused("--for takes a time above 0")
