"""Plays a trace: each reading as a command at its therapy time, in order, once."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from core.deciders.glucose.state import GlucoseView
from core.formats.glucose_readings import FileReading, plain
from schemas.glucose import RecordReading
from schemas.units import DAY_MS, MINUTE_MS, CommandId, Milliseconds, PumpId, Speaker, UtcMillis
from services.runtime.nats.client import BusClient, OutcomeUnknown, ServiceAbsent
from services.runtime.platform.clock import Clock
from services.runtime.platform.logs import get_logger

GLUCOSE_INGEST: Final = Speaker("glucose_ingest")

BEFORE_START_MS = Milliseconds(10 * MINUTE_MS)
"""[ms] of the trace played at once at the first start, so that glucose is known from then on."""

SENT_AGAIN_MS = Milliseconds(15 * MINUTE_MS)
"""[ms] before the newest reading taken, sent again after a restart: a meter's value may be newer
than the sensor's last. The same ids make it harmless."""

SLEEP_S_MAX = 5.0
"""[s] longest sleep before the clock is looked at again."""

RETRY_S = 1.0
"""[s] between two tries of one command."""

_views: Final = msgspec.json.Decoder(dict[str, GlucoseView])
log = get_logger()


def command_of(reading: FileReading, *, sha256: str) -> tuple[CommandId, RecordReading]:
    """Make the command of a reading; the same file and line always have the same id."""
    command = RecordReading(
        measured_at=reading.at,
        source=reading.kind,
        unit=reading.unit,
        received=plain(reading),
        device=reading.device,
    )
    return CommandId(f"trace-{sha256[:16]}-{reading.line}"), command


def still_to_play(
    readings: Sequence[FileReading], *, taken: UtcMillis | None, now: UtcMillis
) -> Iterator[FileReading]:
    """Give the readings that are to be sent from now on.

    Args:
        readings: sorted by time.
        taken: [ms] time of the newest reading that glucose_ingest has; None when it has none.
        now: [ms] therapy time; what is more than a day older is no news to anybody.
    """
    since = now - BEFORE_START_MS if taken is None else taken - SENT_AGAIN_MS
    since = max(since, now - DAY_MS)
    return (reading for reading in readings if reading.at >= since)


async def newest_taken(client: BusClient, *, pump: PumpId) -> UtcMillis | None:
    """Ask glucose_ingest how far it is, for as long as it takes."""
    while True:
        try:
            views = _views.decode(await client.ask(GLUCOSE_INGEST, "state"))
        except (ServiceAbsent, msgspec.DecodeError) as error:
            log.info("player.waits", reason=str(error))
            await asyncio.sleep(RETRY_S)
            continue
        return views[pump].measured_at if pump in views else None


async def play(
    readings: Sequence[FileReading], *, sha256: str, client: BusClient, clock: Clock, pump: PumpId
) -> None:
    """Send what is still to play, each reading when its time has come."""
    taken = await newest_taken(client, pump=pump)
    for reading in still_to_play(readings, taken=taken, now=clock.now().therapy):
        await _until(reading.at, clock)
        await _send(reading, sha256=sha256, client=client, pump=pump)
    log.info("player.trace_ended")


async def _until(at: UtcMillis, clock: Clock) -> None:
    """Sleep until a therapy time."""
    while True:
        now = clock.now()
        if now.therapy >= at:
            return
        await asyncio.sleep(min(SLEEP_S_MAX, (at - now.therapy) / now.speed / 1_000 + 0.001))


async def _send(reading: FileReading, *, sha256: str, client: BusClient, pump: PumpId) -> None:
    """Send one reading until its outcome is known; a retry bears the same id."""
    name, command = command_of(reading, sha256=sha256)
    while True:
        try:
            outcome = await client.send(command, to=GLUCOSE_INGEST, pump=pump, command_id=name)
        except OutcomeUnknown as error:
            log.warning("player.no_outcome", command=name, reason=str(error))
            await asyncio.sleep(RETRY_S)
            continue
        if not outcome.accepted:
            log.info("player.reading_refused", line=reading.line, reason=outcome.reason)
        return
