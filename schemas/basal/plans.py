"""Messages about a basal plan on its way to the pump: accepted, cut, refused, loaded."""

from typing import Literal

import msgspec

from schemas.delivery.device import PlanStep
from schemas.message import Event, Refusal
from schemas.units import EventId, Milliseconds, MilliUnitsPerHour, UtcMillis

BasalDoubt = Literal["unknown_dose", "history_missing"]
BasalCutReason = Literal[
    "basal_limit",
    "pump_maximum",
    "pump_minimum",
    "daily_limit",
    "calendar_day_limit",
    "four_hour_limit",
    "unknown_dose",
    "history_missing",
    "limits_disagree",
]


class BasalCut(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A rate of a plan that is not delivered as planned."""

    at: UtcMillis
    """[ms] first instant."""
    before: MilliUnitsPerHour
    """[mU/h] as planned."""
    after: MilliUnitsPerHour
    """[mU/h] as accepted; below the profile only where the pump model cannot give the profile."""
    reason: BasalCutReason
    """[-] what cut it most."""


class BasalPlanAccepted(Event, frozen=True, kw_only=True, tag="basal_plan_accepted.v1"):
    """The plan passed the limits and goes to the pump; published by actuator."""

    plan: EventId
    """[-] the BasalPlanMade."""
    steps: tuple[PlanStep, ...]
    """[-] as planned; rates above the profile are cut to what limits leave, and alarmed."""
    ends_at: UtcMillis
    """[ms] end of the plan."""
    capped: bool = False
    """[-] a rate was cut."""
    cuts: tuple[BasalCut, ...] = ()
    """[-] each rate that was cut, sorted."""
    revision: int = 0
    """[-] how often the plan was cut anew since it was first accepted."""
    pump_ahead: Milliseconds = Milliseconds(0)
    """[ms] by which the pump's clock, by which it follows the plan, is ahead."""
    doubt: BasalDoubt | None = None
    """[-] why no rate above the profile was accepted; none where everything was known."""


class BasalPlanRefused(Refusal, frozen=True, kw_only=True, tag="basal_plan_refused.v1"):
    """The plan does not go to the pump, which keeps the one it has; published by actuator."""

    plan: EventId
    """[-] the BasalPlanMade."""
    reason: Literal["no_limits", "superseded", "pump_refused", "pump_not_heard"]
    """[-] why; 'pump_not_heard': not yet, it goes to the pump when that has been read."""


class BasalPlanLoaded(Event, frozen=True, kw_only=True, tag="basal_plan_loaded.v1"):
    """The pump delivers by this plan; published by actuator."""

    plan: EventId
    """[-] the BasalPlanMade."""
    revision: int = 0
    """[-] of its acceptance."""
