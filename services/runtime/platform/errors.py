"""What can go wrong in the runtime, as exceptions with fields."""

from dataclasses import dataclass

from core.kernel.errors import FieldsInText


class BasaltError(FieldsInText):
    """Anything that the runtime raises by intent."""


@dataclass(eq=False)
class ReasonError(BasaltError):
    """Something failed for a reason that says all."""

    reason: str

    TEXT = "{reason}"


@dataclass(eq=False)
class PathError(BasaltError):
    """Something is wrong with a file, a store or a server."""

    path: str
    reason: str

    TEXT = "{path}: {reason}"


@dataclass(eq=False)
class PumpTimeout(BasaltError):
    """The pump did not answer in time; what was asked may or may not have happened."""

    act: str


class PumpRefusedError(ReasonError):
    """The pump answered no, with its reason; nothing was done."""


@dataclass(eq=False)
class PumpSupersededError(BasaltError):
    """The pump obeys a controller with a higher epoch."""

    epoch: int

    TEXT = "epoch {epoch} drives the pump"


class PublishUnknown(ReasonError):
    """The broker did not answer in time: what was sent may or may not be stored."""


@dataclass(eq=False)
class WrongLastSequence(BasaltError):
    """The broker refused: this speaker's newest event is not the one expected."""

    expected: int


@dataclass(eq=False)
class StreamChanged(BasaltError):
    """The broker's stream is not the one that was followed, or has lost its end."""

    created: str
    last_sequence: int
    position: int


@dataclass(eq=False)
class HistoryUnavailable(BasaltError):
    """A service gave none of the events asked for."""

    asked: str
    reason: str


@dataclass(eq=False)
class SecondWriter(BasaltError):
    """Another process writes the same journal, or the bus knows events that it does not."""

    detail: str


class StoreBroken(PathError):
    """The journal cannot be opened or read."""


@dataclass(eq=False)
class StoreMissing(StoreBroken):
    """There is no such journal."""


class StoreFormatUnknown(PathError):
    """A store is of a newer format than this release knows, or its number is none."""


class CopyRefused(ReasonError):
    """A journal is not copied, or its copy is not what it should be."""


class StoreUrlWrong(ReasonError):
    """What was said of a store names none."""


class ArchiveBroken(BasaltError):
    """A file is no archive, is cut short, or cannot be made of this record."""


class StoreUnreachable(PathError):
    """The server of a journal does not answer, or went away: the process ends and comes back."""

    TEXT = "{path} is not reachable: {reason}"


class StoreUnwritable(PathError):
    """A step could not be stored: nothing of it has happened, and the process ends."""

    TEXT = "{path} cannot be written: {reason}; is the disk full?"


@dataclass(eq=False)
class JournalAltered(BasaltError):
    """A line of a journal is not what was written: nothing is decided upon it."""

    pump: str
    position: int
    reason: str

    TEXT = (
        "line {position} of pump {pump}: {reason}; put the journal aside and "
        "start again: the past is taken over from the others"
    )


class OrderKeyBroken(PathError):
    """A key cannot be read: without it nothing is signed, or authenticated by it."""

    TEXT = "the key {path}: {reason}"


class PumpScriptBroken(PathError):
    """A script of faults for a virtual pump cannot be read."""

    TEXT = "script of faults {path}: {reason}"


@dataclass(eq=False)
class PumpPowerLost(BasaltError):
    """The pump has lost its power in this very moment: nothing is said and nothing saved."""


class BusKeyBroken(PathError):
    """The seed of a broker's user cannot be read; without it nobody connects."""

    TEXT = "key {path}: {reason}"


@dataclass(eq=False)
class BusUnreachable(BasaltError):
    """The first connection to the broker failed."""

    url: str
    reason: str

    TEXT = "{url}: {reason}"


@dataclass(eq=False)
class RestoredFromOldCopy(BasaltError):
    """The world knows newer events of this service than its own journal does."""

    pump: str
    own: int
    known: int

    TEXT = (
        "the journal knows {own} own events of pump {pump}, the others {known};"
        " those between are asked for at each start, and nobody gives them: put back a newer "
        "copy of it, or start the historian"
    )


@dataclass(eq=False)
class ZoneError(BasaltError):
    """There is no time zone of this name."""

    zone: str

    TEXT = "no time zone is called {zone!r}; names look like Europe/Berlin"
