"""What comes of holding a journal against what is decided of it today."""

from dataclasses import dataclass

from core.record.decision_diff import EventChange
from schemas.units import PumpId, UtcMillis


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where a journal and its decider do not agree."""

    pump: PumpId
    position: int
    text: str


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What came of making decisions again."""

    decisions: int
    events: int
    differences: tuple[Difference, ...]
    changed: tuple["Changed", ...] = ()
    """[-] the decisions among the differences that come out otherwise today."""
    versions: tuple["Versions", ...] = ()
    """[-] under which the journal was written, in the order of its restarts."""
    today: "Versions | None" = None
    """[-] under which the decisions were made again."""


@dataclass(frozen=True, slots=True)
class Versions:
    """What a process ran by."""

    release: str
    """[-] of Basalt; empty before the first restart, which is the first to name it."""
    tzdata: str
    """[-] of the time-zone data."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A decision that comes out otherwise than it did."""

    pump: PumpId
    position: int
    """[-] of the line that led to it."""
    at: UtcMillis
    """[ms] therapy time."""
    heard: str
    """[-] id of what led to it."""
    kind: str
    """[-] name of what led to it."""
    versions: Versions | None
    """[-] under which it was decided; None before the first start on record."""
    events: tuple[EventChange, ...]
    """[-] what is said otherwise."""


@dataclass(eq=False)
class BrokenOff(Exception):
    """Somebody stopped it in the middle."""

    report: VerificationReport
    """[-] so far."""
    at: UtcMillis
    """[ms] therapy time of the first decision that was not held against what is stored."""
