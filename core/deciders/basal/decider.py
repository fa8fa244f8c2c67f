"""Basal: the profile in force, a temporary rate, and the 48-hour plan that follows."""

from typing import Final

import msgspec

from core.deciders.basal.checks import (
    NOT_SAID,
    profile_problem,
    said_twice,
    temporary_problem,
    week_problem,
)
from core.deciders.basal.events import evolve
from core.deciders.basal.state import (
    BASAL_SCHEDULER,
    BasalState,
    BasalView,
    initial,
    refuse_zone,
    view,
)
from core.deciders.basal.temporary_rates import refused_rate
from core.deciders.names import SUBSCRIPTIONS
from core.dosing.basal_programme.programme import Programme
from core.kernel.decider import Decider, Effect, Entry
from core.kernel.effects import zone_effects
from core.kernel.shared_decisions import COMMON_COMMANDS, COMMON_EVENTS, decide_common
from core.models.calendar_days import days_between
from core.models.schedules import (
    PLAN_MS,
    plan_steps,
    segments_problem,
    wall_clock,
    weekday,
)
from schemas.basal.profiles import (
    PROFILES_MAX,
    WEEK_DAYS,
    BasalPlanMade,
    BasalProfileRefused,
    BasalProfileSet,
    BasalWeekRefused,
    BasalWeekSet,
    BasalZoneRefused,
    BasalZoneSet,
    CancelTemporaryRate,
    SetBasalProfile,
    SetBasalWeek,
    SetBasalZone,
    SetTemporaryRate,
    TemporaryRateEnded,
    TemporaryRateRefused,
    TemporaryRateStarted,
    ZoneLookupRequested,
    ZoneResolved,
)
from schemas.message import Event, Now
from schemas.record import Restarted
from schemas.units import (
    HOUR_MS,
    Milliseconds,
    PumpId,
    UtcMillis,
)

PLAN_RENEWED_MS = Milliseconds(6 * HOUR_MS)
"""[ms] age at which a plan is made anew, so that 42 h of it are always left."""

ZONE_MARGIN_MS = Milliseconds(2 * PLAN_MS)
"""[ms] of known transitions ahead, below which more are asked for."""


def _decide(state: BasalState, entry: Entry, now: Now) -> tuple[Event, ...]:
    shared = decide_common(state.common, entry)
    if shared is not None:
        return shared
    match entry.body:
        case SetBasalProfile() as asked:
            return _set_profile(state, asked, str(entry.actor), now)
        case SetBasalWeek() as asked:
            return _set_week(state, asked, str(entry.actor), now)
        case SetBasalZone() as asked:
            return _set_zone(state, asked, str(entry.actor), now)
        case Restarted() as restarted:
            return _look_up_again(state, restarted, now)
        case ZoneResolved() as zone:
            return _take_zone(state, zone, now)
        case SetTemporaryRate() as asked:
            return _set_temporary(state, asked, str(entry.actor), now)
        case CancelTemporaryRate(because=because):
            return _cancel_temporary(state, str(entry.actor), because, now)
        case _:
            return _on_time(state, now)


def _set_profile(
    state: BasalState, asked: SetBasalProfile, actor: str, now: Now
) -> tuple[Event, ...]:
    kept = state.waiting or state.programme
    if len(kept.profiles) >= PROFILES_MAX and not kept.has(asked.name):
        return (BasalProfileRefused(name=asked.name[:64], reason="too_many_profiles"),)
    if state.must_wait(asked.zone if asked.activate else None):
        return (BasalProfileRefused(name=asked.name[:64], reason="lookup_running"),)
    problem = segments_problem(asked.segments)
    if not 1 <= len(asked.name) <= 64:
        problem = "segments_wrong"
    if problem == "segments_wrong":
        return (BasalProfileRefused(name=asked.name[:64], reason="segments_wrong"),)
    if problem is not None:
        return (BasalProfileRefused(name=asked.name, reason="rate_out_of_range"),)
    profile = BasalProfileSet(
        name=asked.name,
        zone=asked.zone,
        segments=asked.segments,
        actor=actor,
        activate=asked.activate,
        because=asked.because,
        confirmed=asked.confirmed,
    )
    refused = profile_problem(state, profile)
    if refused is not None:
        return (refused,)
    confirmed = said_twice(kept, kept.with_profile(profile, NOT_SAID), asked.confirmed)
    profile = msgspec.structs.replace(profile, confirmed=confirmed)
    if asked.activate:
        return (profile, ZoneLookupRequested(zone=asked.zone, since=now.therapy))
    if asked.name in kept.days:
        return (profile, ZoneLookupRequested(zone=kept.zone, since=now.therapy))
    return (profile,)


def _set_week(state: BasalState, asked: SetBasalWeek, actor: str, now: Now) -> tuple[Event, ...]:
    days = asked.days
    kept = state.waiting or state.programme
    if not kept.days:
        return (BasalWeekRefused(reason="no_profile"),)
    if state.must_wait():
        return (BasalWeekRefused(reason="lookup_running"),)
    if len(days) != WEEK_DAYS:
        return (BasalWeekRefused(reason="days_wrong"),)
    if not all(kept.has(name) for name in days):
        return (BasalWeekRefused(reason="no_such_profile"),)
    after = msgspec.structs.replace(kept, days=days)
    refused = week_problem(state, after, asked.confirmed)
    if refused is not None:
        return (refused,)
    confirmed = said_twice(kept, after, asked.confirmed)
    return (
        BasalWeekSet(days=days, actor=actor, because=asked.because, confirmed=confirmed),
        ZoneLookupRequested(zone=kept.zone, since=now.therapy),
    )


def _set_zone(state: BasalState, asked: SetBasalZone, actor: str, now: Now) -> tuple[Event, ...]:
    zone = asked.zone
    if not (state.waiting or state.programme).days:
        return (BasalZoneRefused(zone=zone[:64], reason="no_profile"),)
    if state.must_wait(zone):
        return (BasalZoneRefused(zone=zone[:64], reason="lookup_running"),)
    return (
        BasalZoneSet(zone=zone, actor=actor, because=asked.because),
        ZoneLookupRequested(zone=zone, since=now.therapy),
    )


def _look_up_again(state: BasalState, restarted: Restarted, now: Now) -> tuple[Event, ...]:
    """A lookup lost with the process, or newer time-zone data, is a lookup to be made."""
    if state.lookup is not None:
        return (ZoneLookupRequested(zone=state.lookup.zone, since=now.therapy),)
    if state.zone is not None and state.zone.tzdata != restarted.tzdata:
        return (ZoneLookupRequested(zone=state.zone.zone, since=now.therapy),)
    return _on_time(state, now)


def _take_zone(state: BasalState, zone: ZoneResolved, now: Now) -> tuple[Event, ...]:
    waiting = state.waiting
    if waiting is not None and waiting.zone == zone.zone:
        if not zone.transitions:
            return (refuse_zone(waiting),)
        return _plan(waiting, zone, state.temporary, now)
    if not zone.transitions:
        return ()
    return _plan(state.programme, zone, state.temporary, now)


def _plan(
    programme: Programme,
    zone: ZoneResolved | None,
    temporary: TemporaryRateStarted | None,
    now: Now,
) -> tuple[Event, ...]:
    """Make the plan anew; without the zone's transitions it follows when they are there."""
    if not programme.days or zone is None or zone.zone != programme.zone:
        return ()
    steps = plan_steps(programme.week, zone.transitions, temporary=temporary, start=now.therapy)
    alone = steps
    if temporary is not None:
        alone = plan_steps(programme.week, zone.transitions, temporary=None, start=now.therapy)
    ends_at = UtcMillis(now.therapy + PLAN_MS)
    days = days_between(zone.transitions, start=now.therapy, end=ends_at)
    today, _ = wall_clock(zone.transitions, now.therapy)
    return (
        BasalPlanMade(
            profile=programme.id_of(programme.days[weekday(today)]),
            tzdata=zone.tzdata,
            steps=steps,
            ends_at=ends_at,
            profiles=tuple(dict.fromkeys(programme.id_of(name) for name in programme.days)),
            settings=programme.settings,
            profile_steps=() if alone == steps else alone,
            midnights=tuple(begin for begin, _ in days),
        ),
    )


def _set_temporary(
    state: BasalState, asked: SetTemporaryRate, actor: str, now: Now
) -> tuple[Event, ...]:
    if state.plan is None:
        return (TemporaryRateRefused(reason="no_profile"),)
    refused = refused_rate(asked, actor, pump_model=state.pump_model)
    if refused is not None:
        return (refused,)
    started = TemporaryRateStarted(
        percent=asked.percent,
        rate=asked.rate,
        starts_at=now.therapy,
        ends_at=UtcMillis(now.therapy + asked.duration),
        actor=actor,
        because=asked.because,
    )
    refused = temporary_problem(state, started)
    if refused is not None:
        return (refused,)
    ended = (TemporaryRateEnded(reason="superseded"),) if state.temporary else ()
    return (*ended, started, *_plan(state.programme, state.zone, started, now))


def _cancel_temporary(state: BasalState, actor: str, because: str, now: Now) -> tuple[Event, ...]:
    if state.temporary is None or now.therapy >= state.temporary.ends_at:
        return (TemporaryRateRefused(reason="none_runs"),)
    ended = TemporaryRateEnded(reason="cancelled", actor=actor, because=because)
    return (ended, *_plan(state.programme, state.zone, None, now))


def _on_time(state: BasalState, now: Now) -> tuple[Event, ...]:
    temporary = state.temporary
    ended: tuple[Event, ...] = ()
    if temporary is not None and now.therapy >= temporary.ends_at:
        ended, temporary = (TemporaryRateEnded(reason="expired"),), None
    due = _renewal_at(state)
    if ended or (due is not None and now.therapy >= due):
        return (
            *ended,
            *_plan(state.programme, state.zone, temporary, now),
            *_extend_zone(state, now),
        )
    return ()


def _extend_zone(state: BasalState, now: Now) -> tuple[Event, ...]:
    """Ask for more transitions well before those known end."""
    zone = state.zone
    if zone is None or now.therapy + ZONE_MARGIN_MS < zone.known_until:
        return ()
    return (ZoneLookupRequested(zone=zone.zone, since=now.therapy),)


def _renewal_at(state: BasalState) -> UtcMillis | None:
    if state.plan is None:
        return None
    return UtcMillis(state.plan.ends_at - PLAN_MS + PLAN_RENEWED_MS)


def _wake_at(state: BasalState) -> UtcMillis | None:
    wakes = [_renewal_at(state), state.temporary.ends_at if state.temporary else None]
    return min((at for at in wakes if at is not None), default=None)


class BasalDecider(Decider[BasalState]):
    """The thinking of the service basal_scheduler."""

    name = BASAL_SCHEDULER
    subscribes_to = SUBSCRIPTIONS[name]
    emits = (
        *COMMON_EVENTS,
        BasalProfileSet,
        BasalProfileRefused,
        BasalWeekSet,
        BasalWeekRefused,
        BasalZoneSet,
        BasalZoneRefused,
        ZoneLookupRequested,
        BasalPlanMade,
        TemporaryRateStarted,
        TemporaryRateEnded,
        TemporaryRateRefused,
    )
    handles = (
        *COMMON_COMMANDS,
        SetBasalProfile,
        SetBasalWeek,
        SetBasalZone,
        SetTemporaryRate,
        CancelTemporaryRate,
    )

    def initial(self, pump: PumpId) -> BasalState:
        """Know nothing yet."""
        return initial(pump)

    def decide(self, state: BasalState, entry: Entry, now: Now) -> tuple[Event, ...]:
        """Say what follows from a message."""
        return _decide(state, entry, now)

    def evolve(self, state: BasalState, entry: Entry) -> BasalState:
        """Fold an entry."""
        return evolve(state, entry)

    def wake_at(self, state: BasalState) -> UtcMillis | None:
        """Give when time alone has something to do [ms]."""
        return _wake_at(state)

    def effects(self, entry: Entry) -> tuple[Effect, ...]:
        """Name what must happen in the world."""
        return zone_effects(entry)

    def view(self, state: BasalState, now: Now) -> BasalView:
        """Show the state to a person."""
        return view(state, now)


BASAL_DECIDER: Final = BasalDecider()
"""[-] the thinking of the service basal_scheduler."""
