"""What can be said of boluses before they are given: settings, carbs, advice and orders."""

from typing import Literal

import msgspec

from schemas.message import Command, Deadline, Event, Refusal, require
from schemas.units import (
    EventId,
    Grams,
    MgDl,
    MicrogramsPerDlPerUnit,
    MilligramsPerUnit,
    Milliseconds,
    MilliUnits,
    UtcMillis,
)


class InsulinAction(msgspec.Struct, frozen=True, kw_only=True):
    """The exponential model of an insulin's action (LoopKit, after Maksimovic)."""

    duration: Milliseconds
    """[ms] 2 to 10 h, without the delay."""
    peak: Milliseconds
    """[ms] time of greatest activity; more than 0, less than half the duration."""
    delay: Milliseconds
    """[ms] 0 to 30 min before anything acts."""


class SetBolusSettings(Command, frozen=True, kw_only=True, tag="set_bolus_settings.v1"):
    """Advise by these settings from now on, none has a default; obeyed by bolus_advisor."""

    carb_ratio: MilligramsPerUnit
    """[mg/U] 1000 to 150000."""
    sensitivity: MicrogramsPerDlPerUnit
    """[ug/dL/U] 5000 to 500000."""
    target_low: MgDl
    """[mg/dL] 70 to 180."""
    target_high: MgDl
    """[mg/dL] target_low to 180; correction leads to it from above."""
    insulin: InsulinAction
    """[-] how long insulin acts."""


class BolusSettingsSet(Event, frozen=True, kw_only=True, tag="bolus_settings_set.v1"):
    """The advisor's settings have changed; said by bolus_advisor."""

    carb_ratio: MilligramsPerUnit
    """[mg/U] 1000 to 150000."""
    sensitivity: MicrogramsPerDlPerUnit
    """[ug/dL/U] 5000 to 500000."""
    target_low: MgDl
    """[mg/dL] 70 to 180."""
    target_high: MgDl
    """[mg/dL] target_low to 180."""
    insulin: InsulinAction
    """[-] how long insulin acts."""
    actor: str
    """[-] who set them."""


class BolusSettingsRefused(Refusal, frozen=True, kw_only=True, tag="bolus_settings_refused.v1"):
    """The settings stay as they were; said by bolus_advisor."""

    reason: Literal["out_of_range"]
    """[-] why."""
    field: str
    """[-] the first field that is wrong."""


class RecordCarbs(Command, frozen=True, kw_only=True, tag="record_carbs.v1"):
    """Somebody eats, without asking for advice; obeyed by bolus_advisor."""

    grams: Grams
    """[g] 1 to 300."""
    eaten_at: UtcMillis
    """[ms] therapy time, 12 h before to 1 h after now."""


class CarbsRecorded(Event, frozen=True, kw_only=True, tag="carbs_recorded.v1"):
    """Carbohydrate eaten; said by bolus_advisor."""

    grams: Grams
    """[g] 1 to 300."""
    eaten_at: UtcMillis
    """[ms] therapy time."""
    actor: str
    """[-] who said so."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(1 <= self.grams <= 300, text="carbs are 1 to 300 g")


class CarbsRefused(Refusal, frozen=True, kw_only=True, tag="carbs_refused.v1"):
    """Carbohydrate that is not recorded; said by bolus_advisor."""

    reason: Literal["out_of_range", "time_out_of_range"]
    """[-] why."""
    grams: int
    """[g] as asked."""


class RequestAdvice(Command, frozen=True, kw_only=True, tag="request_advice.v1"):
    """How much insulin for this? Obeyed by bolus_advisor."""

    carbs: Grams
    """[g] 0 to 300 about to be eaten; recorded when the advice is accepted."""


AdviceReason = Literal[
    "no_glucose",
    "glucose_stale",
    "carbs_only",
    "below_target",
    "negative_correction",
    "insulin_on_board_subtracted",
    "unknown_dose_counted",
    "rounded_down",
    "clamped_to_single_limit",
    "limits_disagree",
    "clamped_to_hourly_limit",
    "clamped_to_daily_limit",
    "nothing_needed",
]

AdviceRefusal = Literal[
    "no_settings",
    "no_limits",
    "carbs_out_of_range",
    "glucose_low_mark",
    "glucose_high_mark",
    "glucose_implausible",
    "glucose_below_safe_minimum",
    "bolus_running",
    "suspended",
    "history_missing",
]


LimitName = Literal["single_limit", "hourly_limit", "daily_limit", "limits_disagree"]


class Clamp(msgspec.Struct, frozen=True, kw_only=True):
    """One step from a wanted amount to a smaller one."""

    limit: LimitName
    """[-] name of the limit."""
    before: MilliUnits
    """[mU] amount before."""
    after: MilliUnits
    """[mU] amount after."""


class BolusAdvised(Event, frozen=True, kw_only=True, tag="bolus_advised.v1"):
    """How much insulin, with every term; said by bolus_advisor; a person decides."""

    amount: MilliUnits
    """[mU] what is advised, whole pulses, 0 or more."""
    carbs: Grams
    """[g] it is for."""
    food: MilliUnits
    """[mU] carbs / ratio."""
    correction: MilliUnits
    """[mU] before insulin on board; negative below target; 0 without glucose."""
    insulin_on_board_least: MilliUnits
    """[mU] bolus insulin on board if unknown doses were not given."""
    insulin_on_board_most: MilliUnits
    """[mU] bolus insulin on board if they were; this is subtracted."""
    glucose: MgDl | None = None
    """[mg/dL] the reading used, none when there was none fresh."""
    measured_at: UtcMillis | None = None
    """[ms] its time."""
    clamps: tuple[Clamp, ...] = ()
    """[-] every cut, in order."""
    reasons: tuple[AdviceReason, ...] = ()
    """[-] everything that shaped it, in order."""
    computed_from: tuple[EventId, ...] = ()
    """[-] events used: settings, limits, reading, doses."""
    expires: Deadline
    """[ms] 5 min of therapy time and at least 20 s real."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(self.amount >= 0, text="an advice is 0 or more")


class AdviceRefused(Refusal, frozen=True, kw_only=True, tag="advice_refused.v1"):
    """No amount can be advised; said by bolus_advisor."""

    reason: AdviceRefusal
    """[-] why."""
    carbs: int
    """[g] as asked."""


class AcceptAdvice(Command, frozen=True, kw_only=True, tag="accept_advice.v1"):
    """Give what was advised; obeyed by bolus_advisor as a compare-and-swap."""

    advice: EventId
    """[-] the BolusAdvised accepted."""
    heard: dict[str, int] = {}
    """[-] what the person had seen; empty for what the advice itself had heard."""


class AdviceAccepted(Event, frozen=True, kw_only=True, tag="advice_accepted.v1"):
    """A person took the advice; said by bolus_advisor with the order."""

    advice: EventId
    """[-] the BolusAdvised."""
    actor: str
    """[-] who accepted."""
    recomputed: MilliUnits | None = None
    """[mU] the advice with glucose heard since, if it differed by 0.1 U at most."""


class AcceptanceRefused(Refusal, frozen=True, kw_only=True, tag="acceptance_refused.v1"):
    """Nothing is ordered; said by bolus_advisor; a new advice follows where one is possible."""

    advice: str
    """[-] as named."""
    reason: Literal[
        "no_such_advice",
        "already_used",
        "expired",
        "dose_since",
        "carbs_since",
        "settings_since",
        "advice_changed",
        "advice_withdrawn",
        "nothing_to_give",
        "bolus_running",
        "suspended",
    ]
    """[-] why."""


class OrderBolus(Command, frozen=True, kw_only=True, tag="order_bolus.v1"):
    """Give an amount of the person's own; obeyed by bolus_advisor through the same limits."""

    amount: MilliUnits
    """[mU] whole pulses."""


class BolusOrdered(Event, frozen=True, kw_only=True, tag="bolus_ordered.v1"):
    """The actuator is to give this once; its event id is the dose id; said by bolus_advisor."""

    amount: MilliUnits
    """[mU] whole pulses, 50 to 25000."""
    actor: str
    """[-] who decided."""
    advice: EventId | None = None
    """[-] the advice accepted; none for an amount of the person's own."""
    start_by: Deadline
    """[ms] 30 s of therapy time and at least 5 s real; not started by then, never started."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        require(0 < self.amount <= 25_000, text="an order is 50 to 25000 mU")


class OrderRefused(Refusal, frozen=True, kw_only=True, tag="order_refused.v1"):
    """An amount of the person's own is not ordered; said by bolus_advisor."""

    amount: int
    """[mU] as asked."""
    reason: Literal[
        "not_whole_pulses",
        "limits_disagree",
        "single_limit",
        "hourly_limit",
        "daily_limit",
        "no_limits",
        "bolus_running",
        "suspended",
        "history_missing",
        "out_of_range",
    ]
    """[-] why."""
    limit: MilliUnits | None = None
    """[mU] what the limit still allows, where there is one."""
