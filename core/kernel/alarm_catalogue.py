"""Every alarm about the pump's mechanism: how bad, how soon, and what the pump does meanwhile.

The conditions are those that the FDA lists (R64) as far as a simulated pump has them; the priority
of each is looked up (`core/kernel/alarms.py:PRIORITY`).
"""

from typing import Final

from core.kernel.alarms import Condition, Onset, PumpAction, Severity

PROCESS_DOWN: Final = "process_down_"
"""[-] begins the name of the alarm about a process that stands still."""


def _alarm(
    name: str, severity: Severity, onset: Onset, action: PumpAction, text: str
) -> tuple[str, Condition]:
    return name, Condition(name, severity, onset, action, "person", text)


PUMP_ALARMS: Final[dict[str, Condition]] = dict(
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
            "overheated",
            "reversible",
            "prompt",
            "motor_off",
            "The pump is too hot: the motor is off. Take it out of the heat, then clear it.",
        ),
        _alarm(
            "reservoir_missing",
            "reversible",
            "prompt",
            "motor_off",
            "No reservoir is in the pump: the motor is off. Put one in, then clear it.",
        ),
        _alarm(
            "battery_depleted",
            "reversible",
            "prompt",
            "motor_off",
            "The pump's battery is empty: the motor is off. Replace it, then clear it.",
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
            "primed_much",
            "irreversible",
            "prompt",
            "as_before",
            "More than 40 U of this reservoir were primed: is the set off the body, does it leak?",
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
        return known
    text = f"The pump says: {fault}."
    return Condition("pump_fault", "irreversible", "immediate", "as_before", "person", text)


def process_down(process: str, *, why: str) -> Condition:
    """Give the alarm of a process that stands still; only without the pump does no insulin flow."""
    name = f"{PROCESS_DOWN}{process}"
    if process == "virtual_pump":
        text = "The pump's process does not run: no insulin flows."
        return Condition(name, "reversible", "immediate", "motor_off", "person", text)
    text = f"The process {process} does not go on; basal flows as programmed. {why}".strip()
    return Condition(name, "reversible", "prompt", "programmed_basal", "operator", text)
