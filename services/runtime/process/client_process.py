"""The edge of a process that only sends commands: arguments, clock, connection, signals."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.kernel.errors import CoreError
from schemas.units import Actor, PumpId
from schemas.wire.subjects import is_token
from services.runtime.nats.client import BusClient
from services.runtime.nats.connection import Credentials
from services.runtime.platform.clock import Clock, SystemClock, read_clock_record
from services.runtime.platform.errors import BasaltError
from services.runtime.platform.logs import configure_logs, get_logger
from services.runtime.platform.shutdown import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, end

log = get_logger()


@dataclass(frozen=True, slots=True)
class ClientWorld:
    """What the work of a client is given."""

    arguments: argparse.Namespace
    client: BusClient
    clock: Clock


def client_parser(name: str, *, does: str) -> argparse.ArgumentParser:
    """Make the parser that the clients share."""
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{name}",
        description=f"{does} For research and integration; not a medical device.",
    )
    parser.add_argument("--nats", required=True, metavar="URL", help="nats://HOST:PORT")
    parser.add_argument("--creds", type=Path, metavar="FILE", help="file with the nkey seed")
    parser.add_argument(
        "--clock", type=Path, metavar="FILE", help="shared clock record; without it, real time"
    )
    parser.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="stop when standard input ends (the supervisor's)",
    )
    parser.add_argument("--pump", required=True, type=_pump, metavar="ID", help="whose pump")
    parser.add_argument("--file", type=Path, metavar="FILE", help="trace of glucose")
    parser.add_argument("--unit", help="of a table that does not say: mg/dL or mmol/L")
    parser.add_argument("--zone", metavar="NAME", help="IANA time zone, such as Europe/Berlin")
    return parser


def _pump(text: str) -> PumpId:
    if not is_token(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no pump id")
    return PumpId(text)


def run_client(
    name: str,
    work: Callable[[ClientWorld], Coroutine[Any, Any, None]],
    *,
    actor: Actor,
    parser: argparse.ArgumentParser,
) -> int:
    """Run a client's work until it is told to stop; give the exit code."""
    arguments = parser.parse_args()
    configure_logs(service=name)
    try:
        asyncio.run(_run(name, work, actor, arguments))
    except (BasaltError, CoreError, OSError, ValueError, msgspec.DecodeError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, ValueError | CoreError) else EXIT_FAILED
    return EXIT_DONE


async def _run(
    name: str,
    work: Callable[[ClientWorld], Coroutine[Any, Any, None]],
    actor: Actor,
    arguments: argparse.Namespace,
) -> None:
    told = asyncio.Event()
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, told.set)
    if arguments.exit_with_parent:
        running.add_reader(sys.stdin.fileno(), told.set)
    clock = SystemClock(record=read_clock_record(arguments.clock) if arguments.clock else None)
    client = BusClient(
        url=arguments.nats,
        credentials=Credentials(name, arguments.creds),
        actor=actor,
        clock=clock,
    )

    async def connected() -> None:
        await client.open()
        await work(ClientWorld(arguments, client, clock))

    works = asyncio.create_task(connected())
    stop = asyncio.create_task(told.wait())
    try:
        await asyncio.wait((works, stop), return_when=asyncio.FIRST_COMPLETED)
        if works.done():
            works.result()
            log.info("client.done")
            await told.wait()
    finally:
        stop.cancel()
        await end(works)
        await client.close()
