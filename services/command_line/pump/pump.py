"""Pair a pump with its actuator, or take it back from another controller.

'pair FILE' makes the key that proves each frame on the pump's line. Carry the file by hand: to the
pump's machine for its --key, to the actuator's for its --pump-key; never over the line or the bus.
'basalt up' pairs its own pump.

'take' drives the pump again after another controller has claimed it. First make sure that the
other one is off: two controllers would take the pump from each other.
"""

import argparse
from pathlib import Path
from typing import Final

from schemas.delivery.pump import TakePump
from services.command_line.following import obey
from services.command_line.grammar.common_options import add_because
from services.command_line.output.exit_codes import DONE, wrong_input
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session
from services.runtime.platform.errors import OrderKeyBroken
from services.runtime.platform.signing_keys import make_secret

EXAMPLE: Final = """
basalt pump pair pump_p1.key
basalt pump take --because 'the copied system is off'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is done, the file, and the reason."""
    parser.add_argument("what", choices=("pair", "take"), help="what is done")
    parser.add_argument(
        "file", type=Path, metavar="FILE", nargs="?", help="of 'pair': the key; one there stays"
    )
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Pair or take; give the exit code."""
    if arguments.what == "pair":
        return _pair(arguments.file)
    if arguments.file is not None:
        raise wrong_input("'take' takes no file")
    return run_session(choices(arguments), lambda session: _take(session, arguments.because))


async def _take(session: Session, because: str) -> int:
    return await obey(
        session,
        TakePump(because=because),
        lambda view: view.get("driven_by_another") is False,
        unseen="that this controller drives it",
        said="the pump is driven from here again; look at 'basalt status' before you bolus",
    )


def _pair(path: Path | None) -> int:
    if path is None:
        raise wrong_input("'pair' wants a FILE for the key")
    existed = path.exists()
    try:
        make_secret(path)
    except OrderKeyBroken as error:
        raise wrong_input(str(error)) from error
    except OSError as error:
        raise wrong_input(f"{path} cannot be written: {error.strerror}") from error
    if existed:
        print(f"{path} holds a key already; it stays")
        return DONE
    print(f"{path} is the key of one pump; give it to the pump (--key {path})")
    print(f"and to its actuator (--pump-key ID={path}), by hand")
    return DONE
