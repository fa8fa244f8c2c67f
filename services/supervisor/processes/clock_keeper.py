"""Keeper of the shared clock: therapy time goes on over restarts and never goes back."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.formats.display import lasting
from schemas.message import Now
from schemas.units import MINUTE_MS, Milliseconds, UtcMillis
from services.runtime.platform.clock import (
    SPEED_MAX,
    ClockRecord,
    SystemClock,
    boot_id,
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

WALL_MS_MAX = 5 * MINUTE_MS
"""[ms] by which the wall clock may differ before somebody is asked about it."""

DEMONSTRATION_SPEED = 30
"""[-] therapy seconds in a real second when a trace plays and nobody says otherwise."""


class Machine(NamedTuple):
    """What the machine's clocks say."""

    wall: UtcMillis
    """[ms] its wall clock; one that was set back does not take real time back with it."""
    boot_ns: int
    """[ns] its boot clock; an anchor of another boot of the machine means nothing."""
    boot: str = ""
    """[-] which boot that is; empty where it is not known."""


def resumed(
    *,
    record: ClockRecord | None,
    seen: ClockRecord | None,
    begins_at: UtcMillis | None,
    speed: int | None,
    now: Machine,
    floor: Now | None = None,
    takes_wall: bool = False,
) -> ClockRecord:
    """Compute the record to go on with.

    Args:
        record: of the last run; None at the first start. Paused (`boot_ns` None) after a clean
            stop, else the run was killed.
        seen: the last note of that run; its therapy time was reached for certain.
        begins_at: [ms] therapy time of the first start; None for real time.
        speed: 1 to 600; None keeps that of the last run.
        now: the machine's clocks.
        floor: the newest instant that journals and pump have seen; therapy time is no earlier.
        takes_wall: a person says that the wall clock is right, whatever was counted.

    Returns:
        Running, anchored now, at or after all therapy time of the last run.
    """
    known = [kept.therapy for kept in (record, floor) if kept]
    is_first = not any((record, seen, floor))
    least = _proven_real(now, [kept for kept in (record, seen) if kept], floor)
    real = now.wall if least is None else _believed_real(now, least, takes_wall=takes_wall)
    if seen is not None:
        was_killed = record is None or record.boot_ns is not None
        known.append(UtcMillis(seen.therapy + (UNSEEN_MS * seen.speed if was_killed else 0)))
    proven = max([*known, real if least is None else least.real])
    if begins_at is None:
        known.append(real)
    elif not known:
        known.append(begins_at)
    unproven = 0 if is_first or begins_at is not None else max(known) - proven
    first = 1 if begins_at is None else DEMONSTRATION_SPEED
    before = next((kept.speed for kept in (record, seen, floor) if kept), first)
    is_doubted = unproven > WALL_MS_MAX
    return ClockRecord(
        real=real,
        therapy=max(known),
        speed=speed or before,
        boot_ns=now.boot_ns,
        unproven_since=UtcMillis(proven if is_doubted else 0),
        unproven=Milliseconds(unproven if is_doubted else 0),
    )


class _Proven(NamedTuple):
    """Real time that has passed for certain."""

    real: UtcMillis
    """[ms] no earlier than this."""
    is_counted: bool
    """[-] the machine counted on all the time: it is exactly this."""


def _proven_real(now: Machine, kept: Sequence[ClockRecord], floor: Now | None) -> _Proven | None:
    """Give the real time that something but the wall clock proves; None at the first start.

    Within one boot the machine has counted on. Across boots the time since the boot is certain,
    and that before it is not.
    """
    counted = [
        UtcMillis(one.real + (now.boot_ns - one.counted_ns) // 1_000_000)
        for one in kept
        if one.boot == now.boot != "" and one.counted_ns is not None
    ]
    if counted:
        return _Proven(max(counted), is_counted=True)
    seen = [*(one.real for one in kept), *([floor.real] if floor else [])]
    if not seen:
        return None
    is_another_boot = bool(now.boot) and all(one.boot not in ("", now.boot) for one in kept)
    since_boot = now.boot_ns // 1_000_000 if kept and is_another_boot else 0
    return _Proven(UtcMillis(max(seen) + since_boot), is_counted=False)


def _believed_real(now: Machine, least: _Proven, *, takes_wall: bool) -> UtcMillis:
    """Give real time: within one boot by the machine's count, else by its wall clock.

    A wall clock that was set between two runs, in either direction, neither opens a cap nor takes
    insulin off board. Across boots it is believed, until a person says whether it is right for
    nothing but basal; it never goes back.
    """
    if least.is_counted and not takes_wall:
        return least.real
    return max(now.wall, least.real)


class ClockKeeper:
    """Writes the shared record at start and stop, and a note each second in between."""

    def __init__(self, folder: DataFolder) -> None:
        """Keep the clock of this folder."""
        self._record_path = folder.clock
        self._seen_path = folder.path / "clock_seen.json"
        self.clock = SystemClock()
        self.problems: list[str] = []
        """[-] in words, for the person who starts the system."""

    def start(
        self,
        *,
        begins_at: UtcMillis | None,
        speed: int | None,
        floor: Now | None = None,
        takes_wall: bool = False,
    ) -> ClockRecord:
        """Anchor the clock for this run; what was wrong with its files stands in `problems`.

        Args:
            begins_at, speed, floor, takes_wall: as for `resumed`.

        Raises:
            StartRefused: the speed is out of range, or both files are broken and nothing else
                knows the time.
            OSError: the folder cannot be written.
        """
        if speed is not None and not 1 <= speed <= SPEED_MAX:
            raise StartRefused(f"speed {speed} is not between 1 and {SPEED_MAX}")
        kept = [self._read(path) for path in (self._record_path, self._seen_path)]
        if self.problems and not any(kept) and floor is None:
            raise StartRefused("; ".join(self.problems))
        machine = Machine(wall_ms(), boot_ns(), boot_id())
        record = resumed(
            record=kept[0],
            seen=kept[1],
            begins_at=begins_at,
            speed=speed,
            now=machine,
            floor=floor,
            takes_wall=takes_wall,
        )
        if record.unproven:
            self.problems.append(
                f"the clock says that {lasting(record.unproven)} passed since the last run, and "
                "nothing proves it: limits and insulin on board count as if they had not, until "
                "'basalt clock passed' or 'basalt clock wrong' says which; basal goes on"
            )
        ahead = machine.wall - record.real
        if abs(ahead) > WALL_MS_MAX:
            self.problems.append(_wall_differs(ahead, follows_wall=begins_at is None))
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

    def _read(self, path: Path) -> ClockRecord | None:
        """Read a file of the clock; a broken one is named, and counts as lost."""
        try:
            record = read_clock_record(path)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, ValueError) as error:
            self.problems.append(f"the clock {path} is broken and not used: {error}")
            return None
        if not 1 <= record.speed <= SPEED_MAX:
            self.problems.append(f"the clock {path} is broken and not used: speed {record.speed}")
            return None
        return record


def _wall_differs(ahead: int, *, follows_wall: bool) -> str:
    """Say that the machine's clock is not where this system's is; `ahead` in ms."""
    way = "ahead of" if ahead > 0 else "behind"
    text = (
        f"the machine's clock is {lasting(Milliseconds(abs(ahead)))} {way} this system's, which "
        "goes on by the time that has passed since it stopped"
    )
    if ahead > 0 and follows_wall:
        return f"{text}; if the machine's clock is right, stop and start with --machine-clock"
    if ahead < 0 and follows_wall:
        return (
            f"{text}; if the machine's clock is right, basal profiles run ahead by so much until "
            "it has caught up: begin a new data folder instead"
        )
    return f"{text}; is the machine's clock right?"
