"""Glucose: which readings anybody may dose by, and the alarms for low and high."""

from typing import Final

import msgspec

from core.alarms import ActiveAlarm, Condition, clear_alarm, raise_alarm
from core.common import (
    COMMON_COMMANDS,
    COMMON_EVENTS,
    Common,
    decide_common,
    evolve_common,
)
from core.decider import Decider, Entry, never, no_effects
from core.errors import GlucoseTextError
from core.glucose_text import GlucoseText, parse_glucose
from schemas.glucose import (
    GlucoseBeyondRange,
    GlucoseMeasured,
    ReadingRejected,
    RecordReading,
    RejectionReason,
)
from schemas.message import Event, Now
from schemas.units import MINUTE_MS, MgDl, Milliseconds, PumpId, Speaker, UtcMillis

GLUCOSE_INGEST: Final = Speaker("glucose_ingest")

GLUCOSE_MG_DL_MIN = MgDl(10)
"""[mg/dL] below it no living person measures; source: Loop's manual entry, 10 to 600."""

GLUCOSE_MG_DL_MAX = MgDl(600)
"""[mg/dL] above it meters say HIGH; source: Loop's manual entry, 10 to 600."""

GLUCOSE_FUTURE_MS_MAX = Milliseconds(5 * MINUTE_MS)
"""[ms] a reading may be ahead of the clock; source: Loop rejects more than 5 min."""

GLUCOSE_ANCIENT_MS = Milliseconds(24 * 60 * MINUTE_MS)
"""[ms] older readings are not taken as news; project's own choice."""

URGENT_LOW_MG_DL = MgDl(54)
"""[mg/dL] below it the alarm is of high priority; source: consensus level 2."""

LOW_MG_DL = MgDl(70)
"""[mg/dL] below it is low; source: consensus level 1."""

HIGH_MG_DL = MgDl(250)
"""[mg/dL] above it is high; source: consensus level 2."""

CLEARED_BEYOND_MG_DL = MgDl(5)
"""[mg/dL] beyond the threshold before an alarm ends, so that it does not flutter."""

LATEST_READINGS_MAX = 300
"""[-] readings kept at least to find duplicates: a day of a sensor that reads every 5 min."""

NEWEST_READINGS_MAX = 32
"""[-] of them that are added to one by one; moved over together, so that a reading is cheap."""

_URGENT = Condition("glucose_urgent_low", "high", "person", "Glucose is below 54 mg/dL: eat now.")
_LOW = Condition("glucose_low", "medium", "person", "Glucose is below 70 mg/dL.")
_HIGH = Condition("glucose_high", "low", "person", "Glucose is above 250 mg/dL.")


ReadingKey = tuple[UtcMillis, str, str]
"""Time of measurement [ms], source and device: what makes two readings the same one."""


class GlucoseState(msgspec.Struct, frozen=True, kw_only=True):
    """What glucose_ingest knows of one person."""

    common: Common = Common()
    """[-] alarms and faults."""
    latest: GlucoseMeasured | GlucoseBeyondRange | None = None
    """[-] the reading with the latest time of measurement."""
    seen: tuple[ReadingKey, ...] = ()
    """[-] the newest readings taken, in order of arrival."""
    seen_before: tuple[ReadingKey, ...] = ()
    """[-] those taken before them, in order of arrival."""
    counted: int = 0
    """[-] readings taken in all."""
    rejected: int = 0
    """[-] readings rejected in all."""


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


def _initial(pump: PumpId) -> GlucoseState:
    del pump
    return GlucoseState()


def _decide(state: GlucoseState, entry: Entry, now: Now) -> tuple[Event, ...]:
    shared = decide_common(state.common, entry)
    if shared is not None:
        return shared
    if isinstance(entry.body, RecordReading):
        return _judge(state, entry.body, now)
    return ()


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
    is_news = state.latest is None or asked.measured_at > state.latest.measured_at
    return (event, *(_alarms(state, event) if is_news else ()))


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
    number = value.glucose
    if number is not None and not GLUCOSE_MG_DL_MIN <= number <= GLUCOSE_MG_DL_MAX:
        return "implausible"
    if asked.measured_at > now.therapy + GLUCOSE_FUTURE_MS_MAX:
        return "future"
    if asked.measured_at < now.therapy - GLUCOSE_ANCIENT_MS:
        return "ancient"
    is_newest = state.latest is None or asked.measured_at > state.latest.measured_at
    if is_newest:
        return None
    key = (asked.measured_at, asked.source, asked.device)
    return "duplicate" if key in state.seen or key in state.seen_before else None


def _alarms(state: GlucoseState, event: GlucoseMeasured | GlucoseBeyondRange) -> tuple[Event, ...]:
    """Raise and clear by the newest reading; LOW and HIGH lie beyond every threshold."""
    alarms = state.common.alarms
    if isinstance(event, GlucoseBeyondRange):
        low, high = event.bound == "low", event.bound == "high"
        urgent, not_urgent, not_low, not_high = low, high, high, low
    else:
        value = event.glucose
        if not alarms and LOW_MG_DL <= value <= HIGH_MG_DL:
            return ()
        low, high = value < LOW_MG_DL, value > HIGH_MG_DL
        urgent = value < URGENT_LOW_MG_DL
        not_urgent = value >= URGENT_LOW_MG_DL + CLEARED_BEYOND_MG_DL
        not_low = value >= LOW_MG_DL + CLEARED_BEYOND_MG_DL
        not_high = value <= HIGH_MG_DL - CLEARED_BEYOND_MG_DL
    return (
        *(clear_alarm(alarms, _URGENT.alarm) if not_urgent else ()),
        *(clear_alarm(alarms, _LOW.alarm) if not_low else ()),
        *(clear_alarm(alarms, _HIGH.alarm) if not_high else ()),
        *(raise_alarm(alarms, _URGENT) if urgent else ()),
        *(raise_alarm(alarms, _LOW) if low else ()),
        *(raise_alarm(alarms, _HIGH) if high else ()),
    )


def _evolve(state: GlucoseState, entry: Entry) -> GlucoseState:
    body = entry.body
    if entry.speaker is None:
        return state
    if isinstance(body, GlucoseMeasured | GlucoseBeyondRange):
        latest = state.latest
        if latest is None or body.measured_at > latest.measured_at:
            latest = body
        seen = (*state.seen, (body.measured_at, body.source, body.device))
        before = state.seen_before
        if len(seen) >= NEWEST_READINGS_MAX:
            seen, before = (), (*before, *seen)[-LATEST_READINGS_MAX:]
        return msgspec.structs.replace(
            state, latest=latest, seen=seen, seen_before=before, counted=state.counted + 1
        )
    if isinstance(body, ReadingRejected):
        return msgspec.structs.replace(state, rejected=state.rejected + 1)
    common = evolve_common(state.common, entry, me=GLUCOSE_INGEST)
    return state if common is state.common else msgspec.structs.replace(state, common=common)


def _view(state: GlucoseState, now: Now) -> GlucoseView:
    del now
    latest = state.latest
    return GlucoseView(
        glucose=latest.glucose if isinstance(latest, GlucoseMeasured) else None,
        mark=latest.bound if isinstance(latest, GlucoseBeyondRange) else None,
        measured_at=latest.measured_at if latest else None,
        readings=state.counted,
        rejected=state.rejected,
        alarms=state.common.alarms,
    )


GLUCOSE_DECIDER: Final = Decider(
    name=GLUCOSE_INGEST,
    hears=(),
    says=(*COMMON_EVENTS, GlucoseMeasured, GlucoseBeyondRange, ReadingRejected),
    obeys=(*COMMON_COMMANDS, RecordReading),
    initial=_initial,
    decide=_decide,
    evolve=_evolve,
    wake_at=never,
    effects=no_effects,
    view=_view,
)
"""[-] the thinking of the service glucose_ingest."""
