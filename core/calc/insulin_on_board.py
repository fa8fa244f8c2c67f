"""Insulin on board of a history of doses, and how fast it acts, now and as it will."""

import math
from datetime import timedelta
from typing import Annotated, Final

import msgspec

from core.calc.calculation import Instant, Kind, Result, millis
from core.calc.inputs.insulin import (
    DosingScenario,
    Stretch,
    counted_model,
    counted_parts,
    is_told,
    read_history,
    unknown_parts,
)
from core.kernel.errors import ScenarioError
from core.models.insulin.models import Spelled
from core.models.insulin.on_board import OnBoard, acting, on_board
from core.models.insulin.peers import rounded_half_up

DIGITS: Final = 12
"""[-] after the point in results; a float of some units has no more."""

OREF0_DIGITS: Final = 3
"""[-] that oref0 rounds to; source: oref0 lib/iob/total.js."""


class IobResult(Result, frozen=True, kw_only=True):
    """Insulin on board at an instant."""

    iob_u: float | None
    """[U] of all that is recorded; negative where less than the schedule was delivered. Null, as
    the four parts of it: nothing is recorded that can act."""
    iob_least_u: float | None
    """[U] the least that it can be; null: unknown time leaves it without a bound."""
    iob_most_u: float | None
    """[U] the most that it can be; null: unknown time leaves it without a bound."""
    complete: bool
    """[-] nothing within the insulin's action is unknown."""
    bolus_iob_u: float | None
    """[U] of it from boluses and pens; by oref0, from doses of 0.1 U or more."""
    basal_iob_u: float | None
    """[U] of it from basal; by oref0, from doses below 0.1 U."""
    meal_iob_u: float | None
    """[U] of it from boluses with the purpose meal."""
    correction_iob_u: float | None
    """[U] of it from boluses with the purpose correction."""
    unknown: tuple[Stretch, ...]
    """[-] time within the insulin's action that is not known, sorted."""
    insulin: Spelled
    """[-] the model, a preset spelled out."""
    notes: tuple[str, ...]
    """[-] what a reader should know of the number."""


def tidy(value: float, *, digits: int = DIGITS) -> float:
    """Round for a result; no minus before a zero."""
    return round(value, digits) + 0.0


def notes_of(scenario: DosingScenario) -> tuple[str, ...]:
    """Say what the numbers of a scenario leave out."""
    notes: list[str] = []
    later = sum(dose.start > scenario.at for dose in scenario.doses)
    if later:
        notes.append(f"{later} of the doses start after `at` and do not count")
    uncertain = sum(not dose.certain for dose in scenario.doses)
    if uncertain:
        notes.append(f"{uncertain} of the doses are uncertain; iob_u counts them in full")
    if not scenario.relative and not scenario.basal and scenario.gaps == "scheduled":
        notes.append("no schedule was given: basal of which there is no record is unknown")
    if scenario.covered_from is not None and millis(scenario.covered_from) > millis(scenario.at):
        notes.append("nothing is known of the time before `at`")
    return tuple(notes)


def _iob(scenario: DosingScenario) -> IobResult:
    history = read_history(scenario)
    gaps, unknown = unknown_parts(history)
    recorded = counted_parts(scenario, history)
    parts = [*recorded, *gaps]
    found = on_board(parts, at=history.at)
    if scenario.discretisation == "oref0":
        found = _as_oref0(found)
    shown = tidy if is_told(history, recorded, unknown) else _untold
    return IobResult(
        iob_u=shown(found.total),
        iob_least_u=tidy(found.least) if math.isfinite(found.least) else None,
        iob_most_u=tidy(found.most) if math.isfinite(found.most) else None,
        complete=not unknown and all(part.least == part.most for part in parts),
        bolus_iob_u=shown(found.bolus),
        basal_iob_u=shown(found.basal),
        meal_iob_u=shown(found.meal),
        correction_iob_u=shown(found.correction),
        unknown=unknown,
        insulin=counted_model(scenario),
        notes=notes_of(scenario),
    )


def _untold(value: float) -> None:
    """Give nothing: a sum of nothing that is known is not zero."""
    del value


def _as_oref0(found: OnBoard) -> OnBoard:
    values = {name: getattr(found, name) for name in found.__struct_fields__}
    rounded = {
        name: rounded_half_up(value, digits=OREF0_DIGITS) if math.isfinite(value) else value
        for name, value in values.items()
    }
    return msgspec.structs.replace(found, **rounded)


IOB: Final = Kind(
    name="iob",
    text="insulin on board of boluses, basal, suspensions and pens, by any model",
    scenario=DosingScenario,
    result=IobResult,
    example="""
{
  "at": "2026-11-01T12:00:00Z",
  "insulin": {"model": "exponential", "duration_min": 360, "peak_min": 75, "delay_min": 10},
  "relative": true,
  "covered_from": "2026-10-31T00:00:00Z",
  "doses": [
    {"kind": "bolus", "start": "2026-11-01T11:00:00Z", "end": "2026-11-01T11:01:20Z",
     "units": 2.0, "purpose": "meal"},
    {"kind": "basal", "start": "2026-11-01T11:15:00Z", "end": "2026-11-01T11:45:00Z", "units": 0.0}
  ],
  "basal": [
    {"start": "2026-10-31T00:00:00Z", "end": "2026-11-02T00:00:00Z", "u_per_h": 1.0}
  ]
}
""",
    run=_iob,
)
"""[-] `basalt calc iob`."""


POINTS_MAX: Final = 2000
"""[-] of one curve; a week at 5 min has 2016."""

MIN_PER_H: Final = 60
"""[min/h]"""


class ActivityScenario(DosingScenario, frozen=True, kw_only=True):
    """The scenario of `iob`, and how far ahead to go."""

    until: Instant | None = None
    """[-] give a curve from `at` to here, of the insulin given up to `at`."""
    step_min: Annotated[float, msgspec.Meta(ge=1, le=1440)] = 5.0
    """[min] 1 to 1440; between two points of the curve."""


class ActivityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What acts at an instant."""

    at: Instant
    """[-] the instant."""
    u_per_min: float | None
    """[U/min] relative to the schedule or absolute, as asked; null where nothing is told."""


class ActivityResult(Result, frozen=True, kw_only=True):
    """Insulin that acts at an instant, and after it."""

    activity_u_per_min: float | None
    """[U/min] how fast insulin on board falls; null: nothing is recorded that can act."""
    activity_u_per_h: float | None
    """[U/h] the same."""
    complete: bool
    """[-] nothing within the insulin's action is unknown."""
    curve: tuple[ActivityPoint, ...]
    """[-] from `at` to `until`, empty if that was not given."""
    unknown: tuple[Stretch, ...]
    """[-] time within the insulin's action that is not known, sorted; counts as nothing."""
    insulin: Spelled
    """[-] the model, a preset spelled out."""
    notes: tuple[str, ...]
    """[-] what a reader should know of the number."""


def _activity(scenario: ActivityScenario) -> ActivityResult:
    history = read_history(scenario)
    gaps, unknown = unknown_parts(history)
    recorded = counted_parts(scenario, history)
    parts = [*recorded, *gaps]
    told = is_told(history, recorded, unknown)
    found = acting(parts, at=history.at) if told else None
    points = tuple(
        ActivityPoint(at=at, u_per_min=tidy(acting(parts, at=millis(at))) if told else None)
        for at in _instants(scenario)
    )
    return ActivityResult(
        activity_u_per_min=None if found is None else tidy(found),
        activity_u_per_h=None if found is None else tidy(found * MIN_PER_H),
        complete=not unknown and all(part.least == part.most for part in parts),
        curve=points,
        unknown=unknown,
        insulin=counted_model(scenario),
        notes=notes_of(scenario),
    )


def _instants(scenario: ActivityScenario) -> list[Instant]:
    if scenario.until is None:
        return []
    if scenario.discretisation != "exact":
        raise ScenarioError("$.until", "a curve is computed exactly only")
    if scenario.until < scenario.at:
        raise ScenarioError("$.until", "it is before `at`")
    step = timedelta(minutes=scenario.step_min)
    count = (scenario.until - scenario.at) // step + 1
    if count > POINTS_MAX:
        raise ScenarioError("$.until", f"the curve would have more than {POINTS_MAX} points")
    return [scenario.at + step * number for number in range(count)]


ACTIVITY: Final = Kind(
    name="activity",
    text="insulin that acts, now and for the hours to come, of the same history as iob",
    scenario=ActivityScenario,
    result=ActivityResult,
    example="""
{
  "at": "2026-11-01T12:00:00Z",
  "insulin": {"model": "preset", "preset": "loop_fiasp"},
  "doses": [
    {"kind": "bolus", "start": "2026-11-01T11:00:00Z", "units": 2.0, "purpose": "meal"}
  ],
  "until": "2026-11-01T13:00:00Z",
  "step_min": 15
}
""",
    run=_activity,
)
"""[-] `basalt calc activity`."""
