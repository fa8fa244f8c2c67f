"""What the actuator alarms about the pump, and what of it the pump's registers alone tell."""

from core.deciders.delivery.events.pending import DeliveryEvents
from core.kernel.alarm_catalogue import PUMP_ALARMS
from core.kernel.alarms import Condition, clear_alarm, raise_alarm
from schemas.delivery.device import PumpStatus
from schemas.units import MilliUnits

RESERVOIR_LOW_MU = MilliUnits(20_000)
"""[mU] below it the reservoir is low; source: Tandem, 20 U by default."""

UNREACHABLE = Condition(
    "pump_unreachable",
    "reversible",
    "prompt",
    "programmed_basal",
    "person",
    "The pump does not answer. It may go on by its plan; no bolus can be given.",
)
RESERVOIR_LOW = Condition(
    "reservoir_low",
    "reversible",
    "delayed",
    "as_before",
    "person",
    "The reservoir holds less than 20 U.",
)
RESERVOIR_EMPTY = Condition(
    "reservoir_empty",
    "reversible",
    "prompt",
    "motor_off",
    "person",
    "The reservoir is empty: no insulin flows.",
)
PLAN_RUNS_OUT = Condition(
    "plan_runs_out",
    "reversible",
    "prompt",
    "as_before",
    "operator",
    "The basal plan ends within 24 h; then the pump repeats its last 24 h.",
)
COUNTS_DIFFER = Condition(
    "counts_differ",
    "irreversible",
    "prompt",
    "as_before",
    "operator",
    "The pump's odometer is not where its newest record left it. Totals follow the history.",
)

CONTROL_LOST = Condition(
    "pump_control_lost",
    "irreversible",
    "prompt",
    "as_before",
    "operator",
    "Another controller drives the pump; this one stays silent.",
)

UNASKED = Condition(
    "bolus_unasked",
    "irreversible",
    "immediate",
    "as_before",
    "person",
    "The pump gave a bolus that nobody here ordered; it counts. Look at the pump.",
)

BROKEN_OFF = PUMP_ALARMS["bolus_broken_off"]
BALANCE_BROKEN = PUMP_ALARMS["balance_broken"]

BATTERY_LOW = PUMP_ALARMS["battery_low"]


def add_conditions(pending: DeliveryEvents, status: PumpStatus) -> None:
    """Raise what holds by the pump's registers, and clear what does not any more."""
    conditions: tuple[tuple[Condition, bool], ...] = (
        (RESERVOIR_EMPTY, "reservoir_empty" in status.alarms),
        (RESERVOIR_LOW, status.reservoir < RESERVOIR_LOW_MU),
        (PLAN_RUNS_OUT, "plan_runs_out" in status.alarms),
        (BATTERY_LOW, "battery_low" in status.alarms),
        (BALANCE_BROKEN, not _is_balanced(status)),
    )
    for condition, holds in conditions:
        alarms = pending.state.common.alarms
        if holds:
            pending.add(*raise_alarm(alarms, condition))
        else:
            pending.add(*clear_alarm(alarms, condition.alarm))


def _is_balanced(status: PumpStatus) -> bool:
    """Say whether fill = strokes since + what is left; true where the fill is not known."""
    moved = status.odometer - status.filled_at
    return not status.filled or status.filled == moved + status.reservoir
