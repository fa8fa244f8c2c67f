"""What basal_scheduler holds a change against: the actuator's limits, and what was before."""

from collections.abc import Iterable

from core.deciders.basal.state import BasalState
from core.dosing.basal_programme.changes import day_change
from core.dosing.basal_programme.fit import misfits_kept, misfits_of, rate_problem
from core.dosing.basal_programme.programme import Programme
from core.models.schedules import (
    plan_steps,
    scheduled_rate,
    segment_at,
    wall_clock,
    weekday,
)
from schemas.basal.profiles import (
    BasalProfileRefused,
    BasalProfileSet,
    BasalWeekRefused,
    TemporaryRateRefused,
    TemporaryRateStarted,
)
from schemas.setting_checks import Misfit, SecondWord, SettingChange
from schemas.units import EventId

NOT_SAID = EventId("")
"""[-] the event of a change that is not said yet."""


def profile_problem(state: BasalState, profile: BasalProfileSet) -> BasalProfileRefused | None:
    """Say why a profile is not taken: a limit, the pump model, or a day changed too much at once.

    Args:
        state: limits in force and programme before.
        profile: as it would be taken, with what the person confirmed.
    """
    after = state.newest.with_profile(profile, NOT_SAID)
    misfit = _first(_profile_misfits(state, profile, after))
    if misfit is not None:
        return BasalProfileRefused(name=profile.name, reason=misfit.reason, misfit=misfit)
    changes = _unsaid(state.newest, after, profile.confirmed)
    if changes:
        return BasalProfileRefused(name=profile.name, reason="confirmation_needed", changes=changes)
    return None


def week_problem(
    state: BasalState, after: Programme, confirmed: Iterable[SecondWord]
) -> BasalWeekRefused | None:
    """Say why a week is not taken: a limit, the pump model, or a day changed too much at once."""
    misfit = None if state.limits is None else _first(misfits_of(after, state.limits))
    if misfit is not None:
        return BasalWeekRefused(reason=misfit.reason, misfit=misfit)
    changes = _unsaid(state.newest, after, confirmed)
    return BasalWeekRefused(reason="confirmation_needed", changes=changes) if changes else None


def said_twice(
    before: Programme, after: Programme, confirmed: Iterable[SecondWord]
) -> tuple[SecondWord, ...]:
    """Give what had to be confirmed and was: what was not asked for is not kept."""
    change = day_change(before, after)
    return (change.reason,) if change is not None and change.reason in confirmed else ()


def temporary_problem(
    state: BasalState, started: TemporaryRateStarted
) -> TemporaryRateRefused | None:
    """Refuse a temporary rate above the profile and above the limit, at the first such segment.

    Less than the profile is never refused for it, whatever an older version let in. Without the
    clock of the profile no segment can be named; the actuator cuts what is above.
    """
    programme, zone, limits = state.programme, state.zone, state.limits
    if limits is None or zone is None or zone.zone != programme.zone:
        return None
    week, changes = programme.week, zone.transitions
    steps = plan_steps(week, changes, temporary=started, start=started.starts_at)
    for step in steps:
        if step.at >= started.ends_at or step.rate <= scheduled_rate(week, changes, step.at):
            continue
        reason, bound = rate_problem(step.rate, limits)
        if reason != "above_basal_limit" and reason != "above_pump_maximum":
            continue
        day, minute = wall_clock(changes, step.at)
        name = programme.days[weekday(day)]
        misfit = Misfit(
            reason=reason,
            profile=name,
            start_minute=segment_at(week[weekday(day)], minute).start_minute,
            rate=step.rate,
            rate_limit=bound,
        )
        return TemporaryRateRefused(reason=reason, misfit=misfit)
    return None


def _profile_misfits(
    state: BasalState, profile: BasalProfileSet, after: Programme
) -> Iterable[Misfit]:
    if state.limits is None:
        return
    yield from misfits_kept(profile, state.limits)
    if profile.name in after.days:
        yield from misfits_of(after, state.limits)


def _unsaid(
    before: Programme, after: Programme, confirmed: Iterable[SecondWord]
) -> tuple[SettingChange, ...]:
    change = day_change(before, after)
    return () if change is None or change.reason in confirmed else (change,)


def _first(misfits: Iterable[Misfit]) -> Misfit | None:
    return next(iter(misfits), None)
