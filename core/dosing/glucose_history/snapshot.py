"""What is known of glucose now, folded reading by reading: all that alerts are judged by."""

from typing import Final

import msgspec

from core.dosing.glucose_history.occlusion_suspicion import Watched, watch_insulin, watch_reading
from core.models.glucose_quality import (
    FLAT_MG_DL,
    FLAT_MS,
    FLAT_READINGS_MIN,
    TREND_GAP_MS_MAX,
    TREND_MS,
    Point,
    Reading,
    trend_of,
)
from schemas.corrections import CarbsCorrected
from schemas.glucose import ForecastPoint, GlucoseBeyondRange, GlucoseForecast, GlucoseMeasured
from schemas.units import HOUR_MS, MgDl, MilliUnits, UtcMillis

POINTS_MAX: Final = 16
"""[-] newest readings that a trend is made of: 15 min of a sensor that reads each minute."""

MEASURED_MAX: Final = 24
"""[-] newest measurements by meter that are counted."""

EVENTS_MAX: Final = 20
"""[-] newest meals, corrections and set changes that are remembered, of each."""

EVENTS_MS: Final = 8 * HOUR_MS
"""[ms] that meals and corrections are remembered."""


class AlertSettings(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """When alerts stand; these are no settings of therapy and have defaults."""

    urgent_low: int = 54
    """[mg/dL] below it; source: consensus level 2."""
    low: int = 70
    """[mg/dL] below it; source: consensus level 1."""
    high: int = 250
    """[mg/dL] above it; source: consensus level 2."""
    cleared_beyond: int = 5
    """[mg/dL] beyond a threshold before its alert ends."""
    fast: float = 2.0
    """[mg/dL/min] rising or falling at least so; source: Dexcom."""
    missing_min: int = 20
    """[min] without a sensor's reading; source: Tandem and Omnipod, 20 min."""
    measurements_a_day: int = 4
    """[-] by meter, without a sensor; 0 for no reminder."""
    set_hours: tuple[int, int] = (48, 72)
    """[h] of a set: due from here on, overdue from here on."""


class Still(msgspec.Struct, frozen=True, gc=False):
    """A time in which a sensor's numbers hardly moved."""

    since: UtcMillis
    """[ms] its first reading."""
    until: UtcMillis
    """[ms] its last one so far."""
    least: MgDl
    """[mg/dL] of its readings."""
    most: MgDl
    """[mg/dL] of its readings."""
    count: int
    """[-] readings."""


class GlucoseSnapshot(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is known of glucose and of what was done about it; the news alone, nothing filled in."""

    since: UtcMillis | None = None
    """[ms] when looking began."""
    latest: Reading | None = None
    """[-] the reading with the latest time of measurement."""
    points: tuple[Point, ...] = ()
    """[-] newest numbers of the sensor, sorted."""
    device: str = ""
    """[-] the sensor that they are of."""
    still: Still | None = None
    """[-] how long the sensor has hardly moved; none while it gives no number."""
    sensor_at: UtcMillis | None = None
    """[ms] last reading of a sensor."""
    measured: tuple[UtcMillis, ...] = ()
    """[ms] newest measurements by meter, sorted."""
    low_since: UtcMillis | None = None
    """[ms] first of the low readings up to now, none when the latest is not low."""
    not_high_at: UtcMillis | None = None
    """[ms] last reading that was not high."""
    meals: tuple[UtcMillis, ...] = ()
    """[ms] newest, sorted."""
    corrections: tuple[UtcMillis, ...] = ()
    """[ms] newest, sorted."""
    set_at: UtcMillis | None = None
    """[ms] last change of the infusion set."""
    ahead: tuple[ForecastPoint, ...] = ()
    """[-] forecast from the latest reading; empty while there is none."""
    watched: Watched = Watched()
    """[-] what an occlusion is suspected from."""
    settings: AlertSettings = AlertSettings()
    """[-] thresholds."""

    @property
    def is_flat(self) -> bool:
        """Say whether the sensor has stood still longer than any living person's does."""
        still, at = self.still, self.sensor_at
        if still is None or at is None:
            return False
        return still.count >= FLAT_READINGS_MIN and at - still.since >= FLAT_MS

    @property
    def slope(self) -> float:
        """Give where glucose leads [mg/dL/min], 0 where nobody knows."""
        return trend_of(self.points).mg_dl_per_min or 0.0


def is_below(reading: Reading, limit: int) -> bool:
    """Say whether a reading is below a limit [mg/dL]; LOW is below every one."""
    return reading.bound == "low" or (reading.glucose is not None and reading.glucose < limit)


def is_above(reading: Reading, limit: int) -> bool:
    """Say whether a reading is above a limit [mg/dL]; HIGH is above every one."""
    return reading.bound == "high" or (reading.glucose is not None and reading.glucose > limit)


def fold_reading(snapshot: GlucoseSnapshot, reading: Reading) -> GlucoseSnapshot:
    """Take news in; what comes late is put where it belongs, and is no news."""
    if snapshot.latest is not None and reading.at < snapshot.latest.at:
        return _fold_late(snapshot, reading)
    at, settings = reading.at, snapshot.settings
    news = {
        "since": at if snapshot.since is None else snapshot.since,
        "latest": reading,
        "ahead": (),
        "low_since": (snapshot.low_since or at) if is_below(reading, settings.low) else None,
        "not_high_at": snapshot.not_high_at if is_above(reading, settings.high) else at,
    }
    if reading.source != "sensor":
        measured = (*snapshot.measured[-MEASURED_MAX + 1 :], at)
        return msgspec.structs.replace(snapshot, **news, measured=measured)
    return msgspec.structs.replace(
        snapshot,
        **news,
        points=_points(snapshot, reading),
        still=_still(snapshot, reading),
        device=reading.device,
        watched=watch_reading(snapshot.watched, at=at, glucose=reading.glucose),
        sensor_at=at,
    )


def reading_of(event: GlucoseMeasured | GlucoseBeyondRange, *, now: UtcMillis) -> Reading:
    """Give a reading as alerts see it."""
    return Reading(
        at=event.measured_at,
        arrived_at=now,
        glucose=event.glucose if isinstance(event, GlucoseMeasured) else None,
        bound=event.bound if isinstance(event, GlucoseBeyondRange) else None,
        source=event.source,
        device=event.device,
    )


def fold_forecast(snapshot: GlucoseSnapshot, forecast: GlucoseForecast) -> GlucoseSnapshot:
    """Keep where glucose is forecast to lead from the latest reading; of an older one, nothing."""
    if snapshot.latest is None or forecast.measured_at != snapshot.latest.at:
        return snapshot
    return msgspec.structs.replace(snapshot, ahead=forecast.points)


def fold_meal(snapshot: GlucoseSnapshot, at: UtcMillis) -> GlucoseSnapshot:
    """Remember a meal."""
    return msgspec.structs.replace(snapshot, meals=_with(snapshot.meals, at))


def fold_corrected_meal(snapshot: GlucoseSnapshot, corrected: CarbsCorrected) -> GlucoseSnapshot:
    """Remember a meal at the time at which it was eaten; one that was not is forgotten."""
    meals = list(snapshot.meals)
    if corrected.was and corrected.was_eaten_at in meals:
        meals.remove(corrected.was_eaten_at)
    kept = msgspec.structs.replace(snapshot, meals=tuple(meals))
    return fold_meal(kept, corrected.eaten_at) if corrected.grams else kept


def fold_insulin(
    snapshot: GlucoseSnapshot, *, at: UtcMillis, amount: MilliUnits
) -> GlucoseSnapshot:
    """Remember insulin that was counted as given."""
    watched = watch_insulin(snapshot.watched, at=at, amount=amount)
    return msgspec.structs.replace(snapshot, watched=watched)


def fold_set_change(snapshot: GlucoseSnapshot, at: UtcMillis) -> GlucoseSnapshot:
    """Remember a change of set by its newest step, a fill or a prime; which are taken differs."""
    return msgspec.structs.replace(snapshot, set_at=at)


def fold_correction(snapshot: GlucoseSnapshot, at: UtcMillis) -> GlucoseSnapshot:
    """Remember a correction bolus."""
    return msgspec.structs.replace(snapshot, corrections=_with(snapshot.corrections, at))


def _fold_late(snapshot: GlucoseSnapshot, reading: Reading) -> GlucoseSnapshot:
    """Count a measurement that is entered late, and fill a gap in the sensor's numbers."""
    if reading.source != "sensor":
        measured = tuple(sorted((*snapshot.measured, reading.at)))[-MEASURED_MAX:]
        return msgspec.structs.replace(snapshot, measured=measured)
    kept, number = snapshot.points, reading.glucose
    if number is None or not kept or reading.device != snapshot.device:
        return snapshot
    if reading.at < kept[-1][0] - TREND_MS:
        return snapshot
    points = tuple(sorted((*kept, (reading.at, number))))
    return msgspec.structs.replace(snapshot, points=points[-POINTS_MAX:])


def _points(snapshot: GlucoseSnapshot, reading: Reading) -> tuple[Point, ...]:
    kept = snapshot.points if reading.device == snapshot.device else ()
    if reading.glucose is None:
        return kept
    since, first = reading.at - TREND_MS, max(0, len(kept) - POINTS_MAX + 1)
    while first < len(kept) and kept[first][0] < since:
        first += 1
    return (*kept[first:], (reading.at, reading.glucose))


def _still(snapshot: GlucoseSnapshot, reading: Reading) -> Still | None:
    number, known = reading.glucose, snapshot.still
    if number is None:
        return None
    if known is not None and reading.device == snapshot.device:
        least, most = min(known.least, number), max(known.most, number)
        if most - least < FLAT_MG_DL and reading.at - known.until <= TREND_GAP_MS_MAX:
            return Still(known.since, reading.at, least, most, known.count + 1)
    return Still(reading.at, reading.at, number, number, 1)


def _with(known: tuple[UtcMillis, ...], at: UtcMillis) -> tuple[UtcMillis, ...]:
    kept = (one for one in known if one >= at - EVENTS_MS)
    return tuple(sorted((*kept, at)))[-EVENTS_MAX:]
