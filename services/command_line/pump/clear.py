"""Let the pump's motor turn again, after what stopped it was mended."""

import argparse
from typing import Final

from core.deciders.names import ACTUATOR
from schemas.delivery.mechanism import ClearPumpFault
from services.command_line.following import silent, until
from services.command_line.grammar.common_options import add_because
from services.command_line.output.exit_codes import DONE
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
        code = await session.handle(ClearPumpFault(because=arguments.because), to=ACTUATOR)
        if code != DONE:
            return code
        if await until(session, lambda view: view.get("fault") is None) is None:
            return silent("that its motor may turn")
        if not session.as_json:
            print("the motor may turn")
        return DONE

    return run_session(choices(arguments), work)
