"""Tell the pump that a new reservoir was put in, in U."""

import argparse
from typing import Final

from core.deciders.names import ACTUATOR
from schemas.delivery.pump import FillReservoir, ReservoirFillRequested
from services.command_line.following import follow_fill
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_because
from services.command_line.output.exit_codes import DONE
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session, said

EXAMPLE: Final = """
basalt fill 200
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how much insulin of which concentration is in it."""
    parser.add_argument("amount", type=value_types.units, metavar="UNITS", help="U, up to 300")
    parser.add_argument(
        "--concentration", type=value_types.concentration, default=100, help="U-100, the only one"
    )
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tell the pump of a new reservoir, and wait until it counts from there."""
    asked = FillReservoir(
        amount=arguments.amount,
        concentration=arguments.concentration,
        because=arguments.because,
    )

    async def work(session: Session) -> int:
        return await fill_now(session, asked)

    return run_session(choices(arguments), work)


async def fill_now(session: Session, asked: FillReservoir) -> int:
    """Tell of a new reservoir, and wait until the pump counts from it; give the exit code."""
    outcome = await session.send(asked, to=ACTUATOR)
    code = session.show(outcome)
    for name, event in zip(outcome.events, said(outcome), strict=True):
        if code == DONE and isinstance(event, ReservoirFillRequested):
            return await follow_fill(session, name)
    return code
