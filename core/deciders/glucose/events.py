"""How each entry changes what glucose_ingest knows of one person."""

from typing import Final

import msgspec

from core.deciders.glucose.alert_annunciation import Annunciation
from core.deciders.glucose.alert_rules import RULES, AlertName
from core.deciders.glucose.state import GLUCOSE_INGEST, GlucoseState, settings_of
from core.dosing.glucose_history.retained_readings import (
    keep,
    latest_of,
    snapshot_without,
    take_out,
)
from core.dosing.glucose_history.snapshot import (
    GlucoseSnapshot,
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
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from core.kernel.fold_table import FoldTable, part, whole
from core.kernel.shared_decisions import COMMON_HANDLERS
from schemas.alarms import AlarmAcknowledged, AlarmCleared, AlarmRaised, AlarmRepeated, AlarmSnoozed
from schemas.bolus.advice import CarbsRecorded
from schemas.bolus.orders import BolusOrdered
from schemas.corrections import CarbsCorrected, ReadingVoided
from schemas.delivery.delivery import BasalDelivered, BolusProgressed
from schemas.delivery.mechanism import PumpPrimed
from schemas.delivery.pump import ReservoirFilled
from schemas.glucose import (
    GlucoseAlertsSet,
    GlucoseBeyondRange,
    GlucoseForecast,
    GlucoseMeasured,
    ReadingRejected,
)
from schemas.record import Tick
from schemas.units import MINUTE_MS, UtcMillis


def evolve(state: GlucoseState, entry: Entry) -> GlucoseState:
    """Fold one entry; what `view` shows follows from events alone."""
    if state.snapshot.since is None:
        began = msgspec.structs.replace(state.snapshot, since=entry.at)
        state = msgspec.structs.replace(state, snapshot=began)
    return GLUCOSE_TABLE(state, entry)


_fold: Final = EventHandlers[GlucoseState]()


@_fold.register
def _look(state: GlucoseState, tick: Tick, entry: Entry) -> GlucoseState:
    del tick
    return msgspec.structs.replace(state, looked_at=entry.at)


@_fold.register
def _take_reading(
    state: GlucoseState, reading: GlucoseMeasured | GlucoseBeyondRange, entry: Entry
) -> GlucoseState:
    latest = state.latest
    snapshot = fold_reading(state.snapshot, reading_of(reading, now=entry.at))
    if latest is None or reading.measured_at > latest.measured_at:
        latest = reading
    return msgspec.structs.replace(
        state,
        latest=latest,
        snapshot=snapshot,
        readings=keep(state.readings, entry.id, reading, at=entry.at),
        counted=state.counted + 1,
        looked_at=entry.at,
    )


@_fold.register
def _take_out(state: GlucoseState, voided: ReadingVoided, entry: Entry) -> GlucoseState:
    """Know what would be known if a reading had never come."""
    del entry
    left = take_out(state.readings, voided.reading)
    return msgspec.structs.replace(
        state,
        readings=left,
        latest=latest_of(left.counting),
        snapshot=snapshot_without(state.snapshot, state.readings, voided.reading),
    )


@_fold.register
def _reject(state: GlucoseState, rejected: ReadingRejected, entry: Entry) -> GlucoseState:
    del rejected, entry
    return msgspec.structs.replace(state, rejected=state.rejected + 1)


@_fold.register
def _take_forecast(state: GlucoseState, forecast: GlucoseForecast, entry: Entry) -> GlucoseState:
    del entry
    return _seen(state, fold_forecast(state.snapshot, forecast))


@_fold.register
def _take_carbs(state: GlucoseState, carbs: CarbsRecorded, entry: Entry) -> GlucoseState:
    del entry
    return _seen(state, fold_meal(state.snapshot, carbs.eaten_at))


@_fold.register
def _correct_carbs(state: GlucoseState, corrected: CarbsCorrected, entry: Entry) -> GlucoseState:
    del entry
    return _seen(state, fold_corrected_meal(state.snapshot, corrected))


@_fold.register
def _take_insulin(
    state: GlucoseState, part: BasalDelivered | BolusProgressed, entry: Entry
) -> GlucoseState:
    del entry
    return _seen(state, fold_insulin(state.snapshot, at=part.ends_at, amount=part.amount))


@_fold.register
def _take_order(state: GlucoseState, order: BolusOrdered, entry: Entry) -> GlucoseState:
    """Remember a correction: what is beyond the meal of an advice, or an own amount when high."""
    latest, snapshot = state.latest, state.snapshot
    corrects = order.amount > order.meal
    if order.advice is None:
        seen = None if latest is None else reading_of(latest, now=entry.at)
        corrects = seen is not None and is_above(seen, snapshot.settings.high)
    return _seen(state, fold_correction(snapshot, entry.at)) if corrects else state


@_fold.register
def _change_set(
    state: GlucoseState, changed: ReservoirFilled | PumpPrimed, entry: Entry
) -> GlucoseState:
    del entry
    return _seen(state, fold_set_change(state.snapshot, changed.at))


@_fold.register
def _take_settings(state: GlucoseState, alerts: GlucoseAlertsSet, entry: Entry) -> GlucoseState:
    del entry
    return _seen(state, msgspec.structs.replace(state.snapshot, settings=settings_of(alerts)))


def _seen(state: GlucoseState, snapshot: GlucoseSnapshot) -> GlucoseState:
    return msgspec.structs.replace(state, snapshot=snapshot)


Soundings = tuple[Annunciation, ...]
"""Alerts that stand, in the order in which they were raised."""


_sound: Final = EventHandlers[Soundings]()


@_sound.register
def _raise(annunciations: Soundings, raised: AlarmRaised, entry: Entry) -> Soundings:
    names: list[AlertName] = [known for known in RULES if known == raised.alarm]
    if not names:
        return annunciations
    sounding = Annunciation(
        name=names[0], raised_at=entry.at, sounded_at=entry.at, priority=raised.priority
    )
    return (*annunciations, sounding)


@_sound.register
def _clear(annunciations: Soundings, cleared: AlarmCleared, entry: Entry) -> Soundings:
    del entry
    return tuple(one for one in annunciations if one.name != cleared.alarm)


@_sound.register
def _repeat(annunciations: Soundings, again: AlarmRepeated, entry: Entry) -> Soundings:
    return tuple(
        msgspec.structs.replace(
            one,
            priority=again.priority,
            count=again.count,
            sounded_at=entry.at,
            snoozed_until=None,
        )
        if one.name == again.alarm
        else one
        for one in annunciations
    )


@_sound.register
def _snooze(annunciations: Soundings, snoozed: AlarmSnoozed, entry: Entry) -> Soundings:
    del entry
    return _silence(annunciations, snoozed.alarm, until=snoozed.until)


@_sound.register
def _acknowledge(annunciations: Soundings, seen: AlarmAcknowledged, entry: Entry) -> Soundings:
    minutes = next(
        (RULES[one.name].snooze_min for one in annunciations if one.name == seen.alarm), 0
    )
    return _silence(annunciations, seen.alarm, until=UtcMillis(entry.at + minutes * MINUTE_MS))


def _silence(annunciations: Soundings, alarm: str, *, until: UtcMillis) -> Soundings:
    """Somebody has reacted: silent for a while, and not louder after it."""
    return tuple(
        msgspec.structs.replace(one, snoozed_until=until, count=0) if one.name == alarm else one
        for one in annunciations
    )


GLUCOSE_TABLE: Final = FoldTable[GlucoseState](
    whole(_fold),
    part("common", COMMON_HANDLERS, of=GLUCOSE_INGEST),
    part("annunciations", _sound, of=GLUCOSE_INGEST),
)
"""[-] the one table of glucose_ingest: what each kind does, part after part."""
