"""From the bytes of a scenario to the bytes of its answer, or to the one reason why not.

What JSON can spell and a scenario must not say: a field twice in one object, NaN, Infinity.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from core.calc.calculation import Kind, ZoneLookup
from core.kernel.errors import ScenarioError

Pair = tuple[str, object]


class _NotPlain(Exception):
    """There is something to be found; where is looked for only then."""


class _Fields(tuple[Pair, ...]):
    """An object as it is written, a field twice where it is."""


class _NoNumber(str):
    """NaN, Infinity or -Infinity."""


def check_spelling(data: bytes) -> None:
    """Refuse what a decoder would take the last one of, and what no number is.

    What is no JSON at all passes: the decoder says so.

    Raises:
        ScenarioError: with the path of the field.
    """
    try:
        json.loads(data, object_pairs_hook=_plain, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return
    except _NotPlain:
        _name_fault(data)


def _name_fault(data: bytes) -> None:
    try:
        written = json.loads(data, object_pairs_hook=_Fields, parse_constant=_NoNumber)
    except (ValueError, RecursionError):
        return
    path, reason = next(_faults(written, "$"))
    raise ScenarioError(path, reason)


def _plain(pairs: list[Pair]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotPlain
    return found


def _refuse(name: str) -> object:
    raise _NotPlain


def _faults(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, _Fields):
        seen: set[str] = set()
        for name, field in value:
            if name in seen:
                yield f"{path}.{name}", "it is given twice"
            seen.add(name)
            yield from _faults(field, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(item, f"{path}[{index}]")
    elif isinstance(value, _NoNumber):
        yield path, f"{value} is no number"


SCENARIO_BYTES_MAX = 8 * 1024 * 1024
"""[bytes] of one scenario; project's own choice, some 80,000 doses."""

YEARS: Final = range(1970, 2200)
"""[-] in which an instant can lie; it keeps arithmetic with it in range."""

_FIELDS: Final = (
    (re.compile("Object contains unknown field `(.*)`", re.DOTALL), "there is no such field"),
    (re.compile("Object missing required field `(.*)`", re.DOTALL), "it is required"),
)
"""[-] what the decoder says of the object around a field, and what is said of the field."""

REASON_LETTERS_MAX = 300
"""[-] of a reason; it is one line, and what it quotes comes from outside."""


def answer(kind: Kind[Any], data: bytes, *, zones: ZoneLookup) -> bytes:
    """Compute what a scenario asks for.

    Args:
        kind: which calculation.
        data: a scenario as JSON in UTF-8, at most `SCENARIO_BYTES_MAX`.
        zones: what time zones say; asked only by the kinds that know local time.

    Returns:
        The result as JSON on one line, fields in their order; every number in it is finite.

    Raises:
        ScenarioError: the scenario cannot be read or cannot be; says where and why.
    """
    scenario = _read(kind, data)
    _check_years(scenario, "$")
    try:
        if kind.resolve is not None:
            scenario = kind.resolve(scenario, zones)
        result = kind.run(scenario)
    except (ArithmeticError, ValueError) as error:
        raise ScenarioError("$", _one_line(f"it cannot be computed: {error}")) from error
    if not _is_finite(result):
        raise ScenarioError("$", "its numbers are too large to compute with")
    return msgspec.json.encode(result)


def _read(kind: Kind[Any], data: bytes) -> Any:
    if len(data) > SCENARIO_BYTES_MAX:
        raise ScenarioError("$", f"a scenario has at most {SCENARIO_BYTES_MAX} bytes")
    if not data.strip():
        raise ScenarioError("$", f"no scenario was given; '{kind.name} --example' shows one")
    try:
        check_spelling(data)
        return msgspec.json.decode(data, type=kind.scenario)
    except ScenarioError as error:
        raise ScenarioError(_one_line(error.path), error.reason) from error
    except RecursionError as error:
        raise ScenarioError("$", "it is nested too deeply") from error
    except ValueError as error:
        reason, _, path = str(error).partition(" - at `")
        path, reason = _of_field(path.rstrip("`") or "$", reason)
        raise ScenarioError(_one_line(path), _one_line(reason)) from error


def _of_field(path: str, reason: str) -> tuple[str, str]:
    """Name the field itself where the decoder names the object that has, or lacks, it."""
    for pattern, said in _FIELDS:
        found = pattern.fullmatch(reason)
        if found is not None:
            return f"{path}.{found[1]}", said
    return path, reason


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


def _one_line(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    return shown if len(shown) <= REASON_LETTERS_MAX else shown[:REASON_LETTERS_MAX] + "..."


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
