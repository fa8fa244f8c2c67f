"""How an order comes by its signature: its deadlines, the key of the process, and without one."""

from core.deciders.bolus.state import BolusState
from core.dosing.order_protocol.authentication import signable
from core.dosing.order_protocol.deadlines import START_WITHIN_MS, START_WITHIN_REAL_MS
from core.kernel.decider import Effect, Entry
from core.kernel.effects import SignOrder, zone_effects
from core.kernel.errors import InvariantError
from schemas.bolus.orders import BolusOrdered, BolusOrderSigned, BolusOrderWithdrawn, OrderSigned
from schemas.delivery.pump import PumpChallenged
from schemas.message import Event, Now
from schemas.units import DoseId, Milliseconds


def in_pump_time(challenged: PumpChallenged | None, now: Now) -> tuple[str, Milliseconds]:
    """Say the same by the pump's own time, which no clock on a wall can change.

    Raises:
        InvariantError: the pump was never heard, and yet something is ordered.
    """
    if challenged is None:
        raise InvariantError("an order to a pump that was never heard")
    uptime = challenged.uptime + now.real - challenged.real
    within = max(START_WITHIN_MS // now.speed, START_WITHIN_REAL_MS)
    return challenged.challenge, Milliseconds(uptime + within)


def bolus_effects(entry: Entry) -> tuple[Effect, ...]:
    """Have every order signed by the process, which alone has the key; look up what zones mean."""
    if isinstance(entry.body, BolusOrdered):
        return (SignOrder(order=signable(DoseId(entry.id), entry.body)),)
    return zone_effects(entry)


def take_signed(state: BolusState, signed: OrderSigned) -> tuple[Event, ...]:
    """Tell who answers for an order; one without a key is withdrawn."""
    if signed.dose not in state.unsigned:
        return ()
    if not signed.key:
        return (BolusOrderWithdrawn(dose=signed.dose, reason="no_key"),)
    return (BolusOrderSigned(dose=signed.dose, key=signed.key, signature=signed.signature),)


def withdraw_unsigned(state: BolusState) -> tuple[Event, ...]:
    """Give up orders that the process was about to sign when it ended: none ever left it.

    In journals older than signatures none was ever signed: what was started or has ended there is
    no order any more.
    """
    open_doses = {one.dose for one in state.doses.open}
    return tuple(
        BolusOrderWithdrawn(dose=dose, reason="advisor_restarted")
        for dose in state.unsigned
        if dose in open_doses
    )
