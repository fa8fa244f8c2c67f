"""`basalt calc glucose`: which readings count, where they lead, and what alerts they give."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from core.alert_rules import RULES
from core.alert_sounding import Sound, Sounding, advance, look_again_at
from core.calc.glucose_shapes import (
    AlertFound,
    GlucoseResult,
    GlucoseScenario,
    NewestFound,
    ReadingFound,
    ReadingGiven,
    SnoozeGiven,
    SoundFound,
)
from core.calc.kind import Kind, instant, millis
from core.errors import GlucoseTextError, ScenarioError
from core.glucose_alerts import AlertSettings, Facts
from core.glucose_quality import (
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
from core.glucose_text import parse_glucose
from schemas.units import MINUTE_MS, UtcMillis

LOOKS_MAX: Final = 50_000
"""[-] instants at which alerts are looked at in one calculation."""


def _run(scenario: GlucoseScenario) -> GlucoseResult:
    now = millis(scenario.at)
    heard = _heard(scenario.readings, now)
    verdicts = judge(heard)
    known = counted(heard, verdicts)
    facts = _facts(scenario, known, now)
    soundings, sounds = _live(facts, scenario.snoozes, now)
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
        alerts=tuple(_alert(one) for one in soundings),
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


def _facts(scenario: GlucoseScenario, known: tuple[Reading, ...], now: UtcMillis) -> Facts:
    asked = scenario.settings
    if not asked.urgent_low_mg_dl < asked.low_mg_dl < asked.high_mg_dl:
        raise ScenarioError("$.settings", "urgent low is below low, and low below high")
    if asked.set_due_h > asked.set_overdue_h:
        raise ScenarioError("$.settings.set_overdue_h", "before it is due")
    since = millis(scenario.since) if scenario.since else (known[0].at if known else now)
    if since > now:
        raise ScenarioError("$.since", "after 'at'")
    return Facts(
        readings=known,
        since=UtcMillis(since),
        meals=_instants(scenario.meals, now, "$.meals"),
        corrections=_instants(scenario.corrections, now, "$.corrections"),
        set_changes=_instants(scenario.set_changes, now, "$.set_changes"),
        settings=AlertSettings(
            urgent_low=asked.urgent_low_mg_dl,
            low=asked.low_mg_dl,
            high=asked.high_mg_dl,
            fast=asked.fast_mg_dl_per_min,
            missing_min=asked.missing_min,
            measurements_a_day=asked.measurements_a_day,
            set_hours=(asked.set_due_h, asked.set_overdue_h),
        ),
    )


def _instants(given: Sequence[datetime], now: UtcMillis, path: str) -> tuple[UtcMillis, ...]:
    found = tuple(millis(at) for at in given)
    for index, at in enumerate(found):
        if at > now or (index and at < found[index - 1]):
            raise ScenarioError(f"{path}[{index}]", "after 'at', or before the one before")
    return found


def _live(
    facts: Facts, snoozes: Sequence[SnoozeGiven], now: UtcMillis
) -> tuple[tuple[Sounding, ...], list[Sound]]:
    """Go through time as a service does: at each reading, each snooze, each due instant."""
    asked = {millis(one.at): one.alert for one in snoozes}
    arrivals = {reading.arrived_at for reading in facts.readings}
    looks = {facts.since, *arrivals, *asked, now}
    waiting = sorted((at for at in looks if facts.since <= at <= now), reverse=True)
    soundings: tuple[Sounding, ...] = ()
    sounds: list[Sound] = []
    for _ in range(LOOKS_MAX):
        if not waiting:
            return soundings, sounds
        at = waiting.pop()
        known = _until(facts, at)
        snoozed = frozenset({asked[at]} if at in asked else ())
        soundings, happened = advance(soundings, known, snoozed=snoozed, now=at)
        sounds.extend(happened)
        again = look_again_at(soundings, known, now=at)
        if again is not None and waiting and again < waiting[-1]:
            waiting.append(again)
    raise ScenarioError("$.readings", f"more than {LOOKS_MAX} instants to look at")


def _until(facts: Facts, at: UtcMillis) -> Facts:
    """Leave out what is not known yet, and what is too old to matter."""
    oldest = at - 26 * 60 * MINUTE_MS
    return msgspec.structs.replace(
        facts,
        readings=tuple(r for r in facts.readings if r.arrived_at <= at and r.at >= oldest),
        meals=tuple(one for one in facts.meals if one <= at),
        corrections=tuple(one for one in facts.corrections if one <= at),
        set_changes=tuple(one for one in facts.set_changes if one <= at),
    )


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


def _alert(one: Sounding) -> AlertFound:
    return AlertFound(
        alert=one.name,
        priority=one.priority,
        text=RULES[one.name].text,
        since=instant(one.raised_at),
        soundings=one.count,
        snoozed_until=None if one.snoozed_until is None else instant(one.snoozed_until),
    )


def _sound(one: Sound) -> SoundFound:
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
