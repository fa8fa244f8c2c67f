"""How a basal plan is called at the pump, which takes a changed plan only by a new name."""

from typing import Final

from schemas.basal.plans import BasalPlanAccepted
from schemas.delivery.device import PlanStep, PumpPlan
from schemas.units import EventId, Milliseconds, UtcMillis

_REVISED: Final = "#"
"""[-] between the event of the plan and the number of its revision."""


def pump_plan_id(plan: EventId, revision: int) -> str:
    """Name a plan for the pump; the first acceptance of it bears the event's own id."""
    return f"{plan}{_REVISED}{revision}" if revision else plan


def pump_plan(accepted: BasalPlanAccepted) -> PumpPlan:
    """Give the plan as the pump is told it."""
    name = pump_plan_id(accepted.plan, accepted.revision)
    return PumpPlan(plan=name, steps=accepted.steps, ends_at=accepted.ends_at)


def plan_of(name: str) -> EventId:
    """Give the BasalPlanMade that a plan at the pump came from."""
    return EventId(name.partition(_REVISED)[0])


def revision_of(name: str) -> int:
    """Give how often the plan was cut anew when it got this name."""
    return int(name.partition(_REVISED)[2] or 0)


def next_revision(known: PumpPlan | None, plan: EventId) -> int:
    """Give the revision of a plan that is accepted now: 0, or one more than the pump was told."""
    if known is None or plan_of(known.plan) != plan:
        return 0
    return revision_of(known.plan) + 1


def by_pumps_clock(plan: PumpPlan, *, ahead: Milliseconds) -> PumpPlan:
    """Give a plan with the times that the pump's clock will have."""
    if not ahead:
        return plan
    steps = tuple(
        PlanStep(at=UtcMillis(max(0, step.at + ahead)), rate=step.rate) for step in plan.steps
    )
    return PumpPlan(plan=plan.plan, steps=steps, ends_at=UtcMillis(plan.ends_at + ahead))


def plan_as_sent(accepted: BasalPlanAccepted) -> PumpPlan:
    """Give the plan as the pump is told it, by its own clock."""
    return by_pumps_clock(pump_plan(accepted), ahead=accepted.pump_ahead)
