"""`basalt correct`: readings, insulin by pen and carbohydrate that were recorded wrong."""

import argparse

from schemas.corrections import CorrectCarbs, CorrectDose, VoidReading
from schemas.message import Command
from schemas.units import DoseId, EventId, Speaker
from services.command_line.grammar import value_types as texts
from services.command_line.output.exit_codes import wrong_input
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session


def correct(arguments: argparse.Namespace) -> int:
    """Send one correction to whoever recorded what was wrong."""
    command, to = _asked(arguments)

    async def work(session: Session) -> int:
        return await session.perform(command, to=to)

    return run_session(choices(arguments), work)


def _asked(arguments: argparse.Namespace) -> tuple[Command, Speaker]:
    because: str = arguments.because
    if arguments.what == "glucose":
        if arguments.amount is not None or arguments.at is not None:
            raise wrong_input("a reading is taken out whole; record the right one by itself")
        reading = EventId(arguments.id)
        return VoidReading(reading=reading, because=because), Speaker("glucose_ingest")
    if arguments.amount is None:
        raise wrong_input("what was it? AMOUNT is missing, 0 for none")
    try:
        if arguments.what == "pen":
            dose: Command = CorrectDose(
                dose=DoseId(arguments.id),
                amount=texts.units(arguments.amount),
                given_at=arguments.at,
                because=because,
            )
            return dose, Speaker("bolus_advisor")
        carbs = CorrectCarbs(
            carbs=EventId(arguments.id),
            grams=texts.grams(arguments.amount),
            eaten_at=arguments.at,
            because=because,
        )
    except argparse.ArgumentTypeError as error:
        raise wrong_input(str(error)) from error
    return carbs, Speaker("bolus_advisor")
