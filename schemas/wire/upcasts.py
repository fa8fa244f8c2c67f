"""Old messages to new ones, one step for each version that was followed by another.

A tag, once released, is for ever. A change of meaning is a new tag, for instance
`bolus_settings_set.v2`, and a line here that turns the fields of v1 into those of v2.
"""

from collections.abc import Callable
from typing import Any

Upcast = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTS_MAX = 20
"""[-] steps from the oldest version of a message to its newest."""


def _one_segment_each(fields: dict[str, Any]) -> dict[str, Any]:
    """One ratio, sensitivity and target become segments of the whole day, in any zone alike."""
    old = dict(fields)
    name, _, _ = str(old.pop("type")).partition(".")
    ratio, sensitivity = old.pop("carb_ratio"), old.pop("sensitivity")
    low, high = old.pop("target_low"), old.pop("target_high")
    return {
        **old,
        "type": f"{name}.v2",
        "zone": "UTC",
        "carb_ratios": [{"start_minute": 0, "carb_ratio": ratio}],
        "sensitivities": [{"start_minute": 0, "sensitivity": sensitivity}],
        "targets": [{"start_minute": 0, "low": low, "high": high}],
        "rules": "basalt",
    }


UPCASTS: dict[str, Upcast] = {
    "set_bolus_settings.v1": _one_segment_each,
    "bolus_settings_set.v1": _one_segment_each,
}
"""[-] old tag to the function that gives the fields, tag included, of the next version."""
