"""How far readings can be trusted: which count, where they lead, how noisy and how old they are."""

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from schemas.glucose import GlucoseSource
from schemas.units import HOUR_MS, MINUTE_MS, MgDl, Milliseconds, UtcMillis

READING_MG_DL_MIN: Final = 10
"""[mg/dL] below it no living person measures; source: Loop's manual entry, 10 to 600."""

READING_MG_DL_MAX: Final = 600
"""[mg/dL] above it meters say HIGH; source: Loop's manual entry, 10 to 600."""

FUTURE_MS_MAX: Final = Milliseconds(5 * MINUTE_MS)
"""[ms] a reading may be ahead of the clock; source: Loop and oref0, 5 min."""

DOUBLED_MS: Final = Milliseconds(20_000)
"""[ms] two sensor readings closer than this come from two paths; source: AAPS."""

BACKFILL_MS: Final = Milliseconds(10 * MINUTE_MS)
"""[ms] between measurement and arrival from which on a reading was filled in later."""

TREND_MS: Final = Milliseconds(15 * MINUTE_MS)
"""[ms] of readings that a trend is made of; source: Loop's momentum."""

TREND_READINGS_MIN: Final = 3
"""[-] fewer give no trend; source: Loop's momentum."""

TREND_SPAN_MS_MIN: Final = Milliseconds(5 * MINUTE_MS)
"""[ms] from the first to the last reading of a trend; over seconds noise is all there is."""

TREND_GAP_MS_MAX: Final = Milliseconds(12 * MINUTE_MS)
"""[ms] between two readings of a trend, at most: one missing reading."""

NOISE_READINGS: Final = (4, 8)
"""[-] fewest and most readings that noise is made of; source: oref0's glucose statistics."""

FLAT_MS: Final = Milliseconds(45 * MINUTE_MS)
"""[ms] without movement that no living person shows; source: oref0 and AAPS."""

FLAT_READINGS_MIN: Final = 8
"""[-] fewer within that time say nothing."""

FLAT_MG_DL: Final = 2
"""[mg/dL] of movement within that time, below which it is flat; source: AAPS."""

STALE_MS: Final[dict[str, Milliseconds]] = {
    "advice": Milliseconds(10 * MINUTE_MS),
    "automation": Milliseconds(12 * MINUTE_MS),
    "display": Milliseconds(15 * MINUTE_MS),
    "suspension": Milliseconds(20 * MINUTE_MS),
}
"""[ms] age from which a reading is not used any more; sources: R57, oref0, Loop, Control-IQ."""

Arrow = Literal[
    "DoubleUp",
    "SingleUp",
    "FortyFiveUp",
    "Flat",
    "FortyFiveDown",
    "SingleDown",
    "DoubleDown",
    "NotComputable",
]
"""[-] as Dexcom and Nightscout spell it: more than 3, 2 and 1 mg/dL/min."""

Noise = Literal["unknown", "clean", "light", "medium", "heavy"]
Verdict = Literal["taken", "implausible", "future", "duplicate", "doubled", "backfill"]


class Reading(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One reading as it came."""

    at: UtcMillis
    """[ms] when the device measured."""
    arrived_at: UtcMillis
    """[ms] when it was heard."""
    glucose: MgDl | None
    """[mg/dL] none for LOW and HIGH."""
    bound: Literal["low", "high"] | None = None
    """[-] the end of the device's range that was left."""
    source: GlucoseSource
    """[-] a drop of blood or a sensor."""
    device: str = ""
    """[-] the device, as it names itself."""


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """Where glucose leads."""

    mg_dl_per_min: float | None
    """[mg/dL/min] slope of the last 15 min; none without enough readings."""
    arrow: Arrow
    """[-] the slope as an arrow."""


NO_TREND: Final = Trend(mg_dl_per_min=None, arrow="NotComputable")
"""[-] of too few readings."""

Point = tuple[UtcMillis, MgDl]
"""[ms], [mg/dL] time and value."""


def judge(readings: Sequence[Reading]) -> tuple[Verdict, ...]:
    """Judge readings in the order in which they came.

    A reading that is filled in later counts as history, never as news. Of two paths of one sensor
    the first counts.
    """
    verdicts: list[Verdict] = []
    taken: list[Reading] = []
    for reading in readings:
        verdict = _verdict(reading, taken)
        verdicts.append(verdict)
        if verdict in {"taken", "backfill"}:
            insort(taken, reading, key=_time)
    return tuple(verdicts)


def counted(readings: Sequence[Reading], verdicts: Sequence[Verdict]) -> tuple[Reading, ...]:
    """Give the readings that count, sorted by time of measurement, blood before sensor."""
    found = [r for r, v in zip(readings, verdicts, strict=True) if v in {"taken", "backfill"}]
    return tuple(sorted(found, key=lambda r: (r.at, r.source != "meter", r.device)))


def newest(readings: Sequence[Reading]) -> Reading | None:
    """Choose among sources: the newest reading, a drop of blood before a sensor of 5 min later."""
    if not readings:
        return None
    last = readings[-1]
    blood = next((r for r in reversed(readings) if r.source == "meter"), None)
    if blood is not None and last.at - blood.at <= FUTURE_MS_MAX:
        return blood
    return last


def trend(readings: Sequence[Reading], *, now: UtcMillis) -> Trend:
    """Fit a line through one sensor's readings of the last 15 min.

    Args:
        readings: that count, sorted.
        now: [ms] instant.
    """
    return trend_of(_points(readings, since=UtcMillis(now - TREND_MS), until=now))


def trend_of(points: Sequence[Point]) -> Trend:
    """Fit a line through points of one sensor, sorted by time, by least squares."""
    times = [at for at, _ in points]
    gaps = [after - before for before, after in zip(times, times[1:], strict=False)]
    if len(points) < TREND_READINGS_MIN or max(gaps) > TREND_GAP_MS_MAX:
        return NO_TREND
    if min(gaps) == 0 or times[-1] - times[0] < TREND_SPAN_MS_MIN:
        return NO_TREND
    middle = sum(times) / len(times)
    level = sum(value for _, value in points) / len(points)
    spread = sum((at - middle) ** 2 for at in times)
    slope = sum((at - middle) * (value - level) for at, value in points) / spread * MINUTE_MS
    return Trend(mg_dl_per_min=round(slope, 6), arrow=arrow_of(slope))


def arrow_of(slope: float) -> Arrow:
    """Give the arrow of a slope [mg/dL/min]."""
    arrows: tuple[tuple[float, Arrow, Arrow], ...] = (
        (3.0, "DoubleUp", "DoubleDown"),
        (2.0, "SingleUp", "SingleDown"),
        (1.0, "FortyFiveUp", "FortyFiveDown"),
    )
    for limit, up, down in arrows:
        if abs(slope) > limit:
            return up if slope > 0 else down
    return "Flat"


def noise(readings: Sequence[Reading], *, now: UtcMillis) -> Noise:
    """Compare the way that a sensor's curve goes with the straight line; turns weigh more.

    Formula: oref0's glucose statistics (calcSensorNoise): 1 - straight / way over 4 to 8 readings,
    a second of time weighing 0.03 mg/dL; 0.35, 0.5 and 0.7 part the classes, and a jump of more
    than 30 mg/dL is heavy.
    """
    return noise_of(_points(readings, since=UtcMillis(now - HOUR_MS), until=now))


def noise_of(known: Sequence[Point]) -> Noise:
    """Give the noise of numbers of one sensor, sorted by time; see `noise`."""
    fewest, most = NOISE_READINGS
    points = known[-most:]
    if len(points) < fewest:
        return "unknown"
    last, before = points[-1][1], points[-2][1]
    if last > 400 or abs(last - before) > 30:
        return "heavy"
    if last < 40:
        return "light"
    way, delta_before = 0.0, 0.0
    for index in range(1, len(points)):
        (at, value), (at_before, value_before) = points[index], points[index - 1]
        delta = (value - value_before) * (1 + index / (len(points) * 3))
        turned = delta_before * delta < 0
        delta_before = delta
        if turned:
            delta *= 1.1 if delta < 0 else 1.2
        way += math.hypot((at - at_before) / 1000 * 0.03, delta)
    straight = math.hypot((points[-1][0] - points[0][0]) / 1000 * 0.03, last - points[0][1])
    part = 1 - straight / way
    classes: tuple[tuple[float, Noise], ...] = ((0.35, "clean"), (0.5, "light"), (0.7, "medium"))
    for limit, name in classes:
        if part < limit:
            return name
    return "heavy"


def is_flat(readings: Sequence[Reading], *, now: UtcMillis) -> bool:
    """Say whether a sensor has not moved for 45 min, which no living person's glucose does."""
    points = _points(readings, since=UtcMillis(now - FLAT_MS), until=now)
    if len(points) < FLAT_READINGS_MIN:
        return False
    edges = (points[0][0] - (now - FLAT_MS), now - points[-1][0])
    if max(edges) > TREND_GAP_MS_MAX:
        return False
    values = [value for _, value in points]
    return max(values) - min(values) < FLAT_MG_DL


def stale_for(reading: Reading | None, *, now: UtcMillis) -> tuple[str, ...]:
    """Name the purposes for which a reading is too old; all of them without one."""
    if reading is None:
        return tuple(STALE_MS)
    return tuple(name for name, age in STALE_MS.items() if now - reading.at > age)


def _time(reading: Reading) -> UtcMillis:
    return reading.at


def _verdict(reading: Reading, taken: Sequence[Reading]) -> Verdict:
    """Judge a reading beside those taken before it, which are sorted by time."""
    number = reading.glucose
    if number is not None and not READING_MG_DL_MIN <= number <= READING_MG_DL_MAX:
        return "implausible"
    if reading.at > reading.arrived_at + FUTURE_MS_MAX:
        return "future"
    first = bisect_left(taken, reading.at - DOUBLED_MS, key=_time)
    last = bisect_right(taken, reading.at + DOUBLED_MS, key=_time)
    close = [other for other in taken[first:last] if other.source == reading.source]
    if any(other.at == reading.at and other.device == reading.device for other in close):
        return "duplicate"
    if close and reading.source == "sensor":
        return "doubled"
    late = reading.arrived_at - reading.at > BACKFILL_MS
    is_older = bool(taken) and taken[-1].at > reading.at
    return "backfill" if late or is_older else "taken"


def _points(readings: Sequence[Reading], *, since: UtcMillis, until: UtcMillis) -> list[Point]:
    """Give time and value of one sensor's numbers; LOW and HIGH are none."""
    sensor = [r for r in readings if r.source == "sensor" and since <= r.at <= until]
    if not sensor:
        return []
    device = sensor[-1].device
    return [(r.at, r.glucose) for r in sensor if r.device == device and r.glucose is not None]
