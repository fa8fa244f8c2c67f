"""From one scenario to its result, both as values, or to the one reason why not."""

import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec

from core.calc.calculation import Kind, Result, Scenario, ZoneLookup
from core.kernel.errors import ScenarioError

YEARS: Final = range(1970, 2200)
"""[-] in which an instant can lie; it keeps arithmetic with it in range."""


def compute(kind: Kind[Any], scenario: Scenario, *, zones: ZoneLookup) -> Result:
    """Compute what a scenario asks for.

    Args:
        kind: which calculation.
        scenario: of that kind.
        zones: what time zones say; asked only by the kinds that know local time.

    Returns:
        The result; every number in it is finite.

    Raises:
        ScenarioError: the scenario cannot be; says where and why.
    """
    _check_years(scenario, "$")
    try:
        resolved = scenario if kind.resolve is None else kind.resolve(scenario, zones)
        result = kind.run(resolved)
    except (ArithmeticError, ValueError) as error:
        raise ScenarioError("$", f"it cannot be computed: {error}") from error
    if not _is_finite(result):
        raise ScenarioError("$", "its numbers are too large to compute with")
    return result


def _check_years(value: object, path: str) -> None:
    """Refuse an instant so far off that arithmetic with it would end."""
    if isinstance(value, datetime):
        if value.year not in YEARS:
            raise ScenarioError(path, f"the year is not {YEARS.start} to {YEARS.stop - 1}")
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            _check_years(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            _check_years(item, f"{path}[{index}]")


def _is_finite(value: object) -> bool:
    """Look through a result; the encoder would write NaN as null and say nothing."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, msgspec.Struct):
        return all(_is_finite(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, Iterable) and not isinstance(value, str):
        return all(map(_is_finite, value))
    return True
