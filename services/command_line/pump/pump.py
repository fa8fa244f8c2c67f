"""Pair a pump with its actuator.

'pair FILE' makes the key that proves each frame on the pump's line. Carry the file by hand: to the
pump's machine for its --key, to the actuator's for its --pump-key; never over the line or the bus.
'basalt up' pairs its own pump.
"""

import argparse
from pathlib import Path
from typing import Final

from services.command_line.output.exit_codes import DONE, wrong_input
from services.runtime.platform.errors import OrderKeyBroken
from services.runtime.platform.signing_keys import make_secret

EXAMPLE: Final = """
basalt pump pair pump_p1.key
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is done, and the file."""
    parser.add_argument("what", choices=("pair",), help="what is done")
    parser.add_argument("file", type=Path, metavar="FILE", help="the key; one that exists stays")


def run(arguments: argparse.Namespace) -> int:
    """Make the key; give the exit code."""
    path: Path = arguments.file
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
