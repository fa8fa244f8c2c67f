"""Start the person: `python -m services.scripted_person --nats URL --pump ID --zone NAME`."""

import sys
from collections.abc import Sequence

from core.formats.glucose_readings import FileReading
from schemas.units import Actor
from services.runtime.platform.trace_file import read_trace
from services.runtime.process.client_process import ClientWorld, client_parser, run_client
from services.scripted_person.person import Person


async def _work(world: ClientWorld) -> None:
    given = world.arguments
    trace: Sequence[FileReading] = ()
    if given.file is not None:
        trace = read_trace(given.file, unit=given.unit, zone=given.zone).readings
    person = Person(
        client=world.client,
        clock=world.clock,
        pump=given.pump,
        zone=given.zone or "UTC",
        trace=trace,
    )
    await person.live()


if __name__ == "__main__":
    sys.exit(
        run_client(
            "scripted_person",
            _work,
            actor=Actor("person:scripted"),
            parser=client_parser("scripted_person", does="Eats three meals a day, by advice."),
        )
    )
