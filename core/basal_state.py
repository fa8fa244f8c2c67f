"""What basal_scheduler knows of one person, and how each entry changes it."""

from typing import Final

import msgspec

from core.alarms import ActiveAlarm
from core.common import Common, evolve_common
from core.decider import Entry
from schemas.basal import (
    BasalPlanMade,
    BasalProfileRefused,
    BasalProfileSet,
    TemporaryRateEnded,
    TemporaryRateStarted,
    ZoneLookupRequested,
    ZoneResolved,
)
from schemas.message import Now
from schemas.units import EventId, MilliUnitsPerHour, PumpId, Speaker, UtcMillis

BASAL_SCHEDULER: Final = Speaker("basal_scheduler")


class BasalState(msgspec.Struct, frozen=True, kw_only=True):
    """What basal_scheduler knows of one person."""

    common: Common = Common()
    """[-] alarms and faults."""
    profile: BasalProfileSet | None = None
    """[-] in force."""
    profile_id: EventId = EventId("")
    """[-] its event."""
    waiting: BasalProfileSet | None = None
    """[-] taken, and in force as soon as its zone is looked up."""
    waiting_id: EventId = EventId("")
    """[-] its event."""
    lookup: ZoneLookupRequested | None = None
    """[-] a lookup without an answer so far."""
    zone: ZoneResolved | None = None
    """[-] the transitions of the zone of the profile in force."""
    temporary: TemporaryRateStarted | None = None
    """[-] set, perhaps past its end and not yet said to have ended."""
    plan: BasalPlanMade | None = None
    """[-] the newest."""
    plan_id: EventId = EventId("")
    """[-] its event."""


class BasalView(msgspec.Struct, frozen=True, kw_only=True):
    """Basal as a person sees it."""

    profile: str | None
    """[-] name."""
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


def initial(pump: PumpId) -> BasalState:
    """Know nothing yet."""
    del pump
    return BasalState()


def evolve(state: BasalState, entry: Entry) -> BasalState:
    """Fold one entry; what `view` shows follows from events alone."""
    match entry.body:
        case BasalProfileSet() as profile:
            return msgspec.structs.replace(state, waiting=profile, waiting_id=EventId(entry.id))
        case BasalProfileRefused(reason="unknown_zone"):
            return msgspec.structs.replace(state, waiting=None, waiting_id=EventId(""))
        case ZoneLookupRequested() as lookup:
            return msgspec.structs.replace(state, lookup=lookup)
        case ZoneResolved() as zone:
            return _know_zone(state, zone)
        case TemporaryRateStarted() as temporary:
            return msgspec.structs.replace(state, temporary=temporary)
        case TemporaryRateEnded():
            return msgspec.structs.replace(state, temporary=None)
        case BasalPlanMade() as plan:
            return _take_plan(state, plan, EventId(entry.id))
        case _:
            common = evolve_common(state.common, entry, me=BASAL_SCHEDULER)
            return msgspec.structs.replace(state, common=common)


def _know_zone(state: BasalState, zone: ZoneResolved) -> BasalState:
    answered = state.lookup is not None and state.lookup.zone == zone.zone
    known = msgspec.structs.replace(state, lookup=None if answered else state.lookup)
    wanted = {profile.zone for profile in (state.waiting, state.profile) if profile}
    if not zone.transitions or zone.zone not in wanted:
        return known
    return msgspec.structs.replace(known, zone=zone)


def _take_plan(state: BasalState, plan: BasalPlanMade, plan_id: EventId) -> BasalState:
    """A plan puts the profile that it was made of in force."""
    known = msgspec.structs.replace(state, plan=plan, plan_id=plan_id)
    if state.waiting is None or plan.profile != state.waiting_id:
        return known
    return msgspec.structs.replace(
        known,
        profile=state.waiting,
        profile_id=state.waiting_id,
        waiting=None,
        waiting_id=EventId(""),
    )


def view(state: BasalState, now: Now) -> BasalView:
    """Show basal as it stands at `now`."""
    profile, temporary = state.profile, state.temporary
    runs = temporary is not None and temporary.starts_at <= now.therapy < temporary.ends_at
    steps = state.plan.steps if state.plan else ()
    rate = next((step.rate for step in reversed(steps) if step.at <= now.therapy), None)
    return BasalView(
        profile=profile.name if profile else None,
        zone=profile.zone if profile else None,
        rate=rate,
        temporary=_in_words(temporary) if temporary and runs else None,
        temporary_ends_at=temporary.ends_at if temporary and runs else None,
        plan=state.plan_id or None,
        plan_ends_at=state.plan.ends_at if state.plan else None,
        alarms=state.common.alarms,
    )


def _in_words(temporary: TemporaryRateStarted) -> str:
    if temporary.rate is None:
        return f"{temporary.percent} %"
    return f"{temporary.rate} mU/h"
