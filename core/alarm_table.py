"""Every alarm about the pump: its priority by a table, and what the pump does when it sounds.

Priority is looked up, not chosen: severity of what could happen, and how soon, after the table of
IEC 60601-1-8 as the Open PCA pump's requirements print it (R65). The conditions are those that the
FDA lists (R64) as far as a simulated pump has them.
"""

from typing import Final, Literal, NamedTuple

from core.alarms import Condition
from schemas.alarms import AlarmPriority

Severity = Literal["irreversible", "reversible", "minor"]
Onset = Literal["immediate", "prompt", "delayed"]
PumpAction = Literal["motor_off", "programmed_basal", "as_before"]

PRIORITY: Final[dict[tuple[Severity, Onset], AlarmPriority]] = {
    ("irreversible", "immediate"): "high",
    ("irreversible", "prompt"): "high",
    ("irreversible", "delayed"): "medium",
    ("reversible", "immediate"): "high",
    ("reversible", "prompt"): "medium",
    ("reversible", "delayed"): "low",
    ("minor", "immediate"): "medium",
    ("minor", "prompt"): "low",
    ("minor", "delayed"): "low",
}
"""[-] by severity and onset; source: R65."""


class PumpAlarm(NamedTuple):
    """One condition, why it has its priority, and what the pump does meanwhile."""

    condition: Condition
    severity: Severity
    onset: Onset
    action: PumpAction


def _alarm(
    name: str, severity: Severity, onset: Onset, action: PumpAction, text: str
) -> tuple[str, PumpAlarm]:
    condition = Condition(name, PRIORITY[severity, onset], "person", text)
    return name, PumpAlarm(condition, severity, onset, action)


PUMP_ALARMS: Final[dict[str, PumpAlarm]] = dict(
    (
        _alarm(
            "occlusion",
            "reversible",
            "prompt",
            "motor_off",
            "The line to the body is blocked: the motor is off. Change the set, then clear it.",
        ),
        _alarm(
            "motor_stuck",
            "reversible",
            "prompt",
            "motor_off",
            "The motor does not turn: no insulin flows.",
        ),
        _alarm(
            "motor_unasked",
            "irreversible",
            "immediate",
            "motor_off",
            "The motor turned without a command: it is off. Measure glucose.",
        ),
        _alarm(
            "over_infusion",
            "irreversible",
            "immediate",
            "motor_off",
            "More insulin moved than anybody asked for: the motor is off. Measure glucose.",
        ),
        _alarm(
            "memory_broken",
            "irreversible",
            "prompt",
            "motor_off",
            "The pump's memory is not what it wrote: the motor is off.",
        ),
        _alarm(
            "self_test_failed",
            "irreversible",
            "prompt",
            "motor_off",
            "The pump failed its self-test: the motor is off.",
        ),
        _alarm(
            "air_in_line",
            "reversible",
            "prompt",
            "motor_off",
            "There is air in the line: the motor is off. Prime, then clear it.",
        ),
        _alarm(
            "battery_low",
            "reversible",
            "delayed",
            "as_before",
            "The pump's battery is low; it goes on for some hours.",
        ),
        _alarm(
            "repeated_fault",
            "irreversible",
            "prompt",
            "motor_off",
            "The same thing stopped the pump three times in 10 min: it stays off for now.",
        ),
        _alarm(
            "bolus_broken_off",
            "reversible",
            "prompt",
            "as_before",
            "A bolus was broken off; the rest of it is not given later. Ask for advice anew.",
        ),
        _alarm(
            "suspended_long",
            "reversible",
            "prompt",
            "as_before",
            "The pump has stood for 15 min or more: no insulin flows until it is resumed.",
        ),
        _alarm(
            "balance_broken",
            "irreversible",
            "prompt",
            "as_before",
            "Fill, strokes and reservoir do not add up: insulin is lost or appeared. Measure.",
        ),
    )
)
"""[-] by name; a fault of the pump bears the name that the pump gives it."""


def condition_of(fault: str) -> Condition:
    """Give the alarm of a fault that the pump names; one that is not known is the worst."""
    known = PUMP_ALARMS.get(fault)
    if known is not None:
        return known.condition
    return Condition(
        "pump_fault", PRIORITY["irreversible", "immediate"], "person", f"The pump says: {fault}."
    )
