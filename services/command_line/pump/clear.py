"""Let the pump's motor turn again, after what stopped it was mended."""

import argparse
from typing import Final

from schemas.delivery.mechanism import ClearPumpFault
from services.command_line.following import obey
from services.command_line.grammar.common_options import add_because
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session

EXAMPLE: Final = """
basalt clear --because 'set changed'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what was done."""
    add_because(parser, text="what was done")


def run(arguments: argparse.Namespace) -> int:
    """Let the motor turn again, and wait until the pump says so."""

    async def work(session: Session) -> int:
        return await obey(
            session,
            ClearPumpFault(because=arguments.because),
            lambda view: view.get("fault") is None,
            unseen="that its motor may turn",
            said="the motor may turn",
        )

    return run_session(choices(arguments), work)
