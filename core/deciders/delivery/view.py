"""Delivery as a person sees it."""

import msgspec

from core.deciders.delivery.state import DeliveryState
from core.dosing.insulin_account.last_bolus import LastDose
from core.dosing.order_protocol.plan_revisions import plan_of
from core.kernel.alarms import ActiveAlarm
from core.models.pulses import rate_at
from schemas.message import Now
from schemas.units import EventId, Milliseconds, MilliUnits, MilliUnitsPerHour, UtcMillis


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """Delivery as a person sees it."""

    rate: MilliUnitsPerHour | None
    """[mU/h] basal by the plan that the pump holds, 0 when suspended, none without a plan."""
    suspended: bool
    """[-] the pump stands."""
    resume_at: UtcMillis | None
    """[ms] when it delivers again by itself; none where somebody must resume it."""
    reservoir: MilliUnits | None
    """[mU] left."""
    odometer: MilliUnits
    """[mU] accounted."""
    basal_total: MilliUnits
    """[mU] counted in all."""
    bolus_total: MilliUnits
    """[mU] counted in all."""
    last_dose: LastDose | None
    """[-] the newest normal bolus started."""
    last_extended: LastDose | None
    """[-] the newest extended bolus started."""
    unknown_doses: int
    """[-] doses of which nobody knows what became of them."""
    plan: EventId | None
    """[-] the plan that the pump delivers by."""
    fault: str | None
    """[-] why the pump's motor is off; none while it may turn."""
    primed_total: MilliUnits
    """[mU] of primes, in no body."""
    gaps: int
    """[-] times that the pump was off."""
    alarms: tuple[ActiveAlarm, ...]
    """[-] active, oldest first."""
    driven_by_another: bool = False
    """[-] another controller drives the pump; what it gives is counted."""
    time_unproven: Milliseconds = Milliseconds(0)
    """[ms] that passed by the clock alone and nobody has confirmed."""
    disconnected: bool = False
    """[-] the pump is off the body, by a person's word, until it is resumed."""


def view(state: DeliveryState, now: Now) -> DeliveryView:
    """Show delivery as it stands at `now`."""
    rate: MilliUnitsPerHour | None = None
    if state.suspended or state.fault is not None or state.dry_at is not None:
        rate = MilliUnitsPerHour(0)
    elif state.plan is not None and state.plan.plan == state.plan_loaded:
        rate = rate_at(state.plan, at=now.therapy)
    return DeliveryView(
        rate=rate,
        suspended=state.suspended,
        resume_at=state.resume_at,
        reservoir=state.reservoir,
        odometer=state.odometer,
        basal_total=state.doses.basal_total,
        bolus_total=state.doses.bolus_total,
        last_dose=state.last_dose,
        last_extended=state.last_extended,
        unknown_doses=len(state.doses.unknown),
        plan=None if state.plan_loaded is None else plan_of(state.plan_loaded),
        fault=state.fault,
        primed_total=state.primed_total,
        gaps=state.gaps,
        alarms=state.common.alarms,
        driven_by_another=state.is_superseded,
        time_unproven=state.time_unproven,
        disconnected=state.disconnected,
    )
