"""How Loop and oref0 cut a history into momentary doses, to compare with their numbers.

Both count on a grid where `history.parts_of` integrates; what they say differs from it by up to
0.1 U. oref0's loss of the tail of a long rate that crosses a basal boundary is not copied, nor
that it ignores records out of order.
"""

import math
from collections.abc import Iterable, Iterator

import msgspec

from core.models.insulin.history import Dose, History, Part, parts_of
from schemas.units import MINUTE_MS, UtcMillis

LOOP_STEP_MS = 5 * MINUTE_MS
"""[ms] between two momentary doses; source: LoopAlgorithm GlucoseMath.defaultDelta."""

LOOP_MOMENTARY_MS = 315_000
"""[ms] up to here a dose is one moment, 1.05 steps; source: LoopAlgorithm InsulinMath."""

LOOP_UNTIL = UtcMillis(253_402_300_800_000)
"""[ms] the year 10000: Loop cuts no running rate at the present."""

OREF0_CHUNK_MS = 30 * MINUTE_MS
"""[ms] longest stretch of one temporary rate; source: oref0 lib/iob/history.js."""

OREF0_PULSE_U = 0.05
"""[U] of net basal in one momentary dose; source: oref0 lib/iob/history.js."""

OREF0_BASAL_U = 0.1
"""[U] below which a momentary dose counts as basal; source: oref0 lib/iob/total.js."""

OREF0_SKEW_MS = MINUTE_MS
"""[ms] a running rate goes on beyond the present; source: oref0 lib/iob/history.js."""


def loop_parts(history: History) -> list[Part]:
    """Cut as LoopAlgorithm's InsulinMath does: every 5 min, also a little ahead of the present.

    A running rate counts up to its delay and one step of what it has not delivered yet.
    """
    parts: list[Part] = []
    for part in parts_of(history, until=LOOP_UNTIL):
        if part.start > history.at:
            continue
        delay = round(part.curve.delay_min * MINUTE_MS)
        reached = (history.at - part.start + delay) // LOOP_STEP_MS * LOOP_STEP_MS
        parts.extend(step for step in _loop_steps(part) if step.start - part.start <= reached)
    return parts


def loop_steps(history: History) -> list[Part]:
    """Cut as `loop_parts` and to the end of each dose: what Loop's effects on glucose are of.

    There the steps ahead change nothing, for what is not given yet has no effect.
    """
    parts = parts_of(history, until=LOOP_UNTIL)
    return [step for part in parts for step in _loop_steps(part)]


def _loop_steps(part: Part) -> Iterator[Part]:
    """Give the momentary doses of one part, each at the begin of its step."""
    whole = part.end - part.start
    if whole <= LOOP_MOMENTARY_MS:
        yield msgspec.structs.replace(part, end=part.start)
        return
    for offset in range(0, whole, LOOP_STEP_MS):
        share = (min(offset + LOOP_STEP_MS, whole) - offset) / whole
        yield _momentary(part, UtcMillis(part.start + offset), units=part.units * share)


def oref0_parts(history: History) -> list[Part]:
    """Cut as oref0 does: boluses at their start, net basal as pulses of 0.05 U, whole minutes."""
    until = UtcMillis(history.at + OREF0_SKEW_MS)
    chopped = msgspec.structs.replace(
        history, doses=tuple(piece for dose in history.doses for piece in _chunks(dose, until))
    )
    parts: list[Part] = []
    for part in parts_of(chopped, until=until):
        pulses = [part] if part.kind == "bolus" else _oref0_pulses(part)
        parts.extend(_oref0_rounded(pulses, at=history.at))
    return parts


def rounded_half_up(value: float, *, digits: int) -> float:
    """Round as JavaScript's Math.round does, halves towards more."""
    factor: int = 10**digits
    return math.floor(value * factor + 0.5) / factor


def _chunks(dose: Dose, until: UtcMillis) -> Iterator[Dose]:
    if dose.kind == "bolus":
        yield dose
        return
    for start in range(dose.start, min(dose.end, until), OREF0_CHUNK_MS):
        end = min(start + OREF0_CHUNK_MS, dose.end, until)
        share = (end - start) / (dose.end - dose.start)
        yield msgspec.structs.replace(
            dose, start=UtcMillis(start), end=UtcMillis(end), units=dose.units * share
        )


def _oref0_pulses(part: Part) -> Iterator[Part]:
    net = rounded_half_up(part.units, digits=2)
    pulse = math.copysign(OREF0_PULSE_U, part.units)
    count = math.floor(net / pulse + 0.5)
    for number in range(count):
        moment = part.start + number * (part.end - part.start) / count
        yield _momentary(part, UtcMillis(round(moment)), units=pulse)


def _oref0_rounded(parts: Iterable[Part], *, at: UtcMillis) -> Iterator[Part]:
    """Put each dose a whole number of minutes back, and call it basal if it is small."""
    for part in parts:
        if at - part.curve.duration_min * MINUTE_MS < part.start <= at:
            minutes = math.floor((at - part.start) / MINUTE_MS + 0.5)
            moment = UtcMillis(at - minutes * MINUTE_MS)
            rounded = _momentary(part, moment, units=part.units)
            kind = "basal" if part.units < OREF0_BASAL_U else "bolus"
            yield msgspec.structs.replace(rounded, kind=kind)


def _momentary(part: Part, moment: UtcMillis, *, units: float) -> Part:
    return msgspec.structs.replace(
        part, start=moment, end=moment, units=units, least=units, most=units
    )
