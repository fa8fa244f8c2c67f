"""The effect handler that looks time zones up."""

from core.kernel.decider import Effect
from core.kernel.effects import ResolveZone
from core.models.schedules import PLAN_MS
from schemas.basal.profiles import ZoneResolved
from schemas.message import Report
from schemas.units import DAY_MS, PumpId, UtcMillis
from services.runtime.platform.errors import ZoneError
from services.runtime.platform.zones import SPAN_DAYS_MAX, transitions, tzdata_version

MARGIN_MS = PLAN_MS
"""[ms] before the instant asked for, so that a plan may begin a little earlier."""


class ZoneLookupHandler:
    """Performs ResolveZone."""

    async def handle(self, pump: PumpId, effect: Effect) -> Report | None:
        """Look a zone up; an unknown one has no transitions."""
        del pump
        if not isinstance(effect, ResolveZone):
            raise TypeError(f"no effect handler for {type(effect).__name__}")
        return resolved(effect.zone, since=effect.since)


def resolved(zone: str, *, since: UtcMillis) -> ZoneResolved:
    """Look a zone up from an instant on [ms]; an unknown one has no transitions."""
    starts_at = UtcMillis(since - MARGIN_MS)
    ends_at = UtcMillis(starts_at + SPAN_DAYS_MAX * DAY_MS)
    try:
        found = transitions(zone, starts_at=starts_at, ends_at=ends_at)
    except ZoneError:
        found = ()
    return ZoneResolved(
        zone=zone,
        tzdata=tzdata_version(),
        transitions=found,
        known_until=ends_at,
    )
