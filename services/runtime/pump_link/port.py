"""The port PumpDevice: the only way in which a service touches a pump."""

from typing import Literal, Protocol

from schemas.delivery.device import PumpPlan, PumpReading, PumpStatus, SignedOrder
from schemas.units import DoseId, MilliUnits, MilliUnitsPerHour, UtcMillis

PrimeWhat = Literal["tube", "cannula"]


class PumpDevice(Protocol):
    """One pump, driven by one controller at a time.

    Every method raises:
        PumpTimeout: no answer in time; what was asked may or may not have happened.
        PumpSupersededError: the pump obeys a controller with a higher epoch.
        PumpRefusedError: the pump said no, with its reason; nothing was done.
    """

    name: str
    """[-] under which this line claims, drawn by lot."""

    async def claim(self) -> PumpStatus:
        """Raise the pump's epoch by one and become its controller; stored before it answers."""
        ...

    def is_mine(self, status: PumpStatus) -> bool:
        """Say whether the newest claim of the pump was made here, its answer lost or not."""
        ...

    async def read(self, *, after: int) -> PumpReading:
        """Read the registers and up to one page of history numbered after `after`."""
        ...

    async def start_bolus(self, *, signed: SignedOrder) -> PumpStatus:
        """Start a bolus of whole pulses that somebody answers for.

        A dose id that the pump ever executed is refused, and an order that fails authentication.
        """
        ...

    async def stop_bolus(self, *, dose: DoseId) -> PumpStatus:
        """Stop the bolus if it is the one that runs; one that has ended stays ended."""
        ...

    async def load_plan(self, *, plan: PumpPlan) -> PumpStatus:
        """Replace the basal plan; the fraction of a pulse already owed is carried over."""
        ...

    async def limit_basal(self, *, rate: MilliUnitsPerHour) -> PumpStatus:
        """Let the pump hold a maximum basal rate [mU/h]; it refuses plans above it."""
        ...

    async def suspend(self, *, until: UtcMillis | None = None) -> PumpStatus:
        """Stop all insulin, a running bolus included; the pump itself resumes at `until` [ms]."""
        ...

    async def resume(self) -> PumpStatus:
        """Deliver basal by the plan again, a stopped bolus stays stopped."""
        ...

    async def fill(self, *, amount: MilliUnits) -> PumpStatus:
        """A new reservoir holds `amount` [mU, 1 to 300000]."""
        ...

    async def prime(self, *, amount: MilliUnits, what: PrimeWhat) -> PumpStatus:
        """Fill tube or cannula with `amount` [mU, whole pulses]; only while the pump stands."""
        ...

    async def clear_fault(self) -> PumpStatus:
        """Let the motor turn again; without a fault nothing changes."""
        ...

    async def close(self) -> None:
        """Let go of the line."""
        ...
