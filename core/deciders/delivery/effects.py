"""What the actuator must do at the pump, and because of which event."""

from core.dosing.order_protocol.plan_revisions import plan_as_sent
from core.kernel.decider import Effect, Entry
from core.kernel.effects import (
    ClaimPump,
    ClearFault,
    FillPump,
    LimitPumpBasal,
    LoadPumpPlan,
    PrimePumpLine,
    ResumePump,
    StartPumpBolus,
    StopPumpBolus,
    SuspendPump,
)
from schemas.basal.plans import BasalPlanAccepted
from schemas.delivery.delivery import BolusCancelled, BolusStartRequested
from schemas.delivery.mechanism import FaultClearRequested, PrimeRequested
from schemas.delivery.pump import (
    PumpBasalMaximumRequested,
    PumpClaimRequested,
    ReservoirFillRequested,
    ResumeRequested,
    SuspendRequested,
)
from schemas.units import UtcMillis


def delivery_effects(entry: Entry) -> tuple[Effect, ...]:
    """Name what must happen at the pump because of an event that is stored."""
    match entry.body:
        case BolusStartRequested(signed=signed, start_by=start_by) if signed is not None:
            return (StartPumpBolus(signed=signed, start_by=start_by),)
        case BolusCancelled(dose=dose):
            return (StopPumpBolus(dose=dose),)
        case BasalPlanAccepted() as accepted:
            return (LoadPumpPlan(plan=plan_as_sent(accepted)),)
        case PumpBasalMaximumRequested(rate=rate):
            return (LimitPumpBasal(rate=rate),)
        case SuspendRequested(ends_at=ends_at, pump_ahead=ahead):
            return (SuspendPump(until=None if ends_at is None else UtcMillis(ends_at + ahead)),)
        case ResumeRequested():
            return (ResumePump(),)
        case ReservoirFillRequested(amount=amount):
            return (FillPump(amount=amount),)
        case PrimeRequested(amount=amount, what=what):
            return (PrimePumpLine(amount=amount, what=what),)
        case PumpClaimRequested(by=by):
            return (ClaimPump(by=by),)
        case FaultClearRequested():
            return (ClearFault(),)
        case _:
            return ()
