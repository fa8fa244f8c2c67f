"""Stop all insulin, a running bolus included, until resumed or for a while."""

import argparse
from typing import Final

from schemas.delivery.pump import SuspendDelivery
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_because
from services.command_line.pump.switch import switch

EXAMPLE: Final = """
basalt suspend
basalt suspend --for 30m
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add for how long."""
    parser.add_argument(
        "--for",
        dest="duration",
        type=value_types.some_time,
        default=0,
        metavar="TIME",
        help="1m to 24h",
    )
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Stop all insulin, and wait until the pump says that it stands."""
    command = SuspendDelivery(duration=arguments.duration, because=arguments.because)
    return switch(arguments, command, suspended=True)
