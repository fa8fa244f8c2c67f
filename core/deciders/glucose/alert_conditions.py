"""Which conditions of glucose a person must be alerted to at an instant."""

from collections.abc import Callable, Sequence, Set
from typing import Final

import msgspec

from core.deciders.glucose.alert_rules import RULES, AlertName, AlertPriority
from core.dosing.glucose_history.occlusion_suspicion import is_suspected
from core.dosing.glucose_history.snapshot import GlucoseSnapshot, is_above, is_below
from core.models.glucose_quality import Reading
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


class _Look(msgspec.Struct, frozen=True, gc=False):
    """A snapshot at an instant, with values that several conditions share."""

    snapshot: GlucoseSnapshot
    now: UtcMillis
    last: Reading | None
    """[-] the newest reading while it says anything about now."""
    slope: float
    """[mg/dL/min] where glucose leads, 0 where nobody knows."""
    wears_sensor: bool


def active_conditions(
    snapshot: GlucoseSnapshot, *, active: Set[AlertName], now: UtcMillis
) -> frozenset[AlertName]:
    """Name the alerts that stand at an instant.

    Args:
        snapshot: what is known by now.
        active: those that stood until now; a threshold lets go of them only beyond it.
        now: [ms] instant.
    """
    look = _look(snapshot, now)
    found: set[AlertName] = {name for name, stands in _TESTS if stands(look, name in active)}
    for cause, same in _SAME_CAUSE:
        if cause in found:
            found -= same
    return frozenset(found)


def priority_of(
    name: AlertName, *, annunciations: int, snapshot: GlucoseSnapshot, now: UtcMillis
) -> AlertPriority:
    """Give the priority of an alert that has sounded so often."""
    first = RULES[name].priority
    overdue_ms = snapshot.settings.set_hours[1] * HOUR_MS
    is_overdue = (
        name == "set_change_due"
        and snapshot.set_at is not None
        and now - snapshot.set_at >= overdue_ms
    )
    if not is_overdue and annunciations <= ESCALATED_AFTER:
        return first
    return "high" if first != "low" else "medium"


def _look(snapshot: GlucoseSnapshot, now: UtcMillis) -> _Look:
    latest, sensor_at = snapshot.latest, snapshot.sensor_at
    is_news = latest is not None and now - latest.at <= snapshot.settings.missing_min * MINUTE_MS
    wears_sensor = sensor_at is not None and now - sensor_at <= SENSOR_MS
    if not is_news:
        return _Look(snapshot, now, None, 0.0, wears_sensor)
    return _Look(snapshot, now, latest, snapshot.slope, wears_sensor)


def _under(look: _Look, limit: int, active: bool) -> bool:
    """Without news a low alert stands: silence does not make it better."""
    if look.last is None:
        return active
    beyond = look.snapshot.settings.cleared_beyond if active else 0
    return is_below(look.last, limit + beyond)


def _urgent_low(look: _Look, active: bool) -> bool:
    return _under(look, look.snapshot.settings.urgent_low, active)


def _low(look: _Look, active: bool) -> bool:
    return _under(look, look.snapshot.settings.low, active)


def _high(look: _Look, active: bool) -> bool:
    if look.last is None:
        return active
    settings = look.snapshot.settings
    return is_above(look.last, settings.high - (settings.cleared_beyond if active else 0))


def _falling(look: _Look, active: bool) -> bool:
    del active
    return look.last is not None and look.slope <= -look.snapshot.settings.fast


def _rising(look: _Look, active: bool) -> bool:
    del active
    return look.last is not None and look.slope >= look.snapshot.settings.fast


def _predicted_low(look: _Look, active: bool) -> bool:
    """Follow trend and forecast for 20 min, the sooner counts; a low that is there is none."""
    del active
    last, settings = look.last, look.snapshot.settings
    if last is None or last.glucose is None or is_below(last, settings.low):
        return False
    until = look.now + PREDICTED_MS
    if any(p.at <= until and p.glucose <= settings.urgent_low for p in look.snapshot.ahead):
        return True
    ahead = (look.now + PREDICTED_MS - last.at) / MINUTE_MS
    return last.glucose + look.slope * ahead <= settings.urgent_low


def _missing(look: _Look, active: bool) -> bool:
    del active
    sensor_at = look.snapshot.sensor_at
    if sensor_at is None or not look.wears_sensor:
        return False
    return look.now - sensor_at > look.snapshot.settings.missing_min * MINUTE_MS


def _flat(look: _Look, active: bool) -> bool:
    """A silent sensor shows nothing new: what stood, stands as long as it is worn."""
    if look.last is None or look.snapshot.still is None:
        return active and look.wears_sensor
    return look.snapshot.is_flat


def _low_persists(look: _Look, active: bool) -> bool:
    del active
    since = look.snapshot.low_since
    return since is not None and look.last is not None and look.now - since >= PERSISTS_MS


def _high_after_correction(look: _Look, active: bool) -> bool:
    """Every reading since a correction of two hours ago was high."""
    del active
    snapshot = look.snapshot
    if look.last is None or not is_above(look.last, snapshot.settings.high):
        return False
    lower_at = -1 if snapshot.not_high_at is None else snapshot.not_high_at
    early, late = CORRECTED_MS
    return any(early <= look.now - at <= late and lower_at < at for at in snapshot.corrections)


def _occlusion_suspected(look: _Look, active: bool) -> bool:
    """Without news it is suspected on: silence opens no line."""
    snapshot = look.snapshot
    if look.last is None:
        return active
    return is_suspected(snapshot.watched, meals=snapshot.meals, now=look.now, active=active)


def _measure_due(look: _Look, active: bool) -> bool:
    """Fewer than the set number in 24 h, and the last one longer ago than their even distance."""
    del active
    snapshot = look.snapshot
    wanted = snapshot.settings.measurements_a_day
    if wanted == 0 or snapshot.since is None or look.wears_sensor:
        return False
    measured = [at for at in snapshot.measured if look.now - at < DAY_MS]
    last = measured[-1] if measured else snapshot.since
    return len(measured) < wanted and look.now - last >= DAY_MS // wanted


def _measure_after(look: _Look, events: Sequence[UtcMillis]) -> bool:
    if look.wears_sensor:
        return False
    early, late = AFTER_MS
    seen_at = look.snapshot.latest.at if look.snapshot.latest else -1
    return any(
        early <= look.now - at < late and seen_at < at + early - HOUR_MS // 2 for at in events
    )


def _measure_after_meal(look: _Look, active: bool) -> bool:
    del active
    return _measure_after(look, look.snapshot.meals)


def _measure_after_set_change(look: _Look, active: bool) -> bool:
    del active
    set_at = look.snapshot.set_at
    return _measure_after(look, () if set_at is None else (set_at,))


def _set_change_due(look: _Look, active: bool) -> bool:
    del active
    since = look.snapshot.set_at
    return since is not None and look.now - since >= look.snapshot.settings.set_hours[0] * HOUR_MS


_TESTS: Final[tuple[tuple[AlertName, Callable[[_Look, bool], bool]], ...]] = (
    ("glucose_urgent_low", _urgent_low),
    ("glucose_low", _low),
    ("glucose_high", _high),
    ("glucose_predicted_low", _predicted_low),
    ("glucose_falling", _falling),
    ("glucose_rising", _rising),
    ("glucose_missing", _missing),
    ("glucose_flat", _flat),
    ("glucose_low_persists", _low_persists),
    ("glucose_high_after_correction", _high_after_correction),
    ("occlusion_suspected", _occlusion_suspected),
    ("measure_due", _measure_due),
    ("measure_after_meal", _measure_after_meal),
    ("measure_after_set_change", _measure_after_set_change),
    ("set_change_due", _set_change_due),
)

_SAME_CAUSE: Final[tuple[tuple[AlertName, Set[AlertName]], ...]] = (
    ("glucose_low", frozenset({"glucose_predicted_low"})),
    ("occlusion_suspected", frozenset({"glucose_rising", "glucose_high_after_correction"})),
)
"""[-] of an alert those that say less of the same cause."""
