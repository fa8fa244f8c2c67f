"""Set the hard limits of delivery from a file or from all four options, or show them."""

import argparse
from pathlib import Path
from typing import Any, Final

import msgspec

from core.deciders.names import ACTUATOR
from core.models.pump_models import PUMP_MODELS
from schemas.delivery.delivery import DeliveryLimitsSet, Lockout, SetDeliveryLimits
from schemas.message import Event
from schemas.units import MINUTE_MS, EventId, MilliUnitsPerHour
from services.command_line.files.profile_files import (
    LOCKOUTS,
    VIRTUAL,
    limits_as_file,
    read_limits,
)
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_because
from services.command_line.journals import said_by
from services.command_line.output.exit_codes import wrong_input
from services.command_line.output.options import choices
from services.command_line.session import send_command
from services.command_line.therapy.in_force import SHOW, show_in_force

EXAMPLE: Final = """
basalt limits --single 10 --hourly 15 --daily 60 --basal 3
basalt limits limits.json
"""

FILE: Final = """file:
  {"single": 10, "hourly": 15, "daily": 60, "basal": 3}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the limits of delivery; none of the first four has a default."""
    parser.epilog = FILE
    parser.add_argument("file", nargs="?", metavar="FILE|show", help="JSON")
    for option, unit, text in (
        ("--single", "U", "U, largest bolus, 25 most"),
        ("--hourly", "U", "U, boluses in any 60 min"),
        ("--daily", "U", "U, all insulin in 24 h"),
        ("--basal", "U/h", "U/h, largest basal rate"),
        ("--soft", "U", "U, more must be confirmed"),
        ("--four-hours", "U", "U, in any 4 h; none"),
        ("--calendar-day", "U", "U, all insulin from 00:00 to 24:00"),
        ("--on-board", "U", "U, of boluses on board"),
    ):
        parser.add_argument(option, type=value_types.units, metavar=unit, help=text)
    for who, wait in msgspec.structs.asdict(Lockout()).items():
        parser.add_argument(
            f"--lockout-{who}",
            type=value_types.duration,
            metavar="TIME",
            help=f"between two boluses, up to 4h; {wait // MINUTE_MS}m if not given",
        )
    parser.add_argument(
        "--pump-model",
        choices=tuple(PUMP_MODELS),
        metavar="MODEL",
        help=f"whose steps and maxima hold as well: {', '.join(PUMP_MODELS)}",
    )
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Set or show the hard limits of delivery."""
    given = (arguments.single, arguments.hourly, arguments.daily, arguments.basal)
    options = (
        *given,
        arguments.four_hours,
        arguments.soft,
        arguments.calendar_day,
        arguments.on_board,
        *(getattr(arguments, f"lockout_{who}") for who in LOCKOUTS),
        arguments.pump_model,
    )
    has_options = any(one is not None for one in options)
    if arguments.file is not None and has_options:
        raise wrong_input("either a file, or show, or all four limits; see 'basalt limits --help'")
    if arguments.file == SHOW or not (arguments.file or has_options):
        found = said_by(ACTUATOR, choices(arguments), kinds=(DeliveryLimitsSet,))
        return show_in_force(_in_force(found))
    if arguments.file is not None:
        asked = read_limits(Path(arguments.file), because=arguments.because)
        return send_command(arguments, asked, to=ACTUATOR)
    if any(one is None for one in given):
        raise wrong_input("all four of --single, --hourly, --daily and --basal: none has a default")
    command = SetDeliveryLimits(
        single=arguments.single,
        hourly=arguments.hourly,
        daily=arguments.daily,
        basal=MilliUnitsPerHour(arguments.basal),
        four_hours=arguments.four_hours,
        soft=arguments.soft,
        calendar_day=arguments.calendar_day,
        on_board=arguments.on_board,
        lockout=_lockout(arguments),
        pump_model=arguments.pump_model or VIRTUAL,
        because=arguments.because,
    )
    return send_command(arguments, command, to=ACTUATOR)


def _lockout(arguments: argparse.Namespace) -> Lockout:
    given = {who: getattr(arguments, f"lockout_{who}") for who in LOCKOUTS}
    return Lockout(**{who: wait for who, wait in given.items() if wait is not None})


def _in_force(found: list[tuple[EventId, Event]]) -> dict[str, Any] | None:
    event = found[-1][1] if found else None
    return limits_as_file(event) if isinstance(event, DeliveryLimitsSet) else None
