"""Effects: what deciders request and effect handlers carry out."""

from core.kernel.decider import Effect, Entry
from schemas.basal.profiles import ZoneLookupRequested
from schemas.delivery.device import PumpOrder, PumpPlan, SignedOrder
from schemas.delivery.mechanism import PrimeWhat
from schemas.message import Deadline
from schemas.units import DoseId, MilliUnits, MilliUnitsPerHour, UtcMillis


class ResolveZone(Effect, frozen=True, kw_only=True):
    """Look a time zone up; brings back ZoneResolved."""

    zone: str
    """[-] IANA name."""
    since: UtcMillis
    """[ms] start of the stretch that is needed."""


class WriteCheckpoint(Effect, frozen=True, kw_only=True):
    """State elsewhere how far the record goes, signed; brings back a fault or nothing."""


class SignOrder(Effect, frozen=True, kw_only=True):
    """Answer for an order with this service's key; brings back OrderSigned."""

    order: PumpOrder
    """[-] what to sign."""


class StartPumpBolus(Effect, frozen=True, kw_only=True):
    """Move the motor; brings back PumpAnswered."""

    signed: SignedOrder
    """[-] the order as the pump authenticates it."""
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


class LimitPumpBasal(Effect, frozen=True, kw_only=True):
    """Let the pump hold a maximum basal rate; brings back PumpAnswered."""

    rate: MilliUnitsPerHour
    """[mU/h] 0 to 35000."""


class SuspendPump(Effect, frozen=True, kw_only=True):
    """Stop all insulin; brings back PumpAnswered."""

    until: UtcMillis | None = None
    """[ms] when the pump resumes by itself; none for never."""


class ResumePump(Effect, frozen=True, kw_only=True):
    """Deliver basal again; brings back PumpAnswered."""


class FillPump(Effect, frozen=True, kw_only=True):
    """Tell the pump of a new reservoir; brings back PumpAnswered."""

    amount: MilliUnits
    """[mU] 1 to 300000."""


class PrimePumpLine(Effect, frozen=True, kw_only=True):
    """Fill tube or cannula; brings back PumpAnswered."""

    amount: MilliUnits
    """[mU] whole pulses."""
    what: PrimeWhat
    """[-] which."""


class ClaimPump(Effect, frozen=True, kw_only=True):
    """Become the pump's controller; brings back PumpAnswered."""

    by: str
    """[-] the name under which it is claimed."""


class ClearFault(Effect, frozen=True, kw_only=True):
    """Let the pump's motor turn again; brings back PumpAnswered."""


def zone_effects(entry: Entry) -> tuple[Effect, ...]:
    """Look a zone up where an event asks for it, in every column that means a local clock."""
    if isinstance(entry.body, ZoneLookupRequested):
        return (ResolveZone(zone=entry.body.zone, since=entry.body.since),)
    return ()
