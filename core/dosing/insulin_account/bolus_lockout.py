"""How long a bolus waits for the one before it: longer, the further away who orders it (R6)."""

from typing import Literal

from core.dosing.insulin_account.dose_account import DoseBook
from core.dosing.limits.caps_twice import locked_twice
from core.kernel.actors import origin_of
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.units import UtcMillis


def lockout_problem(
    limits: DeliveryLimitsSet | None, doses: DoseBook, *, actor: str, asked_at: UtcMillis
) -> Literal["lockout", "limits_disagree"] | None:
    """Say why a bolus must wait; None if it need not. Computed twice (R20).

    Args:
        limits: in force; none while nobody has set them.
        doses: the account.
        actor: who orders.
        asked_at: [ms] when it was ordered. What was started since does not count: a bolus of two
            parts is one, and its second part follows its first.
    """
    started_at = doses.bolus_counts_from
    if limits is None or started_at is None:
        return None
    before = UtcMillis(asked_at - 1)
    wait: int = getattr(limits.lockout, origin_of(actor))
    locked, agree = locked_twice((started_at,), at=before, wait=max(0, wait - 1))
    if not agree:
        return "limits_disagree"
    return "lockout" if locked else None
