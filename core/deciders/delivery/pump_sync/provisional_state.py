"""Telling several things in one decision, each seeing what the one before said."""

from core.deciders.delivery.events.apply import evolve
from core.deciders.delivery.state import ACTUATOR, DeliveryState
from core.kernel.decider import Entry
from schemas.message import Event, Now


class PendingEvents:
    """Collects events and folds each, so that the next sees what the one before said."""

    def __init__(self, state: DeliveryState, now: Now) -> None:
        """Begin with what is known."""
        self.state = state
        self.events: list[Event] = []
        self.now = now

    def add(self, *events: Event) -> None:
        """Say events in order."""
        for event in events:
            self.events.append(event)
            name = f"draft:{len(self.events)}"
            entry = Entry(id=name, at=self.now.therapy, speaker=ACTUATOR, body=event)
            self.state = evolve(self.state, entry)
