"""Record insulin given by pen or syringe, in U; it counts in limits and on board."""

import argparse
from typing import Final

from core.deciders.names import BOLUS_ADVISOR
from schemas.bolus.orders import RecordInjection
from services.command_line.grammar import value_types
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session

EXAMPLE: Final = """
basalt pen 4
basalt pen 6 --at 2026-03-01T07:30:00+01:00
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how much, and when it was given."""
    parser.add_argument("amount", type=value_types.units, metavar="UNITS", help="U, up to 100")
    parser.add_argument("--at", type=value_types.instant, metavar="TIME", help="given then; now")


def run(arguments: argparse.Namespace) -> int:
    """Record insulin that was given by pen or syringe."""

    async def work(session: Session) -> int:
        at = session.clock.now().therapy if arguments.at is None else arguments.at
        command = RecordInjection(amount=arguments.amount, given_at=at)
        return await session.handle(command, to=BOLUS_ADVISOR)

    return run_session(choices(arguments), work)
