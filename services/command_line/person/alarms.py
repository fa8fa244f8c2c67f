"""List the active alarms, acknowledge one, or silence one about glucose for a while."""

import argparse
from typing import Any, Final

from core.kernel.alarms import ActiveAlarm
from schemas.alarms import AcknowledgeAlarm, SnoozeAlarm
from schemas.units import Speaker, UtcMillis
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.person.active_alarms import active_alarms
from services.command_line.session import Session, print_json, run_session

EXAMPLE: Final = """
basalt alarms
basalt alarms ack glucose_low
basalt alarms snooze glucose_high
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is done, and with which alarm."""
    parser.add_argument(
        "act", nargs="?", choices=("ack", "snooze"), help="acknowledge or silence the alarm NAME"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="as 'basalt alarms' shows it")


def run(arguments: argparse.Namespace) -> int:
    """List the active alarms; acknowledge or silence one with whoever raised it."""
    if (arguments.act is None) != (arguments.name is None):
        raise wrong_input("which alarm? 'basalt alarms ack NAME' or 'basalt alarms snooze NAME'")
    reaction = SnoozeAlarm if arguments.act == "snooze" else AcknowledgeAlarm

    async def work(session: Session) -> int:
        active = await active_alarms(session)
        if arguments.name is None:
            return _list(active, as_json=session.as_json)
        raisers = [name for name, alarm in active if alarm.alarm == arguments.name]
        if not raisers:
            known = ", ".join(sorted({alarm.alarm for _, alarm in active})) or "none"
            raise CommandFailed(f"no alarm {arguments.name!r} is active; active: {known}", REFUSED)
        codes = [
            await session.handle(reaction(alarm=arguments.name), to=raiser) for raiser in raisers
        ]
        return max(codes)

    return run_session(choices(arguments), work)


def _list(active: list[tuple[Speaker, ActiveAlarm]], *, as_json: bool) -> int:
    if as_json:
        print_json([_as_json(name, alarm) for name, alarm in active])
        return DONE
    for name, alarm in active:
        seen = f", seen by {alarm.acknowledged_by}" if alarm.acknowledged_by else ""
        since = moment(UtcMillis(alarm.raised_at))
        print(f"{alarm.alarm}  ({alarm.priority}, {alarm.to}, {name}, since {since}{seen})")
        print(f"  {alarm.text}")
    if not active:
        print("no alarm is active")
    return DONE


def _as_json(name: Speaker, alarm: ActiveAlarm) -> dict[str, Any]:
    return {"speaker": name, **alarm._asdict()}
