"""What `iob`, `activity` and `forecast` are told of a pump's insulin, checked field by field."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec

from core.calc.calculation import Instant, Scenario, instant, millis
from core.kernel.errors import ScenarioError
from core.models.insulin.history import (
    Dose,
    History,
    Part,
    Rate,
    first_unscheduled,
    gaps_of,
    parts_of,
    window_ms,
)
from core.models.insulin.history import Stretch as UnknownTime
from core.models.insulin.models import (
    Bilinear,
    Exponential,
    InsulinModel,
    Spelled,
    curve_of,
    model_problem,
    spelled,
)
from core.models.insulin.peers import loop_parts, oref0_parts

Discretisation = Literal["exact", "loop", "oref0"]

OREF0_DURATION_MIN: Final = {Exponential: 300.0, Bilinear: 180.0}
"""[min] oref0 takes nothing shorter; source: oref0 lib/iob/total.js."""

Units = Annotated[float, msgspec.Meta(ge=0, le=1000)]
UnitsPerHour = Annotated[float, msgspec.Meta(ge=0, le=100)]


class GivenDose(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Insulin that was given, evenly from start to end."""

    kind: Literal["bolus", "basal", "pen"]
    """[-] basal: any rate, a suspension has 0 units; pen: also a syringe."""
    start: Instant
    """[-] its first part; a dose that starts after `at` does not count."""
    end: Instant | None = None
    """[-] its last part; as `start`. What remains of a running bolus counts in full."""
    units: Units
    """[U] 0 to 1000; all of it, up to its end."""
    purpose: Literal["meal", "correction"] | None = None
    """[-] of a bolus, if it is known."""
    certain: bool = True
    """[-] false: between nothing and `units` was given."""
    insulin: InsulinModel | None = None
    """[-] if it is another one than the pump's."""


class ScheduledRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scheduled basal of a period."""

    start: Instant
    """[-] its begin."""
    end: Instant
    """[-] its end, itself outside."""
    u_per_h: UnitsPerHour
    """[U/h] 0 to 100."""


class DosingScenario(Scenario, frozen=True, kw_only=True):
    """What is known of a pump's insulin at an instant."""

    at: Instant
    """[-] the instant."""
    insulin: InsulinModel
    """[-] in the pump."""
    discretisation: Discretisation = "exact"
    """[-] exact, or cut as Loop or oref0 do."""
    relative: bool = True
    """[-] count basal relative to the schedule; false: all insulin that was delivered."""
    covered_from: Instant | None = None
    """[-] of the time before nothing is known; without it everything is told."""
    doses: tuple[GivenDose, ...] = ()
    """[-] any order; basal ones do not overlap."""
    basal: tuple[ScheduledRate, ...] = ()
    """[-] the schedule: sorted, no overlaps."""
    gaps: Literal["scheduled", "unknown"] = "scheduled"
    """[-] what time without a basal dose after `covered_from` is taken for."""
    gap_u_per_h_max: UnitsPerHour | None = None
    """[U/h] the most that the pump can have given in unknown time; without it, no bound."""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Time within the insulin's action of which something is not known."""

    start: Instant
    """[-] its begin."""
    end: Instant
    """[-] its end."""
    why: str
    """[-] what is missing."""


def read_history(scenario: DosingScenario) -> History:
    """Check a scenario field by field, and give it in whole milliseconds.

    Raises:
        ScenarioError: with the path of the first field that cannot be.
    """
    model = counted_model(scenario)
    if scenario.discretisation == "oref0" and not scenario.relative:
        raise ScenarioError("$.relative", "oref0 counts basal relative to the schedule")
    if scenario.discretisation != "exact" and scenario.gaps == "unknown":
        raise ScenarioError("$.gaps", "Loop and oref0 take what is not recorded as scheduled")
    found = History(
        at=millis(scenario.at),
        curve=curve_of(model),
        doses=tuple(_dose(scenario, index, model) for index in range(len(scenario.doses))),
        schedule=_schedule(scenario.basal),
        is_relative=scenario.relative,
        covered_from=None if scenario.covered_from is None else millis(scenario.covered_from),
        gaps_are_scheduled=scenario.gaps == "scheduled",
        gap_u_per_h_max=scenario.gap_u_per_h_max,
    )
    _check_overlaps(found)
    outside = first_unscheduled(found)
    if outside is not None:
        reason = "relative basal needs the scheduled rate of all of its time in `basal`"
        raise ScenarioError(f"$.doses[{outside}]", reason)
    return found


def counted_model(scenario: DosingScenario) -> Spelled:
    """Give the pump's model as it is counted with; see `check_model`."""
    is_oref0 = scenario.discretisation == "oref0"
    return check_model(scenario.insulin, path="$.insulin", is_oref0=is_oref0)


def check_model(model: InsulinModel, *, path: str, is_oref0: bool = False) -> Spelled:
    """Give a model as its numbers, and as oref0 takes it if it is asked.

    Raises:
        ScenarioError: the model cannot be, or oref0 does not have it.
    """
    problem = model_problem(model)
    if problem is not None:
        raise ScenarioError(f"{path}.{problem[0]}", problem[1])
    found = spelled(model)
    if not is_oref0:
        return found
    if not isinstance(found, Exponential | Bilinear):
        raise ScenarioError(path, "oref0 has the models exponential and bilinear")
    if found.delay_min:
        raise ScenarioError(f"{path}.delay_min", "oref0 knows no delay")
    least = OREF0_DURATION_MIN[type(found)]
    return msgspec.structs.replace(found, duration_min=max(least, found.duration_min))


def counted_parts(scenario: DosingScenario, history: History) -> list[Part]:
    """Cut the recorded doses as the scenario asks."""
    if scenario.discretisation == "loop":
        return loop_parts(history)
    if scenario.discretisation == "oref0":
        return oref0_parts(history)
    return parts_of(history, until=history.at)


def unknown_parts(history: History) -> tuple[list[Part], tuple[Stretch, ...]]:
    """Give what is not recorded, as parts and as time."""
    parts, stretches = gaps_of(history)
    return parts, _shown(stretches)


def is_told(history: History, parts: Iterable[Part], unknown: Iterable[Stretch]) -> bool:
    """Say whether anything within the insulin's action is told: a dose, or that there was none.

    Args:
        history: what is known.
        parts: of its recorded doses.
        unknown: time of which nothing is known.
    """
    unknown_ms = sum(millis(found.end) - millis(found.start) for found in unknown)
    return any(True for _ in parts) or unknown_ms < window_ms(history.curve)


def _shown(stretches: Iterable[UnknownTime]) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(start=instant(found.start), end=instant(found.end), why=found.why)
        for found in stretches
    )


def _dose(scenario: DosingScenario, index: int, model: Spelled) -> Dose:
    given, path = scenario.doses[index], f"$.doses[{index}]"
    start, end = millis(given.start), millis(given.end or given.start)
    if end < start:
        raise ScenarioError(f"{path}.end", "the end is before the start")
    if given.kind == "basal":
        if given.purpose is not None:
            raise ScenarioError(f"{path}.purpose", "basal has no purpose")
        if start == end and given.units:
            raise ScenarioError(f"{path}.end", "basal takes time: its end is after its start")
    if given.kind == "pen" and start != end:
        raise ScenarioError(f"{path}.end", "a pen gives its dose at once")
    if not given.certain and scenario.discretisation != "exact":
        raise ScenarioError(f"{path}.certain", "Loop and oref0 know no uncertain dose")
    own = model
    if given.insulin is not None:
        is_oref0 = scenario.discretisation == "oref0"
        own = check_model(given.insulin, path=f"{path}.insulin", is_oref0=is_oref0)
    return Dose(
        kind="basal" if given.kind == "basal" else "bolus",
        start=start,
        end=end,
        units=given.units,
        curve=curve_of(own),
        purpose=given.purpose,
        is_certain=given.certain,
    )


def _schedule(rates: tuple[ScheduledRate, ...]) -> tuple[Rate, ...]:
    found: list[Rate] = []
    for index, given in enumerate(rates):
        rate = Rate(start=millis(given.start), end=millis(given.end), u_per_h=given.u_per_h)
        path = f"$.basal[{index}]"
        if rate.end <= rate.start:
            raise ScenarioError(f"{path}.end", "the end is not after the start")
        if found and rate.start < found[-1].end:
            raise ScenarioError(f"{path}.start", "it is before the end of the rate before it")
        found.append(rate)
    return tuple(found)


def _check_overlaps(history: History) -> None:
    """Refuse two records of basal for the same time: one of them is not true."""
    basal = sorted(
        (dose.start, dose.end, index)
        for index, dose in enumerate(history.doses)
        if dose.kind == "basal" and dose.start < dose.end
    )
    for (_, end, one), (start, _, other) in zip(basal, basal[1:], strict=False):
        if start < end:
            first, later = sorted((one, other))
            reason = f"basal is recorded for the same time as in $.doses[{first}]"
            raise ScenarioError(f"$.doses[{later}].start", reason)
