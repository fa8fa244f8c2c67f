"""What must happen in the world: the effects that deciders name and hands perform."""

from core.decider import Effect
from schemas.basal import ZoneLookupRequested
from schemas.device import PumpPlan
from schemas.message import Deadline, Event
from schemas.units import DoseId, Milliseconds, MilliUnits, UtcMillis


class ResolveZone(Effect, frozen=True, kw_only=True):
    """Look a time zone up; brings back ZoneResolved."""

    zone: str
    """[-] IANA name."""
    since: UtcMillis
    """[ms] start of the stretch that is needed."""


class StartPumpBolus(Effect, frozen=True, kw_only=True):
    """Move the motor; brings back PumpAnswered."""

    dose: DoseId
    """[-] the order."""
    amount: MilliUnits
    """[mU] whole pulses."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] over which it is spread; 0 at the pump's speed."""
    start_by: Deadline
    """[ms] not sent after it."""


class StopPumpBolus(Effect, frozen=True, kw_only=True):
    """Stop the motor's bolus; brings back PumpAnswered."""

    dose: DoseId
    """[-] the order."""


class LoadPumpPlan(Effect, frozen=True, kw_only=True):
    """Give the pump a new basal plan; brings back PumpAnswered."""

    plan: PumpPlan
    """[-] the plan."""


class SuspendPump(Effect, frozen=True, kw_only=True):
    """Stop all insulin; brings back PumpAnswered."""


class ResumePump(Effect, frozen=True, kw_only=True):
    """Deliver basal again; brings back PumpAnswered."""


class FillPump(Effect, frozen=True, kw_only=True):
    """Tell the pump of a new reservoir; brings back PumpAnswered."""

    amount: MilliUnits
    """[mU] 1 to 300000."""


def zone_effects(event: Event) -> tuple[Effect, ...]:
    """Look a zone up where an event asks for it, in every column that means a local clock."""
    if isinstance(event, ZoneLookupRequested):
        return (ResolveZone(zone=event.zone, since=event.since),)
    return ()
