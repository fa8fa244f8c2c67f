"""The port PumpDevice over anything that carries a request to a pump and brings its answer."""

import secrets
from abc import ABC, abstractmethod

from schemas.delivery.device import PumpPlan, PumpReading, PumpStatus, SignedOrder
from schemas.units import DoseId, MilliUnits, MilliUnitsPerHour, UtcMillis
from services.runtime.platform.errors import PumpRefusedError, PumpSupersededError, PumpTimeout
from services.runtime.pump_link.port import PrimeWhat
from services.runtime.pump_link.protocol import (
    Answered,
    AnyAnswer,
    AnyRequest,
    Claim,
    ClearFault,
    Fill,
    LimitBasal,
    LoadPlan,
    Prime,
    Read,
    ReadAnswered,
    Refused,
    Resume,
    StartBolus,
    StopBolus,
    Superseded,
    Suspend,
)

NAME_BYTES = 8
"""[B] drawn by lot for the name under which a line claims."""


class PumpCaller(ABC):
    """Turns the port's methods into requests and the answers into results or exceptions."""

    def __init__(self) -> None:
        """Begin without a claim: nothing but reading is possible."""
        self._epoch: int | None = None
        self.name = secrets.token_hex(NAME_BYTES)

    @abstractmethod
    async def _ask(self, request: AnyRequest) -> AnyAnswer:
        """Carry one request to the pump; raises PumpTimeout when no answer comes."""

    async def claim(self) -> PumpStatus:
        """Raise the pump's epoch by one and become its controller; stored before it answers."""
        status = await self._order(Claim(by=self.name))
        self._epoch = status.epoch
        return status

    def is_mine(self, status: PumpStatus) -> bool:
        """Say whether the newest claim of the pump was made here, its answer lost or not."""
        return status.claimed_by == self.name

    async def read(self, *, after: int) -> PumpReading:
        """Read the registers and up to one page of history numbered after `after`."""
        answer = await self._ask(Read(after=after))
        match answer:
            case ReadAnswered(reading=reading):
                if self.is_mine(reading.status):
                    # The claim was kept, whether or not its answer came.
                    self._epoch = reading.status.epoch
                return reading
            case Refused(reason=reason):
                raise PumpRefusedError(reason=reason)
            case _:
                raise PumpTimeout(act="read")

    async def start_bolus(self, *, signed: SignedOrder) -> PumpStatus:
        """Start a bolus if the pump authenticates it; one dose id is executed once."""
        return await self._order(StartBolus(epoch=self._claimed(), signed=signed))

    async def stop_bolus(self, *, dose: DoseId) -> PumpStatus:
        """Stop the bolus if it is the one that runs; one that has not come is kept out."""
        return await self._order(StopBolus(epoch=self._claimed(), dose=dose))

    async def load_plan(self, *, plan: PumpPlan) -> PumpStatus:
        """Replace the basal plan; the fraction of a pulse already owed is carried over."""
        return await self._order(LoadPlan(epoch=self._claimed(), plan=plan))

    async def limit_basal(self, *, rate: MilliUnitsPerHour) -> PumpStatus:
        """Let the pump hold a maximum basal rate [mU/h]; it refuses plans above it."""
        return await self._order(LimitBasal(epoch=self._claimed(), rate=rate))

    async def suspend(self, *, until: UtcMillis | None = None) -> PumpStatus:
        """Stop all insulin, a running bolus included; the pump itself resumes at `until` [ms]."""
        return await self._order(Suspend(epoch=self._claimed(), until=until))

    async def resume(self) -> PumpStatus:
        """Deliver basal by the plan again, a stopped bolus stays stopped."""
        return await self._order(Resume(epoch=self._claimed()))

    async def fill(self, *, amount: MilliUnits) -> PumpStatus:
        """Tell that a new reservoir holds `amount` [mU, 1 to 300000]."""
        return await self._order(Fill(epoch=self._claimed(), amount=amount))

    async def prime(self, *, amount: MilliUnits, what: PrimeWhat) -> PumpStatus:
        """Fill tube or cannula with `amount` [mU, whole pulses]; only while the pump stands."""
        return await self._order(Prime(epoch=self._claimed(), amount=amount, what=what))

    async def clear_fault(self) -> PumpStatus:
        """Let the motor turn again; without a fault nothing changes."""
        return await self._order(ClearFault(epoch=self._claimed()))

    def _claimed(self) -> int:
        """Give the epoch of the claim; without one nothing is sent."""
        if self._epoch is None:
            raise PumpRefusedError(reason="not_claimed")
        return self._epoch

    async def _order(self, request: AnyRequest) -> PumpStatus:
        """Ask, and turn every answer but 'done' into its exception."""
        answer = await self._ask(request)
        match answer:
            case Answered(status=status):
                return status
            case Refused(reason=reason):
                raise PumpRefusedError(reason=reason)
            case Superseded(epoch=epoch):
                raise PumpSupersededError(epoch=epoch)
            case ReadAnswered():
                raise PumpTimeout(act=act_of(request))


def act_of(request: AnyRequest) -> str:
    """Name a request as the journal does: 'start_bolus', 'read', ..."""
    return str(request.__struct_config__.tag)
