"""A second look at the motor, by other means than the machine that drives it (R20, R81, R83)."""

from core.pump_checks import RATE_MU_PER_H_MAX
from core.pump_memory import PumpMemory
from schemas.device import PULSE_MU
from schemas.units import HOUR_MS, MilliUnits, UtcMillis


def most_between(before: PumpMemory, *, now: UtcMillis) -> MilliUnits:
    """Give the most that may flow by itself from one look to the next [mU].

    That is what boluses still had to give, basal at the fastest rate there is, and one stroke.
    """
    running = sum(one.requested - one.delivered for one in before.running)
    elapsed = max(0, now - before.on_at)
    basal = -(-RATE_MU_PER_H_MAX * elapsed // HOUR_MS)
    return MilliUnits(running + basal + PULSE_MU)


def is_too_much(before: PumpMemory, after: PumpMemory, *, now: UtcMillis) -> bool:
    """Say whether the motor has moved more than anybody can have asked for."""
    return after.odometer - before.odometer > most_between(before, now=now)
