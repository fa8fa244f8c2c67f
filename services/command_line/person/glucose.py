"""Record one glucose reading, in mg/dL or, with --mmol, in mmol/L."""

import argparse
from typing import Final

from core.deciders.names import GLUCOSE_INGEST
from core.formats.glucose_values import parse_glucose
from core.kernel.errors import GlucoseTextError
from schemas.glucose import GlucoseSource, GlucoseUnit, RecordReading
from services.command_line.grammar import value_types
from services.command_line.output.exit_codes import wrong_input
from services.command_line.output.options import choices
from services.command_line.session import Session, run_session

EXAMPLE: Final = """
basalt glucose 123
basalt glucose 6.8 --mmol --sensor
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the value, its unit and source, and when it was measured."""
    parser.add_argument("value", metavar="VALUE", help="a number, LOW or HIGH")
    parser.add_argument("--mmol", action="store_true", help="VALUE is in mmol/L")
    parser.add_argument("--sensor", action="store_true", help="of a sensor; a meter otherwise")
    parser.add_argument("--at", type=value_types.instant, metavar="TIME", help="measured then; now")


def run(arguments: argparse.Namespace) -> int:
    """Send the text as it was typed, once it is known to be a glucose."""
    unit: GlucoseUnit = "mmol/L" if arguments.mmol else "mg/dL"
    source: GlucoseSource = "sensor" if arguments.sensor else "meter"
    try:
        # Judged again where it arrives, for other programs send readings too.
        parse_glucose(arguments.value, unit=unit)
    except GlucoseTextError as error:
        raise wrong_input(f"{error}; nothing was sent") from error

    async def work(session: Session) -> int:
        reading = RecordReading(
            measured_at=arguments.at or session.clock.now().therapy,
            source=source,
            unit=unit,
            received=arguments.value,
            device="by hand",
        )
        return await session.handle(reading, to=GLUCOSE_INGEST)

    return run_session(choices(arguments), work)
