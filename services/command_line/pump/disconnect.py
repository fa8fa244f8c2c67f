"""Take the pump off the body for a while: all insulin stops, and a tube may be filled."""

import argparse
from typing import Final

from schemas.delivery.pump import SuspendDelivery
from services.command_line.grammar.common_options import add_because
from services.command_line.pump.switch import switch

EXAMPLE: Final = """
basalt disconnect
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the reason."""
    add_because(parser, text="kept on record", default="disconnect")


def run(arguments: argparse.Namespace) -> int:
    """Stop all insulin until somebody resumes, and wait until the pump says that it stands."""
    command = SuspendDelivery(because=arguments.because, disconnected=True)
    return switch(arguments, command, suspended=True)
