"""First implementation of the caps: one curve of all insulin so far, read at both window ends."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from math import ceil, floor

from core.dosing.limits.caps_shapes import Asked, Flow, RateAsked, Room, WindowCap
from schemas.units import MilliUnits, MilliUnitsPerHour, UtcMillis


class _Curve:
    """Insulin up to an instant [mU], piecewise linear and exact.

    Flows that are over are added up once; only those that run at the instant are cut.
    """

    def __init__(self, flows: Iterable[Flow]) -> None:
        known = tuple(flows)
        self.edges = sorted({edge for flow in known for edge in (flow.starts_at, flow.ends_at)})
        over = sorted((flow.ends_at, flow.amount) for flow in known)
        self._ends = [end for end, _ in over]
        self._sums = [0, *accumulate(amount for _, amount in over)]
        index = {edge: number for number, edge in enumerate(self.edges)}
        self._running: list[list[Flow]] = [[] for _ in self.edges]
        for flow in known:
            for number in range(index[flow.starts_at], index[flow.ends_at]):
                self._running[number].append(flow)
        self._known: dict[int, tuple[int, tuple[tuple[int, int], ...]]] = {}

    def bounds(self, instant: int) -> tuple[int, int]:
        """Give what it is at least and at most: whole numbers, and the same where nothing is cut.

        Each flow that is cut leaves less than 1 mU between them.
        """
        whole, rests = self._look(instant)
        return whole, whole + len(rests)

    def at(self, instant: int) -> int | Fraction:
        """Give it exactly."""
        whole, rests = self._look(instant)
        exact: int | Fraction = whole
        for rest, length in rests:
            exact += Fraction(rest, length)
        return exact

    def _look(self, instant: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        """Give the whole part, and what each flow that is cut adds to it; once for an instant."""
        found = self._known.get(instant)
        if found is None:
            found = self._known[instant] = self._cut(instant)
        return found

    def _cut(self, instant: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        index = bisect_right(self.edges, instant) - 1
        if index < 0:
            return 0, ()
        given, rests = self._sums[bisect_right(self._ends, instant)], []
        for flow in self._running[index]:
            length = flow.ends_at - flow.starts_at
            whole, rest = divmod(flow.amount * (instant - flow.starts_at), length)
            given += whole
            if rest:
                rests.append((rest, length))
        return given, tuple(rests)


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
    tightest: tuple[int | Fraction, int | Fraction, int, int] | None = None
    enough: int | None = None
    length = asked.ends_at - asked.starts_at
    for start, end in _windows(asked, cap, curve.edges):
        inside = min(end, asked.ends_at) - max(start, asked.starts_at)
        if inside < 0:
            continue
        (least, _), (_, most) = curve.bounds(start), curve.bounds(end)
        if enough is not None and cap.most - (most - least) > enough:
            continue  # it leaves more than another one, wherever between the bounds it lies
        used = curve.at(end) - curve.at(start)
        room: int | Fraction
        if inside == length > 0:
            room = cap.most - used
        elif inside > 0:
            room = Fraction((cap.most - used) * length) / inside
        elif cap.length is not None and used > cap.most:
            # Overfull beside the dose: moved by any little, the window holds some of it as well.
            room = 0
        else:
            continue
        if tightest is None or room < tightest[0]:
            tightest, enough = (room, used, start, end), max(0, ceil(room))
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
