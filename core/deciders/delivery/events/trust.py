"""How orders that failed authentication change what the actuator knows of one pump."""

from typing import Final

import msgspec

from core.deciders.delivery.state import DeliveryState
from core.dosing.order_protocol.authentication import LATE
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from schemas.alarms import AlarmCleared
from schemas.delivery.unresolved_doses import OrderAuthenticationFailed, OrderRefusedByPump
from schemas.units import UtcMillis

NOT_BELIEVED_ALARM: Final = "orders_not_believed"
"""[-] name of the alarm."""

NOT_BELIEVED_MAX: Final = 3
"""[-] orders that failed authentication before an alarm is raised; source: R110."""


evolve_trust: Final = EventHandlers[DeliveryState]()
"""[-] orders that failed authentication; acknowledging the alarm restarts the count."""


@evolve_trust.of
def _doubt_order(
    state: DeliveryState, doubted: OrderAuthenticationFailed, entry: Entry
) -> DeliveryState:
    return _counted(state, doubted.count, doubted.reason, at=entry.at)


@evolve_trust.of
def _pump_refused(state: DeliveryState, refused: OrderRefusedByPump, entry: Entry) -> DeliveryState:
    read = max(state.history_sequence, refused.history_sequence)
    known = msgspec.structs.replace(state, history_sequence=read)
    return _counted(known, refused.count, refused.reason, at=entry.at)


@evolve_trust.of
def _begin_anew(state: DeliveryState, cleared: AlarmCleared, entry: Entry) -> DeliveryState:
    del entry
    if cleared.alarm != NOT_BELIEVED_ALARM:
        return state
    return msgspec.structs.replace(state, not_believed=0, late_at=())


def _counted(state: DeliveryState, count: int, reason: str, *, at: UtcMillis) -> DeliveryState:
    late_at = (*state.late_at, at)[-NOT_BELIEVED_MAX:] if reason in LATE else state.late_at
    return msgspec.structs.replace(state, not_believed=count, late_at=late_at)
