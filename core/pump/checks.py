"""What a pump refuses before it does anything: orders and plans that its motor cannot follow."""

from core.pump.memory import RATE_MU_PER_H_MAX, BolusInMotion, PumpMemory, PumpRefusal
from schemas.delivery.device import PULSE_MU, PumpPlan
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits

EXTENDED_MS_MIN = Milliseconds(10 * MINUTE_MS)
"""[ms] the shortest extended bolus of any model that is played; source: Diaconn G8."""

EXTENDED_MS_MAX = Milliseconds(24 * HOUR_MS)
"""[ms] the longest extended bolus of any model that is played; source: Accu-Chek Insight."""

BOLUS_MU_MAX = MilliUnits(25_000)
"""[mU] the largest bolus that the motor accepts."""

PLAN_STEPS_MAX = 400
"""[-] steps of a plan; source: schemas.delivery.device."""

PLAN_SPAN_MS_MIN = HOUR_MS
"""[ms] a shorter plan is refused; repeated, it would change rate more often than a motor can."""

INSTANT_MS_MAX = 2**53
"""[ms] later instants are refused as broken."""

ID_CHARACTERS_MAX = 200
"""[-] length of a dose or plan id."""


def bolus_fault(memory: PumpMemory, bolus: BolusInMotion, *, executed: bool) -> PumpRefusal | None:
    """Find the first reason against a bolus."""
    dose, amount = bolus.dose, bolus.requested
    if not is_id(dose):
        return PumpRefusal(reason="broken_id")
    if executed:
        return PumpRefusal(reason="already_executed")
    if dose in memory.barred:
        return PumpRefusal(reason="barred")
    if not PULSE_MU <= amount <= BOLUS_MU_MAX:
        return PumpRefusal(reason="out_of_range")
    if bolus.duration and not EXTENDED_MS_MIN <= bolus.duration <= EXTENDED_MS_MAX:
        return PumpRefusal(reason="out_of_range")
    if amount % PULSE_MU != 0:
        return PumpRefusal(reason="not_whole_pulses")
    if memory.fault is not None:
        return PumpRefusal(reason="fault")
    if memory.suspended:
        return PumpRefusal(reason="suspended")
    if (memory.extended if bolus.duration else memory.bolus) is not None:
        return PumpRefusal(reason="extended_running" if bolus.duration else "bolus_running")
    if memory.reservoir is None:
        return PumpRefusal(reason="no_reservoir")
    promised = sum(one.requested - one.delivered for one in memory.running)
    if memory.reservoir < amount + promised:
        return PumpRefusal(reason="reservoir_low")
    return None


def is_id(text: str) -> bool:
    """Check that a dose or plan id has 1 to 200 characters."""
    return 1 <= len(text) <= ID_CHARACTERS_MAX


def is_plan(plan: PumpPlan) -> bool:
    """Check that the plan's steps and rates are ones that the motor can follow."""
    instants = [step.at for step in plan.steps] + [plan.ends_at]
    return (
        1 <= len(plan.steps) <= PLAN_STEPS_MAX
        and instants[0] >= 0
        and instants[-1] <= INSTANT_MS_MAX
        and instants[-1] - instants[0] >= PLAN_SPAN_MS_MIN
        and all(a < b for a, b in zip(instants, instants[1:], strict=False))
        and all(0 <= step.rate <= RATE_MU_PER_H_MAX for step in plan.steps)
    )
