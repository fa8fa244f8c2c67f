"""Orders that nobody answers for: what is a forgery, what is only late, and when it is an alarm.

An order that is rightly signed for this pump and comes too late, or twice on the line, proves no
attack: a pump that starts anew draws anew. Only three of them in an hour are an alarm, so that the
restarts of a year never add up to one; forgeries add up until somebody has seen the alarm.
"""

from typing import Final

from core.deciders.delivery.events.doses import NOT_BELIEVED_ALARM, NOT_BELIEVED_MAX
from core.deciders.delivery.events.pending import DeliveryEvents
from core.deciders.delivery.state import DeliveryState
from core.dosing.order_protocol.authentication import LATE
from core.kernel.alarms import Condition, raise_alarm
from schemas.bolus.orders import BolusOrderSigned
from schemas.delivery.device import PumpRecord
from schemas.delivery.unresolved_doses import (
    OrderAuthenticationFailed,
    OrderProblem,
    OrderRefusedByPump,
)
from schemas.message import Event, Now
from schemas.units import HOUR_MS, Milliseconds

NOT_BELIEVED: Final = Condition(
    NOT_BELIEVED_ALARM,
    "irreversible",
    "prompt",
    "programmed_basal",
    "operator",
    "Orders come that nobody with a key answers for; they are refused, basal goes on.",
)

LATE_MS: Final = Milliseconds(HOUR_MS)
"""[ms] in which so many late orders are an alarm too: somebody holds orders back."""


def authentication_failed(
    state: DeliveryState, by: BolusOrderSigned, problem: OrderProblem, now: Now
) -> tuple[Event, ...]:
    """Refuse an order that came over the bus."""
    count = _count(state, problem)
    said = OrderAuthenticationFailed(dose=by.dose, key=by.key[:64], reason=problem, count=count)
    return (said, *_alarm(state, problem, now))


def add_refused_by_pump(pending: DeliveryEvents, record: PumpRecord) -> None:
    """Tell of an order that came on the pump's own line and that it refused by itself."""
    reason, _, dose = record.detail.partition(" ")
    count = _count(pending.state, reason)
    alarm = _alarm(pending.state, reason, pending.now)
    said = OrderRefusedByPump(
        dose=dose,
        reason=reason,
        at=record.starts_at,
        history_sequence=record.sequence,
        count=count,
    )
    pending.add(said, *alarm)


def _count(state: DeliveryState, reason: str) -> int:
    return state.not_believed + (reason not in LATE)


def _alarm(state: DeliveryState, reason: str, now: Now) -> tuple[Event, ...]:
    late = sum(1 for at in state.late_at if now.therapy - at < LATE_MS) + 1
    count = late if reason in LATE else _count(state, reason)
    return raise_alarm(state.common.alarms, NOT_BELIEVED) if count >= NOT_BELIEVED_MAX else ()
