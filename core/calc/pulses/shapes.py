"""What `basalt calc pulses` is asked and answers."""

from typing import Annotated

import msgspec

from core.calc.calculation import Instant, Result, Scenario


class StepGiven(Scenario, frozen=True, kw_only=True):
    """From this instant a basal rate, until the next step."""

    start: Instant
    """[-] first instant."""
    u_per_h: Annotated[float, msgspec.Meta(ge=0, le=35)]
    """[U/h] 0 to 35."""


class BolusGiven(Scenario, frozen=True, kw_only=True):
    """A bolus; with a duration an extended one."""

    start: Instant
    """[-] first instant."""
    units: Annotated[float, msgspec.Meta(gt=0, le=30)]
    """[U] above 0, 30 at most."""
    duration_min: Annotated[int, msgspec.Meta(ge=0, le=24 * 60)] = 0
    """[min] of an extended bolus, 0 for a normal one."""
    stopped: Instant | None = None
    """[-] nothing of it flows from here on."""


class AccuracyAsked(Scenario, frozen=True, kw_only=True):
    """Tables of accuracy over many pumps."""

    model: str = "ideal"
    """[-] error model."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 1
    """[-] the same seed gives the same tables."""
    pumps: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    """[-] basal runs, and boluses of each size."""


class PulsesScenario(Scenario, frozen=True, kw_only=True):
    """What a pump is asked to deliver."""

    start: Instant
    """[-] first instant."""
    end: Instant
    """[-] first instant after it, at most 31 days later."""
    basal: tuple[StepGiven, ...] = ()
    """[-] sorted; no basal before the first."""
    boluses: Annotated[tuple[BolusGiven, ...], msgspec.Meta(max_length=2000)] = ()
    """[-] sorted by start, 2000 at most."""
    pump: str = "basalt_virtual"
    """[-] model: its strokes, speed, steps and maxima."""
    combined_max_u_per_h: Annotated[float, msgspec.Meta(gt=0, le=1000)] | None = None
    """[U/h] of everything together; the speed of a bolus and the fastest basal."""
    list_pulses: bool = True
    """[-] give every stroke, not only their number."""
    accuracy: AccuracyAsked | None = None
    """[-] make the tables of accuracy."""


class PulseFound(Result, frozen=True, kw_only=True):
    """One stroke."""

    at: Instant
    """[-] when all of it is owed."""
    kind: str
    """[-] 'basal', 'extended' or 'bolus'."""


class KindFound(Result, frozen=True, kw_only=True):
    """Insulin of one kind."""

    pulses: int
    """[-] strokes."""
    delivered_u: float
    """[U] of whole strokes."""
    requested_u: float
    """[U] owed by the end."""
    difference_u_max: float
    """[U] largest that was owed and not delivered at any time; below one stroke."""


class BandFound(Result, frozen=True, kw_only=True):
    """How many boluses of a size came in each band of what was commanded (R22)."""

    units: float
    """[U] commanded."""
    counts: dict[str, int]
    """[-] by band, in per cent of commanded."""


class TotalFound(Result, frozen=True, kw_only=True):
    """Basal delivered from the start to an instant, over many pumps (R23)."""

    hours: int
    """[h] from the start, without warm-up."""
    programmed_u: float
    """[U] asked, in whole strokes."""
    typical_u: float
    """[U] the median."""
    lowest_u: float
    """[U] of all pumps."""
    highest_u: float
    """[U] of all pumps."""


class AccuracyFound(Result, frozen=True, kw_only=True):
    """Accuracy over many pumps of an error model."""

    basal: tuple[TotalFound, ...]
    """[-] totals at 1, 6 and 12 h from the start (R23)."""
    boluses: tuple[BandFound, ...]
    """[-] for each size of bolus in the scenario, and the smallest, a middle and the largest."""


class PulsesResult(Result, frozen=True, kw_only=True):
    """What a pump delivers."""

    pulse_u: float
    """[U] one stroke."""
    kinds: dict[str, KindFound]
    """[-] basal, extended and bolus."""
    total_u: float
    """[U] delivered in all."""
    pulses: tuple[PulseFound, ...]
    """[-] sorted; empty when not asked for."""
    accuracy: AccuracyFound | None = None
    """[-] when asked for."""
