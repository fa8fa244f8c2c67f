"""Old events to new ones, one step for each released version that was followed by another.

A tag, once released, is for ever. A change of meaning is a new tag, for instance
`carbs_recorded.v2`, and a line here that turns the fields of v1 into those of v2.
"""

from collections.abc import Callable
from typing import Any

Upcast = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTS_MAX = 20
"""[-] steps from the oldest version of an event to its newest."""

UPCASTS: dict[str, Upcast] = {}
"""[-] old tag to the function that gives the fields, tag included, of the next version."""
