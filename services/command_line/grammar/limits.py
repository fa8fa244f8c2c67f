"""How the hard limits are typed."""

import argparse

import msgspec

from core.models.pump_models import PUMP_MODELS
from schemas.delivery.delivery import Lockout
from schemas.units import MINUTE_MS
from services.command_line.grammar import value_types
from services.command_line.grammar.shared import Commands, add_command


def add_limits(commands: Commands) -> argparse.ArgumentParser:
    """Add the limits of delivery; none of the first four has a default."""
    limits = add_command(
        commands,
        "limits",
        "therapy.settings:limits",
        text="set the hard limits of delivery from a file or from all four options, or show them",
        example="basalt limits --single 10 --hourly 15 --daily 60 --basal 3\n"
        "  basalt limits limits.json\n\nfile:\n"
        '  {"single": 10, "hourly": 15, "daily": 60, "basal": 3}',
    )
    limits.add_argument("file", nargs="?", metavar="FILE|show", help="JSON")
    limits.add_argument(
        "--single", type=value_types.units, metavar="U", help="U, largest bolus, 25 most"
    )
    limits.add_argument(
        "--hourly", type=value_types.units, metavar="U", help="U, boluses in any 60 min"
    )
    limits.add_argument(
        "--daily", type=value_types.units, metavar="U", help="U, all insulin in 24 h"
    )
    limits.add_argument(
        "--basal", type=value_types.units, metavar="U/h", help="U/h, largest basal rate"
    )
    limits.add_argument(
        "--soft", type=value_types.units, metavar="U", help="U, more must be confirmed"
    )
    limits.add_argument(
        "--four-hours", type=value_types.units, metavar="U", help="U, in any 4 h; none"
    )
    limits.add_argument(
        "--calendar-day",
        type=value_types.units,
        metavar="U",
        help="U, all insulin from 00:00 to 24:00",
    )
    limits.add_argument(
        "--on-board", type=value_types.units, metavar="U", help="U, of boluses on board"
    )
    for who, wait in msgspec.structs.asdict(Lockout()).items():
        limits.add_argument(
            f"--lockout-{who}",
            type=value_types.duration,
            metavar="TIME",
            help=f"between two boluses, up to 4h; {wait // MINUTE_MS}m if not given",
        )
    limits.add_argument(
        "--pump-model",
        choices=tuple(PUMP_MODELS),
        metavar="MODEL",
        help=f"whose steps and maxima hold as well: {', '.join(PUMP_MODELS)}",
    )
    return limits
