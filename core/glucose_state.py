"""What glucose_ingest knows of one person, and how each entry changes it."""

from typing import Final

import msgspec

from core.alarms import ActiveAlarm
from core.alert_rules import RULES, AlertName
from core.alert_sounding import Sounding
from core.common import Common, evolve_common
from core.decider import Entry
from core.glucose_picture import (
    AlertSettings,
    Picture,
    fold_corrected_meal,
    fold_correction,
    fold_forecast,
    fold_insulin,
    fold_meal,
    fold_reading,
    fold_set_change,
    is_above,
    reading_of,
)
from core.glucose_quality import Noise, noise_of
from core.readings_kept import ReadingsKept, keep, latest_of, picture_without, take_out
from schemas.alarms import AlarmAcknowledged, AlarmCleared, AlarmRaised, AlarmRepeated, AlarmSnoozed
from schemas.bolus import CarbsRecorded
from schemas.corrections import CarbsCorrected, ReadingVoided
from schemas.delivery import BasalDelivered, BolusProgressed
from schemas.forecast import GlucoseForecast
from schemas.glucose import (
    GlucoseAlertsSet,
    GlucoseBeyondRange,
    GlucoseMeasured,
    ReadingRejected,
)
from schemas.mechanism import PumpPrimed
from schemas.message import Now
from schemas.orders import BolusOrdered
from schemas.pump import ReservoirFilled
from schemas.record import Tick
from schemas.units import HOUR_MS, MINUTE_MS, EventId, MgDl, PumpId, Speaker, UtcMillis

GLUCOSE_INGEST: Final = Speaker("glucose_ingest")


class GlucoseState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What glucose_ingest knows of one person."""

    common: Common = Common()
    """[-] alarms and faults."""
    latest: GlucoseMeasured | GlucoseBeyondRange | None = None
    """[-] the reading with the latest time of measurement."""
    readings: ReadingsKept = ReadingsKept()
    """[-] the newest readings taken."""
    counted: int = 0
    """[-] readings taken in all."""
    rejected: int = 0
    """[-] readings rejected in all."""
    picture: Picture = Picture()
    """[-] all that alerts are judged by."""
    soundings: tuple[Sounding, ...] = ()
    """[-] alerts that stand, in the order in which they were raised."""
    looked_at: UtcMillis = UtcMillis(0)
    """[ms] when alerts were judged last."""


class GlucoseView(msgspec.Struct, frozen=True, kw_only=True):
    """Glucose as a person sees it."""

    glucose: MgDl | None
    """[mg/dL] the latest reading, none if it was LOW or HIGH or there is none."""
    mark: str | None
    """[-] 'low' or 'high' where the device gave no number."""
    measured_at: UtcMillis | None
    """[ms] its time."""
    readings: int
    """[-] taken in all."""
    rejected: int
    """[-] rejected in all."""
    alarms: tuple[ActiveAlarm, ...]
    """[-] active, oldest first."""
    slope: int | None = None
    """[ug/dL/min] where the sensor leads; none where nobody knows."""
    noise: Noise = "unknown"
    """[-] how much its numbers jump about."""


def initial(pump: PumpId) -> GlucoseState:
    """Know nothing yet."""
    del pump
    return GlucoseState()


def settings_of(event: GlucoseAlertsSet) -> AlertSettings:
    """Give thresholds as alerts see them."""
    return AlertSettings(
        urgent_low=event.urgent_low,
        low=event.low,
        high=event.high,
        fast=event.fast / 1000,
        missing_min=event.missing // MINUTE_MS,
        measurements_a_day=event.measurements_a_day,
        set_hours=(event.set_due // HOUR_MS, event.set_overdue // HOUR_MS),
    )


def evolve(state: GlucoseState, entry: Entry) -> GlucoseState:
    """Fold one entry; what `view` shows follows from events alone."""
    body = entry.body
    if state.picture.since is None:
        began = msgspec.structs.replace(state.picture, since=entry.at)
        state = msgspec.structs.replace(state, picture=began)
    if entry.speaker is None:
        if isinstance(body, Tick):
            return msgspec.structs.replace(state, looked_at=entry.at)
        return state
    match body:
        case GlucoseMeasured() | GlucoseBeyondRange():
            return _take_reading(state, body, entry.id, entry.at)
        case ReadingVoided(reading=voided):
            return _take_out(state, voided)
        case ReadingRejected():
            return msgspec.structs.replace(state, rejected=state.rejected + 1)
        case GlucoseForecast():
            return msgspec.structs.replace(state, picture=fold_forecast(state.picture, body))
        case CarbsRecorded(eaten_at=at):
            return msgspec.structs.replace(state, picture=fold_meal(state.picture, at))
        case CarbsCorrected() as corrected:
            picture = fold_corrected_meal(state.picture, corrected)
            return msgspec.structs.replace(state, picture=picture)
        case BasalDelivered(ends_at=at, amount=amount) | BolusProgressed(ends_at=at, amount=amount):
            picture = fold_insulin(state.picture, at=at, amount=amount)
            return msgspec.structs.replace(state, picture=picture)
        case BolusOrdered():
            return _take_order(state, body, entry.at)
        case ReservoirFilled(at=at) | PumpPrimed(at=at):
            return msgspec.structs.replace(state, picture=fold_set_change(state.picture, at))
        case GlucoseAlertsSet():
            changed = msgspec.structs.replace(state.picture, settings=settings_of(body))
            return msgspec.structs.replace(state, picture=changed)
        case _:
            return _take_alarm(state, entry)


def view(state: GlucoseState, now: Now) -> GlucoseView:
    """Show glucose as it stands."""
    del now
    latest = state.latest
    return GlucoseView(
        glucose=latest.glucose if isinstance(latest, GlucoseMeasured) else None,
        mark=latest.bound if isinstance(latest, GlucoseBeyondRange) else None,
        measured_at=latest.measured_at if latest else None,
        readings=state.counted,
        rejected=state.rejected,
        alarms=state.common.alarms,
        slope=round(state.picture.slope * 1000) if len(state.picture.points) > 2 else None,
        noise=noise_of(state.picture.points),
    )


def _take_reading(
    state: GlucoseState, body: GlucoseMeasured | GlucoseBeyondRange, name: str, at: UtcMillis
) -> GlucoseState:
    latest = state.latest
    picture = fold_reading(state.picture, reading_of(body, now=at))
    if latest is None or body.measured_at > latest.measured_at:
        latest = body
    return msgspec.structs.replace(
        state,
        latest=latest,
        picture=picture,
        readings=keep(state.readings, name, body, at=at),
        counted=state.counted + 1,
        looked_at=at,
    )


def _take_out(state: GlucoseState, name: EventId) -> GlucoseState:
    """Know what would be known if a reading had never come."""
    left = take_out(state.readings, name)
    return msgspec.structs.replace(
        state,
        readings=left,
        latest=latest_of(left.counting),
        picture=picture_without(state.picture, state.readings, name),
    )


def _take_order(state: GlucoseState, order: BolusOrdered, at: UtcMillis) -> GlucoseState:
    """Remember a correction: what is beyond the meal of an advice, or an own amount when high."""
    latest, picture = state.latest, state.picture
    corrects = order.amount > order.meal
    if order.advice is None:
        seen = None if latest is None else reading_of(latest, now=at)
        corrects = seen is not None and is_above(seen, picture.settings.high)
    if not corrects:
        return state
    return msgspec.structs.replace(state, picture=fold_correction(picture, at))


def _take_alarm(state: GlucoseState, entry: Entry) -> GlucoseState:
    """Fold what happened with an alarm; what glucose has to do with sounds again and again."""
    common = evolve_common(state.common, entry, me=GLUCOSE_INGEST)
    soundings = state.soundings
    if entry.speaker == GLUCOSE_INGEST:
        soundings = _sound(soundings, entry)
    if common is state.common and soundings is state.soundings:
        return state
    return msgspec.structs.replace(state, common=common, soundings=soundings)


def _sound(soundings: tuple[Sounding, ...], entry: Entry) -> tuple[Sounding, ...]:
    match entry.body:
        case AlarmRaised(alarm=alarm, priority=priority) if alarm in RULES:
            names: list[AlertName] = [known for known in RULES if known == alarm]
            raised = Sounding(
                name=names[0], raised_at=entry.at, sounded_at=entry.at, priority=priority
            )
            return (*soundings, raised)
        case AlarmCleared(alarm=alarm):
            return tuple(one for one in soundings if one.name != alarm)
        case AlarmRepeated(alarm=alarm, priority=priority, count=count):
            return tuple(
                msgspec.structs.replace(
                    one, priority=priority, count=count, sounded_at=entry.at, snoozed_until=None
                )
                if one.name == alarm
                else one
                for one in soundings
            )
        case AlarmSnoozed(alarm=alarm, until=until):
            return _silence(soundings, alarm, until=until)
        case AlarmAcknowledged(alarm=alarm):
            minutes = next(
                (RULES[one.name].snooze_min for one in soundings if one.name == alarm), 0
            )
            return _silence(soundings, alarm, until=UtcMillis(entry.at + minutes * MINUTE_MS))
        case _:
            return soundings


def _silence(
    soundings: tuple[Sounding, ...], alarm: str, *, until: UtcMillis
) -> tuple[Sounding, ...]:
    """Somebody has reacted: silent for a while, and not louder after it."""
    return tuple(
        msgspec.structs.replace(one, snoozed_until=until, count=0) if one.name == alarm else one
        for one in soundings
    )
