"""`basalt up`: hands over to the supervisor."""

import argparse

from services.command_line.output.options import choices
from services.supervisor.up import UpOptions, run_up


def up(arguments: argparse.Namespace) -> int:
    """Start everything, and give the supervisor's exit code."""
    chosen = choices(arguments)
    options = UpOptions(
        data=chosen.data,
        host=arguments.host,
        port=arguments.port,
        speed=arguments.speed,
        glucose=arguments.glucose,
        unit=arguments.unit,
        zone=arguments.zone,
        person=not arguments.no_person,
        screen=not arguments.no_screen,
        for_s=arguments.for_s,
        pump=chosen.pump,
        store=arguments.store,
        pump_faults=arguments.pump_faults,
    )
    return run_up(options)
