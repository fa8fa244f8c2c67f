"""What an insulin pump can tell: its status, its own history, and its answers to commands.

The same structs travel in the frames of the pump's protocol and, wrapped in a report, in the
actuator's journal.
"""

import hashlib
from typing import Literal

import msgspec

from schemas.message import Now, Report
from schemas.units import DoseId, Milliseconds, MilliUnits, MilliUnitsPerHour, PumpId, UtcMillis

PULSE_MU = MilliUnits(50)
"""[mU] one stroke of the pump that Basalt simulates; source: Omnipod, 0.05 U."""

HISTORY_PAGE_RECORDS_MAX = 200
"""[-] records of history in one answer of the pump."""


class PlanStep(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One stretch of constant basal rate, until the next step or the end of the plan."""

    at: UtcMillis
    """[ms] first instant of this rate."""
    rate: MilliUnitsPerHour
    """[mU/h] 0 to 35000."""


class PumpPlan(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The basal programme that the pump delivers by itself."""

    plan: str
    """[-] id of the BasalPlanMade event; loading the same id again changes nothing."""
    steps: tuple[PlanStep, ...]
    """[-] sorted by `at`, 1 to 400."""
    ends_at: UtcMillis
    """[ms] after this the pump repeats the plan's last 24 h and alarms from 24 h before."""


def digest_of(plan: PumpPlan) -> str:
    """Give what tells a plan from every other, whatever they are called: 32 hex digits."""
    return hashlib.sha256(msgspec.json.encode(plan)).hexdigest()[:32]


class PumpOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A bolus as it is signed: for one pump, one session of it, one number, one stretch of time."""

    pump: PumpId
    """[-] the pump that may give it, no other."""
    dose: DoseId
    """[-] 'speaker:pump:version'; the version is the number by which orders are counted."""
    amount: MilliUnits
    """[mU] whole pulses."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] over which it is spread; 0 for a normal bolus."""
    challenge: str
    """[-] what the pump drew by lot for this session; another one is of another session."""
    not_after: Milliseconds
    """[ms] of the pump's own time since it drew the challenge; later it is not started."""


class SignedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order and who answers for it."""

    order: PumpOrder
    """[-] what is signed."""
    key: str
    """[-] public Ed25519 key, 64 hex digits."""
    signature: str
    """[-] over the order, 128 hex digits."""


class RunningBolus(msgspec.Struct, frozen=True, kw_only=True):
    """A bolus that the motor is delivering now."""

    dose: DoseId
    """[-] the order."""
    requested: MilliUnits
    """[mU] whole pulses."""
    delivered: MilliUnits
    """[mU] counted so far."""


class PumpStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The registers of the pump at one instant."""

    at: UtcMillis
    """[ms] the pump's own clock; read, not trusted."""
    odometer: MilliUnits
    """[mU] all insulin that the motor ever moved, boluses, basal and primes; never goes back."""
    history_sequence: int
    """[-] number of the newest record of the pump's history, 0 when there is none."""
    epoch: int
    """[-] the highest controller epoch seen; commands with a lower one are refused."""
    reservoir: MilliUnits
    """[mU] insulin left by the pump's own count."""
    suspended: bool
    """[-] no insulin flows until resumed."""
    basal_rate: MilliUnitsPerHour
    """[mU/h] the rate being delivered now, 0 when suspended or without a plan."""
    plan: str | None = None
    """[-] id of the plan loaded."""
    plan_ends_at: UtcMillis | None = None
    """[ms] end of the plan loaded."""
    plan_digest: str = ""
    """[-] `digest_of` the plan loaded; empty for a pump that tells none."""
    basal_max: MilliUnitsPerHour | None = None
    """[mU/h] the maximum that the pump itself holds; none for one that holds none."""
    claimed_by: str = ""
    """[-] who raised the epoch to that, by the name it drew by lot."""
    resume_at: UtcMillis | None = None
    """[ms] when a suspension ends by itself; none for one that does not."""
    bolus: RunningBolus | None = None
    """[-] the bolus in progress."""
    extended: RunningBolus | None = None
    """[-] the extended bolus in progress, beside it."""
    challenge: str = ""
    """[-] drawn by lot at each start and each claim; orders of this session bear it."""
    uptime: Milliseconds = Milliseconds(0)
    """[ms] of real time since the challenge was drawn, by the pump's own monotonic count."""
    order_numbers: tuple[tuple[str, int], ...] = ()
    """[-] of each key the number of the newest order executed; lower ones come too late."""
    trusted: tuple[str, ...] = ()
    """[-] public keys (hex) whose orders the pump takes; set at the pump itself, nowhere else."""
    fault: str | None = None
    """[-] why the motor is off until somebody clears it; none while it may turn."""
    orders_refused: int = 0
    """[-] signed orders that failed authentication or were repeated, since the pump was made."""
    order_refused: str = ""
    """[-] why the last of them was refused; empty while there is none."""
    primed: MilliUnits = MilliUnits(0)
    """[mU] of the odometer, primes in all."""
    filled: MilliUnits = MilliUnits(0)
    """[mU] the reservoir held when it was put in."""
    filled_at: MilliUnits = MilliUnits(0)
    """[mU] odometer at that instant."""
    battery_percent: int = 100
    """[%] 0 to 100, within 25."""
    alarms: tuple[str, ...] = ()
    """[-] what the pump itself alarms about, sorted: 'plan_runs_out', 'reservoir_empty', ..."""


RecordKind = Literal[
    "basal",
    "bolus_started",
    "bolus",
    "bolus_ended",
    "suspended",
    "resumed",
    "plan_loaded",
    "filled",
    "powered",
    "trusted",
    "primed",
    "unasked",
    "released",
    "fault",
    "fault_cleared",
    "order_refused",
    "clock_set",
    "basal_limited",
]
"""[-] the kinds of a `PumpRecord`."""


class PumpRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the pump's own history, in non-volatile memory, numbered without holes."""

    sequence: int
    """[-] 1, 2, 3, ..."""
    kind: RecordKind
    """[-] what happened; 'basal', 'bolus', 'primed' and 'unasked' moved insulin, 'powered' is a
    start of the pump, 'trusted' a change of the keys whose orders it takes, 'released' what had
    been moved into a blocked line and was counted then, 'order_refused' a signed bolus order that
    failed authentication or was repeated (four for each reason in an hour), 'clock_set' a change
    of the pump's clock, from `starts_at` to `ends_at` in one instant, 'basal_limited' a change of
    the maximum basal rate."""
    starts_at: UtcMillis
    """[ms] when it began; for 'powered' the last instant the pump knows it was on."""
    ends_at: UtcMillis
    """[ms] when it ended, the same for a momentary thing."""
    amount: MilliUnits = MilliUnits(0)
    """[mU] insulin moved (basal, bolus), asked (bolus_started), delivered in all (bolus_ended)."""
    odometer: MilliUnits
    """[mU] the odometer after it."""
    dose: DoseId | None = None
    """[-] for boluses, the order."""
    digest: str = ""
    """[-] of 'plan_loaded' `digest_of` the plan."""
    detail: str = ""
    """[-] plan id of 'plan_loaded' and 'basal'; 'extended'; or how a bolus ended: 'delivered',
    'stopped', 'suspended', 'reservoir_empty', 'power_lost'; of 'order_refused' the reason and,
    after a space, the dose that was named; of 'basal_limited' the rate [mU/h]."""


class PumpReading(msgspec.Struct, frozen=True, kw_only=True):
    """Status together with the history that follows a given number."""

    status: PumpStatus
    """[-] the registers."""
    history: tuple[PumpRecord, ...]
    """[-] sorted by sequence, without holes, at most HISTORY_PAGE_RECORDS_MAX; may be empty."""


PumpAct = Literal[
    "start_bolus",
    "stop_bolus",
    "load_plan",
    "limit_basal",
    "suspend",
    "resume",
    "fill",
    "prime",
    "clear_fault",
    "claim",
]
PumpAnswerResult = Literal["done", "refused", "unknown"]
"""[-] 'unknown' when no answer came in time: neither done nor not done."""


class PumpRead(Report, frozen=True, kw_only=True, tag="pump_read.v1"):
    """The device was read and something had changed; consumed by the actuator."""

    reading: PumpReading
    """[-] status and new history."""
    read_at: Now | None = None
    """[-] when it was read, by the reader's clock; none where the answer took too long to say."""


class PumpUnreachable(Report, frozen=True, kw_only=True, tag="pump_unreachable.v1"):
    """The device did not answer; reported once until it answers again; consumed by the actuator."""

    reason: str
    """[-] in words."""


class PumpSuperseded(Report, frozen=True, kw_only=True, tag="pump_superseded.v1"):
    """The device refused this controller's epoch: another one drives it.

    Consumed by the actuator.
    """

    epoch: int
    """[-] the epoch that drives."""


class PumpClaimWanted(Report, frozen=True, kw_only=True, tag="pump_claim_wanted.v1"):
    """The device must be claimed before it is driven on; consumed by the actuator.

    At a start, after a silence of the pump, and where an unknown dose needs a later epoch.
    """

    over: int
    """[-] the epoch that drives it now."""
    by: str
    """[-] the name under which it is to be claimed, drawn by lot for this process."""


class PumpAnswered(Report, frozen=True, kw_only=True, tag="pump_answered.v1"):
    """What came of one command to the device; consumed by the actuator."""

    act: PumpAct
    """[-] the command."""
    about: str
    """[-] dose id, plan id, the name of a claim, or the id of the event that asked for it."""
    result: PumpAnswerResult
    """[-] what is known of it."""
    reason: str = ""
    """[-] why refused or unknown."""
    status: PumpStatus | None = None
    """[-] registers in the answer; none when no answer came."""
