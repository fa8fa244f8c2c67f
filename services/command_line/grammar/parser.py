"""The grammar of the `basalt` command; imports nothing heavy, so that help is quick."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from services.command_line.grammar.calc import add_calc
from services.command_line.grammar.corrections import add_corrections
from services.command_line.grammar.pump import add_doubt, add_mechanism
from services.command_line.grammar.record import add_record
from services.command_line.grammar.shared import DATA_VARIABLE, OneLineParser, add_shared
from services.command_line.grammar.system import add_readings, add_system
from services.command_line.grammar.therapy import (
    add_alerts,
    add_bolus,
    add_files,
    add_person,
    add_therapy,
)

Handler = Callable[[argparse.Namespace], int]
"""Does one command; gives the exit code."""

EXITS = """exit codes:
  0  done
  1  refused, or a check found a difference; the reason is said in words
  2  the command line or a file is wrong; nothing was sent
  3  the system is not reachable, or it is not known what came of it: look before asking again

Instants are ISO 8601 with Z or an offset and mean therapy time, which 'basalt status' shows.
For research and integration; not a medical device."""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all commands; the handler's name stands in `handler`."""
    parser = OneLineParser(
        prog="basalt",
        description="Runs and speaks to the dosing software of an insulin pump.",
        epilog=EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    user = os.environ.get("USER", "somebody")
    parser.set_defaults(
        data=Path(os.environ.get(DATA_VARIABLE, "data")),
        pump=None,
        actor=f"person:{user}",
        json=False,
    )
    add_shared(parser)
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="command")
    for add in (
        add_system,
        add_person,
        add_corrections,
        add_alerts,
        add_bolus,
        add_therapy,
        add_files,
        add_readings,
        add_record,
        add_doubt,
        add_mechanism,
        add_calc,
    ):
        add(commands)
    return parser
