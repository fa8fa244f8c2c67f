"""What is to be done with one message of the stream."""

from dataclasses import dataclass

import msgspec

from core.kernel.decider import Entry
from schemas.message import Report
from schemas.units import CommandId, PumpId, Speaker, UtcMillis
from services.runtime.ports import StreamHead


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """Something for `decide`: the entry, the bytes to store, and what moves with it."""

    pump: PumpId
    entry: Entry
    subject: str
    data: bytes
    head: tuple[Speaker, StreamHead] | None = None
    command: CommandId | None = None
    reply: str = ""


class Quarantined(msgspec.Struct, frozen=True, gc=False):
    """A report that enters `decide` in place of bytes that cannot, the bytes beside it."""

    pump: PumpId
    report: Report
    data: bytes
    head: tuple[Speaker, StreamHead] | None = None
    command: CommandId | None = None
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A command that was obeyed before: its stored outcome goes out again."""

    outcome: bytes
    reply: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Heard before, or nothing for this listener."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Events first..last of a speaker must be fetched before this one can be heard."""

    pump: PumpId
    speaker: Speaker
    first: int
    last: int
    until: UtcMillis = UtcMillis(0)
    """[ms] real time at which this one was said; 0 if it cannot be read."""
    was_heard: bool = False
    """[-] this one follows upon its own speaker's, and that speaker had heard the missing ones."""


class Observed(msgspec.Struct, frozen=True, gc=False):
    """A command to somebody else, to be kept and not to be obeyed."""

    pump: PumpId
    entry: Entry
    subject: str
    data: bytes
    command: CommandId
    """[-] under which it is kept: another service may know another command by the same id."""


InboxResult = Accepted | Quarantined | Duplicate | Ignored | Gap | Observed
