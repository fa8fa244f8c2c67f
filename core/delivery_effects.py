"""What the actuator must do at the pump, and because of which event."""

from core.decider import Effect, Entry
from core.effects import (
    ClearFault,
    FillPump,
    LoadPumpPlan,
    PrimePumpLine,
    ResumePump,
    StartPumpBolus,
    StopPumpBolus,
    SuspendPump,
)
from schemas.delivery import BasalPlanAccepted, BolusCancelled, BolusStarted
from schemas.device import PumpPlan
from schemas.mechanism import FaultClearRequested, PrimeRequested
from schemas.pump import ReservoirFillRequested, ResumeRequested, SuspendRequested


def delivery_effects(entry: Entry) -> tuple[Effect, ...]:
    """Name what must happen at the pump because of an event that is stored."""
    match entry.body:
        case BolusStarted(signed=signed, start_by=start_by) if signed is not None:
            return (StartPumpBolus(signed=signed, start_by=start_by),)
        case BolusCancelled(dose=dose):
            return (StopPumpBolus(dose=dose),)
        case BasalPlanAccepted(plan=name, steps=steps, ends_at=ends_at):
            return (LoadPumpPlan(plan=PumpPlan(plan=name, steps=steps, ends_at=ends_at)),)
        case SuspendRequested():
            return (SuspendPump(),)
        case ResumeRequested():
            return (ResumePump(),)
        case ReservoirFillRequested(amount=amount):
            return (FillPump(amount=amount),)
        case PrimeRequested(amount=amount, what=what):
            return (PrimePumpLine(amount=amount, what=what),)
        case FaultClearRequested():
            return (ClearFault(),)
        case _:
            return ()
