"""Both implementations asked the same; where they differ nothing is given (R20)."""

from collections.abc import Callable, Sequence
from typing import Final

from core.dosing.limits import caps_sliding as sliding
from core.dosing.limits import caps_sweep as sweep
from core.dosing.limits.caps_shapes import Asked, RateAsked, Room
from schemas.delivery.delivery import Lockout
from schemas.units import MINUTE_MS, MilliUnitsPerHour, UtcMillis

Rooms = Callable[[Asked], tuple[Room, ...]]

_LOCKOUT: Final = Lockout()

LOCKOUT_MIN: Final = {
    "person": _LOCKOUT.person // MINUTE_MS,
    "automatic": _LOCKOUT.controller // MINUTE_MS,
    "remote": _LOCKOUT.remote // MINUTE_MS,
}
"""[min] between two boluses by who asks, where nothing else is set."""


def rooms_twice(
    asked: Asked, *, first: Rooms = sliding.rooms, second: Rooms = sweep.rooms
) -> tuple[tuple[Room, ...], bool]:
    """Give what each cap leaves by the first, and whether the second agrees.

    Compared are the names and what is left; of equally tight windows each may name another.
    """
    one, two = first(asked), second(asked)
    agree = [(room.name, room.left) for room in one] == [(room.name, room.left) for room in two]
    return one, agree


def rate_twice(asked: RateAsked) -> tuple[MilliUnitsPerHour, bool]:
    """Give the rate that the styles of caps leave [mU/h] by the first, and whether they agree."""
    one = sliding.allowed_rate(asked)
    return one, one == sweep.allowed_rate(asked)


def locked_twice(starts: Sequence[UtcMillis], *, at: UtcMillis, wait: int) -> tuple[bool, bool]:
    """Say whether a bolus must wait [ms] for one before it by the first, and whether they agree."""
    one = sliding.is_locked(starts, at=at, wait=wait)
    return one, one == sweep.is_locked(starts, at=at, wait=wait)
