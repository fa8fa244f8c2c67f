"""Messages about the pump's mechanism: faults that stop the motor, primes, strokes unasked."""

from typing import Literal

from schemas.message import Command, Event, Refusal, require
from schemas.units import MilliUnits, UtcMillis

PrimeWhat = Literal["tube", "cannula"]


class PumpFaulted(Event, frozen=True, kw_only=True, tag="pump_faulted.v1"):
    """The motor is off until somebody clears it.

    Published by actuator, consumed by bolus_advisor.
    """

    fault: str
    """[-] as the pump names it, for instance 'occlusion'."""
    at: UtcMillis
    """[ms] by the pump's history."""


class ClearPumpFault(Command, frozen=True, kw_only=True, tag="clear_pump_fault.v1"):
    """Somebody has mended what stopped the motor; handled by actuator."""

    because: str = ""
    """[-] what was done, in words."""


class FaultClearRequested(Event, frozen=True, kw_only=True, tag="fault_clear_requested.v1"):
    """The pump is told that its motor may turn again; published by actuator."""

    actor: str
    """[-] who asked."""
    because: str = ""
    """[-] what was done, in words."""


class PumpFaultCleared(Event, frozen=True, kw_only=True, tag="pump_fault_cleared.v1"):
    """The motor may turn again; what it missed is not made up; published by actuator."""

    fault: str
    """[-] what had stopped it."""
    at: UtcMillis
    """[ms] by the pump's history."""


class OcclusionReleased(Event, frozen=True, kw_only=True, tag="occlusion_released.v1"):
    """What was pressed into a blocked line flows now; it was counted when it was pressed.

    Published by actuator.
    """

    amount: MilliUnits
    """[mU] 50 to 3000."""
    at: UtcMillis
    """[ms] by the pump's history."""


class PrimePump(Command, frozen=True, kw_only=True, tag="prime_pump.v1"):
    """Fill tube or cannula while the pump stands; handled by actuator."""

    amount: MilliUnits
    """[mU] whole pulses, 50 to 30000."""
    what: PrimeWhat
    """[-] which."""


class PrimeRequested(Event, frozen=True, kw_only=True, tag="prime_requested.v1"):
    """The pump is told to fill tube or cannula; published by actuator."""

    amount: MilliUnits
    """[mU] whole pulses."""
    what: PrimeWhat
    """[-] which."""
    actor: str
    """[-] who asked."""
    disconnected: bool = False
    """[-] the pump was off the body, by a person's word."""


class PumpPrimed(Event, frozen=True, kw_only=True, tag="pump_primed.v1"):
    """Insulin left the reservoir and entered no body: it is never on board.

    Published by actuator.
    """

    amount: MilliUnits
    """[mU] whole pulses."""
    what: PrimeWhat
    """[-] which."""
    at: UtcMillis
    """[ms] by the pump's history."""
    odometer: MilliUnits
    """[mU] after it."""
    history_sequence: int
    """[-] number of the pump's record."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.amount >= 0, text="a prime is 0 or more")


class MotorRanUnasked(Event, frozen=True, kw_only=True, tag="motor_ran_unasked.v1"):
    """The motor moved insulin that nobody had asked for; it counts like any other.

    Published by actuator, consumed by bolus_advisor.
    """

    amount: MilliUnits
    """[mU] whole pulses."""
    at: UtcMillis
    """[ms] by the pump's history."""
    odometer: MilliUnits
    """[mU] after it."""
    history_sequence: int
    """[-] number of the pump's record."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.amount >= 0, text="insulin moved is 0 or more")


class BasalMissed(Event, frozen=True, kw_only=True, tag="basal_missed.v1"):
    """While the pump stood, was off, empty or had a fault, programmed basal did not flow.

    Published by actuator.
    """

    starts_at: UtcMillis
    """[ms] since when."""
    ends_at: UtcMillis
    """[ms] until when."""
    amount: MilliUnits
    """[mU] by the plan, rounded down to whole pulses."""
    reason: Literal["suspended", "fault", "off", "reservoir_empty"]
    """[-] why."""


class MechanismRefused(Refusal, frozen=True, kw_only=True, tag="mechanism_refused.v1"):
    """A prime, or the clearing of a fault, that is not done; published by actuator."""

    name: Literal["prime", "clear_fault"]
    """[-] which."""
    reason: Literal[
        "no_fault",
        "repeated_fault",
        "not_suspended",
        "out_of_range",
        "not_whole_pulses",
        "pump_unreachable",
        "pump_refused",
        "no_answer",
        "superseded",
        "hourly_prime_limit",
    ]
    """[-] why."""
    limit: MilliUnits | None = None
    """[mU] what may be primed now, where a bound is why."""
