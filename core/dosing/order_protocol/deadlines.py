"""The life of an order: until when it must start, and when it was made."""

from schemas.message import Deadline, Now
from schemas.units import SECOND_MS, Milliseconds, UtcMillis

START_WITHIN_MS = Milliseconds(30 * SECOND_MS)
"""[ms] therapy time in which an order must start; source: R39."""

START_WITHIN_REAL_MS = Milliseconds(5 * SECOND_MS)
"""[ms] real time that an order has at least: transport is not faster at speed 600."""


def start_within(now: Now) -> Deadline:
    """Say until when an order of `now` must start, by both clocks."""
    return Deadline(
        therapy=UtcMillis(now.therapy + START_WITHIN_MS),
        real=UtcMillis(now.real + START_WITHIN_REAL_MS),
    )


def ordered_at(start_by: Deadline) -> UtcMillis:
    """Give the therapy time at which an order was made [ms]."""
    return UtcMillis(start_by.therapy - START_WITHIN_MS)
