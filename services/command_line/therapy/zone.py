"""On a journey, let profiles run by the clock of another time zone from now on."""

import argparse
from typing import Final

from core.deciders.names import BASAL_SCHEDULER
from schemas.basal.profiles import SetBasalZone
from services.command_line.files.zone_names import must_be_zone
from services.command_line.grammar.common_options import add_because
from services.command_line.session import send_command

EXAMPLE: Final = """
basalt zone America/New_York
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the zone."""
    parser.add_argument("zone", metavar="ZONE", help="such as Europe/Berlin, or UTC+02:00")
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Let profiles run by the clock of another zone."""
    must_be_zone(arguments.zone, said_in="zone")
    command = SetBasalZone(zone=arguments.zone, because=arguments.because)
    return send_command(arguments, command, to=BASAL_SCHEDULER)
