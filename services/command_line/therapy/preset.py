"""List the amounts kept for a quick bolus, keep one by a name, or forget it."""

import argparse
from typing import Any, Final

from core.deciders.names import BOLUS_ADVISOR
from schemas.bolus.orders import SetBolusPreset
from schemas.units import MilliUnits
from services.command_line.grammar import value_types
from services.command_line.grammar.common_options import add_because
from services.command_line.output.event_messages import signed_units
from services.command_line.output.exit_codes import DONE, wrong_input
from services.command_line.output.options import choices
from services.command_line.output.tables import print_table
from services.command_line.session import Session, run_session
from services.command_line.therapy.order_answers import over_minutes

EXAMPLE: Final = """
basalt preset
basalt preset snack 1.5
basalt preset pizza 4 --over 3h
basalt preset snack off
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the name and what is kept by it."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="1 to 64 characters")
    parser.add_argument("amount", nargs="?", type=value_types.units_or_off, help="U, or off")
    parser.add_argument(
        "--over", type=value_types.some_time, default=0, help="spread: 30m to 8h by most pumps"
    )
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """List the presets, keep one, or forget it."""
    if arguments.name is not None and arguments.amount is None:
        raise wrong_input("how much? such as 'basalt preset snack 1.5'; nothing was sent")

    async def work(session: Session) -> int:
        if arguments.name is None:
            return _show(await session.view(BOLUS_ADVISOR))
        command = SetBolusPreset(
            name=arguments.name,
            amount=arguments.amount,
            duration=arguments.over,
            because=arguments.because,
        )
        return await session.handle(command, to=BOLUS_ADVISOR)

    return run_session(choices(arguments), work)


def _show(view: dict[str, Any]) -> int:
    rows = [
        (one["name"], signed_units(MilliUnits(one["amount"])), over_minutes(one["duration"]))
        for one in view["presets"]
    ]
    if rows:
        print_table(("name", "amount", ""), rows, title="presets", right=frozenset({1}))
    else:
        print("no presets; keep one with 'basalt preset NAME UNITS'")
    return DONE
