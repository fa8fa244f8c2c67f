"""The shape that every decider has: pure functions, and the names of what it hears and says."""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import msgspec

from schemas.message import Command, Deadline, Event, Now, Report
from schemas.units import Actor, PumpId, Speaker, UtcMillis


class Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One line of a journal as a decider sees it: something heard, or something it said."""

    id: str
    """[-] event id, command id, or 'report:N' with the position in the journal."""
    at: UtcMillis
    """[ms] therapy time: of the decision for events, of arrival for commands and reports."""
    speaker: Speaker | None = None
    """[-] who said it, for events only."""
    actor: Actor | None = None
    """[-] who asked, for commands only."""
    sha256: str = ""
    """[-] hash (hex) of the stored bytes, for events only."""
    versions_seen: dict[str, int] = {}
    """[-] newest version of each other speaker that its speaker knew, for events only."""
    body: Event | Command | Report
    """[-] the message itself."""


class Effect(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Something that must happen in the world because of an event that is stored."""


StateT = TypeVar("StateT")


class Decider(ABC, Generic[StateT]):
    """One service's thinking: pure, with time as an argument.

    A subclass names what it exchanges and implements the six functions; the host calls nothing
    else. It has no state of its own: one instance serves every pump.
    """

    name: Speaker
    """[-] whose events they are; the service of the same name runs it."""
    subscribes_to: tuple[Speaker, ...]
    """[-] the speakers whose events it hears, all of them."""
    keeps_commands: bool = False
    """[-] it keeps the commands to those that it hears as well, without deciding anything."""
    emits: tuple[type[Event], ...]
    """[-] every kind of event that it may publish."""
    handles: tuple[type[Command], ...]
    """[-] every kind of command that it obeys or refuses."""

    @abstractmethod
    def initial(self, pump: PumpId) -> StateT:
        """Give what is known of a pump before anything was heard."""

    @abstractmethod
    def decide(self, state: StateT, entry: Entry, now: Now) -> tuple[Event, ...]:
        """Give the events that follow from a message, at most 500; change nothing."""

    @abstractmethod
    def evolve(self, state: StateT, entry: Entry) -> StateT:
        """Give the state after an entry, heard or said."""

    @abstractmethod
    def wake_at(self, state: StateT) -> UtcMillis | None:
        """Give the next instant of therapy time [ms] at which a Tick has something to do."""

    def effects(self, entry: Entry) -> tuple[Effect, ...]:
        """Name what must happen in the world because of a stored event of its own: nothing."""
        del entry
        return ()

    @abstractmethod
    def view(self, state: StateT, now: Now) -> msgspec.Struct:
        """Give the state as a person sees it."""


def is_past(deadline: Deadline, *, now: Now) -> bool:
    """Say whether both clocks have reached a deadline."""
    return now.therapy >= deadline.therapy and now.real >= deadline.real
