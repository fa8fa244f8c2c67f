"""How each entry changes what basal_scheduler knows of one person."""

from typing import Final

import msgspec

from core.deciders.basal.state import BASAL_SCHEDULER, BasalState
from core.dosing.basal_programme.programme import hear
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from core.kernel.fold_table import FoldTable, part, whole
from core.kernel.shared_decisions import COMMON_HANDLERS
from schemas.basal.profiles import (
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
    return BASAL_TABLE(state, entry)


_fold: Final = EventHandlers[BasalState]()


@_fold.register
def _change_programme(
    state: BasalState,
    said: BasalProfileSet | BasalWeekSet | BasalZoneSet | BasalProfileRefused | BasalZoneRefused,
    entry: Entry,
) -> BasalState:
    del said
    heard = hear(state.heard, entry)
    return msgspec.structs.replace(state, programme=heard.in_force, waiting=heard.waiting)


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
    return msgspec.structs.replace(state, limits=limits)


@_fold.register
def _take_plan(state: BasalState, plan: BasalPlanMade, entry: Entry) -> BasalState:
    """A plan puts the programme that it was made of in force."""
    heard = hear(state.heard, entry)
    return msgspec.structs.replace(
        state,
        plan=plan,
        plan_id=EventId(entry.id),
        programme=heard.in_force,
        waiting=heard.waiting,
    )


BASAL_TABLE: Final = FoldTable[BasalState](
    part("common", COMMON_HANDLERS, of=BASAL_SCHEDULER, is_last=True),
    whole(_fold),
)
"""[-] the one table of basal_scheduler: what each kind does, part after part."""
