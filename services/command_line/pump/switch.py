"""Stops and starts the pump, and waits until it says so: four verbs do it."""

import argparse
import sys

from core.deciders.names import ACTUATOR
from core.formats.amounts import print_units
from schemas.message import Command
from schemas.units import EventId
from services.command_line.following import FOLLOW_S, missed_since, until
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import DONE, UNKNOWN
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session


def switch(arguments: argparse.Namespace, command: Command, *, suspended: bool) -> int:
    """Connect, and stop or start; give the exit code."""

    async def work(session: Session) -> int:
        return await switch_now(session, command, suspended=suspended)

    return run_session(choices(arguments), work)


async def switch_now(session: Session, command: Command, *, suspended: bool) -> int:
    """Stop or start, and wait until the pump says so; give the exit code."""
    outcome = await session.send(command, to=ACTUATOR)
    code = session.show(outcome)
    if code != DONE:
        return code
    if await until(session, lambda view: view.get("suspended") is suspended) is None:
        state = "suspended" if suspended else "delivering"
        print(
            f"basalt: the pump has not said within {FOLLOW_S:.0f} s that it is {state}; it may "
            "or may not be. Look with 'basalt status' and 'basalt alarms'",
            file=sys.stderr,
        )
        return UNKNOWN
    if not session.as_json:
        print("the pump stands" if suspended else "the pump delivers again")
        for one in () if suspended else missed_since(session, EventId(outcome.events[0])):
            print(
                f"{print_units(one.amount)} U of basal did not flow since {moment(one.starts_at)}"
            )
    return DONE
