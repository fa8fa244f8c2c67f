"""Schedules of the bolus calculator: which segment holds when, through any clock change."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from core.calc.basal.shapes import FactorFound, FactorGiven, FactorsGiven
from core.calc.calculation import instant, whole_milli
from core.calc.inputs.zones import minute_of, time_of
from core.kernel.errors import ScenarioError
from core.models.schedules import segment_at, starts_problem, wall_clock, wall_edges
from schemas.basal.profiles import ZoneTransition
from schemas.units import UtcMillis

BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "carb_ratio_g_per_u": (1, 150),
    "sensitivity_mg_dl_per_u": (5, 500),
    "target_low_mg_dl": (60, 250),
    "target_high_mg_dl": (60, 250),
    "correct_above_mg_dl": (60, 250),
}
"""[as named] least and largest value of each; as `basalt calc bolus` takes them."""

IN_ORDER: Final = ("target_low_mg_dl", "target_high_mg_dl", "correct_above_mg_dl")
"""[-] none is below the one before it at any time of day."""


class _Segment(msgspec.Struct, frozen=True, kw_only=True):
    start_minute: int
    value: float


def factors_over(
    given: FactorsGiven,
    transitions: Sequence[ZoneTransition],
    *,
    starts_at: UtcMillis,
    ends_at: UtcMillis,
) -> dict[str, tuple[FactorFound, ...]]:
    """Lay out each schedule over [starts_at, ends_at).

    Raises:
        ScenarioError: a schedule cannot be; with the path of the field.
    """
    days = {name: _day(name, getattr(given, name)) for name in BOUNDS if getattr(given, name)}
    for lower, upper in zip(IN_ORDER, IN_ORDER[1:], strict=False):
        if lower in days and upper in days:
            _check_order(days[lower], days[upper], lower, upper)
    return {
        name: tuple(_laid_out(day, transitions, starts_at, ends_at)) for name, day in days.items()
    }


def _day(name: str, given: Sequence[FactorGiven]) -> tuple[_Segment, ...]:
    least, most = BOUNDS[name]
    found: list[_Segment] = []
    for index, one in enumerate(given):
        path = f"$.factors.{name}[{index}].value"
        if not least <= one.value <= most:
            raise ScenarioError(path, f"not {least} to {most}")
        whole_milli(one.value, path=path)
        found.append(_Segment(start_minute=minute_of(one.start), value=one.value))
    if starts_problem(found):
        raise ScenarioError(f"$.factors.{name}", "segments begin at 00:00 and go on in time")
    return tuple(found)


def _check_order(
    lows: Sequence[_Segment], highs: Sequence[_Segment], lower: str, upper: str
) -> None:
    for minute in sorted({one.start_minute for one in (*lows, *highs)}):
        if segment_at(highs, minute).value < segment_at(lows, minute).value:
            raise ScenarioError(f"$.factors.{upper}", f"below {lower} at {time_of(minute)}")


def _laid_out(
    day: Sequence[_Segment],
    transitions: Sequence[ZoneTransition],
    starts_at: UtcMillis,
    ends_at: UtcMillis,
) -> list[FactorFound]:
    minutes = {one.start_minute for one in day}
    edges = wall_edges(minutes, transitions, starts_at=starts_at, ends_at=ends_at)
    begun: list[tuple[UtcMillis, _Segment]] = []
    for at in sorted(edges):
        segment = segment_at(day, wall_clock(transitions, at)[1])
        if not begun or begun[-1][1] != segment:
            begun.append((at, segment))
    ends = [*(at for at, _ in begun[1:]), ends_at]
    return [
        FactorFound(
            start=instant(at),
            end=instant(end),
            value=segment.value,
            segment=time_of(segment.start_minute),
        )
        for (at, segment), end in zip(begun, ends, strict=True)
    ]
