"""Messages about the pump itself: suspension, its reservoir, and the line to it."""

from typing import Literal

from schemas.message import Command, Event, Refusal
from schemas.units import Milliseconds, MilliUnits, MilliUnitsPerHour, UtcMillis


class SuspendDelivery(Command, frozen=True, kw_only=True, tag="suspend_delivery.v1"):
    """Stop all insulin, a running bolus included; handled by actuator."""

    duration: Milliseconds = Milliseconds(0)
    """[ms] 1 min to 24 h, then basal flows again by itself; 0 until somebody resumes."""
    because: str = ""
    """[-] the person's reason, in words."""
    disconnected: bool = False
    """[-] the pump is off the body until somebody resumes; it may stand already."""


class ResumeDelivery(Command, frozen=True, kw_only=True, tag="resume_delivery.v1"):
    """Deliver basal again; a stopped bolus stays stopped; handled by actuator."""

    because: str = ""
    """[-] the person's reason, in words."""


class SuspendRequested(Event, frozen=True, kw_only=True, tag="suspend_requested.v1"):
    """Somebody stops the pump; the pump is told next; published by actuator."""

    actor: str
    """[-] who asked."""
    ends_at: UtcMillis | None = None
    """[ms] when basal flows again by itself; none until somebody resumes."""
    pump_ahead: Milliseconds = Milliseconds(0)
    """[ms] by which the pump's clock, by which it resumes, is ahead."""
    because: str = ""
    """[-] the person's reason, in words."""
    disconnected: bool = False
    """[-] the pump is off the body, by this person's word."""


class ResumeRequested(Event, frozen=True, kw_only=True, tag="resume_requested.v1"):
    """Somebody starts the pump again; the pump is told next; published by actuator."""

    actor: str
    """[-] who asked."""
    because: str = ""
    """[-] the person's reason, in words."""


class DeliverySuspended(Event, frozen=True, kw_only=True, tag="delivery_suspended.v1"):
    """The pump says that it stands; published by actuator."""

    at: UtcMillis
    """[ms] since when, by the pump's history."""


class DeliveryResumed(Event, frozen=True, kw_only=True, tag="delivery_resumed.v1"):
    """The pump says that it delivers again; published by actuator."""

    at: UtcMillis
    """[ms] since when, by the pump's history."""


class DeliveryCommandRefused(Refusal, frozen=True, kw_only=True, tag="delivery_command_refused.v1"):
    """A cancel, suspend, resume, fill, take or clock that is not done; published by actuator."""

    name: Literal["cancel", "suspend", "resume", "fill", "take", "clock"]
    """[-] which."""
    reason: Literal[
        "no_bolus_runs",
        "already_suspended",
        "not_suspended",
        "out_of_range",
        "concentration_not_supported",
        "duration_out_of_range",
        "pump_refused",
        "no_answer",
        "superseded",
        "not_superseded",
        "time_is_proven",
    ]
    """[-] why."""


class PumpBasalMaximumRequested(
    Event, frozen=True, kw_only=True, tag="pump_basal_maximum_requested.v1"
):
    """The pump is told the maximum basal rate that it holds by itself; published by actuator."""

    rate: MilliUnitsPerHour
    """[mU/h] plans above it are refused by the pump."""
    actor: str
    """[-] who set it, or 'service:actuator' where the pump had lost it."""


class FillReservoir(Command, frozen=True, kw_only=True, tag="fill_reservoir.v1"):
    """A full reservoir was put in; handled by actuator."""

    amount: MilliUnits
    """[mU] 1 to 300000."""
    concentration: int = 100
    """[U/mL] of the insulin; 100 is the only one supported."""
    because: str = ""
    """[-] the person's reason, in words."""


class ReservoirFillRequested(Event, frozen=True, kw_only=True, tag="reservoir_fill_requested.v1"):
    """The pump is told of a new reservoir; published by actuator."""

    amount: MilliUnits
    """[mU] 1 to 300000."""
    actor: str
    """[-] who put it in."""
    concentration: int = 100
    """[U/mL] of the insulin."""
    because: str = ""
    """[-] the person's reason, in words."""


class ReservoirFilled(Event, frozen=True, kw_only=True, tag="reservoir_filled.v1"):
    """The pump counts down from here; published by actuator."""

    amount: MilliUnits
    """[mU] 1 to 300000."""
    at: UtcMillis
    """[ms] by the pump's history."""


class PumpLost(Event, frozen=True, kw_only=True, tag="pump_lost.v1"):
    """The pump does not answer; it goes on by its plan; published by actuator."""

    reason: str
    """[-] in words."""


class PumpFound(Event, frozen=True, kw_only=True, tag="pump_found.v1"):
    """The pump answers; its registers at that instant; published by actuator."""

    odometer: MilliUnits
    """[mU] by the pump's count."""
    reservoir: MilliUnits
    """[mU] by the pump's count."""
    suspended: bool
    """[-] whether it stands."""
    plan: str | None = None
    """[-] the plan it holds."""


class PumpChallenged(Event, frozen=True, kw_only=True, tag="pump_challenged.v1"):
    """What an order must carry for the pump to authenticate it.

    Published by actuator, consumed by bolus_advisor: when the pump has drawn another challenge,
    and each hour, so that its own time is known.
    """

    challenge: str
    """[-] drawn by lot by the pump, at each start and each claim."""
    uptime: Milliseconds
    """[ms] of the pump's own time since it drew it."""
    real: UtcMillis
    """[ms] real time at which that was heard."""


class PumpClockRead(Event, frozen=True, kw_only=True, tag="pump_clock_read.v1"):
    """The pump's clock runs by another time than this service's: its times are corrected by it.

    Published by actuator when the difference has changed by a minute or more.
    """

    ahead: Milliseconds
    """[ms] by which the pump's clock is ahead; below 0 where it is behind."""


class PumpClaimRequested(Event, frozen=True, kw_only=True, tag="pump_claim_requested.v1"):
    """The pump is to be claimed; recorded before it is asked, so that the journal knows its own.

    Published by actuator.
    """

    over: int
    """[-] the epoch that drives the pump until then."""
    by: str
    """[-] the name under which it is claimed, drawn by lot for each process."""


class TakePump(Command, frozen=True, kw_only=True, tag="take_pump.v1"):
    """Drive the pump again although another controller does; handled by actuator."""

    because: str = ""
    """[-] the person's reason, in words."""


class PumpTakeRequested(Event, frozen=True, kw_only=True, tag="pump_take_requested.v1"):
    """A person wants the pump back from another controller; published by actuator."""

    actor: str
    """[-] who."""
    because: str = ""
    """[-] the person's reason, in words."""


class PumpControlLost(Event, frozen=True, kw_only=True, tag="pump_control_lost.v1"):
    """Another controller drives the pump: this one reads and accounts, and asks nothing of it.

    Published by actuator.
    """

    epoch: int
    """[-] the epoch that drives."""
