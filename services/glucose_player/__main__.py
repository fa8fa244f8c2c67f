"""Start the player: `python -m services.glucose_player --nats URL --pump ID --file FILE`."""

import sys

from schemas.units import Actor
from services.glucose_player.player import play
from services.runtime.platform.logs import get_logger
from services.runtime.platform.trace_file import read_trace, trace_hash
from services.runtime.process.client_process import ClientWorld, client_parser, run_client

log = get_logger()


async def _work(world: ClientWorld) -> None:
    given = world.arguments
    if given.file is None:
        raise ValueError("--file is missing: there is nothing to play")
    trace = read_trace(given.file, unit=given.unit, zone=given.zone)
    for problem in trace.problems:
        log.warning("player.line_left_out", line=problem.line, reason=problem.reason)
    await play(
        trace.readings,
        sha256=trace_hash(given.file),
        client=world.client,
        clock=world.clock,
        pump=given.pump,
    )


if __name__ == "__main__":
    sys.exit(
        run_client(
            "glucose_player",
            _work,
            actor=Actor("service:glucose_player"),
            parser=client_parser("glucose_player", does="Plays a trace of glucose."),
        )
    )
