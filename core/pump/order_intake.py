"""Orders as the pump takes them: believed first, by the pump's own means, then started."""

from collections.abc import Sequence

import msgspec

from core.dosing.order_protocol.authentication import Session, number_of, order_problem
from core.pump.machine import start_bolus
from core.pump.memory import PumpMemory, PumpRefusal, PumpStep
from core.pump.physics import HEALTHY, PumpWorld
from core.pump.pump_refusals import flaw_of, refuse
from core.pump.step import PumpDraft
from schemas.delivery.device import SignedOrder
from schemas.units import Milliseconds, PumpId, UtcMillis

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
    world: PumpWorld = HEALTHY,
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
