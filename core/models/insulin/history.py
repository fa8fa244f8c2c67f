"""A history of doses as parts of constant rate, relative to the scheduled basal or absolute.

Relative counts each stretch of basal as what was delivered less what was scheduled; a suspension
is a stretch with nothing delivered. Absolute counts what was delivered. Time of which nothing is
recorded is either taken as scheduled, by the word of whoever asks, or unknown: then it is neither
zero nor as scheduled, and what it can have been widens the answer to an interval.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal

import msgspec

from core.models.insulin.curves import Curve
from schemas.units import HOUR_MS, MINUTE_MS, UtcMillis

DoseKind = Literal["bolus", "basal"]
Purpose = Literal["meal", "correction"]
Why = Literal["before the record begins", "no basal record", "no basal schedule"]
Span = tuple[UtcMillis, UtcMillis]


class Dose(msgspec.Struct, frozen=True, kw_only=True):
    """Insulin given evenly between two instants, at once if they are the same."""

    kind: DoseKind
    """[-] boluses and pens; or basal: scheduled, temporary, or suspended with no units."""
    start: UtcMillis
    """[ms] its first part."""
    end: UtcMillis
    """[ms] its last part; start or later."""
    units: float
    """[U] 0 or more."""
    curve: Curve
    """[-] how its insulin acts."""
    purpose: Purpose | None = None
    """[-] of a bolus, if it is known."""
    is_certain: bool = True
    """[-] False: between nothing and `units` was given."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Scheduled basal of a period."""

    start: UtcMillis
    """[ms] its begin."""
    end: UtcMillis
    """[ms] its end, itself outside; after start."""
    u_per_h: float
    """[U/h] 0 or more."""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a pump's insulin at an instant."""

    at: UtcMillis
    """[ms] the instant."""
    curve: Curve
    """[-] of the insulin in the pump."""
    doses: tuple[Dose, ...]
    """[-] any order; basal ones do not overlap."""
    schedule: tuple[Rate, ...] = ()
    """[-] sorted, no overlaps; may have holes."""
    is_relative: bool = True
    """[-] count basal relative to the schedule."""
    covered_from: UtcMillis | None = None
    """[ms] nothing is known of the time before; None: of no time is nothing known."""
    gaps_are_scheduled: bool = True
    """[-] basal ran as scheduled where no basal is recorded."""
    gap_u_per_h_max: float | None = None
    """[U/h] the most that can have been given in unknown time; None: it has no bound."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Insulin of constant rate, less than nothing where less than scheduled was given."""

    kind: DoseKind
    """[-] of the dose."""
    start: UtcMillis
    """[ms] its begin."""
    end: UtcMillis
    """[ms] its end."""
    units: float
    """[U] as recorded; 0 for unknown time."""
    least: float
    """[U] the least that it can be; -inf without a bound."""
    most: float
    """[U] the most that it can be; inf without a bound."""
    curve: Curve
    """[-] how its insulin acts."""
    purpose: Purpose | None = None
    """[-] of a bolus, if it is known."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Time within the insulin's action of which something is not known."""

    start: UtcMillis
    """[ms] its begin."""
    end: UtcMillis
    """[ms] its end."""
    why: Why
    """[-] what is missing."""


def parts_of(history: History, *, until: UtcMillis) -> list[Part]:
    """Cut the recorded doses that still act into parts of one rate and one scheduled rate.

    Args:
        history: what is known.
        until: [ms] basal is counted up to here. A bolus is counted whole, for what remains of a
            running one will be given.

    Raises:
        ValueError: basal is relative and a record reaches out of the schedule; see
            `first_unscheduled`.
    """
    starts = [rate.start for rate in history.schedule]
    parts: list[Part] = []
    for dose in history.doses:
        if dose.start > history.at or dose.end + window_ms(dose.curve) <= history.at:
            continue
        if dose.kind == "bolus":
            parts.append(_part(dose, dose.start, dose.end, scheduled=0.0))
            continue
        for start, end, rate in _by_rate(history, starts, (dose.start, min(dose.end, until))):
            if rate is None and history.is_relative:
                raise ValueError("a basal record reaches out of the schedule")
            hours = (end - start) / HOUR_MS
            scheduled = (rate or 0.0) * hours if history.is_relative else 0.0
            parts.append(_part(dose, start, end, scheduled=scheduled))
    return parts


def first_unscheduled(history: History) -> int | None:
    """Find the first record of relative basal that reaches out of the schedule."""
    starts = [rate.start for rate in history.schedule]
    for index, dose in enumerate(history.doses if history.is_relative else ()):
        pieces = _by_rate(history, starts, (dose.start, dose.end))
        if dose.kind == "basal" and any(rate is None for _, _, rate in pieces):
            return index
    return None


def gaps_of(history: History) -> tuple[list[Part], list[Stretch]]:
    """Find what is not recorded within the insulin's action.

    Returns:
        Parts for it: scheduled basal where it is taken as such, else what unknown time can have
        brought; and the unknown time itself, sorted.
    """
    begin = UtcMillis(history.at - window_ms(history.curve))
    covered_from = begin if history.covered_from is None else history.covered_from
    known_from = min(history.at, max(begin, covered_from))
    starts = [rate.start for rate in history.schedule]
    basal = [(d.start, d.end) for d in history.doses if d.kind == "basal" and d.start < d.end]
    spans = sorted(span for span in basal if span[1] > begin and span[0] < history.at)
    parts: list[Part] = []
    stretches: list[Stretch] = []
    if begin < known_from:
        stretches.append(Stretch(start=begin, end=known_from, why="before the record begins"))
        for span, is_recorded in _pieces(spans, (begin, known_from)):
            parts.extend(_unknown(history, starts, span, is_recorded=is_recorded))
    for span, is_recorded in _pieces(spans, (known_from, history.at)):
        if is_recorded:
            continue
        if not history.gaps_are_scheduled:
            stretches.append(Stretch(start=span[0], end=span[1], why="no basal record"))
            parts.extend(_unknown(history, starts, span, is_recorded=False))
        elif not history.is_relative:
            found, holes = _scheduled(history, starts, span)
            parts.extend(found)
            stretches.extend(holes)
    return parts, stretches


def window_ms(curve: Curve) -> int:
    """Give how long insulin acts [ms], its delay included, rounded up."""
    return math.ceil(curve.end_min * MINUTE_MS)


def _part(dose: Dose, start: UtcMillis, end: UtcMillis, *, scheduled: float) -> Part:
    whole = dose.end - dose.start
    units = dose.units * ((end - start) / whole if whole else 1.0)
    return Part(
        kind=dose.kind,
        start=start,
        end=end,
        units=units - scheduled,
        least=(units if dose.is_certain else 0.0) - scheduled,
        most=units - scheduled,
        curve=dose.curve,
        purpose=dose.purpose,
    )


def _by_rate(
    history: History, starts: list[UtcMillis], span: Span
) -> Iterator[tuple[UtcMillis, UtcMillis, float | None]]:
    """Cut time where the scheduled rate changes; None where no rate is scheduled."""
    start, end = span
    index = max(0, bisect_right(starts, start) - 1)
    while start < end:
        rate = history.schedule[index] if index < len(starts) else None
        if rate is None or rate.start >= end:
            yield start, end, None
            return
        if rate.start > start:
            yield start, rate.start, None
            start = rate.start
        if rate.end > start:
            stop = min(end, rate.end)
            yield start, stop, rate.u_per_h
            start = stop
        index += 1


def _pieces(spans: list[Span], within: Span) -> Iterator[tuple[Span, bool]]:
    """Cut time into what the sorted spans cover and what they do not."""
    at, end = within
    for first, last in spans:
        if last <= at or first >= end:
            continue
        if first > at:
            yield (at, first), False
        yield (max(at, first), min(last, end)), True
        at = min(last, end)
    if at < end:
        yield (at, end), False


def _unknown(
    history: History, starts: list[UtcMillis], span: Span, *, is_recorded: bool
) -> Iterator[Part]:
    """Say what unknown time can have brought; beside a basal record, boluses alone."""
    for start, end, rate in _by_rate(history, starts, span):
        hours = (end - start) / HOUR_MS
        most = math.inf if history.gap_u_per_h_max is None else history.gap_u_per_h_max * hours
        scheduled = rate * hours if rate is not None else math.inf
        if is_recorded or not history.is_relative:
            scheduled = 0.0
        yield Part(
            kind="basal",
            start=start,
            end=end,
            units=0.0,
            least=-scheduled,
            most=most if math.isinf(scheduled) else most - scheduled,
            curve=history.curve,
        )


def _scheduled(
    history: History, starts: list[UtcMillis], span: Span
) -> tuple[list[Part], list[Stretch]]:
    """Count unrecorded time as scheduled; where nothing is scheduled it is unknown."""
    parts: list[Part] = []
    holes: list[Stretch] = []
    for start, end, rate in _by_rate(history, starts, span):
        if rate is None:
            holes.append(Stretch(start=start, end=end, why="no basal schedule"))
            parts.extend(_unknown(history, starts, (start, end), is_recorded=False))
            continue
        dose = Dose(
            kind="basal",
            start=start,
            end=end,
            units=rate * (end - start) / HOUR_MS,
            curve=history.curve,
        )
        parts.append(_part(dose, start, end, scheduled=0.0))
    return parts, holes
