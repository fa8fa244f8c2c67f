"""The clock on the wall that bolus settings mean: looked up, followed on a journey, renewed."""

from typing import Final

import msgspec

from core.deciders.names import BOLUS_ADVISOR
from core.kernel.alarms import Alarms, Condition, clear_alarm, raise_alarm
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from schemas.basal.profiles import (
    BasalProfileRefused,
    BasalProfileSet,
    BasalZoneRefused,
    BasalZoneSet,
    ZoneLookupRequested,
    ZoneResolved,
    ZoneTransition,
)
from schemas.bolus.settings import BolusSettingsSet
from schemas.message import Event, Now
from schemas.record import Restarted
from schemas.units import DAY_MS, Milliseconds, UtcMillis

RENEWED_MS = Milliseconds(4 * DAY_MS)
"""[ms] of known transitions ahead, below which more are asked for."""

ZONE_UNKNOWN: Final = Condition(
    "zone_unknown",
    "reversible",
    "prompt",
    "programmed_basal",
    "person",
    "The time zone of the bolus settings is not known; no advice until it is set right.",
)


class LocalClock(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Where the person is, and what is known of the clock there."""

    zone: str = ""
    """[-] IANA name; empty before any settings."""
    known: ZoneResolved | None = None
    """[-] the newest lookup that found something."""
    is_asked: bool = False
    """[-] a lookup is without answer."""

    @property
    def transitions(self) -> tuple[ZoneTransition, ...]:
        """Give the transitions of the zone; empty while they are not known."""
        return self.known.transitions if self.known and self.known.zone == self.zone else ()

    @property
    def renew_at(self) -> UtcMillis | None:
        """Give when more transitions are needed [ms]."""
        if self.is_asked or self.known is None or self.known.zone != self.zone:
            return None
        return UtcMillis(self.known.known_until - RENEWED_MS)


CLOCK_HANDLERS: Final = EventHandlers[LocalClock]()
"""[-] what each event does to the clock on the wall."""


@CLOCK_HANDLERS.register
def _ask(clock: LocalClock, lookup: ZoneLookupRequested, entry: Entry) -> LocalClock:
    del lookup
    is_own = entry.speaker == BOLUS_ADVISOR
    return msgspec.structs.replace(clock, is_asked=True) if is_own else clock


@CLOCK_HANDLERS.register
def _set_zone(clock: LocalClock, said: BolusSettingsSet | BasalZoneSet, entry: Entry) -> LocalClock:
    del entry
    return msgspec.structs.replace(clock, zone=said.zone)


@CLOCK_HANDLERS.register
def _follow(clock: LocalClock, profile: BasalProfileSet, entry: Entry) -> LocalClock:
    del entry
    if not profile.activate or not clock.zone:
        return clock
    return msgspec.structs.replace(clock, zone=profile.zone)


@CLOCK_HANDLERS.register
def _go_back(
    clock: LocalClock, refused: BasalZoneRefused | BasalProfileRefused, entry: Entry
) -> LocalClock:
    del entry
    if refused.reason != "unknown_zone" or clock.known is None:
        return clock
    return msgspec.structs.replace(clock, zone=clock.known.zone)


@CLOCK_HANDLERS.register
def _learn(clock: LocalClock, found: ZoneResolved, entry: Entry) -> LocalClock:
    del entry
    known = found if found.transitions else clock.known
    return msgspec.structs.replace(clock, known=known, is_asked=False)


def decide_clock(clock: LocalClock, alarms: Alarms, entry: Entry, now: Now) -> tuple[Event, ...]:
    """Look the zone up when it changes, when the answer was lost, and well before it runs out."""
    match entry.body:
        case BasalZoneSet(zone=zone) if clock.zone:
            return (ZoneLookupRequested(zone=zone, since=now.therapy),)
        case BasalProfileSet(activate=True, zone=zone) if clock.zone not in ("", zone):
            return (ZoneLookupRequested(zone=zone, since=now.therapy),)
        case ZoneResolved(zone=zone, transitions=found) if zone == clock.zone:
            if not found:
                return raise_alarm(alarms, ZONE_UNKNOWN)
            return clear_alarm(alarms, ZONE_UNKNOWN.alarm)
        case Restarted(tzdata=tzdata) if clock.zone:
            if clock.is_asked or (clock.known is not None and clock.known.tzdata != tzdata):
                return (ZoneLookupRequested(zone=clock.zone, since=now.therapy),)
            return ()
        case _:
            due = clock.renew_at
            if due is not None and now.therapy >= due:
                return (ZoneLookupRequested(zone=clock.zone, since=now.therapy),)
            return ()
