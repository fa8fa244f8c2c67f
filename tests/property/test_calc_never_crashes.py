"""Every calculation gives a finite result or one refusal with a path, whatever it is asked."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calc.registry import KINDS
from core.kernel.errors import ScenarioError
from services.command_line.system.calc import _transitions
from services.command_line.system.scenario_json import answer

EDGES: tuple[Any, ...] = (
    *(0, 1, -1, 0.5, -0.0, 1e-300, 1e9, 1e300, -1e300, 2**63, 59.999999, 1440, 100_000),
    *(None, True, "", "x", "unknown", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    *("1969-12-31T23:59:59Z", "2026-11-01T12:00:00+14:00", "2199-12-31T23:59:00Z", [], {}, [[]]),
)
"""[-] what has broken programs before."""


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Name every place of a scenario where something stands."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(place for key, part in inner for place in places(part, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Put something else in one place; a place that an earlier change took away stays away."""
    if not path:
        return new
    try:
        old = value[path[0]]
    except (KeyError, IndexError, TypeError):
        return value
    part = changed(old, path[1:], new)
    if isinstance(value, dict):
        return value | {path[0]: part}
    return [*value[: path[0]], part, *value[path[0] + 1 :]]


@pytest.mark.requirement("R16")
@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_an_example_with_anything_in_it_is_answered_or_refused(
    name: str, data: st.DataObject
) -> None:
    """A traceback, or a number that is none, would reach whoever asked as an answer."""
    scenario = json.loads(KINDS[name].example)
    somewhere = st.sampled_from(places(scenario)[1:])
    for place, value in data.draw(
        st.lists(st.tuples(somewhere, st.sampled_from(EDGES)), min_size=1, max_size=3)
    ):
        scenario = changed(scenario, place, value)

    try:
        found = answer(KINDS[name], json.dumps(scenario).encode(), zones=_transitions)
    except ScenarioError as refusal:
        assert refusal.path.startswith("$")
        assert str(refusal).isprintable()
        assert "cannot be computed" not in refusal.reason
    else:
        assert b"NaN" not in found and b"Infinity" not in found
