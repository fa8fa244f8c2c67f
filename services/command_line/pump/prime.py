"""Fill tube or cannula while the pump stands; it counts in the reservoir alone.

Off the body a tube takes what it needs; else 5 U in 60 min at most, for it could be in the body.
"""

import argparse
from typing import Final

from core.deciders.names import ACTUATOR
from schemas.delivery.mechanism import PrimePump, PrimeWhat
from schemas.units import MilliUnits
from services.command_line.following import obey
from services.command_line.grammar import value_types
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session

EXAMPLE: Final = """
basalt disconnect
basalt prime 2.6
basalt prime 0.5 --cannula
basalt reconnect
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how much, and what is filled."""
    parser.add_argument(
        "amount", type=value_types.units, metavar="UNITS", help="U, steps of 0.05 U"
    )
    parser.add_argument("--cannula", action="store_true", help="the cannula; the tube otherwise")


def run(arguments: argparse.Namespace) -> int:
    """Fill tube or cannula, and wait until the pump has counted it."""
    what: PrimeWhat = "cannula" if arguments.cannula else "tube"

    async def work(session: Session) -> int:
        return await prime_now(session, arguments.amount, what)

    return run_session(choices(arguments), work)


async def prime_now(session: Session, amount: MilliUnits, what: PrimeWhat) -> int:
    """Prime, and wait until the pump has counted it; give the exit code."""
    before = (await session.view(ACTUATOR)).get("primed_total", 0)
    return await obey(
        session,
        PrimePump(amount=amount, what=what),
        lambda view: view.get("primed_total", 0) > before,
        unseen="what it has primed",
        said=f"the {what} is filled; nothing of it is on board",
    )
