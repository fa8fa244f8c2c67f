"""Glucose: which readings anybody may dose by, and what a person must be told."""

from collections.abc import Set
from typing import Final

from core.deciders.glucose.alert_annunciation import (
    Annunciation,
    AnnunciationChange,
    advance,
    look_again_at,
)
from core.deciders.glucose.alert_rules import RULES, AlertName
from core.deciders.glucose.events import evolve
from core.deciders.glucose.state import (
    GLUCOSE_INGEST,
    GlucoseState,
    GlucoseView,
    initial,
    view,
)
from core.deciders.names import SUBSCRIPTIONS
from core.dosing.glucose_history.retained_readings import (
    arrival_of,
    comes_again,
    device_of,
    void,
)
from core.dosing.glucose_history.snapshot import (
    GlucoseSnapshot,
)
from core.formats.glucose_values import GlucoseText, parse_glucose
from core.kernel.decider import Decider, Entry
from core.kernel.errors import GlucoseTextError
from core.kernel.pending_events import PendingEvents
from core.kernel.shared_decisions import COMMON_COMMANDS, COMMON_EVENTS, decide_common
from core.models.glucose_quality import DOUBLED_MS
from schemas.alarms import (
    AcknowledgementRefused,
    AlarmCleared,
    AlarmRaised,
    AlarmRepeated,
    AlarmSnoozed,
    SnoozeAlarm,
)
from schemas.corrections import CarbsCorrected, ReadingVoided, VoidingRefused, VoidReading
from schemas.delivery.mechanism import PumpPrimed
from schemas.delivery.pump import ReservoirFilled
from schemas.glucose import (
    GlucoseAlertsRefused,
    GlucoseAlertsSet,
    GlucoseBeyondRange,
    GlucoseForecast,
    GlucoseMeasured,
    ReadingRejected,
    RecordReading,
    RejectionReason,
    SetGlucoseAlerts,
)
from schemas.message import Event, Now
from schemas.record import Tick
from schemas.units import HOUR_MS, MINUTE_MS, MgDl, Milliseconds, PumpId, UtcMillis

GLUCOSE_MG_DL_MIN = MgDl(10)
"""[mg/dL] below it no living person measures; source: Loop's manual entry, 10 to 600."""

GLUCOSE_MG_DL_MAX = MgDl(600)
"""[mg/dL] above it meters say HIGH; source: Loop's manual entry, 10 to 600."""

GLUCOSE_FUTURE_MS_MAX = Milliseconds(5 * MINUTE_MS)
"""[ms] a reading may be ahead of the clock; source: Loop rejects more than 5 min."""

GLUCOSE_ANCIENT_MS = Milliseconds(24 * 60 * MINUTE_MS)
"""[ms] older readings are not taken as news; project's own choice."""

_THRESHOLDS: Final[tuple[tuple[str, int, int], ...]] = (
    ("urgent_low", 40, 100),
    ("low", 50, 150),
    ("high", 120, 400),
    ("fast", 1_000, 10_000),
    ("missing", 5 * MINUTE_MS, 240 * MINUTE_MS),
    ("measurements_a_day", 0, 24),
    ("set_due", 24 * HOUR_MS, 168 * HOUR_MS),
    ("set_overdue", 24 * HOUR_MS, 168 * HOUR_MS),
)
"""[-] fields of SetGlucoseAlerts with their least and largest values."""


def _decide(state: GlucoseState, entry: Entry, now: Now) -> tuple[Event, ...]:
    shared = decide_common(state.common, entry)
    if shared is not None:
        return shared
    match entry.body:
        case RecordReading() as asked:
            return _judge(state, asked, now)
        case Tick():
            return _alerts(state, state.snapshot, now)
        case GlucoseForecast() | ReservoirFilled() | PumpPrimed() | CarbsCorrected():
            return _alerts(state, _pending(state, now).take(entry).state.snapshot, now)
        case VoidReading() as wrong:
            return _void(state, wrong, str(entry.actor), now)
        case SnoozeAlarm(alarm=alarm):
            return _snooze(state, alarm, str(entry.actor), now)
        case SetGlucoseAlerts() as wanted:
            return _set_alerts(state, wanted, str(entry.actor), now)
        case _:
            return ()


def _pending(state: GlucoseState, now: Now) -> PendingEvents[GlucoseState]:
    return PendingEvents(state, now, speaker=GLUCOSE_INGEST, evolve=evolve)


def _judge(state: GlucoseState, asked: RecordReading, now: Now) -> tuple[Event, ...]:
    value = _read(asked)
    reason = _why_not(state, asked, value, now)
    if value is None or reason is not None:
        return (
            ReadingRejected(
                measured_at=asked.measured_at,
                reason=reason or "not_a_number",
                source=asked.source,
                unit=asked.unit,
                received=asked.received[:40],
            ),
        )
    event = _reading(asked, value)
    if state.latest is not None and asked.measured_at <= state.latest.measured_at:
        return (event,)
    pending = _pending(state, now)
    pending.add(event)
    pending.add(*_alerts(state, pending.state.snapshot, now))
    return tuple(pending.events)


def _read(asked: RecordReading) -> GlucoseText | None:
    try:
        return parse_glucose(asked.received, unit=asked.unit)
    except GlucoseTextError:
        return None


def _reading(asked: RecordReading, value: GlucoseText) -> GlucoseMeasured | GlucoseBeyondRange:
    if value.glucose is None:
        return GlucoseBeyondRange(
            measured_at=asked.measured_at,
            bound=value.bound or "low",
            source=asked.source,
            received=asked.received,
            device=asked.device,
        )
    return GlucoseMeasured(
        measured_at=asked.measured_at,
        glucose=value.glucose,
        source=asked.source,
        unit=asked.unit,
        received=asked.received,
        device=asked.device,
    )


def _why_not(
    state: GlucoseState, asked: RecordReading, value: GlucoseText | None, now: Now
) -> RejectionReason | None:
    if value is None:
        return "not_a_number"
    if comes_again(state.readings, asked):
        return "voided"
    number = value.glucose
    if number is not None and not GLUCOSE_MG_DL_MIN <= number <= GLUCOSE_MG_DL_MAX:
        return "implausible"
    if asked.measured_at > now.therapy + GLUCOSE_FUTURE_MS_MAX:
        return "future"
    if asked.measured_at < now.therapy - GLUCOSE_ANCIENT_MS:
        return "ancient"
    is_newest = state.latest is None or asked.measured_at > state.latest.measured_at
    if is_newest:
        return "doubled" if _is_doubled(asked, state.snapshot.sensor_at) else None
    seen = [one.reading for one in state.readings.counting]
    key = (asked.measured_at, asked.source, asked.device)
    if any(key == (one.measured_at, one.source, device_of(one)) for one in seen):
        return "duplicate"
    others = (one.measured_at for one in seen if one.source == "sensor")
    return "doubled" if any(_is_doubled(asked, at) for at in others) else None


def _is_doubled(asked: RecordReading, sensor_at: UtcMillis | None) -> bool:
    """Say whether a sensor's reading came by another path before."""
    if asked.source != "sensor" or sensor_at is None:
        return False
    return abs(asked.measured_at - sensor_at) <= DOUBLED_MS


def _void(state: GlucoseState, asked: VoidReading, actor: str, now: Now) -> tuple[Event, ...]:
    found = void(state.readings, asked, actor=actor, speaker=GLUCOSE_INGEST, now=now)
    if isinstance(found, VoidingRefused):
        return (found,)
    since = arrival_of(state.readings, found.reading)
    doubted: frozenset[AlertName] = frozenset(
        one.name for one in state.annunciations if one.raised_at >= since
    )
    pending = _pending(state, now)
    pending.add(found)
    pending.add(*_alerts(state, pending.state.snapshot, now, doubted=doubted))
    return tuple(pending.events)


def _alerts(
    state: GlucoseState,
    snapshot: GlucoseSnapshot,
    now: Now,
    *,
    snoozed: Set[AlertName] = frozenset(),
    doubted: Set[AlertName] = frozenset(),
    actor: str = "",
) -> tuple[Event, ...]:
    """Say what has happened with alerts by this snapshot."""
    annunciations, sounds = advance(
        state.annunciations, snapshot, snoozed=snoozed, doubted=doubted, now=now.therapy
    )
    if not sounds:
        return ()
    after = {one.name: one for one in annunciations}
    return tuple(_alarm(sound, after.get(sound.name), actor) for sound in sounds)


def _alarm(sound: AnnunciationChange, after: Annunciation | None, actor: str) -> Event:
    if after is None:
        return AlarmCleared(alarm=sound.name)
    if sound.what == "raised":
        text = RULES[sound.name].text
        return AlarmRaised(alarm=sound.name, priority=sound.priority, to="person", text=text)
    if after.snoozed_until is not None:
        return AlarmSnoozed(alarm=sound.name, until=after.snoozed_until, actor=actor)
    return AlarmRepeated(alarm=sound.name, priority=sound.priority, count=after.count)


def _snooze(state: GlucoseState, alarm: str, actor: str, now: Now) -> tuple[Event, ...]:
    named: frozenset[AlertName] = frozenset(
        one.name for one in state.annunciations if one.name == alarm
    )
    if not named:
        return (AcknowledgementRefused(alarm=alarm[:64], reason="not_active"),)
    return _alerts(state, state.snapshot, now, snoozed=named, actor=actor)


def _set_alerts(
    state: GlucoseState, asked: SetGlucoseAlerts, actor: str, now: Now
) -> tuple[Event, ...]:
    for field, least, most in _THRESHOLDS:
        if not least <= getattr(asked, field) <= most:
            return (GlucoseAlertsRefused(reason="out_of_range", field=field),)
    for field, holds in (
        ("low", asked.urgent_low < asked.low),
        ("high", asked.low < asked.high),
        ("set_overdue", asked.set_due <= asked.set_overdue),
    ):
        if not holds:
            return (GlucoseAlertsRefused(reason="out_of_range", field=field),)
    changed = GlucoseAlertsSet(
        urgent_low=asked.urgent_low,
        low=asked.low,
        high=asked.high,
        fast=asked.fast,
        missing=asked.missing,
        measurements_a_day=asked.measurements_a_day,
        set_due=asked.set_due,
        set_overdue=asked.set_overdue,
        actor=actor,
        because=asked.because,
    )
    pending = _pending(state, now)
    pending.add(changed)
    pending.add(*_alerts(state, pending.state.snapshot, now))
    return tuple(pending.events)


def _wake_at(state: GlucoseState) -> UtcMillis | None:
    return look_again_at(state.annunciations, state.snapshot, now=state.looked_at)


class GlucoseDecider(Decider[GlucoseState]):
    """The thinking of the service glucose_ingest."""

    name = GLUCOSE_INGEST
    subscribes_to = SUBSCRIPTIONS[name]
    emits = (
        *COMMON_EVENTS,
        GlucoseMeasured,
        GlucoseBeyondRange,
        ReadingRejected,
        ReadingVoided,
        VoidingRefused,
        AlarmRepeated,
        AlarmSnoozed,
        GlucoseAlertsSet,
        GlucoseAlertsRefused,
    )
    handles = (*COMMON_COMMANDS, RecordReading, VoidReading, SnoozeAlarm, SetGlucoseAlerts)

    def initial(self, pump: PumpId) -> GlucoseState:
        """Know nothing yet."""
        return initial(pump)

    def decide(self, state: GlucoseState, entry: Entry, now: Now) -> tuple[Event, ...]:
        """Say what follows from a message."""
        return _decide(state, entry, now)

    def evolve(self, state: GlucoseState, entry: Entry) -> GlucoseState:
        """Fold an entry."""
        return evolve(state, entry)

    def wake_at(self, state: GlucoseState) -> UtcMillis | None:
        """Give when time alone has something to do [ms]."""
        return _wake_at(state)

    def view(self, state: GlucoseState, now: Now) -> GlucoseView:
        """Show the state to a person."""
        return view(state, now)


GLUCOSE_DECIDER: Final = GlucoseDecider()
"""[-] the thinking of the service glucose_ingest."""
