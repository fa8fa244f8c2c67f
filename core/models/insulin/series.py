"""Insulin on board at many instants: a cost for each that does not grow with the history.

For charts, studies and simulated patients; decisions add up each dose by itself. Momentary doses
of one insulin, such as the strokes of a pump. The exponential curve is a constant and a parabola
times exp(-t / tau), so four sums over the acting doses go from one instant to the next by
multiplication, whatever the doses are; other curves are added up over the doses that still act.
"""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence

from core.models.insulin.curves import Curve, Exponential
from schemas.units import MINUTE_MS, UtcMillis

Pulse = tuple[UtcMillis, float]
"""[ms] when, [U] how much; negative for less than scheduled."""


class SlidingSum:
    """Insulin on board by the exponential curve, kept from instant to instant.

    What it gives differs from a sum over all doses by rounding alone: below 1e-12 of the insulin
    that went through it.
    """

    def __init__(self, curve: Curve) -> None:
        """Begin with nothing on board.

        Raises:
            TypeError: the curve has no exponential shape.
        """
        if not isinstance(curve.shape, Exponential):
            raise TypeError(type(curve.shape).__name__)
        shape = curve.shape
        self._tau = shape.tau
        self._level = shape.scale * (1 - shape.rise)
        self._square = shape.scale / (shape.tau * shape.duration)
        self._delay_ms = curve.delay_min * MINUTE_MS
        self._end_ms = curve.end_min * MINUTE_MS
        self._now = UtcMillis(0)
        self._to_come: deque[Pulse] = deque()
        self._waiting: deque[Pulse] = deque()
        self._acting: deque[Pulse] = deque()
        self._sums = (0.0, 0.0, 0.0, 0.0)
        self._held = 0.0

    def give(self, pulse: Pulse) -> None:
        """Take in a dose; not before the one before it, and not before the last instant asked.

        Raises:
            ValueError: it is out of order.
        """
        last = self._to_come[-1][0] if self._to_come else self._now
        if pulse[0] < last:
            raise ValueError("a dose is out of order")
        self._to_come.append(pulse)

    def at(self, now: UtcMillis) -> float:
        """Give what is on board [U]; not before the last instant asked, nor before the doses.

        Raises:
            ValueError: it is out of order.
        """
        if now < self._now:
            raise ValueError("an instant is out of order")
        units, decayed, first, second = self._advanced((now - self._now) / MINUTE_MS)
        self._now = now
        tau, delayed, exp = self._tau, now - self._delay_ms, math.exp
        to_come, waiting, acting = self._to_come, self._waiting, self._acting
        while to_come and to_come[0][0] <= now:
            waiting.append(to_come.popleft())
            self._held += waiting[-1][1]
        while waiting and waiting[0][0] < delayed:
            when, amount = pulse = waiting.popleft()
            acting.append(pulse)
            age = (delayed - when) / MINUTE_MS
            weight = amount * exp(-age / tau)
            self._held -= amount
            units, decayed = units + amount, decayed + weight
            first, second = first + age * weight, second + age * age * weight
        while acting and now - acting[0][0] >= self._end_ms:
            when, amount = acting.popleft()
            age = (delayed - when) / MINUTE_MS
            weight = amount * exp(-age / tau)
            units, decayed = units - amount, decayed - weight
            first, second = first - age * weight, second - age * age * weight
        # With nothing left the rounding of all that went through is let go of as well.
        self._held = self._held if waiting else 0.0
        self._sums = (units, decayed, first, second) if acting else (0.0, 0.0, 0.0, 0.0)
        return self._held + self._left()

    def _advanced(self, minutes: float) -> tuple[float, float, float, float]:
        units, decayed, first, second = self._sums
        factor = math.exp(-minutes / self._tau)
        return (
            units,
            factor * decayed,
            factor * (first + minutes * decayed),
            factor * (second + 2 * minutes * first + minutes * minutes * decayed),
        )

    def _left(self) -> float:
        units, decayed, first, second = self._sums
        level = self._level
        return units * (1 - level) + level * (decayed + first / self._tau) - self._square * second


def on_board_series(
    pulses: Sequence[Pulse], *, curve: Curve, instants: Iterable[UtcMillis]
) -> list[float]:
    """Give insulin on board [U] at each instant.

    Args:
        pulses: sorted by time.
        curve: of their insulin.
        instants: sorted.

    Raises:
        ValueError: pulses or instants are not sorted.
    """
    if not isinstance(curve.shape, Exponential):
        return [on_board_now(pulses, curve=curve, at=at) for at in instants]
    running = SlidingSum(curve)
    for pulse in pulses:
        running.give(pulse)
    return [running.at(at) for at in instants]


def on_board_now(pulses: Sequence[Pulse], *, curve: Curve, at: UtcMillis) -> float:
    """Give insulin on board [U] at one instant, from the doses that still act.

    Args:
        pulses: sorted by time; those after `at` do not count.
        curve: of their insulin.
        at: [ms] the instant.
    """
    first = _index(pulses, at - math.ceil(curve.end_min * MINUTE_MS))
    last = _index(pulses, at)
    shape = curve.shape
    if not isinstance(shape, Exponential):
        return math.fsum(
            units * curve.fraction((at - when) / MINUTE_MS) for when, units in pulses[first:last]
        )
    # The formula of the shape, its constants taken out of the sum: a fourth of the time.
    tau, level = shape.tau, shape.scale * (1 - shape.rise)
    rest, slope, square = 1 - level, level / tau, shape.scale / (tau * shape.duration)
    begin_ms = at - curve.delay_min * MINUTE_MS
    waiting = _index(pulses, math.floor(begin_ms))
    exp = math.exp
    acting = [
        units * (rest + (level + minute * (slope - square * minute)) * exp(-minute / tau))
        for minute, units in [
            ((begin_ms - when) / MINUTE_MS, units) for when, units in pulses[first:waiting]
        ]
    ]
    return math.fsum(acting) + math.fsum(units for _, units in pulses[waiting:last])


def _index(pulses: Sequence[Pulse], at: int) -> int:
    """Count the doses up to an instant, itself counted in."""
    return bisect_right(pulses, (UtcMillis(at), math.inf))
