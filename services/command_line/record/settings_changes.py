"""What a change of settings changed: each field with its value before and after."""

from typing import Any, Final

import msgspec

from core.record.provenance import Known
from schemas.basal.profiles import BasalProfileSet
from schemas.bolus.orders import BolusPresetSet
from schemas.bolus.settings import BolusSettingsSet
from schemas.delivery.delivery import DeliveryLimitsSet
from services.command_line.files.profile_files import limits_as_file, profile_as_file
from services.command_line.files.settings_files import settings_as_file

_WHO: Final = frozenset({"type", "actor", "because"})
"""[-] fields that say who and why, not what."""


class Changes:
    """The newest settings of each kind, to tell what the next ones change."""

    def __init__(self) -> None:
        """Know none."""
        self._known: dict[tuple[str, str], dict[str, Any]] = {}

    def of(self, known: Known) -> str:
        """Take a change; give what it changed, empty for the first of its kind and for none.

        A profile or preset is compared with the one of the same name.
        """
        body = known.body
        name = body.name if isinstance(body, BasalProfileSet | BolusPresetSet) else ""
        kind = type(body).__name__, name
        after = _as_file(body)
        before = self._known.get(kind)
        self._known[kind] = after
        if before is None:
            return ""
        fields = dict.fromkeys((*before, *after))
        return "; ".join(
            f"{field.replace('_', ' ')} {_short(before.get(field))} to {_short(after.get(field))}"
            for field in fields
            if before.get(field) != after.get(field)
        )


def _as_file(body: object) -> dict[str, Any]:
    """Write settings as the file that sets them, where there is one."""
    match body:
        case BasalProfileSet():
            return profile_as_file(body)
        case BolusSettingsSet():
            return settings_as_file(body)
        case DeliveryLimitsSet():
            return limits_as_file(body)
        case _:
            plain: dict[str, Any] = msgspec.to_builtins(body)
            return {name: value for name, value in plain.items() if name not in _WHO}


def _short(value: object) -> str:
    """Write a value on one line: a list by the hour as '00:00 10, 06:00 8'."""
    match value:
        case None:
            return "none"
        case list() | tuple() as parts:
            return ", ".join(_short(part) for part in parts)
        case dict() as fields:
            return " ".join(str(part) for part in fields.values())
        case _:
            return str(value)
