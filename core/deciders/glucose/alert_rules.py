"""The alerts that there are about glucose, and how each sounds: data, no thinking."""

from typing import Final, Literal

import msgspec

AlertName = Literal[
    "glucose_urgent_low",
    "glucose_low",
    "glucose_high",
    "glucose_predicted_low",
    "glucose_falling",
    "glucose_rising",
    "glucose_missing",
    "glucose_flat",
    "glucose_low_persists",
    "glucose_high_after_correction",
    "occlusion_suspected",
    "measure_due",
    "measure_after_meal",
    "measure_after_set_change",
    "set_change_due",
]
AlertPriority = Literal["high", "medium", "low"]
AlertWhat = Literal["raised", "repeated", "escalated", "snoozed", "cleared"]


class AlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """How one alert sounds."""

    priority: AlertPriority
    """[-] when raised; one higher when nobody reacts."""
    snooze_min: int
    """[min] of silence that a person can ask for."""
    repeat_min: int
    """[min] between two soundings; 0 for an alert that sounds once."""
    text: str
    """[-] for a person."""


_LOW_MIN: Final = 15
_HIGH_MIN: Final = 30

RULES: Final[dict[AlertName, AlertRule]] = {
    "glucose_urgent_low": AlertRule(
        priority="high", snooze_min=_LOW_MIN, repeat_min=5, text="Glucose is urgently low: eat now."
    ),
    "glucose_low": AlertRule(
        priority="medium", snooze_min=_LOW_MIN, repeat_min=5, text="Glucose is low."
    ),
    "glucose_high": AlertRule(
        priority="low", snooze_min=_HIGH_MIN, repeat_min=30, text="Glucose is high."
    ),
    "glucose_predicted_low": AlertRule(
        priority="medium", snooze_min=_LOW_MIN, repeat_min=10, text="Glucose will be low soon."
    ),
    "glucose_falling": AlertRule(
        priority="low", snooze_min=_LOW_MIN, repeat_min=0, text="Glucose is falling fast."
    ),
    "glucose_rising": AlertRule(
        priority="low", snooze_min=_HIGH_MIN, repeat_min=0, text="Glucose is rising fast."
    ),
    "glucose_missing": AlertRule(
        priority="medium", snooze_min=_HIGH_MIN, repeat_min=15, text="The sensor sends nothing."
    ),
    "glucose_flat": AlertRule(
        priority="medium",
        snooze_min=_HIGH_MIN,
        repeat_min=30,
        text="The sensor has not moved for 45 min, which no body does: measure with a meter.",
    ),
    "glucose_low_persists": AlertRule(
        priority="high",
        snooze_min=_LOW_MIN,
        repeat_min=15,
        text="Low for an hour: measure with a meter; the sensor may be wrong, basal flows on.",
    ),
    "glucose_high_after_correction": AlertRule(
        priority="medium",
        snooze_min=_HIGH_MIN,
        repeat_min=30,
        text="High for two hours after a correction: check the set, and ketones.",
    ),
    "occlusion_suspected": AlertRule(
        priority="medium",
        snooze_min=_HIGH_MIN,
        repeat_min=30,
        text="Glucose rises though insulin is counted and nothing was eaten: look at line and set, "
        "or enter the meal. The pump goes on.",
    ),
    "measure_due": AlertRule(
        priority="low", snooze_min=_HIGH_MIN, repeat_min=60, text="Time to measure glucose."
    ),
    "measure_after_meal": AlertRule(
        priority="low", snooze_min=_HIGH_MIN, repeat_min=0, text="Two hours after a meal: measure."
    ),
    "measure_after_set_change": AlertRule(
        priority="low",
        snooze_min=_HIGH_MIN,
        repeat_min=0,
        text="Two hours after the set change: measure, to see that insulin flows.",
    ),
    "set_change_due": AlertRule(
        priority="low", snooze_min=_HIGH_MIN, repeat_min=6 * 60, text="The infusion set is due."
    ),
}
"""[-] by name, the most urgent first."""
