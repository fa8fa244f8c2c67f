"""Start everything on this machine, with a live screen, until Ctrl-C."""

import argparse
from pathlib import Path
from typing import Final

from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import DATABASE
from services.command_line.output.options import choices

EXAMPLE: Final = """
basalt up --speed 60 --for 10m
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where it runs, on what, how fast and how long."""
    parser.add_argument("--port", type=value_types.port, help="TCP port of the broker; a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address of the broker; %(default)s")
    parser.add_argument(
        "--speed",
        type=value_types.speed,
        metavar="1..600",
        help="therapy seconds in a real one; as last time, at first 30 with a trace and 1 without",
    )
    parser.add_argument(
        "--glucose", type=Path, metavar="FILE|none", help="readings to play; a recorded trace"
    )
    parser.add_argument("--unit", metavar="mg/dL|mmol/L", help="of a table that does not say")
    parser.add_argument("--zone", metavar="ZONE", help="of local times in the file: Europe/Berlin")
    parser.add_argument(
        "--pump-faults", type=Path, metavar="FILE", help="faults that the pump will have, JSON"
    )
    parser.add_argument(
        "--store",
        metavar="URL",
        help=f"of all journals: {DATABASE}, or sqlite for files in the data folder; as last time, "
        "at first sqlite. A password in the URL shows in 'ps' for this command; put it in "
        "PGPASSWORD or a service file instead",
    )
    parser.add_argument(
        "--machine-clock",
        action="store_true",
        help="go on by the machine's clock, where this system's is behind it",
    )
    parser.add_argument("--no-person", action="store_true", help="nobody eats and asks for advice")
    parser.add_argument("--no-screen", action="store_true", help="log lines in place of the screen")
    parser.add_argument(
        "--for", dest="for_s", type=value_types.seconds, metavar="30s", help="then stop"
    )


def run(arguments: argparse.Namespace) -> int:
    """Start everything, and give the supervisor's exit code."""
    from services.supervisor.up import UpOptions, run_up

    chosen = choices(arguments)
    options = UpOptions(
        data=chosen.data,
        host=arguments.host,
        port=arguments.port,
        speed=arguments.speed,
        glucose=arguments.glucose,
        unit=arguments.unit,
        zone=arguments.zone,
        person=not arguments.no_person,
        screen=not arguments.no_screen,
        for_s=arguments.for_s,
        pump=chosen.pump,
        store=arguments.store,
        pump_faults=arguments.pump_faults,
        machine_clock=arguments.machine_clock,
    )
    return run_up(options)
