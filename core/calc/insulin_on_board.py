"""Insulin on board of a history of doses: what has not acted yet."""

import math
from typing import Final

import msgspec

from core.calc.calculation import Kind, Result, millis
from core.calc.inputs.insulin import (
    DosingScenario,
    Stretch,
    counted_model,
    counted_parts,
    is_told,
    read_history,
    unknown_parts,
)
from core.models.insulin.models import Spelled
from core.models.insulin.peers import rounded_half_up
from core.models.insulin.sums import OnBoard, on_board

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
