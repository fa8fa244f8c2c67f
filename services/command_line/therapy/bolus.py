"""Give an amount of your own in U, within the same limits."""

import argparse
from typing import Final

from core.deciders.names import BOLUS_ADVISOR
from schemas.bolus.orders import OrderBolus, OrderPreset
from schemas.message import Command
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_order, add_spread
from services.command_line.output.exit_codes import wrong_input
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session
from services.command_line.therapy.order_answers import show_order

EXAMPLE: Final = """
basalt bolus 1.25
basalt bolus 4 --over 3h --now 50%
basalt bolus --preset snack
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the amount or the preset, and how it is spread."""
    parser.add_argument(
        "amount", type=value_types.units, nargs="?", metavar="UNITS", help="U, steps of 0.05 U"
    )
    parser.add_argument("--preset", metavar="NAME", help="what 'basalt preset' keeps by that name")
    add_spread(parser)
    add_order(parser)


def run(arguments: argparse.Namespace) -> int:
    """Order an amount of the person's own, or one kept by a name."""
    if (arguments.amount is None) == (arguments.preset is None):
        raise wrong_input("either UNITS or --preset NAME; nothing was sent")
    if arguments.preset is not None and (arguments.over or arguments.now):
        raise wrong_input("a preset says itself how it is spread; nothing was sent")
    command: Command = OrderPreset(name=arguments.preset or "", confirmed=arguments.confirm)
    if arguments.amount is not None:
        command = OrderBolus(
            amount=arguments.amount,
            duration=arguments.over,
            now_percent=arguments.now,
            confirmed=arguments.confirm,
        )

    async def work(session: Session) -> int:
        outcome = await session.send(command, to=BOLUS_ADVISOR)
        return await show_order(session, outcome, wait=not arguments.no_wait)

    return run_session(choices(arguments), work)
