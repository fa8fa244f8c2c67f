"""What the actuator must do at the pump, and because of which event."""

from core.decider import Effect, Entry
from core.delivery_clock import by_pumps_clock
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
from core.plan_ids import pump_plan
from schemas.delivery import BolusCancelled, BolusStarted
from schemas.mechanism import FaultClearRequested, PrimeRequested
from schemas.plans import BasalPlanAccepted
from schemas.pump import ReservoirFillRequested, ResumeRequested, SuspendRequested
from schemas.units import UtcMillis


def delivery_effects(entry: Entry) -> tuple[Effect, ...]:
    """Name what must happen at the pump because of an event that is stored."""
    match entry.body:
        case BolusStarted(signed=signed, start_by=start_by) if signed is not None:
            return (StartPumpBolus(signed=signed, start_by=start_by),)
        case BolusCancelled(dose=dose):
            return (StopPumpBolus(dose=dose),)
        case BasalPlanAccepted(pump_ahead=ahead) as accepted:
            return (LoadPumpPlan(plan=by_pumps_clock(pump_plan(accepted), ahead=ahead)),)
        case SuspendRequested(ends_at=ends_at, pump_ahead=ahead):
            return (SuspendPump(until=None if ends_at is None else UtcMillis(ends_at + ahead)),)
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
