"""What a pump keeps through a loss of power, and what a step of the pump yields."""

from typing import Literal

import msgspec

from core.dosing.order_protocol.authentication import LineFlaw
from core.models.pulses import PULSE_PARTS, Parts
from schemas.delivery.device import PULSE_MU, PumpPlan, PumpRecord
from schemas.delivery.unresolved_doses import OrderProblem
from schemas.units import DoseId, Milliseconds, MilliUnits, MilliUnitsPerHour, UtcMillis

BOLUS_PULSE_MS = Milliseconds(2_000)
"""[ms] from one pulse of a bolus to the next: 1.5 U/min; source: Omnipod, R28."""

RefusalReason = (
    OrderProblem
    | LineFlaw
    | Literal[
        "above_maximum",
        "already_executed",
        "barred",
        "bolus_running",
        "broken_id",
        "broken_plan",
        "extended_running",
        "fault",
        "not_suspended",
        "epoch_unknown",
        "no_reservoir",
        "not_whole_pulses",
        "out_of_range",
        "plan_above_maximum",
        "plan_not_begun",
        "reservoir_low",
        "suspended",
    ]
)
"""[-] why the pump does not obey; 'barred' is a dose that was stopped before it came,
'above_maximum' a plan, 'plan_above_maximum' a maximum that the plan which runs goes above."""

RATE_MU_PER_H_MAX = MilliUnitsPerHour(35_000)
"""[mU/h] the fastest basal that the motor accepts."""

PumpFaultName = Literal[
    "occlusion",
    "motor_stuck",
    "motor_unasked",
    "memory_broken",
    "self_test_failed",
    "over_infusion",
    "air_in_line",
    "overheated",
    "reservoir_missing",
    "battery_depleted",
]
"""[-] why the motor is off until somebody clears it."""


class BolusInMotion(msgspec.Struct, frozen=True, kw_only=True):
    """The bolus that runs; its next pulse follows from what was delivered."""

    dose: DoseId
    """[-] the order."""
    requested: MilliUnits
    """[mU] whole pulses."""
    delivered: MilliUnits = MilliUnits(0)
    """[mU] so far."""
    started_at: UtcMillis
    """[ms] when it began; a normal bolus has its first pulse then."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] over which an extended bolus is spread evenly; 0 for a normal one."""
    held_up: int = 0
    """[-] strokes of basal and of an extended bolus that a normal one has let pass."""

    def pulse_at(self, number: int) -> UtcMillis:
        """Give when a pulse is due [ms], the first one being 0; spread pulses never come early.

        The motor makes one stroke in 2 s: each other stroke holds a normal bolus up by one (R7).
        """
        if not self.duration:
            return UtcMillis(self.started_at + (number + self.held_up) * BOLUS_PULSE_MS)
        spread = -(-(number + 1) * self.duration * PULSE_MU // self.requested)
        return UtcMillis(self.started_at + spread)


class PumpMemory(msgspec.Struct, frozen=True, kw_only=True):
    """The registers in the pump's non-volatile memory."""

    odometer: MilliUnits = MilliUnits(0)
    """[mU] all that the motor ever moved; never goes back."""
    owed: Parts = Parts(0)
    """[mU ms/h] basal requested and not yet delivered, less than one pulse."""
    reservoir: MilliUnits | None = None
    """[mU] what is left; None before the first fill."""
    epoch: int = 0
    """[-] the highest controller epoch seen."""
    claimed_by: str = ""
    """[-] who raised it to that, by the name it drew by lot."""
    plan: PumpPlan | None = None
    """[-] the basal plan."""
    plan_digest: str = ""
    """[-] `digest_of` it; empty where it was loaded by an older version."""
    basal_max: MilliUnitsPerHour = RATE_MU_PER_H_MAX
    """[mU/h] a plan with a higher rate is refused; 0 to what the motor accepts."""
    suspended: bool = False
    """[-] no insulin until resumed."""
    resume_at: UtcMillis | None = None
    """[ms] when a suspension ends by itself; none without one, and for one that does not."""
    sequence: int = 0
    """[-] number of the newest record of the history."""
    bolus: BolusInMotion | None = None
    """[-] the normal bolus that runs."""
    extended: BolusInMotion | None = None
    """[-] the extended bolus that runs, beside it."""
    trusted: tuple[str, ...] = ()
    """[-] public keys (hex) whose orders are taken, sorted."""
    trusted_since: int = 0
    """[-] number of the record that changed the keys last; doses are told apart from there on."""
    order_numbers: tuple[tuple[str, int], ...] = ()
    """[-] of each key ever trusted the number of the newest order executed, sorted by key."""
    fault: PumpFaultName | None = None
    """[-] why the motor is off; none while it may turn."""
    backlog: MilliUnits = MilliUnits(0)
    """[mU] pressed into a blocked line; counted, and not in the body yet."""
    primed: MilliUnits = MilliUnits(0)
    """[mU] of primes in all."""
    filled: MilliUnits = MilliUnits(0)
    """[mU] the reservoir held when it was put in."""
    filled_at: MilliUnits = MilliUnits(0)
    """[mU] odometer at that instant."""
    orders_refused: int = 0
    """[-] signed orders that failed authentication or were repeated, since the pump was made."""
    order_refused: str = ""
    """[-] why the last of them was refused; empty while there is none."""
    refused_since: UtcMillis = UtcMillis(0)
    """[ms] begin of the hour whose refusals are told apart in the history."""
    refused_in_it: tuple[tuple[str, int], ...] = ()
    """[-] records of that hour by reason, sorted."""
    barred: tuple[DoseId, ...] = ()
    """[-] doses stopped before they came, oldest first."""
    basal_at: UtcMillis
    """[ms] the last basal pulse, or since when basal can flow if that is later."""
    on_at: UtcMillis
    """[ms] all delivery up to here is counted; the last instant the pump knows it was on."""

    @property
    def running(self) -> tuple[BolusInMotion, ...]:
        """Give the boluses that run, the extended one first."""
        return tuple(one for one in (self.extended, self.bolus) if one is not None)

    def __post_init__(self) -> None:
        """Refuse registers that no pump can have.

        Raises:
            ValueError: a count is negative or a whole pulse is owed.
        """
        if not 0 <= self.owed < PULSE_PARTS:
            raise ValueError(f"owed of {self.owed} parts is not less than a pulse")
        if min(self.odometer, self.reservoir or 0, self.epoch, self.sequence) < 0:
            raise ValueError("a register is negative")


class PumpStep(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from time or a command: both parts go into memory together or not at all."""

    memory: PumpMemory
    """[-] the registers after it."""
    records: tuple[PumpRecord, ...] = ()
    """[-] new history, numbered on from the registers before; may be empty."""


class PumpRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """The pump says no; nothing was done."""

    reason: RefusalReason
    """[-] why."""
    noted: PumpStep | None = None
    """[-] what the pump keeps of it; none where it keeps nothing."""
