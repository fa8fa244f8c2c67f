"""What `basalt calc basal` is asked and answers."""

from typing import Annotated

import msgspec

from core.calc.calculation import Instant, Result, Scenario
from core.calc.inputs.basal_programme import RateClamp, StepSource
from core.calc.inputs.zones import TimeOfDay, Wall

Rate = Annotated[float, msgspec.Meta(ge=0, le=35)]
"""[U/h] 0 to 35, whole thousandths."""


class SegmentGiven(Scenario, frozen=True, kw_only=True):
    """From this time of day a rate."""

    start: TimeOfDay
    """[-] 'HH:MM' by the clock on the wall."""
    u_per_h: Rate
    """[U/h] 0 to 35."""


class ProfileGiven(Scenario, frozen=True, kw_only=True):
    """A local day of rates under a name."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    """[-] 1 to 64 characters."""
    segments: Annotated[tuple[SegmentGiven, ...], msgspec.Meta(min_length=1, max_length=48)]
    """[-] 1 to 48, sorted, the first at 00:00."""


class TemporaryGiven(Scenario, frozen=True, kw_only=True):
    """Another rate for a while; a newer one ends it."""

    start: Instant
    """[-] first instant."""
    duration_min: Annotated[int, msgspec.Meta(ge=1, le=72 * 60)]
    """[min] 1 to 4320."""
    percent: Annotated[int, msgspec.Meta(ge=0, le=500)] | None = None
    """[%] of the profile, 0 to 500; this or `u_per_h`."""
    u_per_h: Rate | None = None
    """[U/h] instead of the profile."""
    cancelled: Instant | None = None
    """[-] the profile again from here."""


class SuspensionGiven(Scenario, frozen=True, kw_only=True):
    """No insulin flows; without an end, until the end of what is asked."""

    start: Instant
    """[-] first instant."""
    end: Instant | None = None
    """[-] first instant after it."""


class FactorGiven(Scenario, frozen=True, kw_only=True):
    """From this time of day a setting of the bolus calculator."""

    start: TimeOfDay
    """[-] 'HH:MM' by the clock on the wall."""
    value: Annotated[float, msgspec.Meta(ge=0, le=1000)]
    """[-] in the unit that the schedule names."""


Day = Annotated[tuple[FactorGiven, ...], msgspec.Meta(max_length=48)]
"""[-] up to 48 segments, sorted, the first at 00:00; empty for a schedule not asked about."""


class FactorsGiven(Scenario, frozen=True, kw_only=True):
    """The schedules beside basal; they run by the same clock."""

    carb_ratio_g_per_u: Day = ()
    """[g/U] 1 to 150."""
    sensitivity_mg_dl_per_u: Day = ()
    """[mg/dL/U] 5 to 500."""
    target_low_mg_dl: Day = ()
    """[mg/dL] 60 to 250."""
    target_high_mg_dl: Day = ()
    """[mg/dL] target_low_mg_dl to 250."""
    correct_above_mg_dl: Day = ()
    """[mg/dL] target_high_mg_dl to 250."""


class BasalScenario(Scenario, frozen=True, kw_only=True):
    """A basal programme and the stretch of time asked about."""

    start: Instant
    """[-] first instant asked about."""
    end: Instant
    """[-] first instant after it, at most 370 days later."""
    wall: Wall
    """[-] the clock by which profiles run."""
    profiles: Annotated[tuple[ProfileGiven, ...], msgspec.Meta(min_length=1, max_length=64)]
    """[-] 1 to 64, names differ."""
    active: str | None = None
    """[-] the profile of every day; the first one."""
    week: Annotated[tuple[str, ...], msgspec.Meta(min_length=7, max_length=7)] | None = None
    """[-] the profile of each day, Monday first; instead of `active`."""
    temporaries: Annotated[tuple[TemporaryGiven, ...], msgspec.Meta(max_length=2000)] = ()
    """[-] sorted by start, 2000 at most."""
    suspensions: Annotated[tuple[SuspensionGiven, ...], msgspec.Meta(max_length=2000)] = ()
    """[-] sorted, not overlapping, 2000 at most."""
    factors: FactorsGiven = FactorsGiven()
    """[-] schedules of the bolus calculator."""
    pump: str | None = None
    """[-] model whose steps and maxima hold; exact rates without one."""
    basal_max_u_per_h: Rate | None = None
    """[U/h] the person's limit; cuts temporary rates above the profile, never the profile."""


class StepFound(Result, frozen=True, kw_only=True):
    """A stretch of constant rate, and where it comes from."""

    start: Instant
    """[-] first instant."""
    end: Instant
    """[-] first instant after it."""
    u_per_h: float
    """[U/h] delivered."""
    asked_u_per_h: float
    """[U/h] before steps and maxima."""
    source: StepSource
    """[-] what decides it."""
    profile: str
    """[-] the profile of that local day."""
    segment: str
    """[-] start of its segment, 'HH:MM'."""
    clamps: tuple[RateClamp, ...]
    """[-] why it is less than asked, in order."""


class DayFound(Result, frozen=True, kw_only=True):
    """A local day, as far as it lies in what is asked."""

    date: str
    """[-] by the clock on the wall, 'YYYY-MM-DD'."""
    hours: float
    """[h] of it that are covered: 23 or 25 when the clock changes."""
    units: float
    """[U] programmed."""


class FactorFound(Result, frozen=True, kw_only=True):
    """A stretch of time in which a setting of the bolus calculator stands still."""

    start: Instant
    """[-] first instant."""
    end: Instant
    """[-] first instant after it."""
    value: float
    """[-] in the unit that the schedule names."""
    segment: str
    """[-] start of its segment, 'HH:MM', as an advice cites it."""


class BasalResult(Result, frozen=True, kw_only=True):
    """What a programme delivers."""

    total_u: float
    """[U] programmed in all."""
    steps: tuple[StepFound, ...]
    """[-] sorted, without holes."""
    days: tuple[DayFound, ...]
    """[-] sorted."""
    factors: dict[str, tuple[FactorFound, ...]] = {}
    """[-] of each schedule that was given: sorted, without holes."""
