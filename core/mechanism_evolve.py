"""How the pump's mechanism changes what the actuator knows of it."""

import msgspec

from core.decider import Entry
from core.delivery_state import DeliveryState
from schemas.mechanism import (
    FaultClearRequested,
    PrimeRequested,
    PumpFaultCleared,
    PumpFaulted,
    PumpPrimed,
)
from schemas.pump import DeliveryResumed, DeliverySuspended, PumpFound
from schemas.units import MilliUnits

CYCLES_MAX = 3
"""[-] faults in 10 min that keep the motor off, and that are remembered; source: R69."""


def evolve_mechanism(state: DeliveryState, entry: Entry) -> DeliveryState:
    """Fold what concerns the mechanism; anything else gives the same state back."""
    match entry.body:
        case PumpFaulted(fault=fault, at=at):
            return msgspec.structs.replace(
                state,
                fault=fault,
                faulted_at=(*state.faulted_at, at)[-CYCLES_MAX:],
                stopped_at=state.stopped_at or at,
            )
        case PumpFaultCleared(at=at):
            stopped_at = at if state.suspended else None
            return msgspec.structs.replace(state, fault=None, stopped_at=stopped_at)
        case DeliverySuspended(at=at):
            return msgspec.structs.replace(state, stopped_at=state.stopped_at or at)
        case DeliveryResumed(at=at):
            stopped_at = at if state.fault is not None else None
            return msgspec.structs.replace(state, stopped_at=stopped_at)
        case PumpFound(suspended=suspended):
            is_off = suspended or state.fault is not None
            return msgspec.structs.replace(
                state, stopped_at=(state.stopped_at or entry.at) if is_off else None
            )
        case PumpPrimed(amount=amount):
            return msgspec.structs.replace(
                state, primed_total=MilliUnits(state.primed_total + amount)
            )
        case FaultClearRequested():
            return msgspec.structs.replace(state, acting=(*state.acting, "clear_fault"))
        case PrimeRequested():
            return msgspec.structs.replace(state, acting=(*state.acting, "prime"))
        case _:
            return state
