"""What a person must be told about glucose: which alerts stand, when they sound, when they end."""

from collections.abc import Callable, Sequence, Set
from typing import Final

import msgspec

from core.alert_rules import RULES, AlertName, AlertPriority
from core.glucose_quality import Reading, trend
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, UtcMillis

ESCALATED_AFTER: Final = 3
"""[-] soundings without a reaction until the priority rises; project's own choice."""

PREDICTED_MS: Final = Milliseconds(20 * MINUTE_MS)
"""[ms] ahead that a low is predicted; source: Dexcom's urgent low soon."""

PERSISTS_MS: Final = Milliseconds(HOUR_MS)
"""[ms] of low readings after which the sensor is doubted; source: R62, project's own figure."""

CORRECTED_MS: Final = (Milliseconds(2 * HOUR_MS), Milliseconds(6 * HOUR_MS))
"""[ms] since a correction: from here on it should have worked, and until here it is looked at."""

AFTER_MS: Final = (Milliseconds(2 * HOUR_MS), Milliseconds(3 * HOUR_MS))
"""[ms] since a meal or set change: a measurement is asked for from here on, and until here."""

SENSOR_MS: Final = Milliseconds(DAY_MS)
"""[ms] without a reading after which there is no sensor any more, and people measure."""


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True):
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


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What alerts are judged by; everything later than the instant of judging is left out."""

    readings: tuple[Reading, ...]
    """[-] that count, sorted by time of measurement."""
    since: UtcMillis
    """[ms] when looking began."""
    meals: tuple[UtcMillis, ...] = ()
    """[ms] sorted."""
    corrections: tuple[UtcMillis, ...] = ()
    """[ms] sorted."""
    set_changes: tuple[UtcMillis, ...] = ()
    """[ms] sorted."""
    settings: AlertSettings = AlertSettings()
    """[-] thresholds."""


def standing(facts: Facts, *, active: Set[AlertName], now: UtcMillis) -> frozenset[AlertName]:
    """Name the alerts that stand at an instant.

    Args:
        facts: known by now.
        active: those that stood until now; a threshold lets go of them only beyond it.
        now: [ms] instant.
    """
    known = msgspec.structs.replace(
        facts, readings=tuple(r for r in facts.readings if r.arrived_at <= now and r.at <= now)
    )
    found = {name for name, stands in _TESTS.items() if stands(known, name in active, now)}
    return frozenset(found - ({"glucose_predicted_low"} if "glucose_low" in found else set()))


def priority_of(name: AlertName, *, soundings: int, facts: Facts, now: UtcMillis) -> AlertPriority:
    """Give the priority of an alert that has sounded so often."""
    first = RULES[name].priority
    overdue = name == "set_change_due" and (
        now - facts.set_changes[-1] >= facts.settings.set_hours[1] * HOUR_MS
    )
    if not overdue and soundings <= ESCALATED_AFTER:
        return first
    return "high" if first != "low" else "medium"


def _latest(facts: Facts, now: UtcMillis) -> Reading | None:
    """Give the newest reading while it says anything about now."""
    last = facts.readings[-1] if facts.readings else None
    return last if last and now - last.at <= facts.settings.missing_min * MINUTE_MS else None


def _below(reading: Reading, limit: int) -> bool:
    return reading.bound == "low" or (reading.glucose is not None and reading.glucose < limit)


def _above(reading: Reading, limit: int) -> bool:
    return reading.bound == "high" or (reading.glucose is not None and reading.glucose > limit)


def _under(facts: Facts, limit: int, active: bool, now: UtcMillis) -> bool:
    """Without news a low alert stands: silence does not make it better."""
    last = _latest(facts, now)
    if last is None:
        return active
    return _below(last, limit + facts.settings.cleared_beyond if active else limit)


def _urgent_low(facts: Facts, active: bool, now: UtcMillis) -> bool:
    return _under(facts, facts.settings.urgent_low, active, now)


def _low(facts: Facts, active: bool, now: UtcMillis) -> bool:
    return _under(facts, facts.settings.low, active, now)


def _high(facts: Facts, active: bool, now: UtcMillis) -> bool:
    last = _latest(facts, now)
    limit = facts.settings.high - (facts.settings.cleared_beyond if active else 0)
    return active if last is None else _above(last, limit)


def _slope(facts: Facts, now: UtcMillis) -> float:
    return trend(facts.readings, now=now).mg_dl_per_min or 0.0


def _falling(facts: Facts, active: bool, now: UtcMillis) -> bool:
    del active
    return _slope(facts, now) <= -facts.settings.fast


def _rising(facts: Facts, active: bool, now: UtcMillis) -> bool:
    del active
    return _slope(facts, now) >= facts.settings.fast


def _predicted_low(facts: Facts, active: bool, now: UtcMillis) -> bool:
    """Follow the trend in a straight line for 20 min; a low that is there is no prediction."""
    del active
    last = _latest(facts, now)
    if last is None or last.glucose is None or _below(last, facts.settings.low):
        return False
    ahead = (now + PREDICTED_MS - last.at) / MINUTE_MS
    return last.glucose + _slope(facts, now) * ahead < facts.settings.urgent_low + 1


def _missing(facts: Facts, active: bool, now: UtcMillis) -> bool:
    del active
    sensor = [r.at for r in facts.readings if r.source == "sensor"]
    if not sensor:
        return False
    return facts.settings.missing_min * MINUTE_MS < now - sensor[-1] <= SENSOR_MS


def _low_persists(facts: Facts, active: bool, now: UtcMillis) -> bool:
    del active
    if _latest(facts, now) is None:
        return False
    since = None
    for reading in reversed(facts.readings):
        if not _below(reading, facts.settings.low):
            break
        since = reading.at
    return since is not None and now - since >= PERSISTS_MS


def _high_after_correction(facts: Facts, active: bool, now: UtcMillis) -> bool:
    del active
    last = _latest(facts, now)
    if last is None or not _above(last, facts.settings.high):
        return False
    due = [at for at in facts.corrections if CORRECTED_MS[0] <= now - at <= CORRECTED_MS[1]]
    return any(
        all(_above(r, facts.settings.high) for r in facts.readings if at <= r.at) for at in due
    )


def _wears_sensor(facts: Facts, now: UtcMillis) -> bool:
    return any(r.source == "sensor" and now - r.at <= SENSOR_MS for r in facts.readings)


def _measure_due(facts: Facts, active: bool, now: UtcMillis) -> bool:
    """Fewer than the set number in 24 h, and the last one longer ago than their even distance."""
    del active
    wanted = facts.settings.measurements_a_day
    if wanted == 0 or _wears_sensor(facts, now):
        return False
    measured = [r.at for r in facts.readings if r.source == "meter" and now - r.at < DAY_MS]
    last = measured[-1] if measured else facts.since
    return len(measured) < wanted and now - last >= DAY_MS // wanted


def _measure_after(facts: Facts, events: Sequence[UtcMillis], now: UtcMillis) -> bool:
    early, late = AFTER_MS
    if _wears_sensor(facts, now):
        return False
    due = [at for at in events if early <= now - at < late]
    return any(not any(r.at >= at + early - HOUR_MS // 2 for r in facts.readings) for at in due)


def _measure_after_meal(facts: Facts, active: bool, now: UtcMillis) -> bool:
    del active
    return _measure_after(facts, facts.meals, now)


def _measure_after_set_change(facts: Facts, active: bool, now: UtcMillis) -> bool:
    del active
    return _measure_after(facts, facts.set_changes, now)


def _set_change_due(facts: Facts, active: bool, now: UtcMillis) -> bool:
    del active
    changes = [at for at in facts.set_changes if at <= now]
    return bool(changes) and now - changes[-1] >= facts.settings.set_hours[0] * HOUR_MS


_TESTS: Final[dict[AlertName, Callable[[Facts, bool, UtcMillis], bool]]] = {
    "glucose_urgent_low": _urgent_low,
    "glucose_low": _low,
    "glucose_high": _high,
    "glucose_predicted_low": _predicted_low,
    "glucose_falling": _falling,
    "glucose_rising": _rising,
    "glucose_missing": _missing,
    "glucose_low_persists": _low_persists,
    "glucose_high_after_correction": _high_after_correction,
    "measure_due": _measure_due,
    "measure_after_meal": _measure_after_meal,
    "measure_after_set_change": _measure_after_set_change,
    "set_change_due": _set_change_due,
}
