"""Start the virtual pump: `python -m services.virtual_pump --listen unix:PATH --memory FILE`."""

import argparse
import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.pump.machine import FILL_MU_MAX
from schemas.units import MilliUnits, PumpId
from schemas.wire.subjects import is_token
from services.runtime.platform.clock import SystemClock, read_clock_record
from services.runtime.platform.errors import BasaltError, PumpPowerLost
from services.runtime.platform.failpoints import arm_failpoints
from services.runtime.platform.logs import configure_logs
from services.runtime.platform.shutdown import EXIT_DONE, EXIT_USAGE
from services.runtime.platform.signing_keys import read_public, read_secret
from services.runtime.pump_link.address import PumpAddress, parse_pump_address
from services.virtual_pump.controller import PumpHost, PumpIdentity
from services.virtual_pump.fault_script import PumpScript, read_pump_script
from services.virtual_pump.physical_ledger import PhysicalLedgerStore, WorldLedger, world_path
from services.virtual_pump.server import PumpServer
from services.virtual_pump.sqlite_state import SqlitePumpStore
from services.virtual_pump.state_store import PumpStore
from services.virtual_pump.watchdog import Watchdog

STDIN = 0
"""[-] file descriptor of standard input."""

PARENT_PIPE_BYTES = 4_096
"""[B] read at once from standard input and thrown away."""

MU_PER_U = 1_000
"""[mU/U] milliunits in a unit."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the pump until it is told to stop.

    Args:
        arguments: the words of the command line; None takes those of the process.

    Returns:
        [-] the exit code.
    """
    options = _parser().parse_args(arguments)
    os.umask(0o077)
    configure_logs(service="virtual_pump")
    arm_failpoints(process="virtual_pump")
    try:
        clock = _clock(options.clock)
        store = SqlitePumpStore(options.memory)
        if store.upgraded:
            print(f"virtual_pump: {options.memory}: upgraded: {store.upgraded}", file=sys.stderr)
        try:
            trusted = [read_public(path) for path in options.trust]
            key = read_secret(options.key) if options.key else None
            identity = PumpIdentity(pump=options.pump, trusted=trusted, key=key)
            script = read_pump_script(options.faults) if options.faults else PumpScript()
            kept = _with_ledger(store, script, memory=options.memory)
            host = PumpHost(
                kept, identity=identity, now=clock.now(), fill=options.fill_u, script=script
            )
            server = PumpServer(host, clock=clock, script=script, watchdog=Watchdog())
            asyncio.run(
                _run(server, address=options.listen, exit_with_parent=options.exit_with_parent)
            )
        except PumpPowerLost:
            os.kill(os.getpid(), signal.SIGKILL)  # what the memory held a moment ago is all
        finally:
            store.close()
    except (BasaltError, OSError, ValueError) as error:
        print(f"virtual_pump: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_USAGE
    return EXIT_DONE


async def _run(server: PumpServer, *, address: PumpAddress, exit_with_parent: bool) -> None:
    """Run the server; signals and, if asked, the end of standard input stop it."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    if exit_with_parent:
        threading.Thread(target=_exit_with_parent, args=(loop, server), daemon=True).start()
    await server.run(address)


def _exit_with_parent(loop: asyncio.AbstractEventLoop, server: PumpServer) -> None:
    """Wait for the end of standard input, which is the end of whoever started this process."""
    while os.read(STDIN, PARENT_PIPE_BYTES):
        pass
    if not loop.is_closed():
        loop.call_soon_threadsafe(server.stop)


def _with_ledger(store: PumpStore, script: PumpScript, *, memory: Path) -> PumpStore:
    """Have the world keep count of what strokes give, if the script says how far they stray."""
    if script.error_model is None:
        return store
    model, seed = script.error_model
    return PhysicalLedgerStore(store, WorldLedger(world_path(memory), model=model, seed=seed))


def _clock(path: Path | None) -> SystemClock:
    """Make the clock of the shared record, or one of real time.

    Raises:
        ValueError: the record is missing or broken.
    """
    if path is None:
        return SystemClock()
    try:
        return SystemClock(record=read_clock_record(path))
    except (OSError, msgspec.DecodeError) as error:
        raise ValueError(f"clock record {path}: {error}") from error


def _parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m services.virtual_pump",
        description="A pump for want of hardware: delivers basal by its own plan, boluses on "
        "request, and remembers every pulse. For research; not a medical device.",
    )
    parser.add_argument(
        "--listen",
        type=_address,
        required=True,
        metavar="ADDRESS",
        help="unix:PATH or tcp:HOST:PORT (port 0: any free one, named in the log)",
    )
    parser.add_argument(
        "--memory",
        type=Path,
        required=True,
        metavar="FILE",
        help="non-volatile memory; made if there is no such file",
    )
    parser.add_argument(
        "--pump", type=_pump, required=True, metavar="ID", help="which pump this is"
    )
    _add_keys(parser)
    parser.add_argument(
        "--clock",
        type=Path,
        metavar="FILE",
        help="clock record shared by all processes (default: real time)",
    )
    parser.add_argument(
        "--fill-u",
        type=_fill,
        metavar="U",
        help="insulin in the reservoir of a pump that has never been on, 1 to 300 U",
    )
    parser.add_argument(
        "--faults",
        type=Path,
        metavar="FILE",
        help="script of faults, a JSON list; for tests, an honest pump has none",
    )
    parser.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="end when standard input ends, as with its starter",
    )
    return parser


def _add_keys(parser: argparse.ArgumentParser) -> None:
    """Describe whom the pump believes."""
    parser.add_argument(
        "--trust",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="public key whose bolus orders are taken; may be given again; without it none are",
    )
    parser.add_argument(
        "--key",
        type=Path,
        metavar="FILE",
        help="key shared with the actuator, made by 'basalt pump pair'; without it it is read only",
    )


def _address(text: str) -> PumpAddress:
    try:
        return parse_pump_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _pump(text: str) -> PumpId:
    if not is_token(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a pump")
    return PumpId(text)


def _fill(text: str) -> MilliUnits:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) * MU_PER_U <= FILL_MU_MAX):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 300 U")
    return MilliUnits(int(text) * MU_PER_U)


if __name__ == "__main__":
    sys.exit(main())
