"""`basalt calc basal`: what a basal programme delivers, step by step, through any clock change."""

from collections.abc import Sequence
from typing import Final

import msgspec

from core.calc.basal.settings_schedule import factors_over
from core.calc.basal.shapes import (
    BasalResult,
    BasalScenario,
    DayFound,
    SegmentGiven,
    StepFound,
    SuspensionGiven,
    TemporaryGiven,
)
from core.calc.calculation import (
    Kind,
    ZoneLookup,
    instant,
    millis,
    whole_milli,
)
from core.calc.inputs.basal_programme import (
    Pause,
    Program,
    Step,
    Temporary,
    parts_to_units,
    program_steps,
    programmed,
)
from core.calc.inputs.zones import looked_up, minute_of, time_of, transitions_of
from core.kernel.errors import ScenarioError
from core.models.pump_models import PUMP_MODELS, PumpModel, temporary_problem
from core.models.schedules import RATE_MU_PER_H_MAX, Week, offset_ms_at, segments_problem
from schemas.basal.profiles import ProfileSegment, ZoneTransition
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, MilliUnitsPerHour, UtcMillis

SPAN_DAYS_MAX: Final = 370
"""[d] longest stretch asked about; a year and the days around it."""


def _resolve(scenario: BasalScenario, lookup: ZoneLookup) -> BasalScenario:
    start, end = _span(scenario)
    wall = looked_up(scenario.wall, lookup, start=start, end=end)
    return msgspec.structs.replace(scenario, wall=wall)


def _span(scenario: BasalScenario) -> tuple[UtcMillis, UtcMillis]:
    start, end = millis(scenario.start), millis(scenario.end)
    if not 0 < end - start <= SPAN_DAYS_MAX * DAY_MS:
        raise ScenarioError("$.end", f"not after the start, or more than {SPAN_DAYS_MAX} days")
    return start, end


def _run(scenario: BasalScenario) -> BasalResult:
    start, end = _span(scenario)
    transitions = transitions_of(scenario.wall, start=start)
    names, week = _week(scenario)
    model = _model(scenario.pump)
    program = Program(
        week=week,
        names=names,
        transitions=transitions,
        temporaries=_temporaries(scenario.temporaries, model),
        pauses=_pauses(scenario.suspensions),
        model=model,
        rate_max=_rate_max(scenario.basal_max_u_per_h),
    )
    steps = program_steps(program, starts_at=start, ends_at=end)
    return BasalResult(
        total_u=_units(programmed(steps, ends_at=end)),
        steps=_found(steps, end),
        days=_days(steps, transitions, start, end),
        factors=factors_over(scenario.factors, transitions, starts_at=start, ends_at=end),
    )


def _week(scenario: BasalScenario) -> tuple[tuple[str, ...], Week]:
    days: dict[str, tuple[ProfileSegment, ...]] = {}
    for index, profile in enumerate(scenario.profiles):
        path = f"$.profiles[{index}]"
        if profile.name in days:
            raise ScenarioError(f"{path}.name", f"a second profile {profile.name!r}")
        days[profile.name] = _segments(profile.segments, f"{path}.segments")
    if scenario.week is not None and scenario.active is not None:
        raise ScenarioError("$.active", "give active or week, not both")
    names = scenario.week or (scenario.active or scenario.profiles[0].name,) * 7
    for index, name in enumerate(names):
        if name not in days:
            path = "$.active" if scenario.week is None else f"$.week[{index}]"
            raise ScenarioError(path, f"there is no profile {name!r}")
    return names, tuple(days[name] for name in names)


def _segments(given: Sequence[SegmentGiven], path: str) -> tuple[ProfileSegment, ...]:
    segments = tuple(
        ProfileSegment(
            start_minute=minute_of(segment.start),
            rate=MilliUnitsPerHour(whole_milli(segment.u_per_h, path=f"{path}[{index}].u_per_h")),
        )
        for index, segment in enumerate(given)
    )
    if segments_problem(segments) is not None:
        raise ScenarioError(path, "segments begin at 00:00 and go on in time")
    return segments


def _temporaries(given: Sequence[TemporaryGiven], model: PumpModel | None) -> tuple[Temporary, ...]:
    """Cut each where it was cancelled or a newer one began."""
    found: list[Temporary] = []
    for index, one in enumerate(given):
        path = f"$.temporaries[{index}]"
        if (one.percent is None) == (one.u_per_h is None):
            raise ScenarioError(path, "give one of percent and u_per_h")
        starts_at = millis(one.start)
        if found and starts_at <= found[-1].starts_at:
            raise ScenarioError(f"{path}.start", "temporary rates go on in time")
        if found:
            cut = min(found[-1].ends_at, starts_at)
            found[-1] = msgspec.structs.replace(found[-1], ends_at=UtcMillis(cut))
        ends_at = starts_at + one.duration_min * MINUTE_MS
        if one.cancelled is not None:
            ends_at = max(starts_at, min(ends_at, millis(one.cancelled)))
        rate = None if one.u_per_h is None else whole_milli(one.u_per_h, path=f"{path}.u_per_h")
        if model is not None:
            _check_takes(model, one, rate, path)
        found.append(
            Temporary(
                starts_at=starts_at,
                ends_at=UtcMillis(ends_at),
                percent=one.percent,
                rate=None if rate is None else MilliUnitsPerHour(rate),
            )
        )
    return tuple(found)


def _check_takes(model: PumpModel, one: TemporaryGiven, rate: int | None, path: str) -> None:
    problem = temporary_problem(
        model,
        percent=one.percent,
        rate=None if rate is None else MilliUnitsPerHour(rate),
        minutes=one.duration_min,
    )
    takes = model.temporary
    setting = "percent" if rate is None else "u_per_h"
    if problem == "kind":
        other = "u_per_h" if takes.kind == "rate" else "percent"
        raise ScenarioError(f"{path}.{setting}", f"{model.name} takes {other} alone")
    if problem == "setting":
        unit, by = ("%", 1) if setting == "percent" else ("U/h", 1000)
        raise ScenarioError(
            f"{path}.{setting}",
            f"{model.name} takes 0 to {takes.most / by:g} {unit} in steps of {takes.step / by:g}",
        )
    if problem == "duration":
        raise ScenarioError(
            f"{path}.duration_min",
            f"{model.name} takes {takes.minutes_min} to {takes.minutes_max} min in steps of "
            f"{takes.minutes_step}",
        )


def _pauses(given: Sequence[SuspensionGiven]) -> tuple[Pause, ...]:
    found: list[Pause] = []
    for index, one in enumerate(given):
        path = f"$.suspensions[{index}]"
        pause = Pause(
            starts_at=millis(one.start), ends_at=None if one.end is None else millis(one.end)
        )
        if pause.ends_at is not None and pause.ends_at < pause.starts_at:
            raise ScenarioError(f"{path}.end", "before its start")
        if found and (found[-1].ends_at is None or pause.starts_at < found[-1].ends_at):
            raise ScenarioError(f"{path}.start", "suspended already")
        found.append(pause)
    return tuple(found)


def _model(name: str | None) -> PumpModel | None:
    if name is None:
        return None
    if name not in PUMP_MODELS:
        raise ScenarioError("$.pump", f"no such model; known: {', '.join(PUMP_MODELS)}")
    return PUMP_MODELS[name]


def _rate_max(limit: float | None) -> MilliUnitsPerHour:
    if limit is None:
        return RATE_MU_PER_H_MAX
    return MilliUnitsPerHour(whole_milli(limit, path="$.basal_max_u_per_h"))


def _found(steps: Sequence[Step], end: UtcMillis) -> tuple[StepFound, ...]:
    ends = [*(step.at for step in steps[1:]), end]
    return tuple(
        StepFound(
            start=instant(step.at),
            end=instant(until),
            u_per_h=step.rate / 1000,
            asked_u_per_h=step.asked / 1000,
            source=step.source,
            profile=step.profile,
            segment=time_of(step.start_minute),
            clamps=step.clamps,
        )
        for step, until in zip(steps, ends, strict=True)
    )


def _days(
    steps: Sequence[Step], transitions: Sequence[ZoneTransition], start: UtcMillis, end: UtcMillis
) -> tuple[DayFound, ...]:
    """Cut the steps at each local midnight and at each change of the clock, and add up."""
    changes = {t.at for t in transitions if start < t.at < end}
    hours: dict[str, int] = {}
    units: dict[str, int] = {}
    ends = [*(step.at for step in steps[1:]), end]
    for step, until in zip(steps, ends, strict=True):
        at: int = step.at
        while at < until:
            offset = offset_ms_at(transitions, UtcMillis(at))
            midnight = ((at + offset) // DAY_MS + 1) * DAY_MS - offset
            cut = min([until, midnight, *(change for change in changes if change > at)])
            date = instant(UtcMillis(at + offset)).date().isoformat()
            hours[date] = hours.get(date, 0) + cut - at
            units[date] = units.get(date, 0) + step.rate * (cut - at)
            at = cut
    return tuple(
        DayFound(date=date, hours=round(hours[date] / HOUR_MS, 6), units=_units(units[date]))
        for date in hours
    )


def _units(parts: int) -> float:
    return round(parts_to_units(parts), 9)


BASAL: Final = Kind(
    name="basal",
    text="what a basal programme delivers, and which other settings hold, through clock changes",
    scenario=BasalScenario,
    result=BasalResult,
    example="""{
  "start": "2026-10-24T22:00:00Z",
  "end": "2026-10-26T23:00:00Z",
  "wall": {"zone": "Europe/Paris"},
  "profiles": [
    {"name": "work", "segments": [
      {"start": "00:00", "u_per_h": 0.8}, {"start": "06:00", "u_per_h": 1.2}]},
    {"name": "rest", "segments": [{"start": "00:00", "u_per_h": 0.7}]}],
  "week": ["work", "work", "work", "work", "work", "rest", "rest"],
  "temporaries": [{"start": "2026-10-25T10:00:00Z", "duration_min": 90, "percent": 50}],
  "suspensions": [{"start": "2026-10-25T16:00:00Z", "end": "2026-10-25T16:30:00Z"}],
  "factors": {"carb_ratio_g_per_u": [
    {"start": "00:00", "value": 12}, {"start": "06:00", "value": 8}]},
  "pump": "omnipod_dash"
}""",
    run=_run,
    resolve=_resolve,
)
"""[-] the calculation."""
