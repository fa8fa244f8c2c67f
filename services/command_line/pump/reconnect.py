"""Put the pump on again: basal flows, what was missed is shown."""

import argparse
from typing import Final

from schemas.delivery.pump import ResumeDelivery
from services.command_line.grammar.common_options import add_because
from services.command_line.pump.switch import switch

EXAMPLE: Final = """
basalt reconnect
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the reason."""
    add_because(parser, text="kept on record", default="reconnect")


def run(arguments: argparse.Namespace) -> int:
    """Deliver again, and wait until the pump says so."""
    return switch(arguments, ResumeDelivery(because=arguments.because), suspended=False)
