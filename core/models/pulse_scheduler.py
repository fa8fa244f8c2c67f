"""The strokes of any pump: basal, boluses and extended boluses together, exact to the part.

Each kind of insulin is requested at rates that are constant for a while. What is owed of it is
counted in parts [mU ms/h] and carried over every change of rate, so that delivered and requested
differ by less than one stroke at all times. Where the pump cannot move as fast as all of it asks,
the normal bolus waits, then the extended one; programmed basal never does (R7).
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from core.models.pulses import Parts, Stretch
from schemas.units import HOUR_MS, Milliseconds, MilliUnits, MilliUnitsPerHour, UtcMillis

Kind = Literal["basal", "extended", "bolus"]

KINDS: Final[tuple[Kind, ...]] = ("basal", "extended", "bolus")
"""[-] in order of precedence."""

FLOWS_MAX = 100_000
"""[-] stretches of constant rate in one calculation."""


class Bolus(msgspec.Struct, frozen=True, kw_only=True):
    """A bolus to be paced: at the pump's speed, or evenly over its duration."""

    starts_at: UtcMillis
    """[ms] first instant."""
    amount: MilliUnits
    """[mU] whole strokes of the pump."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] of an extended bolus; 0 for a normal one."""
    ends_at: UtcMillis | None = None
    """[ms] when it was stopped; None when it was not."""


class Motor(NamedTuple):
    """What a pump's drive can do."""

    pulse: MilliUnits
    """[mU] one stroke."""
    bolus_rate: MilliUnitsPerHour
    """[mU/h] speed of a normal bolus."""
    rate_max: MilliUnitsPerHour
    """[mU/h] of everything together."""


class Flow(NamedTuple):
    """Insulin of one kind requested at a constant rate."""

    kind: Kind
    starts_at: UtcMillis
    """[ms] first instant."""
    ends_at: UtcMillis
    """[ms] first instant after it."""
    rate: int
    """[mU/h] 0 or more."""
    parts: Parts
    """[mU ms/h] requested in all: `rate` times the time, or less where a bolus ends."""


class Pulse(NamedTuple):
    """One movement of the motor."""

    at: UtcMillis
    """[ms] the first whole millisecond at which all of it is owed."""
    kind: Kind


class _Open(msgspec.Struct):
    bolus: Bolus
    """[-] being paced."""
    left: int
    """[mU ms/h] not requested so far."""


def flows(basal: Sequence[Stretch], boluses: Sequence[Bolus], *, motor: Motor) -> list[Flow]:
    """Lay out what is requested when, all kinds together.

    Args:
        basal: sorted, without holes; the last one's end is the end of everything.
        boluses: sorted by start; none of them starts before the basal does.
        motor: the drive.

    Returns:
        Sorted by time; what a bolus still lacks at the end is left out.

    Raises:
        ValueError: more than FLOWS_MAX stretches.
    """
    found: list[Flow] = []
    waiting = [_Open(bolus=bolus, left=bolus.amount * HOUR_MS) for bolus in boluses]
    for stretch in basal:
        at: int = stretch.starts_at
        while at < stretch.ends_at:
            rates = _rates(waiting, at, stretch.rate, motor)
            until = _next_edge(waiting, rates, at, stretch.ends_at)
            found.append(_flow("basal", at, until, stretch.rate, stretch.rate * (until - at)))
            for index, rate in rates.items():
                one = waiting[index]
                parts = min(one.left, rate * (until - at))
                one.left -= parts
                kind: Kind = "extended" if one.bolus.duration else "bolus"
                found.append(_flow(kind, at, until, rate, parts))
            at = until
            if len(found) > FLOWS_MAX:
                raise ValueError(f"more than {FLOWS_MAX} changes of rate")
    return found


def pulses(requested: Sequence[Flow], *, pulse: MilliUnits) -> list[Pulse]:
    """List every stroke, sorted by time; at the same instant basal comes first."""
    size = pulse * HOUR_MS
    owed: dict[Kind, int] = dict.fromkeys(KINDS, 0)
    found: list[Pulse] = []
    for flow in requested:
        before = owed[flow.kind]
        count, rest = divmod(before + flow.parts, size)
        for number in range(1, count + 1):
            missing = number * size - before
            found.append(Pulse(UtcMillis(flow.starts_at - (-missing // flow.rate)), flow.kind))
        owed[flow.kind] = rest
    return sorted(found, key=lambda stroke: (stroke.at, KINDS.index(stroke.kind)))


def largest_owed(flow: Flow, *, owed: int, size: int) -> int:
    """Give the most that is owed at a whole millisecond of a flow [mU ms/h], below one stroke.

    Args:
        flow: the stretch.
        owed: [mU ms/h] when it begins, 0 to less than a stroke.
        size: [mU ms/h] one stroke.
    """
    count, rest = divmod(owed + flow.parts, size)
    largest = max(owed, rest)
    for number in range(1, count + 1):
        missing = number * size - owed
        before = -(-missing // flow.rate) - 1
        largest = max(largest, owed + before * flow.rate - (number - 1) * size)
    return largest


def _flow(kind: Kind, at: int, until: int, rate: int, parts: int) -> Flow:
    return Flow(kind, UtcMillis(at), UtcMillis(until), rate, Parts(parts))


def _rates(waiting: Sequence[_Open], at: int, basal: int, motor: Motor) -> dict[int, int]:
    """Share what the motor can do beside basal: an extended bolus first, then a normal one.

    Of each kind one runs at a time, the one that began first; the next follows it (R8).
    """
    spare = max(0, motor.rate_max - basal)
    rates: dict[int, int] = {}
    for is_extended in (True, False):
        for index, one in enumerate(waiting):
            if bool(one.bolus.duration) != is_extended or not _runs(one, at):
                continue
            wanted = _even_rate(one.bolus) if is_extended else motor.bolus_rate
            rates[index] = min(wanted, spare)
            spare -= rates[index]
            break
    return {index: rate for index, rate in rates.items() if rate > 0}


def _even_rate(bolus: Bolus) -> int:
    """Give the rate of an extended bolus, rounded up so that it ends in time [mU/h]."""
    return -(-bolus.amount * HOUR_MS // bolus.duration)


def _runs(one: _Open, at: int) -> bool:
    stopped = one.bolus.ends_at is not None and at >= one.bolus.ends_at
    return one.left > 0 and at >= one.bolus.starts_at and not stopped


def _next_edge(waiting: Sequence[_Open], rates: dict[int, int], at: int, end: int) -> int:
    """Find the next instant at which a rate changes."""
    edges = [end]
    for index, one in enumerate(waiting):
        edges.append(one.bolus.starts_at)
        if one.bolus.ends_at is not None:
            edges.append(one.bolus.ends_at)
        if index in rates:
            edges.append(UtcMillis(at - (-one.left // rates[index])))
    return min(edge for edge in edges if edge > at)
