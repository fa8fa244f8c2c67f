"""Orders with a signature, as the advisor's process makes them, for tests of pump and actuator."""

from typing import Any

import msgspec

from core.dosing.order_protocol.authentication import signable
from schemas.bolus.orders import BolusOrdered
from schemas.delivery.device import PumpOrder, PumpStatus, SignedOrder
from schemas.units import DoseId, Milliseconds, MilliUnits, PumpId
from services.runtime.platform.signing_keys import OrderSigner
from services.runtime.pump_link.port import PumpDevice
from services.virtual_pump.controller import PumpIdentity

SIGNER = OrderSigner(bytes(range(32)))
STRANGER = OrderSigner(bytes(range(1, 33)))
LIFE_MS = 30_000


def identity(pump: str) -> PumpIdentity:
    return PumpIdentity(pump=PumpId(pump), trusted=(SIGNER.public,))


def sign(order: PumpOrder, *, signer: OrderSigner = SIGNER) -> SignedOrder:
    return SignedOrder(order=order, key=signer.public, signature=signer.sign(order))


def pump_order(status: PumpStatus, *, dose: str, amount: int, duration: int = 0) -> PumpOrder:
    """Write an order for the session that a status tells of."""
    return PumpOrder(
        pump=PumpId(dose.split(":")[1] if ":" in dose else ""),
        dose=DoseId(dose),
        amount=MilliUnits(amount),
        duration=Milliseconds(duration),
        challenge=status.challenge,
        not_after=Milliseconds(status.uptime + LIFE_MS),
    )


async def start(
    device: PumpDevice,
    dose: str,
    amount: int,
    *,
    duration: int = 0,
    status: PumpStatus | None = None,
    **changed: Any,
) -> PumpStatus:
    """Sign an order for the pump's session, that of now or of `status`, and have it started."""
    status = status or (await device.read(after=10**9)).status
    order = pump_order(status, dose=dose, amount=amount, duration=duration)
    return await device.start_bolus(signed=sign(msgspec.structs.replace(order, **changed)))


def sign_ordered(dose: DoseId, order: BolusOrdered, *, signer: OrderSigner = SIGNER) -> SignedOrder:
    """Sign what the advisor ordered."""
    return sign(signable(dose, order), signer=signer)
