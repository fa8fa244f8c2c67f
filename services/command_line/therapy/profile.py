"""Set the basal profile from a file, or show the one in force."""

import argparse
from pathlib import Path
from typing import Any, Final

import msgspec

from core.deciders.names import BASAL_SCHEDULER
from schemas.basal.profiles import BasalPlanMade, BasalProfileSet
from schemas.message import Event
from schemas.units import EventId
from services.command_line.files.profile_files import profile_as_file, read_profile
from services.command_line.files.zone_names import must_be_zone
from services.command_line.grammar.common_options import add_because, add_second_word
from services.command_line.journals import said_by
from services.command_line.output.options import choices
from services.command_line.session import send_command
from services.command_line.therapy.in_force import SHOW, show_in_force

EXAMPLE: Final = """
basalt profile show > profile.json
basalt profile profile.json
"""

FILE: Final = """file:
  {"name": "weekday", "zone": "Europe/Berlin",
   "segments": [{"start": "00:00", "rate": 0.8},
                {"start": "05:00", "rate": 1.2}]}
  start by the clock on the wall of the zone, rate in U/h, 0 to 35"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, and whether its profile is delivered at once."""
    parser.epilog = FILE
    parser.add_argument("file", metavar="FILE|show", help="JSON, rates in U/h")
    parser.add_argument(
        "--keep", action="store_true", help="only keep it, for 'basalt week'; deliver as before"
    )
    add_second_word(parser, "day_basal_changed")
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Set or show the basal profile."""
    if arguments.file == SHOW:
        kinds = (BasalProfileSet, BasalPlanMade)
        return show_in_force(_in_force(said_by(BASAL_SCHEDULER, choices(arguments), kinds=kinds)))
    asked = read_profile(
        Path(arguments.file), activate=not arguments.keep, because=arguments.because
    )
    asked = msgspec.structs.replace(asked, confirmed=tuple(arguments.confirm))
    must_be_zone(asked.zone, said_in=arguments.file)
    return send_command(arguments, asked, to=BASAL_SCHEDULER)


def _in_force(found: list[tuple[EventId, Event]]) -> dict[str, Any] | None:
    """Give the profile that the newest plan was made of: that one is in force."""
    plans = [event.profile for _, event in found if isinstance(event, BasalPlanMade)]
    for name, event in found:
        if plans and name == plans[-1] and isinstance(event, BasalProfileSet):
            return profile_as_file(event)
    return None
