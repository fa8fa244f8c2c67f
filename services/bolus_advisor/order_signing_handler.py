"""The advisor's effect handler: signs orders and looks time zones up."""

from core.kernel.decider import Effect
from core.kernel.effects import SignOrder
from schemas.bolus.orders import OrderSigned
from schemas.message import Report
from schemas.units import PumpId
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.signing_keys import OrderSigner
from services.runtime.platform.zone_lookup import ZoneLookupHandler


class OrderSigningHandler:
    """Performs SignOrder and ResolveZone."""

    def __init__(self, signer: OrderSigner | None) -> None:
        """Sign with this key; without one every order is withdrawn."""
        self._signer = signer
        self._zones = ZoneLookupHandler()

    async def handle(self, pump: PumpId, effect: Effect) -> Report | None:
        """Sign an order for this pump, or leave it to the handler of time zones."""
        if not isinstance(effect, SignOrder):
            return await self._zones.handle(pump, effect)
        order = effect.order
        if self._signer is None:
            return OrderSigned(dose=order.dose)
        failpoint("sign_before")
        signature = self._signer.sign(order)
        failpoint("sign_after")
        return OrderSigned(dose=order.dose, key=self._signer.public, signature=signature)
