"""The events of one decision of the actuator, and what it knows after them."""

from core.deciders.delivery.events.apply import evolve
from core.deciders.delivery.state import ACTUATOR, DeliveryState
from core.kernel.pending_events import PendingEvents
from schemas.message import Now

DeliveryEvents = PendingEvents[DeliveryState]


def pending_after(state: DeliveryState, now: Now) -> DeliveryEvents:
    """Begin a decision from what is known before it."""
    return PendingEvents(state, now, speaker=ACTUATOR, evolve=evolve)
