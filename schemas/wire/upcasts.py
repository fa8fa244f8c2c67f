"""Old messages to new ones, one step for each version that was followed by another.

A tag, once released, is for ever. A change of meaning is a new tag, for instance
`bolus_settings_set.v2`, and a line here that turns the fields of v1 into those of v2.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

Fields = dict[str, Any]


class Upcast(NamedTuple):
    """One step from an old tag to the next."""

    newer: str
    """[-] the next tag."""
    fields: Callable[[Fields], Fields]
    """[-] what turns the old fields into those of the next tag; the tag itself is set after it."""


UPCASTS_MAX = 20
"""[-] steps from the oldest version of a message to its newest."""


def _one_segment_each(fields: Fields) -> Fields:
    """One ratio, sensitivity and target become segments of the whole day, in any zone alike."""
    old = dict(fields)
    ratio, sensitivity = old.pop("carb_ratio"), old.pop("sensitivity")
    low, high = old.pop("target_low"), old.pop("target_high")
    return {
        **old,
        "zone": "UTC",
        "carb_ratios": [{"start_minute": 0, "carb_ratio": ratio}],
        "sensitivities": [{"start_minute": 0, "sensitivity": sensitivity}],
        "targets": [{"start_minute": 0, "low": low, "high": high}],
        "rules": "basalt",
    }


def _same_fields(fields: Fields) -> Fields:
    """Only the name changed: `bolus_started` was stored before the pump was asked."""
    return fields


UPCASTS: Final[dict[str, Upcast]] = {
    "set_bolus_settings.v1": Upcast("set_bolus_settings.v2", _one_segment_each),
    "bolus_settings_set.v1": Upcast("bolus_settings_set.v2", _one_segment_each),
    "bolus_started.v1": Upcast("bolus_start_requested.v1", _same_fields),
}
"""[-] by old tag, the step to the next."""


def newest_tag(tag: str) -> str:
    """Give the tag under which a message of this tag is written today."""
    for _ in range(UPCASTS_MAX):
        step = UPCASTS.get(tag)
        if step is None:
            return tag
        tag = step.newer
    raise ValueError(f"more than {UPCASTS_MAX} upcasts lead on to {tag!r}")


def tags_read_as(tag: str) -> frozenset[str]:
    """Give every tag that is read as this one: itself and the older ones."""
    return frozenset({tag, *(old for old in UPCASTS if newest_tag(old) == tag)})


def newest_name(name: str) -> str:
    """Give today's name, without version, of a message that once had another, else the same."""
    for old in UPCASTS:
        if old.rpartition(".")[0] == name:
            return newest_tag(old).rpartition(".")[0]
    return name
