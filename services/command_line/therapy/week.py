"""Deliver by another profile on each day of the week, of those that were set or kept."""

import argparse
from typing import Final

from core.deciders.names import BASAL_SCHEDULER
from schemas.basal.profiles import SetBasalWeek
from services.command_line.grammar.common_options import add_because, add_second_word
from services.command_line.session import send_command

EXAMPLE: Final = """
basalt profile rest.json --keep
basalt week work work work work work rest rest
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a name for each day."""
    parser.add_argument("days", nargs=7, metavar="NAME", help="seven names, Monday first")
    add_second_word(parser, "day_basal_changed")
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Give each day of the week its profile."""
    command = SetBasalWeek(
        days=tuple(arguments.days),
        because=arguments.because,
        confirmed=tuple(arguments.confirm),
    )
    return send_command(arguments, command, to=BASAL_SCHEDULER)
