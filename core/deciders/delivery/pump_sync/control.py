"""Who drives the pump: what is refused while another controller does, and how it is taken back."""

from typing import Final, Literal

import msgspec

from core.deciders.delivery.state import DeliveryState
from schemas.delivery.delivery import CancelBolus
from schemas.delivery.mechanism import ClearPumpFault, MechanismRefused, PrimePump
from schemas.delivery.pump import (
    DeliveryCommandRefused,
    FillReservoir,
    PumpTakeRequested,
    ResumeDelivery,
    SuspendDelivery,
)
from schemas.message import Event

_DELIVERY: Final[dict[type[msgspec.Struct], Literal["cancel", "suspend", "resume", "fill"]]] = {
    CancelBolus: "cancel",
    SuspendDelivery: "suspend",
    ResumeDelivery: "resume",
    FillReservoir: "fill",
}

_MECHANISM: Final[dict[type[msgspec.Struct], Literal["prime", "clear_fault"]]] = {
    PrimePump: "prime",
    ClearPumpFault: "clear_fault",
}


def refuse_superseded(asked: msgspec.Struct) -> tuple[Event, ...]:
    """Refuse what only the pump's controller can have done; nothing for all else (R116)."""
    kind = type(asked)
    if kind in _DELIVERY:
        return (DeliveryCommandRefused(name=_DELIVERY[kind], reason="superseded"),)
    if kind in _MECHANISM:
        return (MechanismRefused(name=_MECHANISM[kind], reason="superseded"),)
    return ()


def take(state: DeliveryState, actor: str, because: str) -> tuple[Event, ...]:
    """Take the pump back from another controller, with a person's name to it."""
    if not state.is_superseded:
        return (DeliveryCommandRefused(name="take", reason="not_superseded"),)
    return (PumpTakeRequested(actor=actor, because=because),)
