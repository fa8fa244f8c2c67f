"""Insulin that acts: how fast insulin on board falls, now and as it will from what was given."""

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
from core.calc.insulin_on_board import notes_of, tidy
from core.kernel.errors import ScenarioError
from core.models.insulin.models import Spelled
from core.models.insulin.sums import acting

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
