"""Say in your name what a dose came to that nobody knows of, after looking at the pump."""

import argparse
from typing import Any, Final

from core.deciders.names import ACTUATOR
from schemas.delivery.unresolved_doses import SettleDose
from schemas.units import DoseId
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_because
from services.command_line.output.exit_codes import REFUSED, CommandFailed
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session

EXAMPLE: Final = """
basalt dose 1.5 --because 'read on the pump'
basalt dose 0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what was given, and of which dose."""
    parser.add_argument(
        "delivered", type=value_types.units, metavar="UNITS", help="U in all, 0 for none"
    )
    parser.add_argument("--id", metavar="DOSE", help="which; the one that is unknown")
    add_because(parser, text="what was seen")


def run(arguments: argparse.Namespace) -> int:
    """Say what an unknown dose came to."""

    async def work(session: Session) -> int:
        dose = arguments.id or _unknown(await session.view(ACTUATOR))
        command = SettleDose(
            dose=DoseId(dose), delivered=arguments.delivered, because=arguments.because
        )
        return await session.handle(command, to=ACTUATOR)

    return run_session(choices(arguments), work)


def _unknown(view: dict[str, Any]) -> str:
    """Name the dose that is unknown, if there is one and no other.

    Raises:
        CommandFailed: there is none, or it must be named.
    """
    both = [view.get("last_dose"), view.get("last_extended")]
    found = [one["dose"] for one in both if one and one["state"] == "unknown"]
    if view.get("unknown_doses", 0) == 0:
        raise CommandFailed("no dose is unknown; nothing was sent", REFUSED)
    if len(found) != 1 or view["unknown_doses"] > 1:
        raise CommandFailed("more than one dose is unknown; say which with --id", REFUSED)
    return str(found[0])
