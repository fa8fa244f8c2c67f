"""What basal_scheduler knows of one person, and how each entry changes it."""

from typing import Final

import msgspec

from core.alarms import ActiveAlarm
from core.common import Common, evolve_common
from core.decider import Entry
from core.schedule import Week
from schemas.basal import (
    WEEK_DAYS,
    BasalPlanMade,
    BasalProfileRefused,
    BasalProfileSet,
    BasalWeekSet,
    BasalZoneRefused,
    BasalZoneSet,
    TemporaryRateEnded,
    TemporaryRateStarted,
    ZoneLookupRequested,
    ZoneResolved,
)
from schemas.delivery import DeliveryLimitsSet
from schemas.message import Event, Now
from schemas.units import EventId, MilliUnitsPerHour, PumpId, Speaker, UtcMillis

BASAL_SCHEDULER: Final = Speaker("basal_scheduler")


class Programme(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The profiles kept, and which of them is for which day."""

    profiles: tuple[BasalProfileSet, ...] = ()
    """[-] sorted by name."""
    ids: tuple[EventId, ...] = ()
    """[-] their events, in the same order."""
    days: tuple[str, ...] = ()
    """[-] the profile of each day, Monday first; empty when none was ever activated."""
    zone: str = ""
    """[-] IANA name of the clock that they run by."""
    settings: EventId = EventId("")
    """[-] the event of its newest change."""

    @property
    def week(self) -> Week:
        """Give the segments of each day."""
        return tuple(self.profiles[self._index(name)].segments for name in self.days)

    def id_of(self, name: str) -> EventId:
        """Give the event of the profile of a name."""
        return self.ids[self._index(name)]

    def has(self, name: str) -> bool:
        """Say whether a profile of that name is kept."""
        return any(profile.name == name for profile in self.profiles)

    def _index(self, name: str) -> int:
        return next(i for i, profile in enumerate(self.profiles) if profile.name == name)


class BasalState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What basal_scheduler knows of one person."""

    common: Common = Common()
    """[-] alarms and faults."""
    programme: Programme = Programme()
    """[-] in force."""
    waiting: Programme | None = None
    """[-] taken, and in force as soon as its zone is looked up."""
    lookup: ZoneLookupRequested | None = None
    """[-] a lookup without an answer so far."""
    zone: ZoneResolved | None = None
    """[-] the transitions of the zone of the programme in force."""
    temporary: TemporaryRateStarted | None = None
    """[-] set, perhaps past its end and not yet said to have ended."""
    plan: BasalPlanMade | None = None
    """[-] the newest."""
    plan_id: EventId = EventId("")
    """[-] its event."""
    pump_model: str | None = None
    """[-] what temporary rates it takes, by the actuator's limits; none while they are not set."""

    def must_wait(self, zone: str | None = None) -> bool:
        """Say whether a change must wait, lest it fall with one whose zone may not exist.

        Args:
            zone: IANA name that the change brings; none for one that keeps the zone.
        """
        if self.waiting is None:
            return False
        if zone is not None and zone != self.waiting.zone:
            return True
        is_known = self.zone is not None and self.zone.zone == self.waiting.zone
        return bool(self.programme.days) and not is_known


class BasalView(msgspec.Struct, frozen=True, kw_only=True):
    """Basal as a person sees it."""

    profile: str | None
    """[-] name of the one that the newest plan began with."""
    zone: str | None
    """[-] IANA name."""
    rate: MilliUnitsPerHour | None
    """[mU/h] planned now, none without a plan."""
    temporary: str | None
    """[-] the temporary rate that runs, in words."""
    temporary_ends_at: UtcMillis | None
    """[ms] its end."""
    plan: EventId | None
    """[-] the newest plan."""
    plan_ends_at: UtcMillis | None
    """[ms] its end."""
    alarms: tuple[ActiveAlarm, ...]
    """[-] active, oldest first."""
    days: tuple[str, ...] = ()
    """[-] the profile of each day of the week, Monday first."""


def initial(pump: PumpId) -> BasalState:
    """Know nothing yet."""
    del pump
    return BasalState()


def evolve(state: BasalState, entry: Entry) -> BasalState:
    """Fold one entry; what `view` shows follows from events alone."""
    match entry.body:
        case BasalProfileSet() as profile:
            return _take_profile(state, profile, EventId(entry.id))
        case BasalWeekSet(days=days):
            week = msgspec.structs.replace(_newest(state), days=days, settings=EventId(entry.id))
            return msgspec.structs.replace(state, waiting=week)
        case BasalZoneSet(zone=zone):
            moved = msgspec.structs.replace(_newest(state), zone=zone, settings=EventId(entry.id))
            return msgspec.structs.replace(state, waiting=moved)
        case BasalProfileRefused(reason="unknown_zone") | BasalZoneRefused(reason="unknown_zone"):
            return msgspec.structs.replace(state, waiting=None)
        case ZoneLookupRequested() as lookup:
            return msgspec.structs.replace(state, lookup=lookup)
        case ZoneResolved() as resolved:
            return _know_zone(state, resolved)
        case TemporaryRateStarted() as temporary:
            return msgspec.structs.replace(state, temporary=temporary)
        case TemporaryRateEnded():
            return msgspec.structs.replace(state, temporary=None)
        case DeliveryLimitsSet(pump_model=pump_model):
            return msgspec.structs.replace(state, pump_model=pump_model)
        case BasalPlanMade() as plan:
            return _take_plan(state, plan, EventId(entry.id))
        case _:
            common = evolve_common(state.common, entry, me=BASAL_SCHEDULER)
            return msgspec.structs.replace(state, common=common)


def _newest(state: BasalState) -> Programme:
    """Give what a change builds on: what waits already, else what is in force."""
    return state.waiting or state.programme


def _take_profile(state: BasalState, profile: BasalProfileSet, name: EventId) -> BasalState:
    """Keep a profile; put it to use where it is activated, or is in use already."""
    base = _newest(state)
    kept = {one.name: (one, of) for one, of in zip(base.profiles, base.ids, strict=True)}
    kept[profile.name] = (profile, name)
    ordered = [kept[key] for key in sorted(kept)]
    changed = msgspec.structs.replace(
        base, profiles=tuple(one for one, _ in ordered), ids=tuple(of for _, of in ordered)
    )
    if profile.activate:
        changed = msgspec.structs.replace(
            changed, days=(profile.name,) * WEEK_DAYS, zone=profile.zone, settings=name
        )
    elif profile.name in base.days:
        changed = msgspec.structs.replace(changed, settings=name)
    if changed.settings == name or state.waiting is not None:
        return msgspec.structs.replace(state, waiting=changed)
    return msgspec.structs.replace(state, programme=changed)


def _know_zone(state: BasalState, zone: ZoneResolved) -> BasalState:
    answered = state.lookup is not None and state.lookup.zone == zone.zone
    known = msgspec.structs.replace(state, lookup=None if answered else state.lookup)
    wanted = {state.programme.zone, _newest(state).zone}
    if not zone.transitions or zone.zone not in wanted:
        return known
    return msgspec.structs.replace(known, zone=zone)


def _take_plan(state: BasalState, plan: BasalPlanMade, plan_id: EventId) -> BasalState:
    """A plan puts the programme that it was made of in force."""
    known = msgspec.structs.replace(state, plan=plan, plan_id=plan_id)
    made_of = plan.settings or plan.profile
    if state.waiting is None or made_of != state.waiting.settings:
        return known
    return msgspec.structs.replace(known, programme=state.waiting, waiting=None)


def refuse_zone(waiting: Programme) -> Event:
    """Refuse the profile that brought an unknown zone, or the journey there."""
    if waiting.settings in waiting.ids:
        name = waiting.profiles[waiting.ids.index(waiting.settings)].name
        return BasalProfileRefused(name=name, reason="unknown_zone")
    return BasalZoneRefused(zone=waiting.zone[:64], reason="unknown_zone")


def view(state: BasalState, now: Now) -> BasalView:
    """Show basal as it stands at `now`."""
    programme, temporary = state.programme, state.temporary
    runs = temporary is not None and temporary.starts_at <= now.therapy < temporary.ends_at
    steps = state.plan.steps if state.plan else ()
    rate = next((step.rate for step in reversed(steps) if step.at <= now.therapy), None)
    return BasalView(
        profile=_profile_name(state),
        zone=programme.zone or None,
        rate=rate,
        temporary=_in_words(temporary) if temporary and runs else None,
        temporary_ends_at=temporary.ends_at if temporary and runs else None,
        plan=state.plan_id or None,
        plan_ends_at=state.plan.ends_at if state.plan else None,
        alarms=state.common.alarms,
        days=programme.days,
    )


def _profile_name(state: BasalState) -> str | None:
    """Name the profile that the newest plan began with."""
    programme, plan = state.programme, state.plan
    if plan is None or plan.profile not in programme.ids:
        return programme.days[0] if programme.days else None
    return programme.profiles[programme.ids.index(plan.profile)].name


def _in_words(temporary: TemporaryRateStarted) -> str:
    if temporary.rate is None:
        return f"{temporary.percent} %"
    return f"{temporary.rate} mU/h"
