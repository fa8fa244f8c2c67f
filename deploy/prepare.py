"""Prepares a deployment: the broker's configuration, a key for each user, stream and consumers.

python deploy/prepare.py config                    the configuration with placeholders for keys
python deploy/prepare.py keys DIR [--pump ID]      DIR/keys/USER.nk, a key each pump, DIR/nats.conf
python deploy/prepare.py stream --nats URL --creds DIR/keys/supervisor.nk
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from schemas.units import Actor, PumpId
from schemas.wire.subjects import is_token
from services.runtime.nats.client import BusClient
from services.runtime.nats.connection import Credentials
from services.runtime.platform.clock import SystemClock
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import BasaltError
from services.supervisor.broker.config import broker_config, make_keys
from services.supervisor.broker.permissions import SUPERVISOR, permissions
from services.supervisor.broker.stream import make_stream

HOST = "0.0.0.0"
"""[-] every address of the machine or container; nothing but the services should reach it."""

PORT = 4222
"""[-] the port that NATS is given by its makers."""

STORE = Path("/var/lib/basalt/broker")
"""[-] folder of JetStream; must survive a restart of the machine."""

FIRST_PUMP = PumpId("p1")
"""[-] the pump of the examples."""

EXIT_FAILED = 1
"""[-] something was in the way; one line says what."""


def placeholder(user: str) -> str:
    """Name what stands for a user's public key in the configuration that is committed."""
    return f"PUBLIC_KEY_OF_{user.upper()}"


def config_with_placeholders() -> str:
    """Write the configuration that is committed beside this file."""
    keys = {user: placeholder(user) for user in permissions()}
    return broker_config(public_keys=keys, host=HOST, port=PORT, store=STORE)


def write_keys(folder: Path, *, pumps: Sequence[PumpId]) -> None:
    """Make the keys that are missing, and the configuration that knows them.

    Raises:
        OSError: the folder cannot be written.
        ValueError: a key in it is broken.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = make_keys(DataFolder(folder), pumps=pumps)
    text = broker_config(public_keys=keys, host=HOST, port=PORT, store=STORE)
    (folder / "nats.conf").write_text(text)


async def write_stream(*, url: str, seed: Path) -> None:
    """Make the stream and the consumers, or bring them to this release.

    Raises:
        BasaltError: the broker is not there, or says no.
        TimeoutError: it does not answer.
    """
    client = BusClient(
        url=url,
        credentials=Credentials(SUPERVISOR, seed),
        actor=Actor("service:deploy"),
        clock=SystemClock(),
    )
    await client.open()
    try:
        await make_stream(client.client)
    finally:
        await client.close()


def _pump(text: str) -> PumpId:
    if not is_token(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a pump")
    return PumpId(text)


def main() -> int:
    """Do one of the three; give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("config", help="print the configuration with placeholders for keys")
    keys = acts.add_parser("keys", help="make keys, and the configuration that knows them")
    keys.add_argument("folder", type=Path, metavar="DIR", help="kept; what exists is not changed")
    keys.add_argument(
        "--pump",
        type=_pump,
        action="append",
        metavar="ID",
        help="a pump that gets a key to share with the actuator; may be given again (default: p1)",
    )
    stream = acts.add_parser("stream", help="make stream and consumers, or bring them up to date")
    stream.add_argument("--nats", required=True, metavar="URL", help="nats://HOST:PORT")
    stream.add_argument("--creds", required=True, type=Path, metavar="FILE", help="supervisor.nk")
    told = parser.parse_args()
    try:
        if told.act == "config":
            print(config_with_placeholders(), end="")
        elif told.act == "keys":
            write_keys(told.folder, pumps=told.pump or [FIRST_PUMP])
        else:
            asyncio.run(write_stream(url=told.nats, seed=told.creds))
    except (BasaltError, OSError, ValueError) as error:
        print(f"prepare: {type(error).__name__}: {error}", file=sys.stderr)
        return EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
