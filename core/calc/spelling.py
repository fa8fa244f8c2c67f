"""What JSON can spell and a scenario must not say: a field twice in one object, NaN, Infinity."""

import json
from collections.abc import Iterator

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
