"""When an alert sounds: at once, again while nobody reacts, then louder; not while snoozed."""

from collections.abc import Sequence, Set

import msgspec

from core.deciders.glucose.alert_conditions import (
    AFTER_MS,
    CORRECTED_MS,
    PERSISTS_MS,
    SENSOR_MS,
    active_conditions,
    priority_of,
)
from core.deciders.glucose.alert_rules import RULES, AlertName, AlertPriority, AlertWhat
from core.dosing.glucose_history.snapshot import GlucoseSnapshot
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, UtcMillis


class Annunciation(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An alert that stands."""

    name: AlertName
    """[-] which."""
    raised_at: UtcMillis
    """[ms] since when."""
    count: int = 1
    """[-] how often it has sounded without a reaction."""
    sounded_at: UtcMillis
    """[ms] when it did last."""
    snoozed_until: UtcMillis | None = None
    """[ms] silent until then."""
    priority: AlertPriority
    """[-] as it sounded last."""


class AnnunciationChange(msgspec.Struct, frozen=True, kw_only=True):
    """What has happened with an alert."""

    at: UtcMillis
    """[ms] when."""
    name: AlertName
    """[-] which."""
    what: AlertWhat
    """[-] what."""
    priority: AlertPriority
    """[-] now."""


def advance(
    annunciations: Sequence[Annunciation],
    snapshot: GlucoseSnapshot,
    *,
    snoozed: Set[AlertName],
    now: UtcMillis,
    doubted: Set[AlertName] = frozenset(),
) -> tuple[tuple[Annunciation, ...], tuple[AnnunciationChange, ...]]:
    """Bring alerts to an instant; give them, in the order in which they were raised, and what
    happened.

    Args:
        soundings: before it.
        snapshot: what is known by now.
        snoozed: alerts that a person silences now; those that do not stand are ignored.
        now: [ms] instant, not before the last one.
        doubted: alerts that were raised by a reading that counts no more; they do not stand merely
            because they stood.
    """
    names: set[AlertName] = {one.name for one in annunciations}
    active = names - doubted
    stand = active_conditions(snapshot, active=active, now=now)
    if not stand and not annunciations:
        return (), ()
    kept: list[Annunciation] = []
    sounds: list[AnnunciationChange] = []
    for one in annunciations:
        if one.name not in stand:
            sounds.append(
                AnnunciationChange(at=now, name=one.name, what="cleared", priority=one.priority)
            )
            continue
        after, what = _go_on(one, snapshot, is_snoozed=one.name in snoozed, now=now)
        kept.append(after)
        if what is not None:
            sounds.append(
                AnnunciationChange(at=now, name=one.name, what=what, priority=after.priority)
            )
    known = {one.name for one in kept}
    for name in RULES:
        if name in stand and name not in known:
            priority = priority_of(name, annunciations=1, snapshot=snapshot, now=now)
            kept.append(Annunciation(name=name, raised_at=now, sounded_at=now, priority=priority))
            sounds.append(AnnunciationChange(at=now, name=name, what="raised", priority=priority))
    return tuple(kept), tuple(sounds)


def look_again_at(
    annunciations: Sequence[Annunciation], snapshot: GlucoseSnapshot, *, now: UtcMillis
) -> UtcMillis | None:
    """Give the next instant at which time alone may change an alert; None when it cannot."""
    settings, latest = snapshot.settings, snapshot.latest
    wakes: list[int] = []
    if snapshot.sensor_at is not None:
        wakes += [snapshot.sensor_at + settings.missing_min * MINUTE_MS + 1]
        wakes += [snapshot.sensor_at + SENSOR_MS + 1]
    if latest is not None:
        wakes += [latest.at + settings.missing_min * MINUTE_MS + 1]
    if settings.measurements_a_day and snapshot.since is not None:
        last = snapshot.measured[-1] if snapshot.measured else snapshot.since
        wakes += [last + DAY_MS // settings.measurements_a_day]
        wakes += [at + DAY_MS for at in snapshot.measured]
    if snapshot.low_since is not None:
        wakes += [snapshot.low_since + PERSISTS_MS]
    wakes += [at + wait for at in snapshot.corrections for wait in CORRECTED_MS]
    changes = () if snapshot.set_at is None else (snapshot.set_at,)
    wakes += [at + wait for at in (*snapshot.meals, *changes) for wait in AFTER_MS]
    wakes += [at + hours * HOUR_MS for at in changes for hours in settings.set_hours]
    wakes += [due for one in annunciations if (due := _sounds_next(one)) is not None]
    return min((UtcMillis(at) for at in wakes if at > now), default=None)


def _sounds_next(one: Annunciation) -> UtcMillis | None:
    if one.snoozed_until is not None:
        return one.snoozed_until
    repeat = RULES[one.name].repeat_min
    return UtcMillis(one.sounded_at + repeat * MINUTE_MS) if repeat else None


def _go_on(
    one: Annunciation, snapshot: GlucoseSnapshot, *, is_snoozed: bool, now: UtcMillis
) -> tuple[Annunciation, AlertWhat | None]:
    """Snooze it, sound it again if its time has come, or leave it."""
    if is_snoozed:
        until = UtcMillis(now + RULES[one.name].snooze_min * MINUTE_MS)
        return msgspec.structs.replace(one, snoozed_until=until, count=0), "snoozed"
    due = _sounds_next(one)
    if due is None or now < due:
        return one, None
    count = one.count + 1
    priority = priority_of(one.name, annunciations=count, snapshot=snapshot, now=now)
    after = msgspec.structs.replace(
        one, count=count, sounded_at=now, snoozed_until=None, priority=priority
    )
    return after, "repeated" if priority == one.priority else "escalated"
