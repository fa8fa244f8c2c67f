"""What can go wrong in the runtime, as exceptions with fields."""

from dataclasses import dataclass


class BasaltError(Exception):
    """Anything that the runtime raises by intent."""


@dataclass(eq=False)
class PumpTimeout(BasaltError):
    """The pump did not answer in time; what was asked may or may not have happened."""

    act: str


@dataclass(eq=False)
class PumpRefusedError(BasaltError):
    """The pump answered no, with its reason; nothing was done."""

    reason: str

    def __str__(self) -> str:
        """Give the reason."""
        return self.reason


@dataclass(eq=False)
class PumpSupersededError(BasaltError):
    """The pump obeys a controller with a higher epoch."""

    epoch: int

    def __str__(self) -> str:
        """Name the epoch."""
        return f"epoch {self.epoch} drives the pump"


@dataclass(eq=False)
class PublishUnknown(BasaltError):
    """The broker did not answer in time: what was sent may or may not be stored."""

    reason: str


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


@dataclass(eq=False)
class StoreBroken(BasaltError):
    """The journal cannot be opened or read."""

    path: str
    reason: str

    def __str__(self) -> str:
        """Name the file and what is wrong with it."""
        return f"{self.path}: {self.reason}"


@dataclass(eq=False)
class StoreMissing(StoreBroken):
    """There is no such journal."""


@dataclass(eq=False)
class CopyRefused(BasaltError):
    """A journal is not copied, or its copy is not what it should be."""

    reason: str

    def __str__(self) -> str:
        """Say why."""
        return self.reason


@dataclass(eq=False)
class StoreUrlWrong(BasaltError):
    """What was said of a store names none."""

    reason: str

    def __str__(self) -> str:
        """Say what it looks like."""
        return self.reason


class ArchiveBroken(BasaltError):
    """A file is no archive, is cut short, or cannot be made of this record."""


@dataclass(eq=False)
class StoreUnreachable(BasaltError):
    """The server of a journal does not answer, or went away: the process ends and comes back."""

    path: str
    reason: str

    def __str__(self) -> str:
        """Name the server and what it said last."""
        return f"{self.path} is not reachable: {self.reason}"


@dataclass(eq=False)
class StoreUnwritable(BasaltError):
    """A step could not be stored: nothing of it has happened, and the process ends."""

    path: str
    reason: str

    def __str__(self) -> str:
        """Name the file, what went wrong, and what to look at."""
        return f"{self.path} cannot be written: {self.reason}; is the disk full?"


@dataclass(eq=False)
class JournalAltered(BasaltError):
    """A line of a journal is not what was written: nothing is decided upon it."""

    pump: str
    position: int
    reason: str

    def __str__(self) -> str:
        """Name the place, and what helps."""
        return (
            f"line {self.position} of pump {self.pump}: {self.reason}; put the journal aside and "
            "start again: the past is taken over from the others"
        )


@dataclass(eq=False)
class OrderKeyBroken(BasaltError):
    """A key for bolus orders cannot be read; without it no order is signed or authenticated."""

    path: str
    reason: str

    def __str__(self) -> str:
        """Name the file and what is wrong with it."""
        return f"order key {self.path}: {self.reason}"


@dataclass(eq=False)
class PumpScriptBroken(BasaltError):
    """A script of faults for a virtual pump cannot be read."""

    path: str
    reason: str

    def __str__(self) -> str:
        """Name the file and what is wrong with it."""
        return f"script of faults {self.path}: {self.reason}"


@dataclass(eq=False)
class PumpPowerLost(BasaltError):
    """The pump has lost its power in this very moment: nothing is said and nothing saved."""


@dataclass(eq=False)
class BusKeyBroken(BasaltError):
    """The seed of a broker's user cannot be read; without it nobody connects."""

    path: str
    reason: str

    def __str__(self) -> str:
        """Name the file and what is wrong with it."""
        return f"key {self.path}: {self.reason}"


@dataclass(eq=False)
class BusUnreachable(BasaltError):
    """The first connection to the broker failed."""

    url: str
    reason: str

    def __str__(self) -> str:
        """Name the broker and what is wrong with it."""
        return f"{self.url}: {self.reason}"


@dataclass(eq=False)
class RestoredFromOldCopy(BasaltError):
    """The world knows newer events of this service than its own journal does."""

    pump: str
    own: int
    known: int

    def __str__(self) -> str:
        """Say how far the journal goes, how far the world, and what helps."""
        return (
            f"the journal knows {self.own} own events of pump {self.pump}, the others {self.known};"
            " those between are asked for at each start, and nobody gives them: put back a newer "
            "copy of it, or start the historian"
        )


@dataclass(eq=False)
class ZoneError(BasaltError):
    """There is no time zone of this name."""

    zone: str

    def __str__(self) -> str:
        """Name the zone, and say what a name looks like."""
        return f"no time zone is called {self.zone!r}; names look like Europe/Berlin"
