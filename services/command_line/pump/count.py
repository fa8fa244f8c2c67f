"""Go on from the pump's own count in your name, after an alarm that it was doubted."""

import argparse
from typing import Final

from core.deciders.names import ACTUATOR
from schemas.delivery.unresolved_doses import AcceptPumpCount
from services.command_line.grammar.common_options import add_because
from services.command_line.session import send_command

EXAMPLE: Final = """
basalt count accept --because 'its memory was put back from a copy'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is done with the count."""
    parser.add_argument("act", choices=("accept",), help="take the pump's count as it is")
    add_because(parser, text="what was seen")


def run(arguments: argparse.Namespace) -> int:
    """Take the pump's count as it is."""
    return send_command(arguments, AcceptPumpCount(because=arguments.because), to=ACTUATOR)
