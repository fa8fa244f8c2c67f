"""How the pump's mechanism changes what the actuator knows of it."""

from typing import Final

import msgspec

from core.deciders.delivery.state import DeliveryState
from core.kernel.decider import Entry
from core.kernel.event_handlers import EventHandlers
from schemas.delivery.mechanism import (
    FaultClearRequested,
    PrimeRequested,
    PumpFaultCleared,
    PumpFaulted,
    PumpPrimed,
)
from schemas.delivery.pump import DeliveryResumed, DeliverySuspended, PumpFound
from schemas.units import MilliUnits

CYCLES_MAX = 3
"""[-] faults in 10 min that keep the motor off, and that are remembered; source: R69."""


evolve_mechanism: Final = EventHandlers[DeliveryState]()
"""[-] what each event that concerns the mechanism does to what is known of it."""


@evolve_mechanism.of
def _fault(state: DeliveryState, faulted: PumpFaulted, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(
        state,
        fault=faulted.fault,
        faulted_at=(*state.faulted_at, faulted.at)[-CYCLES_MAX:],
        stopped_at=state.stopped_at or faulted.at,
    )


@evolve_mechanism.of
def _clear_fault(state: DeliveryState, cleared: PumpFaultCleared, entry: Entry) -> DeliveryState:
    del entry
    stopped_at = cleared.at if state.suspended else None
    return msgspec.structs.replace(state, fault=None, stopped_at=stopped_at)


@evolve_mechanism.of
def _suspend(state: DeliveryState, suspended: DeliverySuspended, entry: Entry) -> DeliveryState:
    del entry
    return msgspec.structs.replace(state, stopped_at=state.stopped_at or suspended.at)


@evolve_mechanism.of
def _resume(state: DeliveryState, resumed: DeliveryResumed, entry: Entry) -> DeliveryState:
    del entry
    stopped_at = resumed.at if state.fault is not None else None
    return msgspec.structs.replace(state, stopped_at=stopped_at)


@evolve_mechanism.of
def _find(state: DeliveryState, found: PumpFound, entry: Entry) -> DeliveryState:
    is_off = found.suspended or state.fault is not None
    stopped_at = (state.stopped_at or entry.at) if is_off else None
    return msgspec.structs.replace(state, stopped_at=stopped_at)


@evolve_mechanism.of
def _prime(state: DeliveryState, primed: PumpPrimed, entry: Entry) -> DeliveryState:
    del entry
    total = MilliUnits(state.primed_total + primed.amount)
    return msgspec.structs.replace(state, primed_total=total)


@evolve_mechanism.of
def _ask_to_clear(state: DeliveryState, asked: FaultClearRequested, entry: Entry) -> DeliveryState:
    del asked, entry
    return msgspec.structs.replace(state, acting=(*state.acting, "clear_fault"))


@evolve_mechanism.of
def _ask_to_prime(state: DeliveryState, asked: PrimeRequested, entry: Entry) -> DeliveryState:
    del asked, entry
    return msgspec.structs.replace(state, acting=(*state.acting, "prime"))
