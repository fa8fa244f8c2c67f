"""Keeper of the shared clock: therapy time goes on over restarts and never goes back."""

import asyncio
import contextlib
from pathlib import Path

import msgspec

from schemas.units import UtcMillis
from services.runtime.platform.clock import (
    SPEED_MAX,
    ClockRecord,
    SystemClock,
    boot_ns,
    read_clock_record,
    wall_ms,
    write_clock_record,
)
from services.runtime.platform.data_folder import DataFolder
from services.supervisor.errors import StartRefused

HEARTBEAT_S = 1.0
"""[s] real time between two notes of where therapy time stands."""

UNSEEN_MS = 2 * round(HEARTBEAT_S * 1_000)
"""[ms] real time that may have passed between the last note and a kill; two notes' worth."""

DEMONSTRATION_SPEED = 30
"""[-] therapy seconds in a real second when a trace plays and nobody says otherwise."""


def resumed(
    *,
    record: ClockRecord | None,
    seen: ClockRecord | None,
    begins_at: UtcMillis | None,
    speed: int | None,
    real: UtcMillis,
    boot: int,
) -> ClockRecord:
    """Compute the record to go on with.

    Args:
        record: of the last run; None at the first start. Paused (`boot_ns` None) after a clean
            stop, else the run was killed.
        seen: the last note of that run; its therapy time was reached for certain.
        begins_at: [ms] therapy time of the first start; None for real time.
        speed: 1 to 600; None keeps that of the last run.
        real: [ms] wall clock now; one that was set back does not take real time back with it.
        boot: [ns] boot clock now; an anchor of another boot of the machine means nothing.

    Returns:
        Running, anchored now, at or after all therapy time of the last run.
    """
    known = [kept.therapy for kept in (record,) if kept]
    real = max([real, *(kept.real for kept in (record, seen) if kept)])
    if seen is not None:
        was_killed = record is None or record.boot_ns is not None
        known.append(UtcMillis(seen.therapy + (UNSEEN_MS * seen.speed if was_killed else 0)))
    if begins_at is None:
        known.append(real)
    elif not known:
        known.append(begins_at)
    before = record.speed if record else 1 if begins_at is None else DEMONSTRATION_SPEED
    return ClockRecord(real=real, therapy=max(known), speed=speed or before, boot_ns=boot)


class ClockKeeper:
    """Writes the shared record at start and stop, and a note each second in between."""

    def __init__(self, folder: DataFolder) -> None:
        """Keep the clock of this folder."""
        self._record_path = folder.clock
        self._seen_path = folder.path / "clock_seen.json"
        self.clock = SystemClock()

    def start(self, *, begins_at: UtcMillis | None, speed: int | None) -> ClockRecord:
        """Anchor the clock for this run.

        Raises:
            StartRefused: a file of the clock is broken, or the speed out of range.
            OSError: the folder cannot be written.
        """
        if speed is not None and not 1 <= speed <= SPEED_MAX:
            raise StartRefused(f"speed {speed} is not between 1 and {SPEED_MAX}")
        record = resumed(
            record=_read(self._record_path),
            seen=_read(self._seen_path),
            begins_at=begins_at,
            speed=speed,
            real=wall_ms(),
            boot=boot_ns(),
        )
        self.clock = SystemClock(record=record)
        self._note()
        write_clock_record(self._record_path, record)
        return record

    async def beat(self) -> None:
        """Note each second where therapy time stands, for the start after a kill."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            # A full disk must not stop the therapy; the note is then older, and time is not lost:
            # the record itself keeps the anchor.
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._note)

    def pause(self) -> None:
        """Stop therapy time; every process that used it has ended."""
        write_clock_record(self._record_path, self._now())

    def _note(self) -> None:
        write_clock_record(self._seen_path, self._now())

    def _now(self) -> ClockRecord:
        now = self.clock.now()
        return ClockRecord(real=now.real, therapy=now.therapy, speed=now.speed)


def _read(path: Path) -> ClockRecord | None:
    try:
        record = read_clock_record(path)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise StartRefused(f"the clock {path} is broken: {error}") from error
    if not 1 <= record.speed <= SPEED_MAX:
        raise StartRefused(f"the clock {path} is broken: speed {record.speed}")
    return record
