"""Orders as the pump takes them: authenticated by the pump itself, then started.

Orders that fail authentication are remembered, so that they are reported (R110).
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from core.dosing.order_protocol.authentication import (
    LATE,
    LineFlaw,
    OrderFlaw,
    Session,
    number_of,
    order_problem,
)
from core.pump.machine import start_bolus
from core.pump.memory import PumpMemory, PumpRefusal, PumpStep, RefusalReason
from core.pump.physics import HEALTHY, PumpPhysics
from core.pump.step import PumpDraft
from schemas.delivery.device import PumpOrder, SignedOrder
from schemas.delivery.unresolved_doses import OrderProblem
from schemas.units import HOUR_MS, DoseId, Milliseconds, PumpId, UtcMillis

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


def refuse(
    memory: PumpMemory, *, dose: DoseId, flaw: OrderFlaw | LineFlaw, now: UtcMillis
) -> PumpRefusal:
    """Refuse an order and remember it: always counted, written down while there is room.

    Args:
        memory: the registers at `now`.
        dose: the order named, whatever it is; of a frame that proves nothing, what it asked.
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


TRUSTED_MAX = 8
"""[-] keys whose orders a pump takes at most."""


class PumpSession(msgspec.Struct, frozen=True, kw_only=True):
    """What the pump knows of itself that no loss of power survives."""

    pump: PumpId
    """[-] which pump this is, as it says on its back."""
    challenge: str
    """[-] drawn by lot for this session."""
    uptime: Milliseconds
    """[ms] of the pump's own monotonic count since then."""


def trust(memory: PumpMemory, *, keys: Sequence[str], now: UtcMillis) -> PumpStep:
    """Take orders of these keys alone from now on [ms]; a change stands in the history (R103).

    Args:
        memory: the registers.
        keys: [-] public Ed25519 keys (hex), at most TRUSTED_MAX.
        now: [ms] the pump's clock.
    """
    draft = PumpDraft(memory)
    wanted = tuple(sorted(set(keys)))[:TRUSTED_MAX]
    if wanted != memory.trusted:
        draft.write(kind="trusted", starts_at=now, ends_at=now, detail=",".join(wanted))
        draft.change(trusted=wanted, trusted_since=draft.memory.sequence)
    return draft.step()


def start_signed(
    memory: PumpMemory,
    *,
    signed: SignedOrder,
    session: PumpSession,
    executed: bool,
    now: UtcMillis,
    world: PumpPhysics = HEALTHY,
) -> PumpStep | PumpRefusal:
    """Start a bolus that somebody answers for (R99, R100); no clock on a wall is asked.

    Args:
        memory: the registers at `now`.
        signed: the order, its key and signature.
        session: what the pump holds it against.
        executed: [-] whether the history has this dose (R34).
        now: [ms] the pump's clock, for the history alone.
        world: what is in the motor's way.
    """
    order = signed.order
    held_against = Session(
        pump=session.pump,
        trusted=frozenset(memory.trusted),
        challenge=session.challenge,
        order_numbers=dict(memory.order_numbers),
        uptime=session.uptime,
    )
    problem = order_problem(signed, session=held_against)
    flaw = flaw_of(order, problem, session=held_against, executed=executed)
    if flaw is not None:
        return refuse(memory, dose=order.dose, flaw=flaw, now=now)
    step = start_bolus(
        memory,
        dose=order.dose,
        amount=order.amount,
        duration=order.duration,
        executed=executed,
        now=now,
        world=world,
    )
    if isinstance(step, PumpRefusal):
        return step
    numbers = {**dict(memory.order_numbers), signed.key: number_of(order.dose)}
    counted = msgspec.structs.replace(step.memory, order_numbers=tuple(sorted(numbers.items())))
    return msgspec.structs.replace(step, memory=counted)
