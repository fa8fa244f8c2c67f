"""What both implementations of the caps are asked and answer; no thinking here.

Insulin flows evenly from its first to its last instant; what is given in a moment takes 1 ms.
So the insulin inside a window is a continuous function of where the window lies, linear between
the edges of flows: it is fullest where one of its ends meets an edge, and these positions are all
that need be looked at. What a window leaves is (cap - others) / (its part of the dose), which is
monotone between two such positions; at a position that only touches the dose the part is nothing,
so there the window leaves nothing if others overfill it, else it does not bind.
"""

import msgspec

from schemas.units import Milliseconds, MilliUnits, MilliUnitsPerHour, UtcMillis


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """Insulin that was given, may have been given, or is still to come."""

    starts_at: UtcMillis
    """[ms] first instant."""
    ends_at: UtcMillis
    """[ms] first instant after it, later than the start."""
    amount: MilliUnits
    """[mU] 0 or more."""
    is_basal: bool
    """[-] programmed basal, which the limit for 60 min of boluses does not count."""


class WindowCap(msgspec.Struct, frozen=True, kw_only=True):
    """No window may hold more."""

    name: str
    """[-] which limit."""
    most: MilliUnits
    """[mU] inside any window."""
    length: Milliseconds | None
    """[ms] of a window that slides; none for windows that stand."""
    standing: tuple[tuple[UtcMillis, UtcMillis], ...] = ()
    """[ms] begin and end of windows that stand, such as days by a clock on the wall."""
    counts_basal: bool
    """[-] basal counts as well."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A dose that is asked for, and what surrounds it."""

    starts_at: UtcMillis
    """[ms] its first instant."""
    ends_at: UtcMillis
    """[ms] first instant after it, later than the start."""
    flows: tuple[Flow, ...]
    """[-] all other insulin, any order."""
    windows: tuple[WindowCap, ...]
    """[-] caps on windows."""
    ceilings: tuple[tuple[str, MilliUnits, MilliUnits], ...] = ()
    """[mU] name, ceiling and what is used of it: single, insulin on board."""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What a cap leaves for the dose."""

    name: str
    """[-] which limit."""
    left: MilliUnits
    """[mU] 0 or more, rounded down."""
    used: MilliUnits
    """[mU] of other insulin in the tightest window, rounded up."""
    starts_at: UtcMillis | None = None
    """[ms] of the tightest window."""
    ends_at: UtcMillis | None = None
    """[ms] first instant after it."""


class RateAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A basal rate that is asked for, and the largest by the three styles of the peers."""

    rate: MilliUnitsPerHour
    """[mU/h] asked."""
    scheduled: MilliUnitsPerHour
    """[mU/h] of the profile; no cap goes below it."""
    absolute: MilliUnitsPerHour | None = None
    """[mU/h] largest rate."""
    times_scheduled: int | None = None
    """[-] largest multiple of the rate scheduled now."""
    times_largest: int | None = None
    """[-] largest multiple of `largest`."""
    largest: MilliUnitsPerHour = MilliUnitsPerHour(0)
    """[mU/h] largest scheduled rate of the day."""
