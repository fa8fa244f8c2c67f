"""How orders that were not believed change what the actuator knows of one pump."""

from typing import Final

import msgspec

from core.authentic import LATE
from core.decider import Entry
from core.delivery_state import DeliveryState
from schemas.alarms import AlarmCleared
from schemas.doubt import OrderNotBelieved, OrderRefusedByPump
from schemas.units import UtcMillis

NOT_BELIEVED_ALARM: Final = "orders_not_believed"
"""[-] name of the alarm."""

NOT_BELIEVED_MAX: Final = 3
"""[-] orders that could not be believed before it is an alarm; source: R110."""


def evolve_belief(state: DeliveryState, entry: Entry) -> DeliveryState:
    """Fold what was not believed; whoever has seen the alarm ends it, and counting begins anew."""
    match entry.body:
        case OrderNotBelieved(count=count, reason=reason):
            return _counted(state, count, reason, at=entry.at)
        case OrderRefusedByPump(count=count, reason=reason, history_sequence=sequence):
            read = max(state.history_sequence, sequence)
            known = msgspec.structs.replace(state, history_sequence=read)
            return _counted(known, count, reason, at=entry.at)
        case AlarmCleared(alarm=alarm) if alarm == NOT_BELIEVED_ALARM:
            return msgspec.structs.replace(state, not_believed=0, late_at=())
        case _:
            return state


def _counted(state: DeliveryState, count: int, reason: str, *, at: UtcMillis) -> DeliveryState:
    late_at = (*state.late_at, at)[-NOT_BELIEVED_MAX:] if reason in LATE else state.late_at
    return msgspec.structs.replace(state, not_believed=count, late_at=late_at)
