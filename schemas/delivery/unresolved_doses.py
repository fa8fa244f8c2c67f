"""Messages about orders that failed authentication, and unknown doses with their settlement."""

from typing import Literal

from schemas.message import Command, Event, Refusal, require
from schemas.units import DoseId, MilliUnits, UtcMillis

OrderProblem = Literal[
    "no_such_order",
    "unknown_key",
    "bad_signature",
    "wrong_pump",
    "stale_challenge",
    "out_of_order",
    "order_expired",
]
"""[-] why an order failed authentication; the pump uses the same reasons."""


class OrderAuthenticationFailed(Refusal, frozen=True, kw_only=True, tag="order_not_believed.v1"):
    """Somebody wanted insulin given and could not prove that they may; published by actuator."""

    dose: DoseId
    """[-] the order named."""
    key: str
    """[-] as it came, at most 64 characters."""
    reason: OrderProblem
    """[-] what does not hold."""
    count: int
    """[-] forgeries since somebody saw the last alarm of them; the third alarms. An order that is
    only late adds nothing."""


class OrderRefusedByPump(Event, frozen=True, kw_only=True, tag="order_refused_by_pump.v1"):
    """A bolus order, or anything else on the pump's line, failed the pump's authentication.

    Published by actuator.
    """

    dose: str
    """[-] the order named, at most 200 characters, whatever it was; of another frame what it asked
    ('claim', 'load_plan', ...), empty where that cannot be read."""
    reason: str
    """[-] as the pump names it: one of OrderProblem, 'already_executed', 'replayed', or of a frame
    'unproven', 'wrong_proof', 'repeated_frame'."""
    at: UtcMillis
    """[ms] by the pump's history."""
    history_sequence: int
    """[-] number of the pump's record."""
    count: int
    """[-] as in OrderAuthenticationFailed; the forgeries of both are counted together."""


class BolusUnknown(Event, frozen=True, kw_only=True, tag="bolus_unknown.v1"):
    """What became of a dose is not known: it counts as given in every limit.

    Published by actuator.
    """

    dose: DoseId
    """[-] the order."""
    least: MilliUnits
    """[mU] counted so far."""
    most: MilliUnits
    """[mU] all of it."""
    reason: str
    """[-] why it is not known."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(0 <= self.least <= self.most, text="the least is at most the most")


class BolusReconciled(Event, frozen=True, kw_only=True, tag="bolus_reconciled.v1"):
    """The pump's own count settled an unknown dose; published by actuator."""

    dose: DoseId
    """[-] the order."""
    outcome: Literal["running", "matched", "partial", "failed", "blocked", "expired", "spontaneous"]
    """[-] still being given; given in full, in part, not at all; stopped by an occlusion; never
    come before its end; given though this service never ordered it."""
    delivered: MilliUnits
    """[mU] as the pump counted until now."""


class SettleDose(Command, frozen=True, kw_only=True, tag="settle_dose.v1"):
    """A person has looked at the pump and says what an unknown dose came to.

    Handled by actuator.
    """

    dose: DoseId
    """[-] the order."""
    delivered: MilliUnits
    """[mU] whole pulses, from what was counted to what was ordered."""
    because: str = ""
    """[-] what the person saw, in words."""


class DoseSettled(Event, frozen=True, kw_only=True, tag="dose_settled.v1"):
    """A person answers for what an unknown dose came to, until the pump itself tells.

    Published by actuator, consumed by bolus_advisor.
    """

    dose: DoseId
    """[-] the order."""
    delivered: MilliUnits
    """[mU] by the person's word."""
    counted: MilliUnits
    """[mU] counted by the pump until then."""
    actor: str
    """[-] who says so."""
    because: str = ""
    """[-] what the person saw, in words."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(0 <= self.counted <= self.delivered, text="at least what was counted was given")


class SettlementRefused(Refusal, frozen=True, kw_only=True, tag="settlement_refused.v1"):
    """The dose stays as it is; published by actuator."""

    dose: DoseId
    """[-] as named."""
    reason: Literal["not_unknown", "out_of_range", "not_whole_pulses"]
    """[-] why."""


DoubtReason = Literal["count_went_back", "record_behind", "history_hole"]
"""[-] the pump's memory lies before what was accounted; the record lies before the pump; a number
is missing in the pump's history."""


class PumpDoubted(Event, frozen=True, kw_only=True, tag="pump_doubted.v1"):
    """Pump and record contradict each other: no bolus until a person has looked.

    Published by actuator.

    Basal goes on by the plan, and what the pump delivers from here on is accounted.
    """

    reason: DoubtReason
    """[-] which of the two lies behind."""
    pump_odometer: MilliUnits
    """[mU] by the pump."""
    accounted: MilliUnits
    """[mU] of the odometer, by the record."""
    missing: MilliUnits
    """[mU] between the two, 0 or more."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.missing >= 0, text="what is missing is 0 or more")


class AcceptPumpCount(Command, frozen=True, kw_only=True, tag="accept_pump_count.v1"):
    """A person has looked at the pump: go on from its count; handled by actuator."""

    because: str = ""
    """[-] what the person saw, in words."""


class PumpCountAccepted(Event, frozen=True, kw_only=True, tag="pump_count_accepted.v1"):
    """Boluses are possible again, in a person's name.

    Published by actuator, consumed by bolus_advisor.
    """

    pump_odometer: MilliUnits
    """[mU] from which it goes on."""
    actor: str
    """[-] who looked."""
    because: str = ""
    """[-] what the person saw, in words."""


class PumpCountRefused(Refusal, frozen=True, kw_only=True, tag="pump_count_refused.v1"):
    """There was nothing to accept; published by actuator."""

    reason: Literal["not_doubted", "pump_unreachable"]
    """[-] why."""
