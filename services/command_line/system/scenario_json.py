"""Scenarios of `basalt calc` read from JSON, and their answers written as JSON.

What JSON can spell and a scenario must not say: a field twice in one object, NaN, Infinity.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from core.calc.calculation import Kind, ZoneLookup
from core.calc.compute import compute
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
        ScenarioError: the scenario cannot be read or cannot be; says where and why, in one line.
    """
    try:
        return msgspec.json.encode(compute(kind, _read(kind, data), zones=zones))
    except ScenarioError as error:
        raise ScenarioError(_one_line(error.path), _one_line(error.reason)) from error


def _read(kind: Kind[Any], data: bytes) -> Any:
    if len(data) > SCENARIO_BYTES_MAX:
        raise ScenarioError("$", f"a scenario has at most {SCENARIO_BYTES_MAX} bytes")
    if not data.strip():
        raise ScenarioError("$", f"no scenario was given; '{kind.name} --example' shows one")
    try:
        check_spelling(data)
        return msgspec.json.decode(data, type=kind.scenario)
    except RecursionError as error:
        raise ScenarioError("$", "it is nested too deeply") from error
    except ValueError as error:
        reason, _, path = str(error).partition(" - at `")
        path, reason = _of_field(path.rstrip("`") or "$", reason)
        raise ScenarioError(path, reason) from error


def _of_field(path: str, reason: str) -> tuple[str, str]:
    """Name the field itself where the decoder names the object that has, or lacks, it."""
    for pattern, said in _FIELDS:
        found = pattern.fullmatch(reason)
        if found is not None:
            return f"{path}.{found[1]}", said
    return path, reason


def _one_line(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    return shown if len(shown) <= REASON_LETTERS_MAX else shown[:REASON_LETTERS_MAX] + "..."
