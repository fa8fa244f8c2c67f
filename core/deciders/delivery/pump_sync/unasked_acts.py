"""What the pump did by a plan, a fill, a prime or a maximum that nobody here asked for (R117).

It counts like all that the pump gives; besides it is an alarm, as an unasked bolus is.
"""

from typing import Final

from core.deciders.delivery.events.pending import DeliveryEvents
from core.deciders.delivery.state import DeliveryState
from core.kernel.alarms import Condition, raise_alarm
from schemas.delivery.device import PumpRecord

PLAN_UNASKED: Final = Condition(
    "plan_unasked",
    "irreversible",
    "immediate",
    "as_before",
    "person",
    "The pump took a basal plan that nobody here made; what it gave counts, and the plan of this "
    "system is sent again. Look at the pump.",
)
FILL_UNASKED: Final = Condition(
    "fill_unasked",
    "irreversible",
    "prompt",
    "as_before",
    "person",
    "The pump was told of a new reservoir and nobody here did so; its count of what is left may be "
    "wrong. Look at the pump.",
)
PRIME_UNASKED: Final = Condition(
    "prime_unasked",
    "irreversible",
    "immediate",
    "as_before",
    "person",
    "The pump primed and nobody here asked for it; if it was on the body, that insulin is in it. "
    "Measure, and look at the pump.",
)
MAXIMUM_UNASKED: Final = Condition(
    "maximum_unasked",
    "irreversible",
    "prompt",
    "as_before",
    "operator",
    "Somebody raised the pump's own maximum basal rate and nobody here asked for it; that of this "
    "system is sent again. Look at the pump.",
)


def add_unasked(pending: DeliveryEvents, record: PumpRecord) -> None:
    """Alarm about a record of the pump's history that follows from nothing asked here."""
    condition = _condition_of(pending.state, record)
    if condition is not None:
        pending.add(*raise_alarm(pending.state.common.alarms, condition))


def _condition_of(state: DeliveryState, record: PumpRecord) -> Condition | None:
    # A pump that holds no maximum is of a version in whose time nobody looked at this.
    if state.pump_basal_max is None or record.sequence <= state.driven_after:
        return None
    match record.kind:
        case "plan_loaded" if (record.detail, record.digest) not in state.plans_sent:
            return PLAN_UNASKED
        case "filled" if ("fill", record.amount) not in state.acts_asked:
            return FILL_UNASKED
        case "primed" if not _is_primed_as_asked(state, record):
            return PRIME_UNASKED
        case "basal_limited" if int(record.detail or 0) > (state.basal_max or 0):
            return MAXIMUM_UNASKED
        case _:
            return None


def _is_primed_as_asked(state: DeliveryState, record: PumpRecord) -> bool:
    """Say whether so much was asked; less is primed where the pump stops in the middle."""
    return any(act.kind == "prime" and act.amount >= record.amount for act in state.acts_asked)
