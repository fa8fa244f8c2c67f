"""What a pump remembers of orders that it did not believe: somebody must hear of them (R110)."""

from typing import Final

from core.dosing.order_protocol.authentication import LATE, OrderFlaw, Session
from core.pump.memory import PumpMemory, PumpRefusal, RefusalReason
from core.pump.step import PumpDraft
from schemas.delivery.device import PumpOrder
from schemas.delivery.unresolved_doses import OrderProblem
from schemas.units import HOUR_MS, DoseId, UtcMillis

RECORDS_OF_A_REASON_MAX: Final = 4
"""[-] an hour, for each reason: one more than what alarms; the rest is counted, not written down.

Whoever floods the line must not fill the memory; 7 reasons make 28 records an hour at most.
"""

ID_KEPT_MAX: Final = 200
"""[-] characters of the dose named that are kept."""


def flaw_of(
    order: PumpOrder, problem: OrderProblem | None, *, session: Session, executed: bool
) -> OrderFlaw | None:
    """Name what is wrong with an order whose problem was found; None for one that may start.

    An order that was executed and comes again within its own life was doubled on the line; after
    that somebody has kept it.
    """
    if not executed:
        return problem
    if problem is not None and problem not in LATE and problem != "out_of_order":
        return problem
    is_alive = order.challenge == session.challenge and (session.uptime or 0) <= order.not_after
    return "already_executed" if is_alive else "replayed"


def refuse(memory: PumpMemory, *, dose: DoseId, flaw: OrderFlaw, now: UtcMillis) -> PumpRefusal:
    """Refuse an order and remember it: always counted, written down while there is room.

    Args:
        memory: the registers at `now`.
        dose: the order named, whatever it is.
        flaw: what is wrong with it.
        now: [ms] the pump's clock, for the history alone.
    """
    is_new_hour = now - memory.refused_since >= HOUR_MS
    written = {} if is_new_hour else dict(memory.refused_in_it)
    draft = PumpDraft(memory)
    draft.change(
        orders_refused=memory.orders_refused + 1,
        order_refused=flaw,
        refused_since=now if is_new_hour else memory.refused_since,
    )
    if written.get(flaw, 0) < RECORDS_OF_A_REASON_MAX:
        written[flaw] = written.get(flaw, 0) + 1
        # Its `dose` stays empty: a dose in the history is one that was executed.
        detail = f"{flaw} {dose[:ID_KEPT_MAX]}"
        draft.write(kind="order_refused", starts_at=now, ends_at=now, detail=detail)
    draft.change(refused_in_it=tuple(sorted(written.items())))
    reason: RefusalReason = "already_executed" if flaw == "replayed" else flaw
    return PumpRefusal(reason=reason, noted=draft.step())
