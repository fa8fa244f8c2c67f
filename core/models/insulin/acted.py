"""What insulin has acted by each of many instants, each edge of a dose looked at once.

Insulin given evenly from s to e has acted, by t, units (1 - (I(t - s) - I(t - e)) / (e - s)), where
I is the integral of the curve's fraction. So a dose is two edges with weights +-units / (e - s),
doses that touch share one, and the sum over edges is all that an instant needs. For the exponential
the sum itself has a closed form: with m = t - edge - delay, I is c0 + c1 m + exp(-m / tau) times
(b0 + b1 m + b2 m^2), and expanding m leaves sums over edges that change only where an edge enters
or leaves the shape.
"""

import math
from collections.abc import Iterable, Sequence

from core.models.insulin.curves import SPAN_MIN_LEAST, Curve, Exponential
from core.models.insulin.history import Part
from schemas.units import MINUTE_MS, UtcMillis


def acted_units(parts: Iterable[Part], instants: Sequence[UtcMillis]) -> list[float]:
    """Give what insulin has acted [U] by each instant [ms]: less than 0 where less was given.

    Equal to adding up `Curve.mean_fraction` part by part, to 1e-8 of a unit.

    Args:
        parts: insulin of constant rate each; may be empty.
        instants: sorted.
    """
    by_curve: dict[Curve, list[Part]] = {}
    for part in parts:
        by_curve.setdefault(part.curve, []).append(part)
    found = [_acted_by(curve, of_it, instants) for curve, of_it in by_curve.items()]
    if len(found) == 1:
        return found[0]
    return [math.fsum(column[index] for column in found) for index in range(len(instants))]


def _acted_by(curve: Curve, parts: Sequence[Part], instants: Sequence[UtcMillis]) -> list[float]:
    """Give what insulin of one curve has acted [U]."""
    zero = instants[0] if instants else UtcMillis(0)
    weights: dict[float, float] = {}
    momentary: list[tuple[float, float]] = []
    for part in parts:
        start, end = (part.start - zero) / MINUTE_MS, (part.end - zero) / MINUTE_MS
        if end - start < SPAN_MIN_LEAST:
            momentary.append(((start + end) / 2, part.units))
            continue
        weight = part.units / (end - start)
        weights[start] = weights.get(start, 0.0) + weight
        weights[end] = weights.get(end, 0.0) - weight
    edges = sorted((at, weight) for at, weight in weights.items() if weight)
    minutes = [(at - zero) / MINUTE_MS for at in instants]
    if isinstance(curve.shape, Exponential):
        left = _Moments(curve, curve.shape, edges).left_at(minutes)
    else:
        left = [
            math.fsum(weight * curve.integral(minute - at) for at, weight in edges)
            for minute in minutes
        ]
    still = [
        math.fsum(units * curve.fraction(minute - at) for at, units in momentary)
        if momentary
        else 0.0
        for minute in minutes
    ]
    whole = math.fsum(part.units for part in parts)
    return [whole - some - other for some, other in zip(left, still, strict=True)]


class _Moments:
    """Sums over edges of an exponential, kept while instants go on."""

    def __init__(
        self, curve: Curve, shape: Exponential, edges: Sequence[tuple[float, float]]
    ) -> None:
        """Begin before the first edge.

        Args:
            curve: with its delay.
            shape: of the curve.
            edges: [min], [U/min] sorted.
        """
        self._edges = edges
        self._delay, self._duration, self._tau = curve.delay_min, shape.duration, shape.tau
        tau, level = shape.tau, shape.scale * (1 - shape.rise)
        square = shape.scale / shape.duration
        self._base = curve.delay_min + 2 * tau * level - 2 * tau * tau * square
        self._slope = 1 - level
        self._decays = (
            2 * tau * (tau * square - level),
            2 * tau * square - level,
            square,
        )
        self._end = curve.delay_min + curve.area_min

    def left_at(self, minutes: Sequence[float]) -> list[float]:
        """Give the sum of weight times integral [U] at each minute, sorted."""
        edges, delay, tau = self._edges, self._delay, self._tau
        waiting = math.fsum(weight for _, weight in edges)
        waiting_at = math.fsum(weight * at for at, weight in edges)
        within = within_at = decay = decay_at = decay_square = over = 0.0
        entered = ended = 0
        b0, b1, b2 = self._decays
        found: list[float] = []
        for minute in minutes:
            while entered < len(edges) and minute - edges[entered][0] > delay:
                at, weight = edges[entered]
                entered += 1
                waiting -= weight
                waiting_at -= weight * at
                x = at + delay
                grown = weight * math.exp(x / tau)
                within, within_at = within + weight, within_at + weight * x
                decay, decay_at = decay + grown, decay_at + grown * x
                decay_square += grown * x * x
            while ended < entered and minute - edges[ended][0] - delay >= self._duration:
                at, weight = edges[ended]
                ended += 1
                over += weight
                x = at + delay
                grown = weight * math.exp(x / tau)
                within, within_at = within - weight, within_at - weight * x
                decay, decay_at = decay - grown, decay_at - grown * x
                decay_square -= grown * x * x
            first = minute * decay - decay_at
            second = minute * minute * decay - 2 * minute * decay_at + decay_square
            found.append(
                waiting * minute
                - waiting_at
                + self._base * within
                + self._slope * (minute * within - within_at)
                + math.exp(-minute / tau) * (b0 * decay + b1 * first + b2 * second)
                + self._end * over
            )
        return found
