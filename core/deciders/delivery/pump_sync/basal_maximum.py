"""The maximum basal rate that the pump itself holds: asked for by a person's limits alone (R117).

The pump refuses every plan above it, whoever sends one. It is raised by the limits that a person
sets and by nothing else; where it got lost, what was asked for last is sent again.
"""

from typing import Final

from core.deciders.delivery.events.pending import DeliveryEvents
from core.deciders.delivery.poll_rules import holds_own_plan
from core.deciders.delivery.state import DeliveryState
from core.dosing.insulin_account.scheduled_basal import profile_of
from core.kernel.alarms import Condition, raise_alarm
from schemas.basal.plans import BasalPlanRefused
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.delivery.device import PumpStatus
from schemas.delivery.pump import PumpBasalMaximumRequested
from schemas.message import Event
from schemas.units import MilliUnitsPerHour

PLAN_ABOVE: Final = Condition(
    "plan_above_pump_maximum",
    "irreversible",
    "prompt",
    "as_before",
    "person",
    "The pump refuses a basal plan above the maximum rate that it holds, and goes on by the plan "
    "that it has. Look at profile and limits.",
)


def request_of_limits(
    state: DeliveryState, limits: DeliveryLimitsSet, actor: str
) -> tuple[Event, ...]:
    """Ask the pump to hold what a person set; nothing where it holds none or holds that.

    A profile above the limit, let in by an older version, goes on flowing: what the pump held for
    it stays, and is never raised for it.
    """
    if state.pump_basal_max is None:
        return ()
    made = None if state.plan_heard is None else state.plan_heard[1]
    profile = max((step.rate for step in profile_of(made).steps), default=0) if made else 0
    rate = MilliUnitsPerHour(max(limits.basal, min(profile, state.basal_max or 0)))
    if rate == state.basal_max:
        return ()
    return (PumpBasalMaximumRequested(rate=rate, actor=actor),)


def must_ask(state: DeliveryState, status: PumpStatus) -> MilliUnitsPerHour | None:
    """Give the maximum that must be sent to the pump [mU/h]; None where it is as it should be.

    A lower one waits until the pump runs the plan of this system, which the limits have cut.
    """
    holds, wanted = status.basal_max, _wanted(state)
    if holds is None or wanted is None or holds == wanted or "limit_basal" in state.acting:
        return None
    if wanted > holds:
        return wanted
    runs_ours = state.plan is None or holds_own_plan(state, status)
    return wanted if runs_ours else None


def add_plan_refused(state: DeliveryState, refused: BasalPlanRefused) -> tuple[Event, ...]:
    """Alarm about a plan that the pump refuses for its rates."""
    return (refused, *raise_alarm(state.common.alarms, PLAN_ABOVE))


def add_maximum(pending: DeliveryEvents, status: PumpStatus, actor: str) -> None:
    """Ask for the maximum again where the pump holds another one."""
    rate = must_ask(pending.state, status)
    if rate is not None:
        pending.add(PumpBasalMaximumRequested(rate=rate, actor=actor))


def _wanted(state: DeliveryState) -> MilliUnitsPerHour | None:
    """Give what was asked for last; before that what the limits say, or a plan that flows already.

    A plan above the limits is one that an older version let in; only a person ends it.
    """
    if state.basal_max is not None:
        return state.basal_max
    if state.limits is None:
        return None
    flowing = max((step.rate for step in state.plan.steps), default=0) if state.plan else 0
    return MilliUnitsPerHour(max(state.limits.basal, flowing))
