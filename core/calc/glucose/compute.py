"""`basalt calc glucose`: which readings count, where they lead, and what alerts they give."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

import msgspec

from core.calc.calculation import Kind, instant, millis
from core.calc.glucose.shapes import (
    AlertFound,
    GlucoseResult,
    GlucoseScenario,
    NewestFound,
    ReadingFound,
    ReadingGiven,
    SoundFound,
)
from core.deciders.glucose.alert_annunciation import (
    Annunciation,
    AnnunciationChange,
    advance,
    look_again_at,
)
from core.deciders.glucose.alert_rules import RULES, AlertName
from core.dosing.glucose_history.snapshot import (
    AlertSettings,
    GlucoseSnapshot,
    fold_correction,
    fold_meal,
    fold_reading,
    fold_set_change,
)
from core.formats.glucose_values import parse_glucose
from core.kernel.errors import GlucoseTextError, ScenarioError
from core.models.glucose_quality import (
    STALE_MS,
    Reading,
    Verdict,
    counted,
    is_flat,
    judge,
    newest,
    noise,
    stale_for,
    trend,
)
from schemas.units import MINUTE_MS, UtcMillis

LOOKS_MAX: Final = 50_000
"""[-] instants at which alerts are looked at in one calculation."""


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What is known at an instant."""

    snapshot: GlucoseSnapshot
    """[-] of glucose."""
    annunciations: tuple[Annunciation, ...] = ()
    """[-] alerts that stand."""
    snoozed: frozenset[AlertName] = frozenset()
    """[-] silenced at this very instant."""
    looked: bool = False
    """[-] at least once."""

    def seen(self, snapshot: GlucoseSnapshot) -> "Live":
        """Give the same with another snapshot."""
        return msgspec.structs.replace(self, snapshot=snapshot)


Happening = Callable[[Live, UtcMillis], Live]
"""What becomes known at an instant [ms]."""


def _run(scenario: GlucoseScenario) -> GlucoseResult:
    now = millis(scenario.at)
    heard = _heard(scenario.readings, now)
    verdicts = judge(heard)
    known = counted(heard, verdicts)
    news = [r for r, v in zip(heard, verdicts, strict=True) if v == "taken"]
    annunciations, sounds = _live(_happenings(scenario, news, now), _settings(scenario), now)
    latest = newest(known)
    ahead = trend(known, now=now)
    stale = stale_for(latest, now=now)
    return GlucoseResult(
        readings=tuple(_found(r, v) for r, v in zip(heard, verdicts, strict=True)),
        newest=_newest(latest, now),
        mg_dl_per_min=ahead.mg_dl_per_min,
        arrow=ahead.arrow,
        noise=noise(known, now=now),
        flat=is_flat(known, now=now),
        stale={name: name in stale for name in STALE_MS},
        alerts=tuple(_alert(one) for one in annunciations),
        history=tuple(_sound(one) for one in sounds),
    )


def _heard(given: Sequence[ReadingGiven], now: UtcMillis) -> list[Reading]:
    """Read them in the order in which they came."""
    found: list[Reading] = []
    for index, one in enumerate(given):
        path = f"$.readings[{index}]"
        try:
            text = parse_glucose(one.received, unit=one.unit)
        except GlucoseTextError as error:
            raise ScenarioError(f"{path}.received", str(error)) from error
        at = millis(one.at)
        arrived = at if one.arrived is None else millis(one.arrived)
        if arrived > now:
            raise ScenarioError(f"{path}.arrived" if one.arrived else f"{path}.at", "after 'at'")
        found.append(
            Reading(
                at=at,
                arrived_at=arrived,
                glucose=text.glucose,
                bound=text.bound,
                source=one.source,
                device=one.device,
            )
        )
    return sorted(found, key=lambda reading: reading.arrived_at)


def _settings(scenario: GlucoseScenario) -> AlertSettings:
    asked = scenario.settings
    if not asked.urgent_low_mg_dl < asked.low_mg_dl < asked.high_mg_dl:
        raise ScenarioError("$.settings", "urgent low is below low, and low below high")
    if asked.set_due_h > asked.set_overdue_h:
        raise ScenarioError("$.settings.set_overdue_h", "before it is due")
    return AlertSettings(
        urgent_low=asked.urgent_low_mg_dl,
        low=asked.low_mg_dl,
        high=asked.high_mg_dl,
        fast=asked.fast_mg_dl_per_min,
        missing_min=asked.missing_min,
        measurements_a_day=asked.measurements_a_day,
        set_hours=(asked.set_due_h, asked.set_overdue_h),
    )


def _happenings(
    scenario: GlucoseScenario, news: Sequence[Reading], now: UtcMillis
) -> list[tuple[UtcMillis, Happening]]:
    """Put everything that happened in the order in which it was known."""
    found: list[tuple[UtcMillis, Happening]] = []
    if scenario.since is not None:
        found.append((_known(scenario.since, now, "$.since"), _begin))
    found += [(r.arrived_at, partial(_read, reading=r)) for r in news]
    for name in ("meals", "corrections", "set_changes"):
        given: tuple[datetime, ...] = getattr(scenario, name)
        for index, at in enumerate(given):
            path = f"$.{name}[{index}]"
            if index and at < given[index - 1]:
                raise ScenarioError(path, "before the one before")
            found.append((_known(at, now, path), _HAPPENINGS[name]))
    for index, one in enumerate(scenario.snoozes):
        snoozed_at = _known(one.at, now, f"$.snoozes[{index}].at")
        found.append((snoozed_at, partial(_snooze, alert=one.alert)))
    return sorted(found, key=lambda one: one[0])


def _known(at: datetime, now: UtcMillis, path: str) -> UtcMillis:
    found = millis(at)
    if found > now:
        raise ScenarioError(path, "after 'at'")
    return found


def _begin(live: Live, at: UtcMillis) -> Live:
    return live.seen(msgspec.structs.replace(live.snapshot, since=live.snapshot.since or at))


def _read(live: Live, at: UtcMillis, *, reading: Reading) -> Live:
    del at
    return live.seen(fold_reading(live.snapshot, reading))


def _eat(live: Live, at: UtcMillis) -> Live:
    return live.seen(fold_meal(live.snapshot, at))


def _correct(live: Live, at: UtcMillis) -> Live:
    return live.seen(fold_correction(live.snapshot, at))


def _change_set(live: Live, at: UtcMillis) -> Live:
    return live.seen(fold_set_change(live.snapshot, at))


def _snooze(live: Live, at: UtcMillis, *, alert: AlertName) -> Live:
    del at
    return msgspec.structs.replace(live, snoozed=live.snoozed | {alert})


_HAPPENINGS: Final[dict[str, Happening]] = {
    "meals": _eat,
    "corrections": _correct,
    "set_changes": _change_set,
}


def _live(
    happenings: Sequence[tuple[UtcMillis, Happening]], settings: AlertSettings, now: UtcMillis
) -> tuple[tuple[Annunciation, ...], list[AnnunciationChange]]:
    """Go through time as a service does: at each happening, and at each instant that is due."""
    live = Live(snapshot=GlucoseSnapshot(settings=settings))
    sounds: list[AnnunciationChange] = []
    at, waiting = now, list(reversed(happenings))
    for _ in range(LOOKS_MAX):
        upcoming = waiting[-1][0] if waiting else now
        due = look_again_at(live.annunciations, live.snapshot, now=at) if live.looked else None
        at = upcoming if due is None else min(due, upcoming)
        live = msgspec.structs.replace(live, snoozed=frozenset(), looked=True)
        while waiting and waiting[-1][0] <= at:
            live = waiting.pop()[1](live, at)
        annunciations, happened = advance(
            live.annunciations, live.snapshot, snoozed=live.snoozed, now=at
        )
        live = msgspec.structs.replace(live, annunciations=annunciations)
        sounds.extend(happened)
        if at >= now:
            return annunciations, sounds
    raise ScenarioError("$.readings", f"more than {LOOKS_MAX} instants to look at")


def _found(reading: Reading, verdict: Verdict) -> ReadingFound:
    return ReadingFound(
        at=instant(reading.at),
        glucose_mg_dl=reading.glucose,
        mark=reading.bound,
        source=reading.source,
        device=reading.device,
        verdict=verdict,
    )


def _newest(reading: Reading | None, now: UtcMillis) -> NewestFound | None:
    if reading is None:
        return None
    return NewestFound(
        at=instant(reading.at),
        age_min=round((now - reading.at) / MINUTE_MS, 6),
        glucose_mg_dl=reading.glucose,
        mark=reading.bound,
        source=reading.source,
        device=reading.device,
    )


def _alert(one: Annunciation) -> AlertFound:
    return AlertFound(
        alert=one.name,
        priority=one.priority,
        text=RULES[one.name].text,
        since=instant(one.raised_at),
        annunciations=one.count,
        snoozed_until=None if one.snoozed_until is None else instant(one.snoozed_until),
    )


def _sound(one: AnnunciationChange) -> SoundFound:
    return SoundFound(at=instant(one.at), alert=one.name, what=one.what, priority=one.priority)


GLUCOSE: Final = Kind(
    name="glucose",
    text="which readings count, trend, noise, staleness, alerts and reminders",
    scenario=GlucoseScenario,
    result=GlucoseResult,
    example="""{
  "at": "2026-11-01T12:20:00Z",
  "readings": [
    {"at": "2026-11-01T12:00:00Z", "received": "92", "source": "sensor"},
    {"at": "2026-11-01T12:05:00Z", "received": "84", "source": "sensor"},
    {"at": "2026-11-01T12:10:00Z", "received": "76", "source": "sensor"},
    {"at": "2026-11-01T12:15:00Z", "received": "68", "source": "sensor"},
    {"at": "2026-11-01T12:16:00Z", "received": "3.9", "unit": "mmol/L", "source": "meter"}],
  "snoozes": [{"at": "2026-11-01T12:17:00Z", "alert": "glucose_low"}]
}""",
    run=_run,
)
"""[-] the calculation."""
