"""The maximum basal rate that a pump holds by itself, whatever plan it is given (R117)."""

from typing import Final

import msgspec

from core.pump.memory import RATE_MU_PER_H_MAX, PumpMemory, PumpRefusal, PumpStep
from core.pump.step import PumpDraft
from schemas.delivery.device import PumpPlan
from schemas.units import DAY_MS, MilliUnitsPerHour, UtcMillis

REPEATED_MS: Final = DAY_MS
"""[ms] of a plan's end that the pump goes on repeating once the plan is over."""


def limit_basal(
    memory: PumpMemory, *, rate: MilliUnitsPerHour, now: UtcMillis
) -> PumpStep | PumpRefusal:
    """Hold a maximum basal rate from now on; the same once more changes nothing.

    Refused where the plan that runs goes above it: basal never stops because of a limit (R5), so
    the lower plan must come first.

    Args:
        memory: the registers at `now`.
        rate: [mU/h] 0 to 35000.
        now: [ms] the pump's clock.
    """
    if rate == memory.basal_max:
        return PumpStep(memory=memory)
    if not 0 <= rate <= RATE_MU_PER_H_MAX:
        return PumpRefusal(reason="out_of_range")
    if memory.plan is not None and highest_rate(memory.plan, now=now) > rate:
        return PumpRefusal(reason="plan_above_maximum")
    draft = PumpDraft(memory)
    draft.write(kind="basal_limited", starts_at=now, ends_at=now, detail=str(rate))
    return PumpStep(
        memory=msgspec.structs.replace(draft.memory, basal_max=rate), records=tuple(draft.records)
    )


def highest_rate(plan: PumpPlan, *, now: UtcMillis) -> MilliUnitsPerHour:
    """Give the highest rate [mU/h] that can flow by a plan from `now` [ms] on.

    What is over counts no more, but for the last 24 h of the plan: those come again at its end.
    """
    since = min(now, plan.ends_at - REPEATED_MS)
    ends = [*(step.at for step in plan.steps[1:]), plan.ends_at]
    return max(step.rate for step, end in zip(plan.steps, ends, strict=True) if end > since)
