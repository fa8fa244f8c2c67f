"""Show when a person is alerted about glucose, or change what is named."""

import argparse
import json
from typing import Any, Final

from core.deciders.names import GLUCOSE_INGEST
from schemas.glucose import GlucoseAlertsSet, SetGlucoseAlerts
from schemas.units import HOUR_MS, MINUTE_MS
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_because
from services.command_line.journals import said_by
from services.command_line.output.exit_codes import DONE
from services.command_line.output.options import choices
from services.command_line.session import send_command

EXAMPLE: Final = """
basalt alerts
basalt alerts --low 80 --high 13.9mmol
basalt alerts --measurements 6 --set-due 60h
"""

FIELDS: Final = tuple(field for field in SetGlucoseAlerts.__struct_fields__ if field != "because")
"""[-] what can be set, by the names of the command and of the options."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add each threshold with its range."""
    number = value_types.threshold
    for name, least, most, kind in (
        ("--urgent-low", "40", "100 mg/dL", number),
        ("--low", "50", "150 mg/dL", number),
        ("--high", "120", "400 mg/dL", number),
        ("--fast", "1", "10 mg/dL/min, rising or falling", value_types.thousandths),
        ("--missing", "5m", "240m without a reading of the sensor", value_types.duration),
        ("--set-due", "24h", "168h of one infusion set", value_types.duration),
        ("--set-overdue", "24h", "168h of one infusion set", value_types.duration),
    ):
        parser.add_argument(name, type=kind, metavar="VALUE", help=f"{least} to {most}")
    parser.add_argument(
        "--measurements",
        dest="measurements_a_day",
        type=int,
        metavar="COUNT",
        help="0 to 24 a day by meter, without a sensor; 0 for no reminder",
    )
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the thresholds in force, or change those that were named and keep the others."""
    given = {name: value for name in FIELDS if (value := getattr(arguments, name)) is not None}
    wanted = SetGlucoseAlerts(**{**_in_force(arguments), **given}, because=arguments.because)
    if not given:
        print(json.dumps(_as_options(wanted), indent=2))
        return DONE
    return send_command(arguments, wanted, to=GLUCOSE_INGEST)


def _in_force(arguments: argparse.Namespace) -> dict[str, Any]:
    found = said_by(GLUCOSE_INGEST, choices(arguments), kinds=(GlucoseAlertsSet,))
    return {name: getattr(found[-1][1], name) for name in FIELDS} if found else {}


def _as_options(alerts: SetGlucoseAlerts) -> dict[str, Any]:
    return {
        "urgent_low_mg_dl": alerts.urgent_low,
        "low_mg_dl": alerts.low,
        "high_mg_dl": alerts.high,
        "fast_mg_dl_per_min": alerts.fast / 1000,
        "missing_min": alerts.missing // MINUTE_MS,
        "measurements_a_day": alerts.measurements_a_day,
        "set_due_h": alerts.set_due // HOUR_MS,
        "set_overdue_h": alerts.set_overdue // HOUR_MS,
    }
