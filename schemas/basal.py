"""What can be said of basal insulin: profiles, temporary rates, and the plan that follows."""

from typing import Literal

import msgspec

from schemas.device import PlanStep
from schemas.message import Command, Event, Refusal, Report
from schemas.units import EventId, Milliseconds, MilliUnitsPerHour, UtcMillis

PROFILE_SEGMENTS_MAX = 48
"""[-] one for each half hour; source: the peers' finest grid."""


class ProfileSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of a local day at one rate, until the next segment or midnight."""

    start_minute: int
    """[min] 0 to 1439 after local midnight, by the clock on the wall."""
    rate: MilliUnitsPerHour
    """[mU/h] 0 to 35000."""


class SetBasalProfile(Command, frozen=True, kw_only=True, tag="set_basal_profile.v1"):
    """From now on deliver by this profile; obeyed by basal_scheduler."""

    name: str
    """[-] 1 to 64 characters."""
    zone: str
    """[-] IANA name of the zone whose wall clock the segments mean."""
    segments: tuple[ProfileSegment, ...]
    """[-] 1 to 48, sorted by start, the first at 0."""


class BasalProfileSet(Event, frozen=True, kw_only=True, tag="basal_profile_set.v1"):
    """A profile is taken; in force with the first plan made of it; said by basal_scheduler."""

    name: str
    """[-] 1 to 64 characters."""
    zone: str
    """[-] IANA name."""
    segments: tuple[ProfileSegment, ...]
    """[-] 1 to 48, sorted by start, the first at 0."""
    actor: str
    """[-] who set it."""


class ZoneLookupRequested(Event, frozen=True, kw_only=True, tag="zone_lookup_requested.v1"):
    """The transitions of a zone are needed before a plan can follow; said by basal_scheduler."""

    zone: str
    """[-] IANA name."""
    since: UtcMillis
    """[ms] start of the stretch that is needed."""


class BasalProfileRefused(Refusal, frozen=True, kw_only=True, tag="basal_profile_refused.v1"):
    """The profile stays as it was; said by basal_scheduler."""

    name: str
    """[-] of the profile refused."""
    reason: Literal["segments_wrong", "rate_out_of_range", "unknown_zone"]
    """[-] why."""


class ZoneTransition(msgspec.Struct, frozen=True, kw_only=True):
    """From this instant the zone's wall clock is so far ahead of UTC."""

    at: UtcMillis
    """[ms] first instant."""
    offset_s: int
    """[s] east of UTC positive."""


class ZoneResolved(Report, frozen=True, kw_only=True, tag="zone_resolved.v1"):
    """The service looked a zone up, for core reads no files; heard by basal_scheduler."""

    zone: str
    """[-] IANA name."""
    tzdata: str
    """[-] version of the time-zone data, part of the record."""
    transitions: tuple[ZoneTransition, ...]
    """[-] sorted; the first at or before the time asked for; empty when there is no such zone."""
    known_until: UtcMillis
    """[ms] end of the stretch that was looked up."""


class SetTemporaryRate(Command, frozen=True, kw_only=True, tag="set_temporary_rate.v1"):
    """Deliver another rate for a while, one of the two given; obeyed by basal_scheduler."""

    percent: int | None = None
    """[%] of the profile, 0 to 250."""
    rate: MilliUnitsPerHour | None = None
    """[mU/h] instead of the profile."""
    duration: Milliseconds
    """[ms] 15 min to 24 h, whole minutes."""


class TemporaryRateStarted(Event, frozen=True, kw_only=True, tag="temporary_rate_started.v1"):
    """Another rate runs for a while; said by basal_scheduler; supersedes one that runs."""

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


class TemporaryRateEnded(Event, frozen=True, kw_only=True, tag="temporary_rate_ended.v1"):
    """The profile runs again, or the next temporary rate; said by basal_scheduler."""

    reason: Literal["expired", "cancelled", "superseded"]
    """[-] why."""


class TemporaryRateRefused(Refusal, frozen=True, kw_only=True, tag="temporary_rate_refused.v1"):
    """No temporary rate was set or cancelled; said by basal_scheduler."""

    reason: Literal["no_profile", "one_of_percent_and_rate", "out_of_range", "none_runs"]
    """[-] why."""


class CancelTemporaryRate(Command, frozen=True, kw_only=True, tag="cancel_temporary_rate.v1"):
    """The profile again from now on; obeyed by basal_scheduler."""


class BasalPlanMade(Event, frozen=True, kw_only=True, tag="basal_plan_made.v1"):
    """What the pump is to deliver, in UTC, temporary rate included; said by basal_scheduler."""

    profile: EventId
    """[-] the BasalProfileSet that it came from."""
    tzdata: str
    """[-] version of the time-zone data that it was made with."""
    steps: tuple[PlanStep, ...]
    """[-] sorted, the first at the time of making."""
    ends_at: UtcMillis
    """[ms] 48 h after the first step."""
