"""What is left of a dose as time goes by, and the exact integral of it.

A curve is a delay in which all is left, then a shape over the duration, then nothing. Where a
published formula leaves 0 to 1 (bilinear by 0.0003 near its end, Walsh's 3 h by 0.0007 in the
first minutes) the shape is cut to 0 or 1.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

import msgspec

Polynomial = tuple[float, ...]
"""Coefficients, the constant first; of minutes since the delay."""

SPAN_MIN_LEAST = 0.001
"""[min] a shorter span counts as its middle; below it differences of integrals lose digits."""

STEPS_MAX = 200
"""[-] halvings in the search for a root; a float has 52 digits."""


class Shape(Protocol):
    """What is left of a dose inside the duration, as a function of minutes since the delay."""

    def fraction(self, minute: float) -> float:
        """Give what is left [1], 0 to 1."""
        ...

    def activity(self, minute: float) -> float:
        """Give what acts in a minute [1/min]: how fast the fraction falls."""
        ...

    def integral(self, minute: float) -> float:
        """Give the area under the fraction from 0 on [min]."""
        ...


class Curve(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """How one insulin acts."""

    delay_min: float
    """[min] 0 or more, before anything acts."""
    duration_min: float
    """[min] more than 0, without the delay."""
    shape: Shape
    """[-] between the delay and the end."""
    area_min: float
    """[min] under the whole shape."""

    @property
    def end_min(self) -> float:
        """Give when nothing is left [min], the delay counted in."""
        return self.delay_min + self.duration_min

    def fraction(self, after_min: float) -> float:
        """Give what is left of a momentary dose [1]; 1 also before it is given."""
        minute = after_min - self.delay_min
        if minute <= 0:
            return 1.0
        return 0.0 if minute >= self.duration_min else self.shape.fraction(minute)

    def activity(self, after_min: float) -> float:
        """Give what acts of a momentary dose in a minute [1/min]."""
        minute = after_min - self.delay_min
        return self.shape.activity(minute) if 0 < minute < self.duration_min else 0.0

    def integral(self, after_min: float) -> float:
        """Give the area under the fraction from the dose on [min]; negative before the dose."""
        minute = after_min - self.delay_min
        if minute <= 0:
            return after_min
        if minute >= self.duration_min:
            return self.delay_min + self.area_min
        return self.delay_min + self.shape.integral(minute)

    def mean_fraction(self, newest_min: float, oldest_min: float) -> float:
        """Give what is left of a dose given evenly [1], in closed form.

        Args:
            newest_min: [min] since its last part; negative if that is still to come.
            oldest_min: [min] since its first part.
        """
        span = oldest_min - newest_min
        if span < SPAN_MIN_LEAST:
            return self.fraction((newest_min + oldest_min) / 2)
        return (self.integral(oldest_min) - self.integral(newest_min)) / span

    def mean_activity(self, newest_min: float, oldest_min: float) -> float:
        """Give what acts in a minute of a dose given evenly [1/min]; see `mean_fraction`."""
        span = oldest_min - newest_min
        if span < SPAN_MIN_LEAST:
            return self.activity((newest_min + oldest_min) / 2)
        return (self.fraction(newest_min) - self.fraction(oldest_min)) / span


class Piecewise(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A shape of polynomials, one after the other."""

    starts: tuple[float, ...]
    """[min] where each begins; the first at 0."""
    pieces: tuple[Polynomial, ...]
    """[1] one for each start, of minutes since the delay."""
    falls: tuple[Polynomial, ...]
    """[1/min] their slopes, downwards."""
    areas: tuple[Polynomial, ...]
    """[min] the area from 0 on, for each start."""

    def fraction(self, minute: float) -> float:
        """Give what is left [1], 0 to 1."""
        return _value(self.pieces[bisect_right(self.starts, minute) - 1], minute)

    def activity(self, minute: float) -> float:
        """Give how fast the fraction falls [1/min]; steps between two pieces are left out."""
        return _value(self.falls[bisect_right(self.starts, minute) - 1], minute)

    def integral(self, minute: float) -> float:
        """Give the area under the fraction from 0 on [min]."""
        return _value(self.areas[bisect_right(self.starts, minute) - 1], minute)


class Exponential(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A shape of t (1 - t / duration) exp(-t / tau), integrated (LoopKit, after Maksimovic)."""

    duration: float
    """[min] td."""
    tau: float
    """[min] tp (1 - tp / td) / (1 - 2 tp / td)."""
    rise: float
    """[1] a = 2 tau / td."""
    scale: float
    """[1] S = 1 / (1 - a + (1 + a) exp(-td / tau))."""

    def fraction(self, minute: float) -> float:
        """Give what is left [1], 0 to 1."""
        level = self.scale * (1 - self.rise)
        inner = self.scale * minute * minute / (self.tau * self.duration)
        decay = math.exp(-minute / self.tau)
        left = 1 - level - (inner - level * (minute / self.tau + 1)) * decay
        return min(1.0, max(0.0, left))

    def activity(self, minute: float) -> float:
        """Give how fast the fraction falls [1/min]."""
        open_part = minute * (1 - minute / self.duration)
        return self.scale / self.tau**2 * open_part * math.exp(-minute / self.tau)

    def integral(self, minute: float) -> float:
        """Give the area under the fraction from 0 on [min]."""
        tau, level = self.tau, self.scale * (1 - self.rise)
        decay = math.exp(-minute / tau)
        first = 2 * tau - decay * (minute + 2 * tau)
        square = 2 * tau**2 - decay * (minute**2 + 2 * tau * minute + 2 * tau**2)
        return minute * (1 - level) + level * first - self.scale * square / self.duration


def curve(shape: Shape, *, duration_min: float, delay_min: float) -> Curve:
    """Make a curve of a shape."""
    return Curve(
        delay_min=delay_min,
        duration_min=duration_min,
        shape=shape,
        area_min=shape.integral(duration_min),
    )


def piecewise(pieces: Sequence[tuple[float, Polynomial]], *, duration: float) -> Piecewise:
    """Make a shape of polynomials, cut to 0 to 1.

    Args:
        pieces: [min] begin and polynomial, sorted, the first at 0.
        duration: [min] where the last one ends.
    """
    cut: list[tuple[float, Polynomial]] = []
    ends = [*(start for start, _ in pieces[1:]), duration]
    for (start, polynomial), end in zip(pieces, ends, strict=True):
        edges = {start}
        for level in (0.0, 1.0):
            edges.update(_roots(_moved(polynomial, -level), start, end))
        inner = sorted(edges)
        for low, high in zip(inner, [*inner[1:], end], strict=True):
            middle = _value(polynomial, (low + high) / 2)
            cut.append((low, polynomial if 0 <= middle <= 1 else (float(middle > 1),)))
    areas: list[Polynomial] = []
    for start, polynomial in cut:
        before = _value(areas[-1], start) if areas else 0.0
        area = _area(polynomial)
        areas.append(_moved(area, before - _value(area, start)))
    return Piecewise(
        starts=tuple(start for start, _ in cut),
        pieces=tuple(polynomial for _, polynomial in cut),
        falls=tuple(_moved(tuple(-c for c in _slope(p)), 0.0) for _, p in cut),
        areas=tuple(areas),
    )


def stretched(polynomial: Polynomial, factor: float) -> Polynomial:
    """Give the polynomial of `factor` times the minutes."""
    return tuple(c * factor**power for power, c in enumerate(polynomial))


def _value(polynomial: Polynomial, at: float) -> float:
    found = 0.0
    for coefficient in reversed(polynomial):
        found = found * at + coefficient
    return found


def _moved(polynomial: Polynomial, by: float) -> Polynomial:
    return (polynomial[0] + by, *polynomial[1:]) if polynomial else (by,)


def _slope(polynomial: Polynomial) -> Polynomial:
    return tuple(power * c for power, c in enumerate(polynomial))[1:]


def _area(polynomial: Polynomial) -> Polynomial:
    return (0.0, *(c / (power + 1) for power, c in enumerate(polynomial)))


def _roots(polynomial: Polynomial, low: float, high: float) -> list[float]:
    """Find where a polynomial crosses 0 between two ends, sorted: between its turning points."""
    if len(polynomial) < 2:
        return []
    turns = [low, *_roots(_slope(polynomial), low, high), high]
    return [
        _crossing(polynomial, one, other)
        for one, other in zip(turns, turns[1:], strict=False)
        if _value(polynomial, one) * _value(polynomial, other) < 0
    ]


def _crossing(polynomial: Polynomial, low: float, high: float) -> float:
    is_rising = _value(polynomial, high) > 0
    for _ in range(STEPS_MAX):
        middle = (low + high) / 2
        if (_value(polynomial, middle) > 0) == is_rising:
            high = middle
        else:
            low = middle
    return high
