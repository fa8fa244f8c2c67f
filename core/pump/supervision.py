"""A second look at the motor, by other means than the machine that drives it (R20, R81, R83)."""

from core.models.pulses import PULSE_PARTS
from core.pump.memory import BOLUS_PULSE_MS, BolusInMotion, PumpMemory
from schemas.delivery.device import PULSE_MU, PumpOrder
from schemas.units import MilliUnits, UtcMillis


def most_between(before: PumpMemory, *, now: UtcMillis) -> MilliUnits:
    """Give the most that may flow by itself from one look to the next [mU].

    That is basal at the fastest rate of the plan with what was owed, and of each bolus what its
    pace allows and it still had to give; nothing at all while the pump stands, a suspension that
    ends by itself up to its end. No instant of a
    stroke is computed: only how many there can be.
    """
    since = before.resume_at if before.suspended else before.on_at
    if since is None or before.fault is not None:
        return MilliUnits(0)
    elapsed = max(0, now - since)
    rates = [step.rate for step in before.plan.steps] if before.plan else []
    strokes = (before.owed + max(rates) * elapsed) // PULSE_PARTS if rates else 0
    boluses = sum(_most_of(one, elapsed=elapsed) for one in before.running)
    return MilliUnits(strokes * PULSE_MU + boluses)


def is_too_much(before: PumpMemory, after: PumpMemory, *, now: UtcMillis) -> bool:
    """Say whether the motor has moved more than anybody can have asked for."""
    return after.odometer - before.odometer > most_between(before, now=now)


def most_at_once(order: PumpOrder) -> MilliUnits:
    """Give the most that may flow in the instant in which a bolus is asked for [mU].

    A normal bolus begins with one stroke, a spread one with none.
    """
    return MilliUnits(0) if order.duration else PULSE_MU


def is_more_than(most: MilliUnits, before: PumpMemory, after: PumpMemory) -> bool:
    """Say whether an order has moved more than it may in its instant."""
    return after.odometer - before.odometer > most


def _most_of(bolus: BolusInMotion, *, elapsed: int) -> int:
    """Give the most of a bolus in a time [mU]: a stroke at the beginning, and one each pace."""
    if bolus.duration:
        paces = elapsed * bolus.requested // (bolus.duration * PULSE_MU)
    else:
        paces = elapsed // BOLUS_PULSE_MS
    return min(bolus.requested - bolus.delivered, (paces + 1) * PULSE_MU)
