"""Set the settings of the bolus advisor from a file, or show those in force."""

import argparse
from pathlib import Path
from typing import Any, Final

import msgspec

from core.deciders.names import BOLUS_ADVISOR
from schemas.bolus.settings import BolusSettingsSet
from schemas.message import Event
from schemas.units import EventId
from services.command_line.files.settings_files import read_settings, settings_as_file
from services.command_line.files.zone_names import must_be_zone
from services.command_line.grammar.common_options import add_because, add_second_word
from services.command_line.journals import said_by
from services.command_line.output.options import choices
from services.command_line.session import send_command
from services.command_line.therapy.in_force import SHOW, show_in_force

EXAMPLE: Final = """
basalt settings settings.json
"""

FILE: Final = """file:
  {"carb_ratio": 10, "unit": "mg/dL", "sensitivity": 40,
   "target_low": 90, "target_high": 120,
   "insulin": {"duration": "6h", "peak": "75m", "delay": "10m"}}
  carb_ratio in g/U, 1 to 150; sensitivity in the unit per U; targets in the
  unit, 70 to 180 mg/dL; unit is mg/dL or mmol/L. By the hour, with "zone":
  "carb_ratio": [{"start": "00:00", "value": 12},
                 {"start": "06:00", "value": 8}]
  Optional: correct_above in the unit; rules, a name that
  'basalt calc bolus' knows, basalt where none is named"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file."""
    parser.epilog = FILE
    parser.add_argument("file", metavar="FILE|show", help="JSON; no ratio has a default")
    add_second_word(parser, "carb_ratio_changed", "sensitivity_changed")
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Set or show the settings of the bolus advisor."""
    if arguments.file == SHOW:
        found = said_by(BOLUS_ADVISOR, choices(arguments), kinds=(BolusSettingsSet,))
        return show_in_force(_in_force(found))
    asked = read_settings(Path(arguments.file), because=arguments.because)
    asked = msgspec.structs.replace(asked, confirmed=tuple(arguments.confirm))
    must_be_zone(asked.zone, said_in=arguments.file)
    return send_command(arguments, asked, to=BOLUS_ADVISOR)


def _in_force(found: list[tuple[EventId, Event]]) -> dict[str, Any] | None:
    event = found[-1][1] if found else None
    return settings_as_file(event) if isinstance(event, BolusSettingsSet) else None
