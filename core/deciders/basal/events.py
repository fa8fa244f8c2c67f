"""How each entry changes what basal_scheduler knows of one person."""

from typing import Final

import msgspec

from core.deciders.basal.state import BASAL_SCHEDULER, BasalState
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from core.kernel.shared_decisions import evolve_common
from schemas.basal.profiles import (
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
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.units import EventId


def evolve(state: BasalState, entry: Entry) -> BasalState:
    """Fold one entry; what `view` shows follows from events alone."""
    common = evolve_common(state.common, entry, me=BASAL_SCHEDULER)
    if common is not state.common:
        return msgspec.structs.replace(state, common=common)
    return _fold(state, entry)


_fold: Final = EventHandlers[BasalState]()


@_fold.register
def _take_profile(state: BasalState, profile: BasalProfileSet, entry: Entry) -> BasalState:
    """Keep a profile; put it to use where it is activated, or is in use already."""
    base, name = state.newest, EventId(entry.id)
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


@_fold.register
def _take_week(state: BasalState, week: BasalWeekSet, entry: Entry) -> BasalState:
    name = EventId(entry.id)
    waiting = msgspec.structs.replace(state.newest, days=week.days, settings=name)
    return msgspec.structs.replace(state, waiting=waiting)


@_fold.register
def _take_zone(state: BasalState, moved: BasalZoneSet, entry: Entry) -> BasalState:
    name = EventId(entry.id)
    waiting = msgspec.structs.replace(state.newest, zone=moved.zone, settings=name)
    return msgspec.structs.replace(state, waiting=waiting)


@_fold.register
def _refuse(
    state: BasalState, refused: BasalProfileRefused | BasalZoneRefused, entry: Entry
) -> BasalState:
    del entry
    if refused.reason != "unknown_zone":
        return state
    return msgspec.structs.replace(state, waiting=None)


@_fold.register
def _look_up(state: BasalState, lookup: ZoneLookupRequested, entry: Entry) -> BasalState:
    del entry
    return msgspec.structs.replace(state, lookup=lookup)


@_fold.register
def _know_zone(state: BasalState, zone: ZoneResolved, entry: Entry) -> BasalState:
    del entry
    answered = state.lookup is not None and state.lookup.zone == zone.zone
    known = msgspec.structs.replace(state, lookup=None if answered else state.lookup)
    wanted = {state.programme.zone, state.newest.zone}
    if not zone.transitions or zone.zone not in wanted:
        return known
    return msgspec.structs.replace(known, zone=zone)


@_fold.register
def _take_temporary(state: BasalState, temporary: TemporaryRateStarted, entry: Entry) -> BasalState:
    del entry
    return msgspec.structs.replace(state, temporary=temporary)


@_fold.register
def _end_temporary(state: BasalState, ended: TemporaryRateEnded, entry: Entry) -> BasalState:
    del ended, entry
    return msgspec.structs.replace(state, temporary=None)


@_fold.register
def _take_limits(state: BasalState, limits: DeliveryLimitsSet, entry: Entry) -> BasalState:
    del entry
    return msgspec.structs.replace(state, pump_model=limits.pump_model)


@_fold.register
def _take_plan(state: BasalState, plan: BasalPlanMade, entry: Entry) -> BasalState:
    """A plan puts the programme that it was made of in force."""
    known = msgspec.structs.replace(state, plan=plan, plan_id=EventId(entry.id))
    made_of = plan.settings or plan.profile
    if state.waiting is None or made_of != state.waiting.settings:
        return known
    return msgspec.structs.replace(known, programme=state.waiting, waiting=None)
