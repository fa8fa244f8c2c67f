"""What can be said of bolus orders: what the actuator is to give, once."""

from typing import Literal

from schemas.message import Command, Deadline, Event, Refusal, require
from schemas.units import EventId, MilliUnits


class OrderBolus(Command, frozen=True, kw_only=True, tag="order_bolus.v1"):
    """Give an amount of the person's own; obeyed by bolus_advisor through the same limits."""

    amount: MilliUnits
    """[mU] whole pulses."""


class BolusOrdered(Event, frozen=True, kw_only=True, tag="bolus_ordered.v1"):
    """The actuator is to give this once; its event id is the dose id; said by bolus_advisor."""

    amount: MilliUnits
    """[mU] whole pulses, 50 to 25000."""
    actor: str
    """[-] who decided."""
    advice: EventId | None = None
    """[-] the advice accepted; none for an amount of the person's own."""
    meal: MilliUnits = MilliUnits(0)
    """[mU] the part of it that is for carbohydrate; 0 where nobody said so."""
    start_by: Deadline
    """[ms] 30 s of therapy time and at least 5 s real; not started by then, never started."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(0 < self.amount <= 25_000, text="an order is 50 to 25000 mU")


class OrderRefused(Refusal, frozen=True, kw_only=True, tag="order_refused.v1"):
    """An amount of the person's own is not ordered; said by bolus_advisor."""

    amount: int
    """[mU] as asked."""
    reason: Literal[
        "not_whole_pulses",
        "limits_disagree",
        "single_limit",
        "hourly_limit",
        "daily_limit",
        "no_limits",
        "bolus_running",
        "suspended",
        "history_missing",
        "out_of_range",
        "pump_step",
        "pump_maximum",
    ]
    """[-] why."""
    limit: MilliUnits | None = None
    """[mU] what the limit still allows, where there is one."""
