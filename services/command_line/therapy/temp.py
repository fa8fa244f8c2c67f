"""Run another basal rate for 15 min to 24 h, or end the one that runs."""

import argparse
from typing import Final

from core.deciders.names import BASAL_SCHEDULER
from schemas.basal.profiles import CancelTemporaryRate, SetTemporaryRate
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_because
from services.command_line.grammar.value_types import TemporaryRate
from services.command_line.output.exit_codes import wrong_input
from services.command_line.session import send_command

EXAMPLE: Final = """
basalt temp 80% 30m
basalt temp 0.5U/h 2h
basalt temp off
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the rate and how long it runs."""
    parser.add_argument(
        "rate", type=value_types.temporary_rate, metavar="RATE", help="80%%, 0.5U/h or off"
    )
    parser.add_argument("duration", type=value_types.some_time, nargs="?", help="30m, 2h")
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Set or end a temporary rate."""
    rate: TemporaryRate = arguments.rate
    if rate.is_off:
        if arguments.duration is not None:
            raise wrong_input("'basalt temp off' takes no duration; nothing was sent")
        end = CancelTemporaryRate(because=arguments.because)
        return send_command(arguments, end, to=BASAL_SCHEDULER)
    if arguments.duration is None:
        raise wrong_input("for how long? such as 'basalt temp 80% 30m'; nothing was sent")
    command = SetTemporaryRate(
        percent=rate.percent,
        rate=rate.rate,
        duration=arguments.duration,
        because=arguments.because,
    )
    return send_command(arguments, command, to=BASAL_SCHEDULER)
