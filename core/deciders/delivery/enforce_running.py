"""Limits against what runs already: rates above the profile, the rest of an extended bolus."""

from core.deciders.delivery.plan_capping import accept_plan
from core.deciders.delivery.pump_sync.history import OWN_ACTOR
from core.deciders.delivery.state import DeliveryState
from core.dosing.limits.limits import headrooms
from core.kernel.alarms import Condition, raise_alarm
from schemas.basal.plans import BasalPlanAccepted
from schemas.delivery.delivery import BolusCancelled
from schemas.message import Event, Now

STOPPED: Condition = Condition(
    "extended_beyond_limit",
    "reversible",
    "prompt",
    "programmed_basal",
    "person",
    "An extended bolus is stopped: with what was given or changed since, the limits leave no room "
    "for the rest of it.",
)


def hold_again(state: DeliveryState, now: Now) -> tuple[Event, ...]:
    """Hold what runs against the limits once more, after insulin that no order foresaw."""
    return (*halt_extended(state, now), *_cut(state, now))


def halt_extended(state: DeliveryState, now: Now) -> tuple[Event, ...]:
    """Stop an extended bolus whose rest the limits do not allow any more, and say so."""
    one, last, limits = state.doses.extended, state.last_extended, state.limits
    if one is None or last is None or limits is None or one.dose in state.cancelled:
        return ()
    if last.dose != one.dose or not one.is_started:
        return ()
    given = state.doses.without(one.dose).given(
        at=now.therapy, ahead=state.ahead, action=state.insulin
    )
    left_ms = max(1, last.at + last.duration - now.therapy)
    rooms = headrooms(limits, given, at=now.therapy, lasting=left_ms, is_running=True)
    if all(one.open_amount <= room.amount for room in rooms):
        return ()
    cancelled = BolusCancelled(dose=one.dose, actor=OWN_ACTOR)
    return (cancelled, *raise_alarm(state.common.alarms, STOPPED))


def _cut(state: DeliveryState, now: Now) -> tuple[Event, ...]:
    """Cut rates above the profile anew; nothing follows where they stay as they are."""
    heard, limits, plan = state.plan_heard, state.limits, state.plan
    if heard is None or limits is None or plan is None or state.is_superseded:
        return ()
    if not heard[1].profile_steps:
        return ()
    said = accept_plan(state, *heard, limits, now)
    first = said[0]
    if isinstance(first, BasalPlanAccepted) and first.steps == plan.steps:
        return ()
    return said
