"""Give what was advised; refused if anything that matters has changed since."""

import argparse
import sys
from typing import Final

from core.deciders.names import BOLUS_ADVISOR
from schemas.bolus.advice import AcceptAdvice
from schemas.units import EventId, MilliUnits
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_order
from services.command_line.output.event_messages import signed_units
from services.command_line.output.exit_codes import REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.output.prompts import says_yes
from services.command_line.session import Session, run_session
from services.command_line.therapy.order_answers import show_order

EXAMPLE: Final = """
basalt accept bolus_advisor:p1:12
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which advice, and what of it."""
    parser.add_argument(
        "advice", nargs="?", metavar="ADVICE", help="its id; the newest, after a question"
    )
    parser.add_argument(
        "--amount",
        type=value_types.units,
        metavar="UNITS",
        help="another amount, in the same limits",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before the newest is given")
    add_order(parser)


def run(arguments: argparse.Namespace) -> int:
    """Accept an advice, by default the newest one."""

    async def work(session: Session) -> int:
        advice, heard = arguments.advice, dict[str, int]()
        if advice is None:
            advice, heard = await _newest(session, ask=not arguments.yes)
        wanted = AcceptAdvice(
            advice=EventId(advice),
            versions_seen=heard,
            amount=arguments.amount,
            confirmed=arguments.confirm,
        )
        outcome = await session.send(wanted, to=BOLUS_ADVISOR)
        return await show_order(session, outcome, wait=not arguments.no_wait)

    return run_session(choices(arguments), work)


async def _newest(session: Session, *, ask: bool) -> tuple[str, dict[str, int]]:
    """Name the newest advice and what was known when it was shown; ask, for it may be another's."""
    if ask and not sys.stdin.isatty():
        raise wrong_input("nobody is there to ask: say which advice, or --yes; nothing was sent")
    view = await session.view(BOLUS_ADVISOR)
    advice, amount = view.get("advice"), view.get("advised")
    if advice is None or amount is None:
        raise CommandFailed("there is no advice; ask for one with 'basalt advise'", REFUSED)
    if ask and not says_yes(f"give {signed_units(MilliUnits(amount))}, advice {advice}?"):
        raise CommandFailed("nothing was given", REFUSED)
    return str(advice), view.get("heard", {})
