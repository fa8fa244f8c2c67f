"""Say that a reading, insulin by pen or carbohydrate was recorded wrong.

The wrong one stays on record and counts no more.
"""

import argparse
from typing import Final

from core.deciders.names import BOLUS_ADVISOR, GLUCOSE_INGEST
from schemas.corrections import CorrectCarbs, CorrectDose, VoidReading
from schemas.message import Command
from schemas.units import DoseId, EventId, Speaker
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_because
from services.command_line.output.exit_codes import wrong_input
from services.command_line.session import send_command

EXAMPLE: Final = """
basalt history events --kind glucose_measured
basalt correct glucose glucose_ingest:p1:12 --because 'sugar on the finger'
basalt correct pen bolus_advisor:p1:7 1.5
basalt correct carbs bolus_advisor:p1:9 0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what was wrong, and what it was in truth."""
    parser.add_argument(
        "what", choices=("glucose", "pen", "carbs"), help="recorded by 'basalt' and this word"
    )
    parser.add_argument("id", metavar="EVENT", help="its id, as 'basalt history events' shows it")
    parser.add_argument(
        "amount",
        nargs="?",
        metavar="AMOUNT",
        help="what it was: U by pen, g of carbohydrate, 0 for none; a reading has none",
    )
    parser.add_argument("--at", type=value_types.instant, metavar="TIME", help="when; as on record")
    add_because(parser, text="kept with the correction")


def run(arguments: argparse.Namespace) -> int:
    """Send one correction to whoever recorded what was wrong."""
    command, to = _asked(arguments)
    return send_command(arguments, command, to=to)


def _asked(arguments: argparse.Namespace) -> tuple[Command, Speaker]:
    because: str = arguments.because
    if arguments.what == "glucose":
        if arguments.amount is not None or arguments.at is not None:
            raise wrong_input("a reading is taken out whole; record the right one by itself")
        return VoidReading(reading=EventId(arguments.id), because=because), GLUCOSE_INGEST
    if arguments.amount is None:
        raise wrong_input("what was it? AMOUNT is missing, 0 for none")
    try:
        if arguments.what == "pen":
            dose: Command = CorrectDose(
                dose=DoseId(arguments.id),
                amount=value_types.units(arguments.amount),
                given_at=arguments.at,
                because=because,
            )
            return dose, BOLUS_ADVISOR
        carbs = CorrectCarbs(
            carbs=EventId(arguments.id),
            grams=value_types.grams(arguments.amount),
            eaten_at=arguments.at,
            because=because,
        )
    except argparse.ArgumentTypeError as error:
        raise wrong_input(str(error)) from error
    return carbs, BOLUS_ADVISOR
