"""Programmed basal and the insulin of the day against the limits: refused as set, else alarmed.

No refusal and no alarm stops programmed basal (R5): what an older version let in goes on flowing.
"""

from collections.abc import Iterator
from typing import Final

from core.deciders.delivery.events.pending import DeliveryEvents
from core.deciders.delivery.state import DeliveryState
from core.dosing.basal_programme.fit import Limits, misfits_of, rate_problem
from core.dosing.basal_programme.programme import Programme
from core.dosing.insulin_account.scheduled_basal import profile_of
from core.formats.amounts import print_rate, print_units
from core.formats.display import of_day
from core.kernel.alarms import Condition, clear_alarm, raise_alarm
from schemas.basal.profiles import BasalPlanMade
from schemas.delivery.delivery import (
    DeliveryLimitsRefused,
    DeliveryLimitsSet,
    SetDeliveryLimits,
)
from schemas.delivery.device import PULSE_MU
from schemas.message import Event, Now
from schemas.setting_checks import Misfit, MisfitReason
from schemas.units import DAY_MS, MilliUnits, UtcMillis

PROFILE_ABOVE: Final = "profile_above_limit"
"""[-] name of the alarm about a profile that flows though a limit is below it."""

DAY_PASSED: Final = "daily_limit_passed"
"""[-] name of the alarm about more insulin in a day than the limit."""

_FIELDS: Final[dict[MisfitReason, str]] = {
    "above_basal_limit": "basal",
    "above_pump_maximum": "pump_model",
    "below_pump_minimum": "pump_model",
    "above_daily_limit": "daily",
    "above_calendar_day_limit": "calendar_day",
    "above_four_hour_limit": "four_hours",
}
"""[-] the limit that each misfit is about, as the command names it."""

_IN_WORDS: Final[dict[str, str]] = {
    "basal": "the largest basal rate",
    "daily": "the daily limit",
    "calendar_day": "the limit from midnight to midnight",
    "four_hours": "the limit for 4 h",
}
"""[-] the limits that an alarm names."""


def limits_problem_of(
    state: DeliveryState, asked: SetDeliveryLimits
) -> DeliveryLimitsRefused | None:
    """Refuse limits, or a pump model, that the basal in force or about to be does not fit.

    One that is not lower than the limit in force is taken: who must live with a profile that an
    older version let in can still change the other limits.
    """
    for misfit in _programmed(state, asked):
        field = _FIELDS[misfit.reason]
        if _is_no_lower(state.limits, asked, field):
            continue
        return DeliveryLimitsRefused(
            reason="pump_cannot_give_profile" if field == "pump_model" else "profile_above_limit",
            field=field,
            misfit=misfit,
        )
    return None


def profile_alarm(
    state: DeliveryState, made: BasalPlanMade, limits: DeliveryLimitsSet
) -> tuple[Event, ...]:
    """Say that basal above a limit flows, and what; or that it does no more.

    What the pump model cannot give does not flow: another alarm is about that.
    """
    found = _misfits(state.programme.made_of(made), made, limits)
    above = next((one for one in found if _FIELDS[one.reason] in _IN_WORDS), None)
    if above is None:
        return clear_alarm(state.common.alarms, PROFILE_ABOVE)
    return raise_alarm(state.common.alarms, profile_above(above))


def profile_alarm_at_start(state: DeliveryState) -> tuple[Event, ...]:
    """Look at what an older version let in as soon as this one has started."""
    if state.plan_heard is None or state.limits is None:
        return ()
    return profile_alarm(state, state.plan_heard[1], state.limits)


def profile_in_force(state: DeliveryState) -> str:
    """Name the profile of the plan; empty where nobody knows it."""
    if state.plan_heard is None:
        return ""
    return state.programme.in_force.name_of(state.plan_heard[1].profile)


def add_day(pending: DeliveryEvents) -> None:
    """Say that more insulin was given in a day than the limit, or that it is no more."""
    pending.add(*day_alarm(pending.state, pending.now))


def day_alarm(state: DeliveryState, now: Now) -> tuple[Event, ...]:
    """Raise or clear the alarm about the insulin of the day; doses that nobody knows count.

    It is raised a pulse above the limit: a day that is programmed up to it may hold one more.
    """
    limits, at = state.limits, now.therapy
    if limits is None:
        return ()
    passed = [
        (given, most, text)
        for since, most, text in _days(state, limits, at)
        for given in (_given(state, since, at),)
        if given > most
    ]
    over = next((one for one in passed if one[0] > one[1] + PULSE_MU), None)
    if over is not None:
        return raise_alarm(state.common.alarms, day_passed(*over, profile_in_force(state)))
    return () if passed else clear_alarm(state.common.alarms, DAY_PASSED)


def _programmed(state: DeliveryState, limits: Limits) -> Iterator[Misfit]:
    made = None if state.plan_heard is None else state.plan_heard[1]
    yield from _misfits(state.programme.in_force, made, limits)
    if state.programme.waiting is not None:
        yield from misfits_of(state.programme.waiting, limits)


def _misfits(programme: Programme, made: BasalPlanMade | None, limits: Limits) -> Iterator[Misfit]:
    """Look at the profiles, or at the plan alone where they were said before anybody listened."""
    if programme.days:
        yield from misfits_of(programme, limits)
    elif made is not None:
        for step in profile_of(made).steps:
            reason, bound = rate_problem(step.rate, limits)
            if reason is not None:
                yield Misfit(reason=reason, rate=step.rate, rate_limit=bound)


def _is_no_lower(before: DeliveryLimitsSet | None, asked: SetDeliveryLimits, field: str) -> bool:
    if before is None:
        return False
    old, new = getattr(before, field), getattr(asked, field)
    if field == "pump_model":
        return bool(old == new)
    return old is not None and bool(new >= old)


def profile_above(above: Misfit) -> Condition:
    """Give the alarm of a profile that flows though a limit is below it."""
    name = f"Profile {above.profile}" if above.profile else "The basal profile"
    since = "" if above.start_minute is None else f" from {of_day(above.start_minute)}"
    limit = _IN_WORDS[_FIELDS[above.reason]]
    if above.rate is not None and above.rate_limit is not None:
        what = f"{print_rate(above.rate)} U/h, above {limit} of {print_rate(above.rate_limit)} U/h"
    else:
        amount, most = above.amount or MilliUnits(0), above.amount_limit or MilliUnits(0)
        what = f"up to {print_units(amount)} U, above {limit} of {print_units(most)} U"
    text = f"{name} gives{since} {what}: it goes on flowing. Set another profile, or suspend."
    return Condition(PROFILE_ABOVE, "irreversible", "prompt", "programmed_basal", "person", text)


def day_passed(given: MilliUnits, most: MilliUnits, window: str, profile: str) -> Condition:
    """Give the alarm of more insulin in a day than the limit; the profile goes on.

    Args:
        given: [mU] in the window.
        most: [mU] the limit.
        window: in words.
        profile: by name; empty where nobody knows it.
    """
    basal = f"basal of profile {profile}" if profile else "programmed basal"
    text = (
        f"{print_units(given)} U were given {window}, above the limit of {print_units(most)} U: no "
        f"bolus until it is less, {basal} goes on. Measure, and look at profile and limits."
    )
    return Condition(DAY_PASSED, "irreversible", "prompt", "programmed_basal", "person", text)


def _days(
    state: DeliveryState, limits: DeliveryLimitsSet, at: UtcMillis
) -> Iterator[tuple[UtcMillis, MilliUnits, str]]:
    yield UtcMillis(at - DAY_MS), limits.daily, "in 24 h"
    begun = [midnight for midnight in state.ahead.midnights if midnight <= at]
    if limits.calendar_day is not None and begun:
        yield begun[-1], limits.calendar_day, "since midnight"


def _given(state: DeliveryState, since: UtcMillis, at: UtcMillis) -> MilliUnits:
    """Add up what was given from `since` to now [mU]; of what began before it the part within."""
    total = int(sum(dose.open_amount for dose in state.doses.unknown))
    for part in (*state.doses.counted, *state.doses.counted_basal):
        ends_at = part.ends_at
        if not since < ends_at <= at:
            continue
        if part.starts_at >= since:  # nearly always: this is done at each reading of the pump
            total += part.amount
        else:
            total += part.amount * (ends_at - since) // (ends_at - part.starts_at)
    return MilliUnits(total)
