"""What `basalt calc limits` is asked and answers."""

from typing import Annotated, Final, Literal

import msgspec

from core.calc.calculation import Instant, Result, Scenario
from core.calc.inputs.zones import Wall

UnitsGiven = Annotated[float, msgspec.Meta(ge=0, le=1000)]
RateGiven = Annotated[float, msgspec.Meta(ge=0, le=35)]


class DoseKnown(Scenario, frozen=True, kw_only=True):
    """Insulin given before, running now, or programmed to come."""

    kind: Literal["bolus", "basal"]
    """[-] basal is programmed basal."""
    start: Instant
    """[-] first instant."""
    end: Instant
    """[-] last instant; the same for a dose of a moment."""
    units: UnitsGiven
    """[U] all of it; of an unknown dose what may have been given."""


class LimitsGiven(Scenario, frozen=True, kw_only=True):
    """The limits that hold; those that are not named do not."""

    single_u: UnitsGiven | None = None
    """[U] of one bolus."""
    hourly_u: UnitsGiven | None = None
    """[U] of boluses in any 60 min."""
    four_hours_u: UnitsGiven | None = None
    """[U] of all insulin in any 4 h."""
    day_u: UnitsGiven | None = None
    """[U] of all insulin in any 24 h."""
    calendar_day_u: UnitsGiven | None = None
    """[U] of all insulin from midnight to midnight by the wall."""
    iob_u: UnitsGiven | None = None
    """[U] on board after the dose."""
    combined_u_per_h: Annotated[float, msgspec.Meta(ge=0, le=1000)] | None = None
    """[U/h] of a bolus and basal together; a bolus of a moment is slowed, not cut."""
    lockout_min: Annotated[int, msgspec.Meta(ge=0, le=240)] | None = None
    """[min] between two boluses; by origin 0, 3 or 15 where none is given."""
    soft_u: UnitsGiven | None = None
    """[U] above it a person must confirm."""
    basal_u_per_h: RateGiven | None = None
    """[U/h] of basal, absolute."""
    basal_times_present: Annotated[int, msgspec.Meta(ge=1, le=10)] | None = None
    """[-] times the rate scheduled now; oref0: 4."""
    basal_times_largest: Annotated[int, msgspec.Meta(ge=1, le=10)] | None = None
    """[-] times the largest scheduled rate of the day; oref0: 3."""


LIMIT_FIELDS: Final = {
    "single": "single_u",
    "hourly": "hourly_u",
    "four_hours": "four_hours_u",
    "day": "day_u",
    "calendar_day": "calendar_day_u",
    "iob": "iob_u",
    "combined": "combined_u_per_h",
    "basal_absolute": "basal_u_per_h",
    "basal_times_present": "basal_times_present",
    "basal_times_largest": "basal_times_largest",
}
"""[-] the fields of the scenario that set each limit."""


class LimitsScenario(Scenario, frozen=True, kw_only=True):
    """A bolus, or a basal rate, and all that surrounds it."""

    at: Instant
    """[-] now."""
    bolus_u: Annotated[float, msgspec.Meta(ge=0.001, le=100)] | None = None
    """[U] asked, 0.001 to 100, or a rate."""
    rate_u_per_h: RateGiven | None = None
    """[U/h] asked as temporary rate, or a bolus."""
    duration_min: Annotated[int, msgspec.Meta(ge=0, le=1440)] = 0
    """[min] of an extended bolus, or of the rate."""
    origin: Literal["person", "automatic", "remote"] = "person"
    """[-] who asks."""
    iob_u: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    """[U] on board, unknown doses in full."""
    scheduled_u_per_h: RateGiven = 0.0
    """[U/h] of the profile now."""
    largest_u_per_h: RateGiven = 0.0
    """[U/h] of the profile on this day."""
    doses: Annotated[tuple[DoseKnown, ...], msgspec.Meta(max_length=2000)] = ()
    """[-] any order; unknown ones in full."""
    limits: LimitsGiven
    """[-] that hold."""
    wall: Wall | None = None
    """[-] clock of the calendar day."""


class HeadroomFound(Result, frozen=True, kw_only=True):
    """What a limit leaves."""

    limit: str
    """[-] which."""
    left_u: float
    """[U] for this dose; for a rate, beyond the profile's."""
    used_u: float
    """[U] by everything else, in the tightest window."""
    window_start: Instant | None = None
    """[-] of the tightest window."""
    window_end: Instant | None = None
    """[-] first instant after it."""


class CutFound(Result, frozen=True, kw_only=True):
    """A limit that cut."""

    limit: str
    """[-] which; the reason."""
    before: float
    """[U or U/h] before it."""
    after: float
    """[U or U/h] after it."""
    value: float | None
    """[U, U/h or times] of the limit; none where two computations of it differ."""
    source: str
    """[-] the field of the scenario that set it."""


class LimitsResult(Result, frozen=True, kw_only=True):
    """What may be given."""

    allowed_u: float | None
    """[U] of a bolus; none where a rate was asked."""
    allowed_u_per_h: float | None
    """[U/h] of a rate, never below the profile's for a limit's sake; none for a bolus."""
    refused: str | None
    """[-] 'lockout', 'limits_disagree', or the limit that leaves nothing."""
    headrooms: tuple[HeadroomFound, ...]
    """[-] of every limit, in the order in which they are applied."""
    cuts: tuple[CutFound, ...]
    """[-] every limit that cut."""
    flags: tuple[str, ...]
    """[-] 'confirm_above_soft_limit', 'larger_than_recent' (twice the largest in 24 h; R15)."""
    checked_twice: bool
    """[-] both implementations gave the same."""
    bolus_rate_u_per_h: float | None = None
    """[U/h] at which a bolus of a moment may flow beside the basal; none without a combined cap."""
