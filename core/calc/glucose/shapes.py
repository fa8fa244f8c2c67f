"""What `basalt calc glucose` is asked and answers."""

from typing import Annotated, Literal

import msgspec

from core.calc.calculation import Instant, Result, Scenario
from core.deciders.glucose.alert_rules import AlertName, AlertPriority, AlertWhat
from core.models.glucose_quality import Arrow, Noise, Verdict
from schemas.glucose import GlucoseSource, GlucoseUnit

Bound = Literal["low", "high"]


class ReadingGiven(Scenario, frozen=True, kw_only=True):
    """One reading as a device gave it."""

    at: Instant
    """[-] when the device measured."""
    received: Annotated[str, msgspec.Meta(max_length=40)]
    """[in `unit`] the number or LOW or HIGH, letter for letter."""
    unit: GlucoseUnit = "mg/dL"
    """[-] the unit of `received`."""
    source: GlucoseSource
    """[-] a drop of blood or a sensor."""
    device: str = ""
    """[-] the device, as it names itself."""
    arrived: Instant | None = None
    """[-] when it was heard; when it was measured."""


class SnoozeGiven(Scenario, frozen=True, kw_only=True):
    """Somebody silences an alert for a while."""

    at: Instant
    """[-] when."""
    alert: AlertName
    """[-] which."""


class SettingsGiven(Scenario, frozen=True, kw_only=True):
    """Thresholds of alerts; they are no settings of therapy and have defaults."""

    urgent_low_mg_dl: Annotated[int, msgspec.Meta(ge=40, le=100)] = 54
    """[mg/dL] below it."""
    low_mg_dl: Annotated[int, msgspec.Meta(ge=50, le=150)] = 70
    """[mg/dL] below it."""
    high_mg_dl: Annotated[int, msgspec.Meta(ge=120, le=400)] = 250
    """[mg/dL] above it."""
    fast_mg_dl_per_min: Annotated[float, msgspec.Meta(ge=1, le=10)] = 2.0
    """[mg/dL/min] rising or falling at least so."""
    missing_min: Annotated[int, msgspec.Meta(ge=5, le=240)] = 20
    """[min] without a sensor's reading."""
    measurements_a_day: Annotated[int, msgspec.Meta(ge=0, le=24)] = 4
    """[-] by meter, without a sensor; 0 for no reminder."""
    set_due_h: Annotated[int, msgspec.Meta(ge=24, le=168)] = 48
    """[h] of an infusion set."""
    set_overdue_h: Annotated[int, msgspec.Meta(ge=24, le=168)] = 72
    """[h] of an infusion set."""


class GlucoseScenario(Scenario, frozen=True, kw_only=True):
    """Readings and what else alerts are judged by."""

    at: Instant
    """[-] the instant asked about; nothing is known that came later."""
    readings: Annotated[tuple[ReadingGiven, ...], msgspec.Meta(max_length=20_000)] = ()
    """[-] any order, 20000 at most: ten weeks of a sensor."""
    since: Instant | None = None
    """[-] when looking began; the first reading."""
    meals: Annotated[tuple[Instant, ...], msgspec.Meta(max_length=2000)] = ()
    """[-] sorted."""
    corrections: Annotated[tuple[Instant, ...], msgspec.Meta(max_length=2000)] = ()
    """[-] correction boluses, sorted."""
    set_changes: Annotated[tuple[Instant, ...], msgspec.Meta(max_length=2000)] = ()
    """[-] sorted."""
    snoozes: Annotated[tuple[SnoozeGiven, ...], msgspec.Meta(max_length=2000)] = ()
    """[-] any order."""
    settings: SettingsGiven = SettingsGiven()
    """[-] thresholds."""


class ReadingFound(Result, frozen=True, kw_only=True):
    """A reading and whether it counts."""

    at: Instant
    """[-] when the device measured."""
    glucose_mg_dl: int | None
    """[mg/dL] none for LOW and HIGH."""
    mark: Bound | None
    """[-] the end of the device's range that was left."""
    source: GlucoseSource
    """[-] a drop of blood or a sensor."""
    device: str
    """[-] the device, as it names itself."""
    verdict: Verdict
    """[-] 'taken' as news, 'backfill' as history, else why it does not count."""


class NewestFound(Result, frozen=True, kw_only=True):
    """The reading that counts now."""

    at: Instant
    """[-] when the device measured."""
    age_min: float
    """[min] by then."""
    glucose_mg_dl: int | None
    """[mg/dL] none for LOW and HIGH."""
    mark: Bound | None
    """[-] the end of the device's range that was left."""
    source: GlucoseSource
    """[-] a drop of blood or a sensor."""
    device: str
    """[-] the device, as it names itself."""


class AlertFound(Result, frozen=True, kw_only=True):
    """An alert that stands."""

    alert: AlertName
    """[-] which."""
    priority: AlertPriority
    """[-] now."""
    text: str
    """[-] for a person."""
    since: Instant
    """[-] when it was raised."""
    annunciations: int
    """[-] without a reaction."""
    snoozed_until: Instant | None
    """[-] silent until then."""


class SoundFound(Result, frozen=True, kw_only=True):
    """What happened with an alert."""

    at: Instant
    """[-] when."""
    alert: AlertName
    """[-] which."""
    what: AlertWhat
    """[-] what."""
    priority: AlertPriority
    """[-] from then on."""


class GlucoseResult(Result, frozen=True, kw_only=True):
    """What readings say."""

    readings: tuple[ReadingFound, ...]
    """[-] in the order in which they came."""
    newest: NewestFound | None
    """[-] the reading that counts now."""
    mg_dl_per_min: float | None
    """[mg/dL/min] slope of the sensor's last 15 min."""
    arrow: Arrow
    """[-] as Nightscout spells it."""
    noise: Noise
    """[-] of the sensor."""
    flat: bool
    """[-] the sensor has not moved for 45 min."""
    stale: dict[str, bool]
    """[-] by purpose, whether the newest reading is too old."""
    alerts: tuple[AlertFound, ...]
    """[-] that stand, in the order in which they were raised."""
    history: tuple[SoundFound, ...]
    """[-] everything that happened with alerts."""
