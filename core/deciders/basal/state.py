"""What basal_scheduler knows of one person."""

from typing import Final

import msgspec

from core.dosing.basal_programme.programme import HeardProgramme, Programme
from core.kernel.alarms import ActiveAlarm
from core.kernel.shared_decisions import Common
from schemas.basal.profiles import (
    BasalPlanMade,
    BasalProfileRefused,
    BasalZoneRefused,
    TemporaryRateStarted,
    ZoneLookupRequested,
    ZoneResolved,
)
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.message import Event, Now
from schemas.units import EventId, MilliUnitsPerHour, PumpId, Speaker, UtcMillis

BASAL_SCHEDULER: Final = Speaker("basal_scheduler")


class BasalState(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What basal_scheduler knows of one person."""

    common: Common = Common()
    """[-] alarms and faults."""
    programme: Programme = Programme()
    """[-] in force."""
    waiting: Programme | None = None
    """[-] taken, and in force as soon as its zone is looked up."""
    lookup: ZoneLookupRequested | None = None
    """[-] a lookup without an answer so far."""
    zone: ZoneResolved | None = None
    """[-] the transitions of the zone of the programme in force."""
    temporary: TemporaryRateStarted | None = None
    """[-] set, perhaps past its end and not yet said to have ended."""
    plan: BasalPlanMade | None = None
    """[-] the newest."""
    plan_id: EventId = EventId("")
    """[-] its event."""
    limits: DeliveryLimitsSet | None = None
    """[-] in force, the actuator's: what rates and how much of a day; none while not set."""

    @property
    def heard(self) -> HeardProgramme:
        """Give the programme as every listener folds it."""
        return HeardProgramme(in_force=self.programme, waiting=self.waiting)

    @property
    def newest(self) -> Programme:
        """Give what a change builds on: what waits already, else what is in force."""
        return self.waiting or self.programme

    @property
    def pump_model(self) -> str | None:
        """Name the model whose temporary rates these are; none while no limits are set."""
        return None if self.limits is None else self.limits.pump_model

    def must_wait(self, zone: str | None = None) -> bool:
        """Say whether a change must wait, lest it fall with one whose zone may not exist.

        Args:
            zone: IANA name that the change brings; none for one that keeps the zone.
        """
        if self.waiting is None:
            return False
        if zone is not None and zone != self.waiting.zone:
            return True
        is_known = self.zone is not None and self.zone.zone == self.waiting.zone
        return bool(self.programme.days) and not is_known


class BasalView(msgspec.Struct, frozen=True, kw_only=True):
    """Basal as a person sees it."""

    profile: str | None
    """[-] name of the one that the newest plan began with."""
    zone: str | None
    """[-] IANA name."""
    rate: MilliUnitsPerHour | None
    """[mU/h] planned now, none without a plan."""
    temporary: str | None
    """[-] the temporary rate that runs, in words."""
    temporary_ends_at: UtcMillis | None
    """[ms] its end."""
    plan: EventId | None
    """[-] the newest plan."""
    plan_ends_at: UtcMillis | None
    """[ms] its end."""
    alarms: tuple[ActiveAlarm, ...]
    """[-] active, oldest first."""
    days: tuple[str, ...] = ()
    """[-] the profile of each day of the week, Monday first."""


def initial(pump: PumpId) -> BasalState:
    """Know nothing yet."""
    del pump
    return BasalState()


def refuse_zone(waiting: Programme) -> Event:
    """Refuse the profile that brought an unknown zone, or the journey there."""
    if waiting.settings in waiting.ids:
        name = waiting.profiles[waiting.ids.index(waiting.settings)].name
        return BasalProfileRefused(name=name, reason="unknown_zone")
    return BasalZoneRefused(zone=waiting.zone[:64], reason="unknown_zone")


def view(state: BasalState, now: Now) -> BasalView:
    """Show basal as it stands at `now`."""
    programme, temporary = state.programme, state.temporary
    runs = temporary is not None and temporary.starts_at <= now.therapy < temporary.ends_at
    steps = state.plan.steps if state.plan else ()
    rate = next((step.rate for step in reversed(steps) if step.at <= now.therapy), None)
    return BasalView(
        profile=_profile_name(state),
        zone=programme.zone or None,
        rate=rate,
        temporary=_in_words(temporary) if temporary and runs else None,
        temporary_ends_at=temporary.ends_at if temporary and runs else None,
        plan=state.plan_id or None,
        plan_ends_at=state.plan.ends_at if state.plan else None,
        alarms=state.common.alarms,
        days=programme.days,
    )


def _profile_name(state: BasalState) -> str | None:
    """Name the profile that the newest plan began with."""
    programme, plan = state.programme, state.plan
    if plan is None or plan.profile not in programme.ids:
        return programme.days[0] if programme.days else None
    return programme.profiles[programme.ids.index(plan.profile)].name


def _in_words(temporary: TemporaryRateStarted) -> str:
    if temporary.rate is None:
        return f"{temporary.percent} %"
    return f"{temporary.rate} mU/h"
