"""Go on although events of a service are missing, after checking the pump."""

import argparse
from typing import Final

from core.deciders.names import SPEAKERS
from schemas.record import SettleHistory
from services.command_line.output.exit_codes import REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.person.active_alarms import active_alarms
from services.command_line.session import Session, run_session

EXAMPLE: Final = """
basalt settle actuator
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the service."""
    parser.add_argument("speaker", metavar="SERVICE", help="whose events are given up")


def run(arguments: argparse.Namespace) -> int:
    """Give up the missing events of a service, with everybody who misses them."""

    async def work(session: Session) -> int:
        wanted = f"history_missing_{arguments.speaker}"
        active = await active_alarms(session)
        missing = [name for name, alarm in active if alarm.alarm == wanted]
        if not missing:
            raise CommandFailed(f"nobody misses events of {arguments.speaker!r}", REFUSED)
        command = SettleHistory(speaker=arguments.speaker)
        return max([await session.handle(command, to=name) for name in missing])

    if arguments.speaker not in SPEAKERS:
        raise wrong_input(f"no service {arguments.speaker!r} speaks; known: {', '.join(SPEAKERS)}")
    return run_session(choices(arguments), work)
