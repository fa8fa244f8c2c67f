"""What the actuator knows of one pump."""

from typing import Final, Literal, NamedTuple

import msgspec

from core.deciders.delivery.pending_orders import Known, WaitingOrder
from core.dosing.basal_programme.programme import HeardProgramme
from core.dosing.insulin_account.dose_account import DoseBook
from core.dosing.insulin_account.last_bolus import LastDose
from core.dosing.insulin_account.scheduled_basal import BasalAhead, profile_of
from core.kernel.shared_decisions import Common
from schemas.basal.plans import BasalCut, BasalDoubt
from schemas.basal.profiles import BasalPlanMade
from schemas.bolus.settings import InsulinAction
from schemas.delivery.delivery import (
    DeliveryLimitsSet,
)
from schemas.delivery.device import PumpPlan
from schemas.delivery.pump import (
    PumpChallenged,
)
from schemas.message import Deadline
from schemas.units import (
    DoseId,
    EventId,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    PumpId,
    Speaker,
    UtcMillis,
)

ACTUATOR: Final = Speaker("actuator")


class Sent(NamedTuple):
    """How a dose was sent to the pump."""

    dose: DoseId
    epoch: int
    start_by: Deadline


class Claim(NamedTuple):
    """A claim of the pump as it was recorded before it was sent."""

    over: int
    """[-] the epoch that drove until then; the claim's own is the next."""
    by: str
    """[-] the name under which the pump knows it."""


class PrimeAsked(NamedTuple):
    """A prime that the pump was told of and that may have entered a body."""

    at: UtcMillis
    amount: MilliUnits


class AskedAct(NamedTuple):
    """A fill or a prime that the pump was told of and has not reported yet."""

    kind: Literal["fill", "prime"]
    amount: MilliUnits


class DeliveryState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the actuator knows of one pump."""

    common: Common = Common()
    """[-] alarms and faults."""
    limits: DeliveryLimitsSet | None = None
    """[-] in force."""
    doses: DoseBook = DoseBook()
    """[-] the actuator's own account."""
    last_dose: LastDose | None = None
    """[-] the newest normal bolus started."""
    last_extended: LastDose | None = None
    """[-] the newest extended bolus started."""
    programme: HeardProgramme = HeardProgramme()
    """[-] the profiles that basal_scheduler has said, and which of them is for which day."""
    plan_heard: tuple[EventId, BasalPlanMade] | None = None
    """[-] the newest plan, before limits."""
    plan: PumpPlan | None = None
    """[-] the newest plan that passed the limits."""
    cuts: tuple[BasalCut, ...] = ()
    """[-] what the limits took from it."""
    plan_doubt: BasalDoubt | None = None
    """[-] what was not known when it was cut."""
    plan_loaded: EventId | None = None
    """[-] the plan that the pump delivers by."""
    plans_sent: tuple[tuple[str, str], ...] = ()
    """[-] name and digest of the last plans that were sent to the pump, oldest first."""
    plan_refused: str | None = None
    """[-] the plan that the pump refused for its rates; not sent again before these change."""
    basal_max: MilliUnitsPerHour | None = None
    """[mU/h] the maximum that the pump was asked to hold; none before the first."""
    pump_basal_max: MilliUnitsPerHour | None = None
    """[mU/h] the maximum that the pump holds, by its own word; none for one that holds none."""
    driven_after: int = 0
    """[-] number of the pump's newest record when it first said what it holds."""
    acts_asked: tuple[AskedAct, ...] = ()
    """[-] fills and primes on their way, oldest first."""
    suspended: bool = False
    """[-] the pump stands, by its own word."""
    wants_suspended: bool | None = None
    """[-] what a person asked for and the pump has not confirmed."""
    resume_at: UtcMillis | None = None
    """[ms] when a suspension ends by itself; none for one that does not."""
    cancelled: tuple[DoseId, ...] = ()
    """[-] doses that a person wants stopped and that have not ended."""
    acting: tuple[str, ...] = ()
    """[-] commands on their way to the pump, without answer."""
    is_connected: bool = False
    """[-] the pump answered since this process started."""
    is_superseded: bool = False
    """[-] another controller drives the pump."""
    reservoir: MilliUnits | None = None
    """[mU] left, by the pump's count."""
    odometer: MilliUnits = MilliUnits(0)
    """[mU] accounted."""
    history_sequence: int = 0
    """[-] the pump's records accounted."""
    epoch: int = 0
    """[-] under which this process drives."""
    claim: Claim | None = None
    """[-] the newest one asked for."""
    takes: bool = False
    """[-] a person wants the pump back, and it has not been claimed since."""
    sent: tuple[Sent, ...] = ()
    """[-] how each open dose was sent."""
    strangers: tuple[tuple[DoseId, MilliUnits], ...] = ()
    """[-] doses that run or ran on the pump and are not open here, and what it counted [mU]."""
    gaps: int = 0
    """[-] times that the pump was off."""
    waiting: tuple[WaitingOrder, ...] = ()
    """[-] orders heard that nobody has signed yet, oldest first."""
    known: Known = Known()
    """[-] how far the record was known by which the limits are computed."""
    trusted: tuple[str, ...] = ()
    """[-] keys whose orders the pump takes, by its own word."""
    challenged: PumpChallenged | None = None
    """[-] the pump's session as last told."""
    pump_ahead: Milliseconds = Milliseconds(0)
    """[ms] by which the pump's clock is ahead of this service's."""
    plan_ahead: Milliseconds = Milliseconds(0)
    """[ms] the same, when the plan was sent."""
    order_numbers: tuple[tuple[str, int], ...] = ()
    """[-] of each key the number of the newest order executed, by the pump's word."""
    numbers_started: tuple[tuple[str, int], ...] = ()
    """[-] of each key the number of the newest order started, by this service's own record."""
    counted_until: UtcMillis = UtcMillis(0)
    """[ms] latest end of a delivery accounted."""
    recount_until: UtcMillis = UtcMillis(0)
    """[ms] the pump's records up to here are accounted, whatever numbers they bear."""
    fault: str | None = None
    """[-] why the pump's motor is off; none while it may turn."""
    faulted_at: tuple[UtcMillis, ...] = ()
    """[ms] of the last faults, oldest first."""
    dry_at: UtcMillis | None = None
    """[ms] since when the reservoir holds no whole pulse; none while it does."""
    stopped_at: UtcMillis | None = None
    """[ms] since when no basal can flow, by suspension or fault."""
    primed_total: MilliUnits = MilliUnits(0)
    """[mU] of primes, in no body."""
    primed_since_fill: MilliUnits = MilliUnits(0)
    """[mU] of the reservoir that is in the pump."""
    primes: tuple[PrimeAsked, ...] = ()
    """[-] of the last hour, those that may have entered a body, oldest first."""
    disconnected: bool = False
    """[-] the pump is off the body, by a person's word, until it is resumed."""
    is_doubted: bool = False
    """[-] pump and record contradict each other, and no person has looked at it yet."""
    insulin: InsulinAction | None = None
    """[-] how long insulin acts, by the advisor's settings; none while nobody has set it."""
    not_believed: int = 0
    """[-] forged orders refused since somebody saw the last alarm of them."""
    time_unproven: Milliseconds = Milliseconds(0)
    """[ms] that the clock says have passed and nobody has confirmed."""
    time_known_until: UtcMillis = UtcMillis(0)
    """[ms] the instant after the newest step of the clock that was looked at."""
    late_at: tuple[UtcMillis, ...] = ()
    """[ms] when the last three orders came that were only late, oldest first."""

    @property
    def ahead(self) -> BasalAhead:
        """Give the basal that flows by itself."""
        if self.plan_heard is None:
            return BasalAhead(plan=self.plan)
        made = self.plan_heard[1]
        return BasalAhead(plan=self.plan, profile=profile_of(made), midnights=made.midnights)


def initial(pump: PumpId) -> DeliveryState:
    """Know nothing yet."""
    del pump
    return DeliveryState()
