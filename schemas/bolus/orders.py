"""Messages about bolus orders, given once by the actuator, and of insulin by pen."""

from typing import Literal

from schemas.bolus.advice import ConfirmReason
from schemas.limit_names import LimitName
from schemas.message import Command, Deadline, Event, Refusal, Report, require
from schemas.units import DoseId, EventId, Milliseconds, MilliUnits, UtcMillis


class OrderBolus(Command, frozen=True, kw_only=True, tag="order_bolus.v1"):
    """Give an amount of the person's own; handled by bolus_advisor through the same limits."""

    amount: MilliUnits
    """[mU] whole pulses, in all."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] over which it is spread, as the pump model allows, 10 min to 24 h; 0 for none of it."""
    now_percent: int = 0
    """[%] of it at once, 0 to 99, where the rest is spread."""
    confirmed: bool = False
    """[-] said a second time, after a refusal that asked for it."""


class SetBolusPreset(Command, frozen=True, kw_only=True, tag="set_bolus_preset.v1"):
    """Keep an amount by a name, for a quick bolus; handled by bolus_advisor."""

    name: str
    """[-] 1 to 64 characters; a preset of that name is replaced."""
    amount: MilliUnits
    """[mU] whole pulses, 50 to 25000; 0 to forget it."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] over which it is spread; 0 for none of it."""
    because: str = ""
    """[-] the person's reason, in words."""


class BolusPresetSet(Event, frozen=True, kw_only=True, tag="bolus_preset_set.v1"):
    """A preset was kept, or forgotten; published by bolus_advisor."""

    name: str
    """[-] 1 to 64 characters."""
    amount: MilliUnits
    """[mU] whole pulses; 0 where it was forgotten."""
    duration: Milliseconds
    """[ms] over which it is spread; 0 for none of it."""
    actor: str
    """[-] who set it."""
    because: str = ""
    """[-] the person's reason, in words."""


class BolusPresetRefused(Refusal, frozen=True, kw_only=True, tag="bolus_preset_refused.v1"):
    """The presets stay as they were; published by bolus_advisor."""

    name: str
    """[-] as asked, at most 64 characters."""
    reason: Literal["out_of_range", "not_whole_pulses", "too_many_presets", "no_such_preset"]
    """[-] why."""


class OrderPreset(Command, frozen=True, kw_only=True, tag="order_preset.v1"):
    """Give a preset, through the same limits; handled by bolus_advisor."""

    name: str
    """[-] of the preset."""
    confirmed: bool = False
    """[-] said a second time, after a refusal that asked for it."""


class BolusOrdered(Event, frozen=True, kw_only=True, tag="bolus_ordered.v1"):
    """The actuator is to give this once; its event id is the dose id.

    Published by bolus_advisor.
    """

    amount: MilliUnits
    """[mU] whole pulses, 50 to 25000."""
    actor: str
    """[-] who decided."""
    advice: EventId | None = None
    """[-] the advice accepted; none for an amount of the person's own."""
    meal: MilliUnits = MilliUnits(0)
    """[mU] the part of it that is for carbohydrate; 0 where nobody said so."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] over which it is spread evenly, an extended bolus; 0 for one at the pump's speed."""
    preset: str = ""
    """[-] name of the preset that it is; empty for none."""
    confirmed: tuple[ConfirmReason, ...] = ()
    """[-] what the person was told and confirmed all the same."""
    start_by: Deadline
    """[ms] 30 s of therapy time and at least 5 s real; not started by then, never started."""
    challenge: str = ""
    """[-] the pump's own, as last heard; an order for another session is not started."""
    not_after: Milliseconds = Milliseconds(0)
    """[ms] of the pump's own time since it drew the challenge."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(0 < self.amount <= 25_000, text="an order is 50 to 25000 mU")


class OrderSigned(Report, frozen=True, kw_only=True, tag="order_signed.v1"):
    """What came of signing an order; consumed by bolus_advisor, whose process has the key."""

    dose: DoseId
    """[-] the order."""
    key: str = ""
    """[-] public Ed25519 key, 64 hex digits; empty where there is none to sign with."""
    signature: str = ""
    """[-] 128 hex digits."""


class BolusOrderSigned(Event, frozen=True, kw_only=True, tag="bolus_order_signed.v1"):
    """Somebody with a key answers for the order; only now it may start.

    Published by bolus_advisor.
    """

    dose: DoseId
    """[-] the order."""
    key: str
    """[-] public Ed25519 key, 64 hex digits."""
    signature: str
    """[-] over the order with pump, number and expiry, 128 hex digits."""


class BolusOrderWithdrawn(Event, frozen=True, kw_only=True, tag="bolus_order_withdrawn.v1"):
    """An order that nobody signed will never be given; published by bolus_advisor."""

    dose: DoseId
    """[-] the order."""
    reason: Literal["no_key", "advisor_restarted"]
    """[-] why."""


class OrderRefused(Refusal, frozen=True, kw_only=True, tag="order_refused.v1"):
    """An amount of the person's own is not ordered; published by bolus_advisor."""

    amount: int
    """[mU] as asked."""
    reason: Literal[
        "not_whole_pulses",
        LimitName,
        "lockout",
        "no_limits",
        "bolus_running",
        "suspended",
        "history_missing",
        "out_of_range",
        "pump_step",
        "extended_running",
        "duration_out_of_range",
        "no_such_preset",
        "pump_maximum",
        "pump_not_heard",
        "confirmation_needed",
        "pump_doubted",
    ]
    """[-] why."""
    limit: MilliUnits | None = None
    """[mU] what the limit still allows, where there is one."""
    confirm: tuple[ConfirmReason, ...] = ()
    """[-] why it must be said a second time, where that is so."""
    takes: str = ""
    """[-] over which times the pump model spreads a bolus, in words, where it is for that."""
    profile: str = ""
    """[-] the basal profile in force, where basal alone leaves no room in the limit."""


class RecordInjection(Command, frozen=True, kw_only=True, tag="record_injection.v1"):
    """Insulin was given by pen or syringe; handled by bolus_advisor."""

    amount: MilliUnits
    """[mU] 1 to 100000."""
    given_at: UtcMillis
    """[ms] therapy time, 24 h before now to now."""


class InjectionRecorded(Event, frozen=True, kw_only=True, tag="injection_recorded.v1"):
    """Insulin that no pump gave; it counts in limits and on board; published by bolus_advisor."""

    amount: MilliUnits
    """[mU] 1 to 100000."""
    given_at: UtcMillis
    """[ms] therapy time."""
    actor: str
    """[-] who said so."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(0 < self.amount <= 100_000, text="an injection is 1 to 100000 mU")


class InjectionRefused(Refusal, frozen=True, kw_only=True, tag="injection_refused.v1"):
    """An injection that is not recorded; published by bolus_advisor."""

    reason: Literal["out_of_range", "time_out_of_range"]
    """[-] why."""
    amount: int
    """[mU] as asked."""
