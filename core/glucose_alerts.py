"""What a person must be told about glucose: which alerts stand, when they sound, when they end."""

from collections.abc import Callable, Sequence, Set
from typing import Final

from core.alert_rules import RULES, AlertName, AlertPriority
from core.glucose_picture import Picture, is_above, is_below
from core.glucose_quality import Reading
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


def standing(picture: Picture, *, active: Set[AlertName], now: UtcMillis) -> frozenset[AlertName]:
    """Name the alerts that stand at an instant.

    Args:
        picture: what is known by now.
        active: those that stood until now; a threshold lets go of them only beyond it.
        now: [ms] instant.
    """
    found: set[AlertName] = {
        name for name, stands in _TESTS.items() if stands(picture, name in active, now)
    }
    if "glucose_low" in found:
        found.discard("glucose_predicted_low")
    return frozenset(found)


def priority_of(
    name: AlertName, *, soundings: int, picture: Picture, now: UtcMillis
) -> AlertPriority:
    """Give the priority of an alert that has sounded so often."""
    first = RULES[name].priority
    overdue_ms = picture.settings.set_hours[1] * HOUR_MS
    is_overdue = (
        name == "set_change_due"
        and picture.set_at is not None
        and now - picture.set_at >= overdue_ms
    )
    if not is_overdue and soundings <= ESCALATED_AFTER:
        return first
    return "high" if first != "low" else "medium"


def _news(picture: Picture, now: UtcMillis) -> Reading | None:
    """Give the newest reading while it says anything about now."""
    last = picture.latest
    return last if last and now - last.at <= picture.settings.missing_min * MINUTE_MS else None


def _under(picture: Picture, limit: int, active: bool, now: UtcMillis) -> bool:
    """Without news a low alert stands: silence does not make it better."""
    last = _news(picture, now)
    if last is None:
        return active
    return is_below(last, limit + picture.settings.cleared_beyond if active else limit)


def _urgent_low(picture: Picture, active: bool, now: UtcMillis) -> bool:
    return _under(picture, picture.settings.urgent_low, active, now)


def _low(picture: Picture, active: bool, now: UtcMillis) -> bool:
    return _under(picture, picture.settings.low, active, now)


def _high(picture: Picture, active: bool, now: UtcMillis) -> bool:
    last = _news(picture, now)
    limit = picture.settings.high - (picture.settings.cleared_beyond if active else 0)
    return active if last is None else is_above(last, limit)


def _falling(picture: Picture, active: bool, now: UtcMillis) -> bool:
    del active
    return _news(picture, now) is not None and picture.slope <= -picture.settings.fast


def _rising(picture: Picture, active: bool, now: UtcMillis) -> bool:
    del active
    return _news(picture, now) is not None and picture.slope >= picture.settings.fast


def _predicted_low(picture: Picture, active: bool, now: UtcMillis) -> bool:
    """Follow the trend in a straight line for 20 min; a low that is there is no prediction."""
    del active
    last = _news(picture, now)
    if last is None or last.glucose is None or is_below(last, picture.settings.low):
        return False
    ahead = (now + PREDICTED_MS - last.at) / MINUTE_MS
    return last.glucose + picture.slope * ahead <= picture.settings.urgent_low


def _missing(picture: Picture, active: bool, now: UtcMillis) -> bool:
    del active
    if picture.sensor_at is None:
        return False
    return picture.settings.missing_min * MINUTE_MS < now - picture.sensor_at <= SENSOR_MS


def _low_persists(picture: Picture, active: bool, now: UtcMillis) -> bool:
    del active
    since = picture.low_since
    return since is not None and _news(picture, now) is not None and now - since >= PERSISTS_MS


def _high_after_correction(picture: Picture, active: bool, now: UtcMillis) -> bool:
    """Every reading since a correction of two hours ago was high."""
    del active
    last = _news(picture, now)
    if last is None or not is_above(last, picture.settings.high):
        return False
    lower_at = -1 if picture.not_high_at is None else picture.not_high_at
    early, late = CORRECTED_MS
    return any(early <= now - at <= late and lower_at < at for at in picture.corrections)


def _wears_sensor(picture: Picture, now: UtcMillis) -> bool:
    return picture.sensor_at is not None and now - picture.sensor_at <= SENSOR_MS


def _measure_due(picture: Picture, active: bool, now: UtcMillis) -> bool:
    """Fewer than the set number in 24 h, and the last one longer ago than their even distance."""
    del active
    wanted = picture.settings.measurements_a_day
    if wanted == 0 or picture.since is None or _wears_sensor(picture, now):
        return False
    measured = [at for at in picture.measured if now - at < DAY_MS]
    last = measured[-1] if measured else picture.since
    return len(measured) < wanted and now - last >= DAY_MS // wanted


def _measure_after(picture: Picture, events: Sequence[UtcMillis], now: UtcMillis) -> bool:
    early, late = AFTER_MS
    if _wears_sensor(picture, now):
        return False
    seen_at = picture.latest.at if picture.latest else -1
    return any(early <= now - at < late and seen_at < at + early - HOUR_MS // 2 for at in events)


def _measure_after_meal(picture: Picture, active: bool, now: UtcMillis) -> bool:
    del active
    return _measure_after(picture, picture.meals, now)


def _measure_after_set_change(picture: Picture, active: bool, now: UtcMillis) -> bool:
    del active
    return _measure_after(picture, () if picture.set_at is None else (picture.set_at,), now)


def _set_change_due(picture: Picture, active: bool, now: UtcMillis) -> bool:
    del active
    since = picture.set_at
    return since is not None and now - since >= picture.settings.set_hours[0] * HOUR_MS


_TESTS: Final[dict[AlertName, Callable[[Picture, bool, UtcMillis], bool]]] = {
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
