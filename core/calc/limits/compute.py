"""`basalt calc limits`: what each limit leaves for a dose, computed twice."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import msgspec

from core.calc.calculation import Kind, ZoneLookup, instant, millis, whole_milli
from core.calc.inputs.zones import Wall, looked_up, transitions_of
from core.calc.limits.shapes import (
    LIMIT_FIELDS,
    CutFound,
    HeadroomFound,
    LimitsResult,
    LimitsScenario,
)
from core.dosing.limits.caps_shapes import Asked, Flow, RateAsked, Room, WindowCap
from core.dosing.limits.caps_twice import LOCKOUT_MIN, locked_twice, rate_twice, rooms_twice
from core.kernel.errors import ScenarioError
from core.models.calendar_days import days_between
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)


def _resolve(scenario: LimitsScenario, lookup: ZoneLookup) -> LimitsScenario:
    if scenario.wall is None:
        return scenario
    at = millis(scenario.at)
    end = UtcMillis(at + DAY_MS + scenario.duration_min * MINUTE_MS)
    wall = looked_up(scenario.wall, lookup, start=UtcMillis(at - DAY_MS), end=end)
    return msgspec.structs.replace(scenario, wall=wall)


def _run(scenario: LimitsScenario) -> LimitsResult:
    if (scenario.bolus_u is None) == (scenario.rate_u_per_h is None):
        raise ScenarioError("$.bolus_u", "either bolus_u or rate_u_per_h")
    if scenario.rate_u_per_h is not None and scenario.duration_min == 0:
        raise ScenarioError("$.duration_min", "a rate needs a duration")
    asked = _asked(scenario)
    rooms, agree = rooms_twice(asked)
    if scenario.bolus_u is not None:
        return _bolus(scenario, scenario.bolus_u, rooms, agree=agree)
    return _rate(scenario, scenario.rate_u_per_h or 0.0, rooms, agree=agree)


def _asked(scenario: LimitsScenario) -> Asked:
    at = millis(scenario.at)
    end = UtcMillis(at + max(1, scenario.duration_min * MINUTE_MS))
    return Asked(
        starts_at=at,
        ends_at=end,
        flows=_flows(scenario),
        windows=_windows(scenario, at=at, end=end),
        ceilings=_ceilings(scenario),
    )


def _flows(scenario: LimitsScenario) -> tuple[Flow, ...]:
    found: list[Flow] = []
    for index, one in enumerate(scenario.doses):
        start, end, path = millis(one.start), millis(one.end), f"$.doses[{index}]"
        if end < start:
            raise ScenarioError(f"{path}.end", "before its start")
        amount = MilliUnits(whole_milli(one.units, path=f"{path}.units"))
        until, is_basal = UtcMillis(max(end, start + 1)), one.kind == "basal"
        found.append(Flow(starts_at=start, ends_at=until, amount=amount, is_basal=is_basal))
    return tuple(found)


def _windows(scenario: LimitsScenario, *, at: UtcMillis, end: UtcMillis) -> tuple[WindowCap, ...]:
    limits, found = scenario.limits, list[WindowCap]()
    is_bolus = scenario.bolus_u is not None
    for name, units, hours, counts_basal in (
        ("hourly", limits.hourly_u if is_bolus else None, 1, False),
        ("four_hours", limits.four_hours_u, 4, True),
        ("day", limits.day_u, 24, True),
    ):
        if units is not None:
            most = MilliUnits(whole_milli(units, path=f"$.limits.{name}_u"))
            length = Milliseconds(hours * HOUR_MS)
            cap = WindowCap(name=name, most=most, length=length, counts_basal=counts_basal)
            found.append(cap)
    if limits.calendar_day_u is not None:
        wall = scenario.wall or Wall()
        if scenario.wall is None:
            raise ScenarioError("$.wall", "a calendar day needs a clock on the wall")
        days = days_between(transitions_of(wall, start=at), start=at, end=end)
        most = MilliUnits(whole_milli(limits.calendar_day_u, path="$.limits.calendar_day_u"))
        found.append(
            WindowCap(name="calendar_day", most=most, length=None, standing=days, counts_basal=True)
        )
    return tuple(found)


def _ceilings(scenario: LimitsScenario) -> tuple[tuple[str, MilliUnits, MilliUnits], ...]:
    """Give caps without a window; a rate has none but those on insulin on board."""
    limits, found = scenario.limits, list[tuple[str, MilliUnits, MilliUnits]]()
    if limits.single_u is not None and scenario.bolus_u is not None:
        most = whole_milli(limits.single_u, path="$.limits.single_u")
        found.append(("single", MilliUnits(most), MilliUnits(0)))
    if limits.iob_u is not None:
        most = whole_milli(limits.iob_u, path="$.limits.iob_u")
        used = whole_milli(scenario.iob_u, path="$.iob_u")
        found.append(("iob", MilliUnits(most), MilliUnits(used)))
    if limits.combined_u_per_h is not None and scenario.bolus_u is not None:
        most = whole_milli(limits.combined_u_per_h, path="$.limits.combined_u_per_h")
        basal = whole_milli(scenario.scheduled_u_per_h, path="$.scheduled_u_per_h")
        if scenario.duration_min:
            minutes = scenario.duration_min
            found.append(
                (
                    "combined",
                    MilliUnits(most * minutes // 60),
                    MilliUnits(-(-basal * minutes // 60)),
                )
            )
    return tuple(found)


def _bolus(
    scenario: LimitsScenario, units: float, rooms: Sequence[Room], *, agree: bool
) -> LimitsResult:
    asked = amount = whole_milli(units, path="$.bolus_u")
    cuts: list[CutFound] = []
    for room in rooms:
        after = min(amount, room.left)
        if after < amount:
            cuts.append(_cut(scenario, room.name, amount, after))
        amount = after
    locked, agree_locked = _lockout(scenario)
    beside = _beside_basal(scenario)
    refused = "lockout" if locked else "combined" if beside == 0 else None
    agree = agree and agree_locked
    if not agree:
        refused = "limits_disagree"
    elif refused is None and amount == 0:
        refused = cuts[-1].limit
    return LimitsResult(
        allowed_u=0.0 if refused else amount / 1000,
        allowed_u_per_h=None,
        refused=refused,
        headrooms=_headrooms(rooms),
        cuts=tuple(cuts),
        flags=_flags(scenario, asked),
        checked_twice=agree,
        bolus_rate_u_per_h=None if beside is None else beside / 1000,
    )


def _rate(
    scenario: LimitsScenario, units: float, rooms: Sequence[Room], *, agree: bool
) -> LimitsResult:
    """Cut a rate to every limit, to the profile's rate at most: programmed basal always flows."""
    limits = scenario.limits
    rate = whole_milli(units, path="$.rate_u_per_h")
    scheduled = whole_milli(scenario.scheduled_u_per_h, path="$.scheduled_u_per_h")
    largest = whole_milli(scenario.largest_u_per_h, path="$.largest_u_per_h")
    tops: list[tuple[str, int]] = []
    if limits.basal_u_per_h is not None:
        most = whole_milli(limits.basal_u_per_h, path="$.limits.basal_u_per_h")
        tops.append(("basal_absolute", most))
    if limits.basal_times_present is not None:
        tops.append(("basal_times_present", limits.basal_times_present * scheduled))
    if limits.basal_times_largest is not None:
        tops.append(("basal_times_largest", limits.basal_times_largest * largest))
    allowed, agree_rate = rate_twice(_rate_asked(scenario, rate))
    agree = agree and agree_rate and allowed == min([rate, *(max(m, scheduled) for _, m in tops)])
    for room in rooms:
        beyond = room.left if agree else 0
        tops.append((room.name, scheduled + beyond * 60 // scenario.duration_min))
    if not agree:
        tops.append(("limits_disagree", 0))
    cuts: list[CutFound] = []
    for name, most in tops:
        after = min(rate, max(most, scheduled))
        if after < rate:
            cuts.append(_cut(scenario, name, rate, after))
        rate = after
    return LimitsResult(
        allowed_u=None,
        allowed_u_per_h=rate / 1000,
        refused=None if agree else "limits_disagree",
        headrooms=_headrooms(rooms),
        cuts=tuple(cuts),
        flags=(),
        checked_twice=agree,
    )


def _rate_asked(scenario: LimitsScenario, rate: int) -> RateAsked:
    limits = scenario.limits
    most = limits.basal_u_per_h
    path = "$.limits.basal_u_per_h"
    return RateAsked(
        rate=MilliUnitsPerHour(rate),
        scheduled=_milli_rate(scenario.scheduled_u_per_h, "$.scheduled_u_per_h"),
        largest=_milli_rate(scenario.largest_u_per_h, "$.largest_u_per_h"),
        absolute=None if most is None else _milli_rate(most, path),
        times_scheduled=limits.basal_times_present,
        times_largest=limits.basal_times_largest,
    )


def _milli_rate(units: float, path: str) -> MilliUnitsPerHour:
    return MilliUnitsPerHour(whole_milli(units, path=path))


def _lockout(scenario: LimitsScenario) -> tuple[bool, bool]:
    wait = scenario.limits.lockout_min
    minutes = LOCKOUT_MIN[scenario.origin] if wait is None else wait
    boluses = [millis(one.start) for one in scenario.doses if one.kind == "bolus"]
    return locked_twice(boluses, at=millis(scenario.at), wait=minutes * MINUTE_MS)


def _beside_basal(scenario: LimitsScenario) -> int | None:
    """Give the rate that a bolus of a moment has beside the basal [mU/h]; none without a cap."""
    combined = scenario.limits.combined_u_per_h
    if combined is None or scenario.duration_min:
        return None
    basal = whole_milli(scenario.scheduled_u_per_h, path="$.scheduled_u_per_h")
    return max(0, whole_milli(combined, path="$.limits.combined_u_per_h") - basal)


def _flags(scenario: LimitsScenario, asked: int) -> tuple[str, ...]:
    """Flag what a person should look at twice; twice the largest of 24 h is a choice of ours."""
    found: list[str] = []
    soft = scenario.limits.soft_u
    if soft is not None and asked > whole_milli(soft, path="$.limits.soft_u"):
        found.append("confirm_above_soft_limit")
    since, until = millis(scenario.at) - DAY_MS, millis(scenario.at)
    recent = [
        Fraction(one.units)
        for one in scenario.doses
        if one.kind == "bolus" and since < millis(one.start) <= until
    ]
    if recent and asked > 2000 * max(recent):
        found.append("larger_than_recent")
    return tuple(found)


def _cut(scenario: LimitsScenario, name: str, before: int, after: int) -> CutFound:
    field = LIMIT_FIELDS.get(name)
    return CutFound(
        limit=name,
        before=before / 1000,
        after=after / 1000,
        value=None if field is None else getattr(scenario.limits, field),
        source="two computations differ" if field is None else f"$.limits.{field}",
    )


def _headrooms(rooms: Sequence[Room]) -> tuple[HeadroomFound, ...]:
    return tuple(
        HeadroomFound(
            limit=room.name,
            left_u=room.left / 1000,
            used_u=room.used / 1000,
            window_start=None if room.starts_at is None else instant(room.starts_at),
            window_end=None if room.ends_at is None else instant(room.ends_at),
        )
        for room in rooms
    )


LIMITS: Final = Kind(
    name="limits",
    text="what each limit leaves for a bolus or a rate, at every point of every window, twice",
    scenario=LimitsScenario,
    result=LimitsResult,
    example="""{
  "at": "2026-11-01T12:00:00Z",
  "bolus_u": 6.0,
  "doses": [
    {"kind": "bolus", "start": "2026-11-01T11:30:00Z", "end": "2026-11-01T11:30:00Z", "units": 3},
    {"kind": "basal", "start": "2026-10-31T12:00:00Z", "end": "2026-11-02T12:00:00Z", "units": 48}],
  "limits": {"single_u": 10, "hourly_u": 8, "day_u": 60, "calendar_day_u": 60, "soft_u": 5},
  "wall": {"zone": "Europe/Paris"}
}""",
    run=_run,
    resolve=_resolve,
)
"""[-] the calculation."""
