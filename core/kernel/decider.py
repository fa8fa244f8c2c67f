"""The shape that every decider has: pure functions, and the names of what it hears and says."""

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Decider(Generic[StateT]):
    """One service's thinking: pure, with time as an argument.

    decide gives at most 500 events and never changes anything; evolve folds one entry;
    wake_at names the next instant of therapy time at which a Tick has something to do; effects
    names what must happen because of an event of its own; view shows the state to a person.
    """

    name: Speaker
    subscribes_to: tuple[Speaker, ...]
    keeps_commands: bool = False
    """[-] it keeps the commands to those that it hears as well, without deciding anything."""
    emits: tuple[type[Event], ...]
    handles: tuple[type[Command], ...]
    initial: Callable[[PumpId], StateT]
    decide: Callable[[StateT, Entry, Now], tuple[Event, ...]]
    evolve: Callable[[StateT, Entry], StateT]
    wake_at: Callable[[StateT], UtcMillis | None]
    effects: Callable[[Entry], tuple[Effect, ...]]
    view: Callable[[StateT, Now], msgspec.Struct]


def no_effects(entry: Entry) -> tuple[Effect, ...]:
    """Name no effect, for deciders that only speak."""
    del entry
    return ()


def is_past(deadline: Deadline, *, now: Now) -> bool:
    """Say whether both clocks have reached a deadline."""
    return now.therapy >= deadline.therapy and now.real >= deadline.real
