"""The only place that reads a clock: therapy time and real time from one shared record."""

import os
import time
import zlib
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec

from schemas.message import Now
from schemas.units import Milliseconds, UtcMillis

SPEED_MAX = 600
"""[-] therapy seconds in a real second."""


BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""[-] where Linux names the boot."""


class Unproven(NamedTuple):
    """Therapy time that only a clock says has passed before a run."""

    since: UtcMillis
    """[ms] the last instant known before it."""
    passed: Milliseconds
    """[ms] its length; 0 where all is proven."""


NOTHING_UNPROVEN: Final = Unproven(UtcMillis(0), Milliseconds(0))


class Clock(Protocol):
    """Tells the time of the therapy and of the world."""

    unproven: Unproven
    """[-] what of the time before this run nothing proves."""

    def now(self) -> Now:
        """Read both times; neither goes back within a process."""
        ...


class ClockRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where therapy time stood at one real instant, and how fast it runs."""

    real: UtcMillis
    """[ms] real anchor."""
    therapy: UtcMillis
    """[ms] therapy time at the real anchor."""
    speed: int
    """[-] 1 to 600."""
    boot_ns: int | None = None
    """[ns] the machine's boot-time clock at the anchor; None between runs."""
    boot: str = ""
    """[-] which boot of the machine it was written in; empty where that is not known."""
    counted_ns: int | None = None
    """[ns] the boot-time clock when it was written."""
    unproven_since: UtcMillis = UtcMillis(0)
    """[ms] the last therapy time known before the step below."""
    unproven: Milliseconds = Milliseconds(0)
    """[ms] by which therapy time stepped before this run and nothing but a clock says so."""
    checksum: str = ""
    """[-] CRC-32 over all else, 8 hex digits; empty in files of a release before 0.3."""


class SystemClock:
    """The machine's clock, scaled by the shared record of the data folder.

    Elapsed time is taken from the monotonic clock, so that a step of the wall clock neither
    repeats nor skips a pulse (R85). Without a record therapy time is real time at speed 1.
    """

    def __init__(self, *, record: ClockRecord | None = None) -> None:
        """Anchor the clock; `record` is that of the data folder, shared by all processes."""
        self._boot_ns = boot_ns()
        real = wall_ms()
        self.unproven = (
            NOTHING_UNPROVEN if record is None else Unproven(record.unproven_since, record.unproven)
        )
        if record is None:
            record = ClockRecord(real=real, therapy=real, speed=1)
        elif record.boot_ns is not None:
            real = UtcMillis(record.real + (self._boot_ns - record.boot_ns) // 1_000_000)
        self._real = real
        self._therapy = UtcMillis(record.therapy + (real - record.real) * record.speed)
        self._speed = record.speed

    def now(self) -> Now:
        """Read both times."""
        elapsed_ms = (boot_ns() - self._boot_ns) // 1_000_000
        return Now(
            therapy=UtcMillis(self._therapy + elapsed_ms * self._speed),
            real=UtcMillis(self._real + elapsed_ms),
            speed=self._speed,
        )


class FakeClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, *, therapy: UtcMillis, speed: int = 1) -> None:
        """Start at a therapy instant; real time starts at the same number."""
        self._now = Now(therapy=therapy, real=therapy, speed=speed)
        self.unproven = NOTHING_UNPROVEN

    def now(self) -> Now:
        """Read both times."""
        return self._now

    def advance(self, *, therapy_ms: int) -> None:
        """Move therapy time on, and real time by its part, rounded up."""
        if therapy_ms < 0:
            raise ValueError(f"time does not go back: {therapy_ms} ms")
        real_ms = -(-therapy_ms // self._now.speed)
        self._now = Now(
            therapy=UtcMillis(self._now.therapy + therapy_ms),
            real=UtcMillis(self._now.real + real_ms),
            speed=self._now.speed,
        )


def wall_ms() -> UtcMillis:
    """Read the machine's wall clock."""
    return UtcMillis(time.time_ns() // 1_000_000)


def _sealed(record: ClockRecord) -> ClockRecord:
    """Give a record with where it was written, and its checksum."""
    written = msgspec.structs.replace(record, boot=boot_id(), counted_ns=boot_ns())
    return msgspec.structs.replace(written, checksum=_checksum(written))


def _checksum(record: ClockRecord) -> str:
    bare = msgspec.structs.replace(record, checksum="")
    return f"{zlib.crc32(msgspec.json.encode(bare)):08x}"


def boot_ns() -> int:
    """Read the clock that counts on through sleep and never steps."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def boot_id() -> str:
    """Name this boot of the machine; empty where the system does not say."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def read_clock_record(path: Path) -> ClockRecord:
    """Read the shared record.

    Raises:
        FileNotFoundError: there is none.
        ValueError, msgspec.DecodeError: it is broken.
    """
    record = msgspec.json.decode(path.read_bytes(), type=ClockRecord)
    is_older = not record.checksum and record.counted_ns is None
    if not is_older and record.checksum != _checksum(record):
        raise ValueError("it does not match its checksum")
    return record


def write_clock_record(path: Path, record: ClockRecord) -> None:
    """Replace the shared record in one step, durable before it returns."""
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(_sealed(record)))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
