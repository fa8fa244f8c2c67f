"""First implementation of the caps: one curve of all insulin so far, read at both window ends."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from core.dosing.limits.caps_shapes import Asked, Flow, RateAsked, Room, WindowCap
from schemas.units import MilliUnits, MilliUnitsPerHour, UtcMillis


class _Curve:
    """Insulin up to an instant [mU], piecewise linear and exact."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        slopes: dict[int, Fraction] = {}
        for flow in flows:
            slope = Fraction(flow.amount, flow.ends_at - flow.starts_at)
            slopes[flow.starts_at] = slopes.get(flow.starts_at, Fraction(0)) + slope
            slopes[flow.ends_at] = slopes.get(flow.ends_at, Fraction(0)) - slope
        self.edges = sorted(slopes)
        self._slopes: list[Fraction] = []
        slope = Fraction(0)
        for at in self.edges:
            slope += slopes[at]
            self._slopes.append(slope)
        self._sums = [Fraction(0)] if self.edges else []
        for (start, end), rate in zip(pairwise(self.edges), self._slopes, strict=False):
            self._sums.append(self._sums[-1] + rate * (end - start))

    def at(self, instant: int) -> Fraction:
        index = bisect_right(self.edges, instant) - 1
        if index < 0:
            return Fraction(0)
        return self._sums[index] + self._slopes[index] * (instant - self.edges[index])


def rooms(asked: Asked) -> tuple[Room, ...]:
    """Give what each cap leaves, ceilings first, then windows, each in the order given."""
    found = [
        Room(name=name, left=MilliUnits(max(0, most - used)), used=used)
        for name, most, used in asked.ceilings
    ]
    everything = _Curve(asked.flows)
    boluses = _Curve(flow for flow in asked.flows if not flow.is_basal)
    return (
        *found,
        *(_room(asked, c, everything if c.counts_basal else boluses) for c in asked.windows),
    )


def _room(asked: Asked, cap: WindowCap, curve: _Curve) -> Room:
    tightest: tuple[Fraction, Fraction, int, int] | None = None
    length = asked.ends_at - asked.starts_at
    for start, end in _windows(asked, cap, curve.edges):
        inside = min(end, asked.ends_at) - max(start, asked.starts_at)
        used = curve.at(end) - curve.at(start)
        if inside > 0:
            room = (cap.most - used) * length / inside
        elif inside == 0 and cap.length is not None and used > cap.most:
            # Overfull beside the dose: moved by any little, the window holds some of it as well.
            room = Fraction(0)
        else:
            continue
        if tightest is None or room < tightest[0]:
            tightest = (room, used, start, end)
    if tightest is None:
        return Room(name=cap.name, left=cap.most, used=MilliUnits(0))
    room, used, start, end = tightest
    return Room(
        name=cap.name,
        left=MilliUnits(max(0, floor(room))),
        used=MilliUnits(ceil(used)),
        starts_at=UtcMillis(start),
        ends_at=UtcMillis(end),
    )


def _windows(asked: Asked, cap: WindowCap, edges: Sequence[int]) -> Iterator[tuple[int, int]]:
    if cap.length is None:
        yield from cap.standing
        return
    near = (at for at in edges if asked.starts_at - cap.length <= at <= asked.ends_at + cap.length)
    for at in sorted({*near, asked.starts_at, asked.ends_at}):
        yield at, at + cap.length
        yield at - cap.length, at


def allowed_rate(asked: RateAsked) -> MilliUnitsPerHour:
    """Give the rate that the styles leave [mU/h]: the least of them, the profile at least."""
    tops: list[int] = [asked.rate]
    if asked.absolute is not None:
        tops.append(asked.absolute)
    if asked.times_scheduled is not None:
        tops.append(asked.times_scheduled * asked.scheduled)
    if asked.times_largest is not None:
        tops.append(asked.times_largest * asked.largest)
    return MilliUnitsPerHour(min(asked.rate, max(min(tops), asked.scheduled)))


def is_locked(starts: Iterable[UtcMillis], *, at: UtcMillis, wait: int) -> bool:
    """Say whether the newest bolus that began by now is younger than a wait [ms]."""
    known = sorted(starts)
    index = bisect_right(known, at)
    return index > 0 and at - known[index - 1] < wait
