"""Messages about boluses before they are given: carbohydrate and advice."""

from typing import Literal

import msgspec

from schemas.limit_names import ClampName
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


class RecordCarbs(Command, frozen=True, kw_only=True, tag="record_carbs.v1"):
    """Somebody eats, without asking for advice; handled by bolus_advisor."""

    grams: Grams
    """[g] 1 to 300."""
    eaten_at: UtcMillis
    """[ms] therapy time, 12 h before to 1 h after now."""


class CarbsRecorded(Event, frozen=True, kw_only=True, tag="carbs_recorded.v1"):
    """Carbohydrate eaten; published by bolus_advisor."""

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
    """Carbohydrate that is not recorded; published by bolus_advisor."""

    reason: Literal["out_of_range", "time_out_of_range"]
    """[-] why."""
    grams: int
    """[g] as asked."""


class RequestAdvice(Command, frozen=True, kw_only=True, tag="request_advice.v1"):
    """How much insulin for this? Obeyed by bolus_advisor."""

    carbs: Grams
    """[g] 0 to 300 about to be eaten; recorded when the advice is accepted."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] over which a part is spread, as the pump model allows, 10 min to 24 h; 0 for none."""
    now_percent: int = 0
    """[%] of what may be spread at once, 0 to 99."""


AdviceReason = Literal[
    "no_glucose",
    "glucose_stale",
    "glucose_noisy",
    "glucose_flat",
    "carbs_only",
    "below_target",
    "negative_correction",
    "insulin_on_board_subtracted",
    "unknown_dose_counted",
    "running_dose_counted",
    "time_unproven",
    "rounded_down",
    "never_rounded_up",
    "clamped_to_single_limit",
    "limits_disagree",
    "clamped_to_hourly_limit",
    "clamped_to_four_hour_limit",
    "clamped_to_daily_limit",
    "clamped_to_calendar_day_limit",
    "clamped_to_on_board_limit",
    "clamped_to_combined_limit",
    "clamped_to_pump_maximum",
    "nothing_needed",
    "rules_unverified",
    "basal_not_counted",
    "trend_not_counted",
    "carbs_not_counted",
    "record_younger_than_insulin",
    # What the rule sets of the vendors say.
    "not_above_correct_above",
    "reverse_correction",
    "below_minimum_for_calculations",
    "below_70",
    "below_55",
    "between_70_and_target",
    "glucose_low",
    "percent_applied",
    "eat_later_offered",
    "negative_insulin_on_board_added",
    "negative_insulin_on_board_left_out",
    "terms_switched_off",
    "carbs_needed",
    "preset",
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
    "clock_doubtful",
    "no_local_time",
    "duration_out_of_range",
    "extended_running",
    "vendor_gives_no_advice",
]


ConfirmReason = Literal[
    "glucose_below_70",
    "below_safe_minimum",
    "above_soft_limit",
    "changed_fivefold",
    "much_larger_than_recent",
    "run_of_large_doses",
]
"""[-] why an amount is ordered only when somebody says so a second time."""


class AdviceFactors(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The settings that an advice was computed by, and where in the day each of them begins."""

    carb_ratio: MilligramsPerUnit
    """[mg/U] grams for one unit."""
    carb_ratio_from: int
    """[min] after local midnight, the start of its segment."""
    sensitivity: MicrogramsPerDlPerUnit
    """[ug/dL/U] fall of glucose by one unit."""
    sensitivity_from: int
    """[min] after local midnight, the start of its segment."""
    target_low: MgDl
    """[mg/dL] lower end of the target."""
    target_high: MgDl
    """[mg/dL] upper end of the target."""
    correct_above: MgDl | None
    """[mg/dL] no correction up to here; none for the upper end of the target."""
    target_from: int
    """[min] after local midnight, the start of its segment."""


class AdviceTerm(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One addend of a rule set's sum."""

    name: str
    """[-] what it is."""
    amount: MilliUnits
    """[mU] rounded down; negative where it takes away."""


class Clamp(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One step from a wanted amount to a smaller one."""

    limit: ClampName
    """[-] name of the limit."""
    before: MilliUnits
    """[mU] amount before."""
    after: MilliUnits
    """[mU] amount after."""


class BolusAdvised(Event, frozen=True, kw_only=True, tag="bolus_advised.v1"):
    """How much insulin, with every term; published by bolus_advisor; a person decides."""

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
    rules: str = "basalt"
    """[-] name of the rule set."""
    vendor: MilliUnits | None = None
    """[mU] the rule set's own value, rounded its way; the clamps lead from it to the amount."""
    meal: MilliUnits = MilliUnits(0)
    """[mU] the part of the amount that is for carbohydrate."""
    terms: tuple[AdviceTerm, ...] = ()
    """[-] every addend of the rule set's sum."""
    factors: AdviceFactors | None = None
    """[-] the settings of this time of day."""
    later: MilliUnits = MilliUnits(0)
    """[mU] the part of the amount that is spread; what a limit cut is cut from it first."""
    duration: Milliseconds = Milliseconds(0)
    """[ms] over which it is spread; 0 for none."""
    now_percent: int = 0
    """[%] of what may be spread at once, as asked."""
    amount_least: MilliUnits | None = None
    """[mU] the advice if unknown doses were not given; for the eye only; none without any."""
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
    """No amount can be advised; published by bolus_advisor."""

    reason: AdviceRefusal
    """[-] why."""
    carbs: int
    """[g] as asked."""
    takes: str = ""
    """[-] over which times the pump model spreads a bolus, in words, where it is for that."""


class AcceptAdvice(Command, frozen=True, kw_only=True, tag="accept_advice.v1"):
    """Give what was advised; handled by bolus_advisor as a compare-and-swap."""

    advice: EventId
    """[-] the BolusAdvised accepted."""
    versions_seen: dict[str, int] = msgspec.field(default_factory=dict, name="heard")
    """[-] newest version of each speaker that the person had seen, as the advisor's view says it; a
    dose, carbs or settings beyond it refuse. Empty for what the advice itself had heard."""
    amount: MilliUnits | None = None
    """[mU] another amount than was advised, through the same limits; none for what was advised."""
    confirmed: bool = False
    """[-] said a second time, after a refusal that asked for it."""


class AdviceAccepted(Event, frozen=True, kw_only=True, tag="advice_accepted.v1"):
    """A person took the advice; published by bolus_advisor with the order."""

    advice: EventId
    """[-] the BolusAdvised."""
    actor: str
    """[-] who accepted."""
    recomputed: MilliUnits | None = None
    """[mU] the advice with glucose heard since, if it differed by 0.1 U at most."""
    difference: int = 0
    """[mU] of what the person ordered to what was advised."""


class AcceptanceRefused(Refusal, frozen=True, kw_only=True, tag="acceptance_refused.v1"):
    """Nothing is ordered.

    Published by bolus_advisor; a new advice follows where one is possible.
    """

    advice: str
    """[-] as named."""
    reason: Literal[
        "no_such_advice",
        "already_used",
        "expired",
        "dose_since",
        "carbs_since",
        "settings_since",
        "reading_voided",
        "advice_changed",
        "advice_withdrawn",
        "nothing_to_give",
        "bolus_running",
        "suspended",
        "pump_not_heard",
        "confirmation_needed",
        "pump_doubted",
        "lockout",
        "limits_disagree",
    ]
    """[-] why."""
    confirm: tuple[ConfirmReason, ...] = ()
    """[-] why it must be said a second time, where that is so."""
