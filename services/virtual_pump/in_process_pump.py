"""The fake of the port PumpDevice: the virtual pump's machine without process, line or waiting."""

from typing import Literal

from schemas.units import MilliUnits, PumpId
from services.runtime.platform.clock import Clock
from services.runtime.platform.errors import PumpPowerLost, PumpTimeout
from services.runtime.pump_link.client import PumpCaller, act_of
from services.runtime.pump_link.protocol import AnyAnswer, AnyRequest
from services.virtual_pump.controller import PumpHost, PumpIdentity
from services.virtual_pump.fault_script import PumpScript
from services.virtual_pump.state_store import FakePumpStore, PumpStore

ANONYMOUS = PumpIdentity(pump=PumpId("nobody"))
"""[-] a pump that takes nobody's orders: it can be read and gives basal."""


class FakePumpDevice(PumpCaller):
    """A pump in the same process; its coroutines never suspend, so `send(None)` completes them."""

    def __init__(
        self,
        clock: Clock,
        *,
        identity: PumpIdentity = ANONYMOUS,
        store: PumpStore | None = None,
        fill: MilliUnits | None = None,
        script: PumpScript | None = None,
        host: PumpHost | None = None,
    ) -> None:
        """Power a pump on, or take the line to one that is on.

        Args:
            clock: its therapy time is the pump's clock.
            identity: who the pump is, and whose orders it takes.
            store: the pump's memory; none is a pump that has never been on.
            fill: [mU] 1 to 300000, reservoir of a pump that has never been on.
            script: the faults that it will have; None for an honest pump.
            host: a pump that is on already, so that a second controller can call it.
        """
        super().__init__()
        self._clock = clock
        store = FakePumpStore() if store is None else store
        self.host = host or PumpHost(
            store, identity=identity, now=clock.now(), fill=fill, script=script
        )
        self.loses: Literal["request", "answer"] | None = None
        """[-] what the line loses of the next call: PumpTimeout, and done only if the answer."""

    async def _ask(self, request: AnyRequest) -> AnyAnswer:
        """Ask the machine at the clock's instant."""
        loses, self.loses = self.loses, None
        if loses == "request":
            raise PumpTimeout(act=act_of(request))
        try:
            answer = self.host.answer(request, now=self._clock.now())
        except PumpPowerLost as error:
            self.host.power_on(now=self._clock.now())
            raise PumpTimeout(act=act_of(request)) from error
        if loses == "answer":
            raise PumpTimeout(act=act_of(request))
        return answer

    async def close(self) -> None:
        """Let go of the line; the pump stays on."""
