"""Stop the bolus that is being given; the part given stays counted."""

import argparse
from typing import Final

from core.deciders.names import ACTUATOR
from schemas.delivery.delivery import BolusCancelled, CancelBolus
from services.command_line.following import follow_cancel
from services.command_line.output.exit_codes import DONE
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session, said

EXAMPLE: Final = """
basalt cancel
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: one bolus runs, or none."""
    del parser


def run(arguments: argparse.Namespace) -> int:
    """Stop the bolus that runs, and wait until the pump says what was given."""

    async def work(session: Session) -> int:
        outcome = await session.send(CancelBolus(), to=ACTUATOR)
        code = session.show(outcome)
        doses = [event.dose for event in said(outcome) if isinstance(event, BolusCancelled)]
        return await follow_cancel(session, doses) if code == DONE and doses else code

    return run_session(choices(arguments), work)
