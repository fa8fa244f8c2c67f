"""Ask how much insulin to give, for g of carbohydrate and the glucose of now."""

import argparse
from typing import Final

from core.deciders.names import BOLUS_ADVISOR
from schemas.bolus.advice import RequestAdvice
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_spread
from services.command_line.output.exit_codes import DONE, REFUSED
from services.command_line.output.options import choices
from services.command_line.session import Session, print_json, run_session
from services.command_line.therapy.order_answers import show_answer

EXAMPLE: Final = """
basalt advise --carbs 45
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the meal, and how its bolus is spread."""
    add_spread(parser)
    parser.add_argument(
        "--carbs",
        type=value_types.grams,
        default=0,
        metavar="GRAMS",
        help="0 to 300 g about to be eaten",
    )


def run(arguments: argparse.Namespace) -> int:
    """Ask for an advice and print each of its terms."""

    async def work(session: Session) -> int:
        wanted = RequestAdvice(
            carbs=arguments.carbs, duration=arguments.over, now_percent=arguments.now
        )
        outcome = await session.send(wanted, to=BOLUS_ADVISOR)
        if session.as_json:
            print_json(outcome)
        else:
            show_answer(session, outcome)
        return DONE if outcome.accepted else REFUSED

    return run_session(choices(arguments), work)
