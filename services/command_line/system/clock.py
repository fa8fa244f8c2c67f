"""Show the system's clock, or say whether time that nothing proves has passed.

After a restart of the machine only its wall clock says how long the system stood. Where that is
more than 5 min beyond what is proven, limits and insulin on board count as if it had not passed,
and basal goes on, until somebody says 'passed' or 'wrong'.

'passed': it has, insulin given before has acted that long. 'wrong': the clock was set, before or
now; insulin given before ages from the start on. Neither can be taken back.

Therapy time never goes back: after a clock that was ahead, profiles run ahead by so much, until the
machine's clock has caught up or a new data folder is begun.
"""

import argparse
from typing import Final

from core.deciders.names import ACTUATOR
from core.formats.display import lasting
from schemas.delivery.clock_check import ConfirmTime
from schemas.units import Milliseconds
from services.command_line.grammar.common_options import add_because
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import DONE
from services.command_line.output.options import choices
from services.command_line.session import Session, print_json, run_session, send_command
from services.runtime.platform.clock import wall_ms

EXAMPLE: Final = """
basalt clock
basalt clock passed --because 'the computer was off over night'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is said of the time, and the reason."""
    parser.add_argument(
        "word", choices=("passed", "wrong"), nargs="?", help="without it: show the clock"
    )
    add_because(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the clock, or take a person's word on it."""
    if arguments.word is None:
        return run_session(choices(arguments), _show)
    word = ConfirmTime(passed=arguments.word == "passed", because=arguments.because)
    return send_command(arguments, word, to=ACTUATOR)


async def _show(session: Session) -> int:
    now, machine = session.clock.now(), wall_ms()
    unproven = Milliseconds((await session.view(ACTUATOR)).get("time_unproven", 0))
    if session.as_json:
        print_json(
            {
                "therapy": moment(now.therapy),
                "real": moment(now.real),
                "machine": moment(machine),
                "speed": now.speed,
                "unproven_ms": unproven,
            }
        )
        return DONE
    print(f"therapy time  {moment(now.therapy)}, {now.speed} s in a real second")
    print(f"real time     {moment(now.real)}")
    print(f"the machine's {moment(machine)}")
    if unproven:
        print(
            f"{lasting(unproven)} passed by the clock alone: limits and insulin on board count as "
            "if they had not; say 'basalt clock passed' or 'basalt clock wrong'"
        )
    return DONE
