"""Record carbohydrate eaten without a bolus, in g."""

import argparse
from typing import Final

from core.deciders.names import BOLUS_ADVISOR
from schemas.bolus.advice import RecordCarbs
from services.command_line.grammar import value_types
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session

EXAMPLE: Final = """
basalt carbs 45
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how much, and when it was eaten."""
    parser.add_argument("grams", type=value_types.grams, metavar="GRAMS", help="1 to 300 g")
    parser.add_argument("--at", type=value_types.instant, metavar="TIME", help="eaten then; now")


def run(arguments: argparse.Namespace) -> int:
    """Record carbohydrate."""

    async def work(session: Session) -> int:
        eaten_at = arguments.at or session.clock.now().therapy
        eaten = RecordCarbs(grams=arguments.grams, eaten_at=eaten_at)
        return await session.handle(eaten, to=BOLUS_ADVISOR)

    return run_session(choices(arguments), work)
