"""The basal that is still to come, as the limits on windows must count it (R4).

Programmed basal flows whatever a limit says, so it takes its part of every window beforehand.
"""

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from core.dosing.limits.caps_shapes import Flow
from core.models.pulses import rate_at, stretches
from schemas.basal.profiles import BasalPlanMade
from schemas.delivery.device import PumpPlan
from schemas.units import HOUR_MS, MilliUnits, MilliUnitsPerHour, UtcMillis


class BasalAhead(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What flows by itself from now on, as far as a service knows."""

    plan: PumpPlan | None = None
    """[-] by which the pump delivers; none while no plan was accepted."""
    profile: PumpPlan | None = None
    """[-] what the profile alone asks for; none where it is not known beside the plan."""
    midnights: tuple[UtcMillis, ...] = ()
    """[ms] by the profile's clock, sorted; empty while no plan was made."""

    def flows(
        self, *, counted_to: UtcMillis, at: UtcMillis, ends_at: UtcMillis
    ) -> tuple[Flow, ...]:
        """Give basal that no record accounts for yet, each part rounded up.

        Args:
            counted_to: [ms] end of the newest basal accounted for; from there to now the plan is
                taken as delivered.
            at: [ms] now; from here on the larger of plan and profile counts, for a temporary rate
                below the profile may be cancelled at any time.
            ends_at: [ms] first instant that no window reaches.
        """
        past = _pairs(self.plan, None, starts_at=min(counted_to, at), ends_at=at)
        future = _pairs(self.plan, self.profile, starts_at=at, ends_at=ends_at)
        return tuple(
            _flow(start, end, max(rate, profile))
            for part in (past, future)
            for start, end, rate, profile in part
            if max(rate, profile) > 0
        )


def profile_of(made: BasalPlanMade) -> PumpPlan:
    """Give what a plan would be without its temporary rate."""
    steps = made.profile_steps or made.steps
    return PumpPlan(plan="profile", steps=steps, ends_at=made.ends_at)


def wanted_of(made: BasalPlanMade) -> PumpPlan:
    """Give a plan as it was made, before limits."""
    return PumpPlan(plan="wanted", steps=made.steps, ends_at=made.ends_at)


def rate_pairs(
    wanted: PumpPlan, profile: PumpPlan, *, starts_at: UtcMillis, ends_at: UtcMillis
) -> Iterator[tuple[UtcMillis, UtcMillis, MilliUnitsPerHour, MilliUnitsPerHour]]:
    """Cut [starts_at, ends_at) into times at which both plans stand still.

    Returns:
        Start, end, rate wanted and rate of the profile, in order, without holes.
    """
    yield from _pairs(wanted, profile, starts_at=starts_at, ends_at=ends_at)


def _pairs(
    plan: PumpPlan | None,
    profile: PumpPlan | None,
    *,
    starts_at: UtcMillis,
    ends_at: UtcMillis,
) -> Iterator[tuple[UtcMillis, UtcMillis, MilliUnitsPerHour, MilliUnitsPerHour]]:
    both = (plan, profile)
    edges = {
        part.starts_at
        for one in both
        for part in stretches(one, starts_at=starts_at, ends_at=ends_at)
    }
    for start, end in pairwise(sorted({*edges, ends_at})):
        rates = [MilliUnitsPerHour(0) if one is None else rate_at(one, at=start) for one in both]
        yield start, end, rates[0], rates[1]


def _flow(start: UtcMillis, end: UtcMillis, rate: MilliUnitsPerHour) -> Flow:
    amount = MilliUnits(-(-rate * (end - start) // HOUR_MS))
    return Flow(starts_at=start, ends_at=end, amount=amount, is_basal=True)
