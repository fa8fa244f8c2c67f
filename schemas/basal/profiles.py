"""Messages about basal insulin: profiles, temporary rates, and the plan that follows."""

from typing import Literal

import msgspec

from schemas.delivery.device import PlanStep
from schemas.message import Command, Event, Refusal, Report
from schemas.setting_checks import Misfit, MisfitReason, SecondWord, SettingChange
from schemas.units import EventId, Milliseconds, MilliUnitsPerHour, UtcMillis

PROFILE_SEGMENTS_MAX = 48
"""[-] one for each half hour; source: the peers' finest grid."""

PROFILES_MAX = 32
"""[-] profiles kept by name; project's own choice, the peers keep 8 to 24."""

WEEK_DAYS = 7
"""[-] Monday first."""


class ProfileSegment(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One stretch of a local day at one rate, until the next segment or midnight."""

    start_minute: int
    """[min] 0 to 1439 after local midnight, by the clock on the wall."""
    rate: MilliUnitsPerHour
    """[mU/h] 0 to 35000."""


class SetBasalProfile(Command, frozen=True, kw_only=True, tag="set_basal_profile.v1"):
    """Keep this profile, and deliver by it from now on; handled by basal_scheduler."""

    name: str
    """[-] 1 to 64 characters; a profile of that name is replaced."""
    zone: str
    """[-] IANA name of the zone whose wall clock the segments mean."""
    segments: tuple[ProfileSegment, ...]
    """[-] 1 to 48, sorted by start, the first at 0."""
    activate: bool = True
    """[-] false to keep it only; where it is in force already, it is replaced there as well."""
    because: str = ""
    """[-] the person's reason, in words."""
    confirmed: tuple[SecondWord, ...] = ()
    """[-] what is said a second time, after a refusal that asked for just that."""


class BasalProfileSet(Event, frozen=True, kw_only=True, tag="basal_profile_set.v1"):
    """A profile is taken; in force with the first plan made of it; published by basal_scheduler."""

    name: str
    """[-] 1 to 64 characters."""
    zone: str
    """[-] IANA name."""
    segments: tuple[ProfileSegment, ...]
    """[-] 1 to 48, sorted by start, the first at 0."""
    actor: str
    """[-] who set it."""
    activate: bool = True
    """[-] for every day of the week; false where it was only to be kept."""
    because: str = ""
    """[-] the person's reason, in words."""
    confirmed: tuple[SecondWord, ...] = ()
    """[-] what the person was told and said a second time."""


class SetBasalWeek(Command, frozen=True, kw_only=True, tag="set_basal_week.v1"):
    """Deliver by one of the profiles kept on each day of the week; handled by basal_scheduler."""

    days: tuple[str, ...]
    """[-] seven names, Monday first."""
    because: str = ""
    """[-] the person's reason, in words."""
    confirmed: tuple[SecondWord, ...] = ()
    """[-] what is said a second time, after a refusal that asked for just that."""


class BasalWeekSet(Event, frozen=True, kw_only=True, tag="basal_week_set.v1"):
    """Each day has its profile, in force with the next plan; published by basal_scheduler."""

    days: tuple[str, ...]
    """[-] seven names, Monday first."""
    actor: str
    """[-] who set it."""
    because: str = ""
    """[-] the person's reason, in words."""
    confirmed: tuple[SecondWord, ...] = ()
    """[-] what the person was told and said a second time."""


class SetBasalZone(Command, frozen=True, kw_only=True, tag="set_basal_zone.v1"):
    """The person travels: from now on the clock of another zone; handled by basal_scheduler."""

    zone: str
    """[-] IANA name."""
    because: str = ""
    """[-] the person's reason, in words."""


class BasalZoneSet(Event, frozen=True, kw_only=True, tag="basal_zone_set.v1"):
    """Profiles run by another clock, in force with the next plan; published by basal_scheduler."""

    zone: str
    """[-] IANA name."""
    actor: str
    """[-] who travels."""
    because: str = ""
    """[-] the person's reason, in words."""


class BasalWeekRefused(Refusal, frozen=True, kw_only=True, tag="basal_week_refused.v1"):
    """The week stays as it was; published by basal_scheduler."""

    reason: Literal[
        "days_wrong",
        "no_such_profile",
        "no_profile",
        "lookup_running",
        MisfitReason,
        "confirmation_needed",
    ]
    """[-] why."""
    misfit: Misfit | None = None
    """[-] profile and segment that a limit or the pump model does not leave, where that is why."""
    changes: tuple[SettingChange, ...] = ()
    """[-] what must be said a second time, where that is why."""


class BasalZoneRefused(Refusal, frozen=True, kw_only=True, tag="basal_zone_refused.v1"):
    """The clock stays as it was; published by basal_scheduler."""

    zone: str
    """[-] as asked."""
    reason: Literal["unknown_zone", "no_profile", "lookup_running"]
    """[-] why."""


class ZoneLookupRequested(Event, frozen=True, kw_only=True, tag="zone_lookup_requested.v1"):
    """The transitions of a zone are needed; published by basal_scheduler and bolus_advisor."""

    zone: str
    """[-] IANA name."""
    since: UtcMillis
    """[ms] start of the stretch that is needed."""


class BasalProfileRefused(Refusal, frozen=True, kw_only=True, tag="basal_profile_refused.v1"):
    """The profile stays as it was; published by basal_scheduler."""

    name: str
    """[-] of the profile refused."""
    reason: Literal[
        "segments_wrong",
        "rate_out_of_range",
        "unknown_zone",
        "too_many_profiles",
        "lookup_running",
        MisfitReason,
        "confirmation_needed",
    ]
    """[-] why."""
    misfit: Misfit | None = None
    """[-] profile and segment that a limit or the pump model does not leave, where that is why."""
    changes: tuple[SettingChange, ...] = ()
    """[-] what must be said a second time, where that is why."""


class ZoneTransition(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """From this instant the zone's wall clock is so far ahead of UTC."""

    at: UtcMillis
    """[ms] first instant."""
    offset_s: int
    """[s] east of UTC positive."""


class ZoneResolved(Report, frozen=True, kw_only=True, tag="zone_resolved.v1"):
    """The service looked a zone up, for core reads no files; consumed by who asked."""

    zone: str
    """[-] IANA name."""
    tzdata: str
    """[-] version of the time-zone data, part of the record."""
    transitions: tuple[ZoneTransition, ...]
    """[-] sorted; the first at or before the time asked for; empty when there is no such zone."""
    known_until: UtcMillis
    """[ms] end of the stretch that was looked up."""


class SetTemporaryRate(Command, frozen=True, kw_only=True, tag="set_temporary_rate.v1"):
    """Deliver another rate for a while, one of the two given; handled by basal_scheduler."""

    percent: int | None = None
    """[%] of the profile, 0 to 250, or as far as the pump model takes it."""
    rate: MilliUnitsPerHour | None = None
    """[mU/h] instead of the profile."""
    duration: Milliseconds
    """[ms] 15 min to 24 h, whole minutes."""
    because: str = ""
    """[-] the person's reason, in words."""


class TemporaryRateStarted(Event, frozen=True, kw_only=True, tag="temporary_rate_started.v1"):
    """Another rate runs for a while; published by basal_scheduler; supersedes one that runs."""

    percent: int | None = None
    """[%] of the profile."""
    rate: MilliUnitsPerHour | None = None
    """[mU/h] instead of the profile."""
    starts_at: UtcMillis
    """[ms] first instant."""
    ends_at: UtcMillis
    """[ms] the profile again from here."""
    actor: str
    """[-] who set it."""
    because: str = ""
    """[-] the person's reason, in words."""


class TemporaryRateEnded(Event, frozen=True, kw_only=True, tag="temporary_rate_ended.v1"):
    """The profile runs again, or the next temporary rate; published by basal_scheduler."""

    reason: Literal["expired", "cancelled", "superseded"]
    """[-] why."""
    actor: str = ""
    """[-] who cancelled it, where somebody did."""
    because: str = ""
    """[-] the person's reason, in words."""


class TemporaryRateRefused(Refusal, frozen=True, kw_only=True, tag="temporary_rate_refused.v1"):
    """No temporary rate was set or cancelled; published by basal_scheduler."""

    reason: Literal[
        "no_profile",
        "one_of_percent_and_rate",
        "out_of_range",
        "none_runs",
        "controller_too_long",
        "pump_model_kind",
        "pump_model_setting",
        "pump_model_duration",
        "above_basal_limit",
        "above_pump_maximum",
    ]
    """[-] why."""
    misfit: Misfit | None = None
    """[-] the segment during which the rate is above a limit, where that is why."""
    takes: str = ""
    """[-] what the pump model takes instead, where that is why."""


class CancelTemporaryRate(Command, frozen=True, kw_only=True, tag="cancel_temporary_rate.v1"):
    """The profile again from now on; handled by basal_scheduler."""

    because: str = ""
    """[-] the person's reason, in words."""


class BasalPlanMade(Event, frozen=True, kw_only=True, tag="basal_plan_made.v1"):
    """What the pump is to deliver, in UTC, temporary rate included.

    Published by basal_scheduler.
    """

    profile: EventId
    """[-] the BasalProfileSet of its first step."""
    tzdata: str
    """[-] version of the time-zone data that it was made with."""
    steps: tuple[PlanStep, ...]
    """[-] sorted, the first at the time of making."""
    ends_at: UtcMillis
    """[ms] 48 h after the first step."""
    profiles: tuple[EventId, ...] = ()
    """[-] every BasalProfileSet that its steps came from, in the order of the week."""
    settings: EventId | None = None
    """[-] the newest change of profile, week or zone that it follows; `profile` without one."""
    midnights: tuple[UtcMillis, ...] = ()
    """[ms] by the profile's clock, sorted: the last at or before the plan, and those within it."""
    profile_steps: tuple[PlanStep, ...] = ()
    """[-] what the profile alone asks for, sorted; empty where `steps` are just that."""
