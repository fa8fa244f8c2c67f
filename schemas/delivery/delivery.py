"""Messages about insulin as it is given: limits, boluses, basal, suspension, the pump."""

from typing import Literal

import msgspec

from schemas.delivery.device import SignedOrder
from schemas.limit_names import LimitName
from schemas.message import Command, Deadline, Event, Refusal, require
from schemas.setting_checks import Misfit
from schemas.units import (
    MINUTE_MS,
    DoseId,
    EventId,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)


class Lockout(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How long a bolus must wait for the start of the one before it, by who orders it."""

    person: Milliseconds = Milliseconds(0)
    """[ms] 0 to 4 h, for a person at the pump and for every service."""
    controller: Milliseconds = Milliseconds(3 * MINUTE_MS)
    """[ms] 0 to 4 h, for an automated controller; source: oref0, 3 min."""
    remote: Milliseconds = Milliseconds(15 * MINUTE_MS)
    """[ms] 0 to 4 h, for a request from elsewhere; source: AndroidAPS, 15 min."""


class SetDeliveryLimits(Command, frozen=True, kw_only=True, tag="set_delivery_limits.v1"):
    """Hard limits of this person's pump, none has a default; handled by actuator."""

    single: MilliUnits
    """[mU] largest bolus, 50 to 25000."""
    hourly: MilliUnits
    """[mU] boluses in any 60 min."""
    daily: MilliUnits
    """[mU] all insulin in any 24 h."""
    basal: MilliUnitsPerHour
    """[mU/h] largest basal rate, 50 to 30000."""
    four_hours: MilliUnits | None = None
    """[mU] all insulin in any 4 h, hourly to daily; none for no such limit."""
    pump_model: str = "basalt_virtual"
    """[-] the pump whose steps and maxima hold too, as `core/models/pump_models.py` names it."""
    because: str = ""
    """[-] the person's reason, in words."""
    soft: MilliUnits | None = None
    """[mU] a bolus above it is ordered only when it is confirmed; none for no such limit."""
    calendar_day: MilliUnits | None = None
    """[mU] all insulin from midnight to midnight by the profile's clock; none for no such limit."""
    on_board: MilliUnits | None = None
    """[mU] bolus insulin on board with the dose, unknown doses in full; none for no such limit."""
    lockout: Lockout = Lockout()
    """[-] from one bolus to the next."""


class DeliveryLimitsSet(Event, frozen=True, kw_only=True, tag="delivery_limits_set.v1"):
    """The hard limits have changed; published by actuator, consumed by bolus_advisor."""

    single: MilliUnits
    """[mU] largest bolus."""
    hourly: MilliUnits
    """[mU] boluses in any 60 min."""
    daily: MilliUnits
    """[mU] all insulin in any 24 h."""
    basal: MilliUnitsPerHour
    """[mU/h] largest basal rate."""
    actor: str
    """[-] who set them."""
    four_hours: MilliUnits | None = None
    """[mU] all insulin in any 4 h; none for no such limit."""
    pump_model: str = "basalt_virtual"
    """[-] the pump whose steps and maxima hold as well."""
    because: str = ""
    """[-] the person's reason, in words."""
    soft: MilliUnits | None = None
    """[mU] a bolus above it is ordered only when it is confirmed; none for no such limit."""
    calendar_day: MilliUnits | None = None
    """[mU] all insulin from midnight to midnight by the profile's clock; none for no such limit."""
    on_board: MilliUnits | None = None
    """[mU] bolus insulin on board with the dose, unknown doses in full; none for no such limit."""
    lockout: Lockout = Lockout()
    """[-] from one bolus to the next."""


class DeliveryLimitsRefused(Refusal, frozen=True, kw_only=True, tag="delivery_limits_refused.v1"):
    """The limits stay as they were; published by actuator."""

    reason: Literal["out_of_range", "pump_cannot_give_profile", "profile_above_limit"]
    """[-] why."""
    field: str
    """[-] the first field that is wrong."""
    misfit: Misfit | None = None
    """[-] the profile and its segment that runs and would not fit, where that is why."""


BolusRefusal = Literal[
    "expired",
    "no_limits",
    LimitName,
    "lockout",
    "reservoir",
    "bolus_running",
    "extended_running",
    "suspended",
    "not_whole_pulses",
    "pump_unreachable",
    "superseded",
    "history_missing",
    "pump_refused",
    "already_executed",
    "not_authentic",
    "withdrawn",
    "pump_doubted",
    "pump_fault",
    "cancelled",
]


class BolusRefused(Refusal, frozen=True, kw_only=True, tag="bolus_refused.v1"):
    """The order is not given, not a pulse of it; published by actuator."""

    dose: DoseId
    """[-] the order."""
    amount: MilliUnits
    """[mU] as ordered."""
    reason: BolusRefusal
    """[-] why."""
    detail: str = ""
    """[-] in words, where the pump said some."""
    profile: str = ""
    """[-] the basal profile in force, where basal alone leaves no room in the limit."""


class BolusStartRequested(Event, frozen=True, kw_only=True, tag="bolus_start_requested.v1"):
    """The intent to start a bolus, stored before the pump is asked; no proof that it started.

    Published by actuator, consumed by bolus_advisor; from here on the dose counts in every limit.
    """

    dose: DoseId
    """[-] the order."""
    amount: MilliUnits
    """[mU] to be given."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] over which it is spread evenly, an extended bolus; 0 for one at the pump's speed."""
    odometer: MilliUnits
    """[mU] the pump's odometer as last read before it."""
    epoch: int
    """[-] the controller epoch under which it is sent; a later one ends all doubt."""
    start_by: Deadline
    """[ms] of the order."""
    signed: SignedOrder | None = None
    """[-] what the pump itself checks; none in records older than signed orders."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(0 < self.amount <= 25_000, text="a bolus is 50 to 25000 mU")


class BolusProgressed(Event, frozen=True, kw_only=True, tag="bolus_progressed.v1"):
    """Pulses of a bolus were counted by the pump; published by actuator."""

    dose: DoseId
    """[-] the order."""
    starts_at: UtcMillis
    """[ms] first pulse of this part."""
    ends_at: UtcMillis
    """[ms] last pulse of this part."""
    amount: MilliUnits
    """[mU] this part."""
    delivered: MilliUnits
    """[mU] in all so far."""
    odometer: MilliUnits
    """[mU] after it."""
    history_sequence: int
    """[-] number of the pump's record."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(
            0 <= self.amount <= self.delivered, text="a part is 0 or more and at most the whole"
        )


class BolusDelivered(Event, frozen=True, kw_only=True, tag="bolus_delivered.v1"):
    """The whole amount was given; published by actuator."""

    dose: DoseId
    """[-] the order."""
    requested: MilliUnits
    """[mU] as ordered."""
    delivered: MilliUnits
    """[mU] as counted."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.delivered >= 0, text="insulin delivered is 0 or more")


class BolusStopped(Event, frozen=True, kw_only=True, tag="bolus_stopped.v1"):
    """A part was given, and no more will be; published by actuator."""

    dose: DoseId
    """[-] the order."""
    requested: MilliUnits
    """[mU] as ordered."""
    delivered: MilliUnits
    """[mU] as counted."""
    reason: Literal[
        "cancelled",
        "suspended",
        "reservoir_empty",
        "power_lost",
        "stopped_by_pump",
        "occlusion",
        "pump_fault",
    ]
    """[-] why."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(0 <= self.delivered <= self.requested, text="a part is at most what was ordered")


class BasalDelivered(Event, frozen=True, kw_only=True, tag="basal_delivered.v1"):
    """Basal pulses were counted by the pump; published by actuator."""

    starts_at: UtcMillis
    """[ms] start of the stretch that they account for."""
    ends_at: UtcMillis
    """[ms] last pulse."""
    amount: MilliUnits
    """[mU] whole pulses."""
    odometer: MilliUnits
    """[mU] after them."""
    history_sequence: int
    """[-] number of the pump's record."""
    plan: EventId | None = None
    """[-] the BasalPlanMade that produced it; it names the profiles."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.amount >= 0, text="insulin delivered is 0 or more")


class DeliveryGap(Event, frozen=True, kw_only=True, tag="delivery_gap.v1"):
    """The pump was off: no insulin flowed, and nothing is made up; published by actuator."""

    starts_at: UtcMillis
    """[ms] last instant the pump knows it was on."""
    ends_at: UtcMillis
    """[ms] on again."""


class CancelBolus(Command, frozen=True, kw_only=True, tag="cancel_bolus.v1"):
    """Stop the bolus that runs; handled by actuator."""

    dose: DoseId | None = None
    """[-] this one only; none for whichever runs."""


class BolusCancelled(Event, frozen=True, kw_only=True, tag="bolus_cancelled.v1"):
    """A person wants the bolus stopped; what was given by then follows; published by actuator."""

    dose: DoseId
    """[-] the order."""
    actor: str
    """[-] who cancelled."""
