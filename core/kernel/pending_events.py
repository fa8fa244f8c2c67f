"""The state after what a decision has taken in and said so far, for rules that need it."""

from collections.abc import Callable
from typing import Final, Generic

from core.kernel.decider import Entry, StateT
from schemas.message import Event, Now
from schemas.units import Speaker

PENDING_ID_PREFIX: Final = "draft:"
"""[-] begins the id of an event that is not stored yet: its version is known when it is."""


class PendingEvents(Generic[StateT]):
    """The events of one decision, in order, and the state after them.

    Each is folded once, and only when somebody asks for the state.
    """

    def __init__(
        self,
        state: StateT,
        now: Now,
        *,
        speaker: Speaker,
        evolve: Callable[[StateT, Entry], StateT],
    ) -> None:
        """Begin with what was known before the decision.

        Args:
            state: before it.
            now: the time that the decision is given.
            speaker: whose events they are.
            evolve: of its decider.
        """
        self.now = now
        self.events: Final[list[Event]] = []
        self._state = state
        self._speaker = speaker
        self._evolve = evolve
        self._folded = 0

    @property
    def state(self) -> StateT:
        """Give the state after all that was taken in and added so far."""
        while self._folded < len(self.events):
            body = self.events[self._folded]
            self._folded += 1
            self._state = self._evolve(
                self._state,
                Entry(
                    id=f"{PENDING_ID_PREFIX}{self._folded}",
                    at=self.now.therapy,
                    speaker=self._speaker,
                    body=body,
                ),
            )
        return self._state

    def take(self, entry: Entry) -> "PendingEvents[StateT]":
        """Take in the message that is being decided on; before any event is added."""
        self._state = self._evolve(self._state, entry)
        return self

    def add(self, *events: Event) -> None:
        """Add events in order."""
        self.events.extend(events)
