"""From the bytes of a scenario to the bytes of its answer, or to the one reason why not."""

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from core.calc.kind import Kind, ZoneLookup
from core.errors import ScenarioError

SCENARIO_BYTES_MAX = 8 * 1024 * 1024
"""[bytes] of one scenario; project's own choice, some 80,000 doses."""

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
    try:
        if kind.resolve is not None:
            scenario = kind.resolve(scenario, zones)
        result = kind.run(scenario)
    except (ArithmeticError, ValueError) as error:
        raise ScenarioError("$", _one_line(f"it cannot be computed: {error}")) from error
    if not _is_finite(result):
        raise ScenarioError("$", "its numbers are too large to compute with")
    return msgspec.json.encode(result)


def schema_of(kind: Kind[Any]) -> dict[str, dict[str, Any]]:
    """Describe the scenario and the result of a kind as JSON Schema, each whole in itself."""
    return {
        "scenario": msgspec.json.schema(kind.scenario),
        "result": msgspec.json.schema(kind.result),
    }


def _read(kind: Kind[Any], data: bytes) -> Any:
    if len(data) > SCENARIO_BYTES_MAX:
        raise ScenarioError("$", f"a scenario has at most {SCENARIO_BYTES_MAX} bytes")
    if not data.strip():
        raise ScenarioError("$", f"no scenario was given; '{kind.name} --example' shows one")
    try:
        return msgspec.json.decode(data, type=kind.scenario)
    except RecursionError as error:
        raise ScenarioError("$", "it is nested too deeply") from error
    except ValueError as error:
        reason, _, path = str(error).partition(" - at `")
        raise ScenarioError(_one_line(path.rstrip("`")) or "$", _one_line(reason)) from error


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
