"""A person's basal profile and limits as files."""

from pathlib import Path
from typing import Any

import msgspec

from core.formats.amounts import parse_duration, parse_rate, parse_units, print_rate, print_units
from schemas.basal.profiles import BasalProfileSet, ProfileSegment, SetBasalProfile
from schemas.delivery.delivery import DeliveryLimitsSet, Lockout, SetDeliveryLimits
from schemas.units import MINUTE_MS
from services.command_line.files.json_files import (
    Blame,
    clock_text,
    load,
    object_of,
    start_of,
    text_of,
)

VIRTUAL = "basalt_virtual"
"""[-] the pump model where none is named."""

OPTIONAL_UNITS = ("four_hours", "soft", "calendar_day", "on_board")
"""[-] limits in U that need not be set."""

LOCKOUTS = Lockout.__struct_fields__
"""[-] who waits how long for the bolus before."""

NAME_MAX = 64
"""[-] characters of a profile's name."""


def read_profile(path: Path, *, activate: bool = True, because: str = "") -> SetBasalProfile:
    """Read {"name", "zone", "segments": [{"start": "HH:MM", "rate": U/h}, ...]}.

    Raises:
        CommandFailed: the file is missing or says something else.
    """
    with Blame(path):
        fields = object_of(load(path), keys=("name", "zone", "segments"), of="the file")
        segments = fields["segments"]
        if not isinstance(segments, list) or not segments:
            raise ValueError("'segments' is not a list of {start, rate}")
        name, zone = text_of(fields, "name"), text_of(fields, "zone")
        if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
            raise ValueError(f"'name' is not 1 to {NAME_MAX} printable characters")
        return SetBasalProfile(
            name=name,
            zone=zone,
            segments=tuple(_segment(one) for one in segments),
            activate=activate,
            because=because,
        )


def read_limits(path: Path, *, because: str = "") -> SetDeliveryLimits:
    """Read {"single": U, "hourly": U, "daily": U, "basal": U/h} and what may stand beside them.

    That is "four_hours", "soft", "calendar_day" and "on_board" in U, "pump", the name of a model,
    and "lockout", {"person", "controller", "remote"} with times such as "15m", all three or some.

    Raises:
        CommandFailed: the file is missing or says something else.
    """
    with Blame(path):
        keys = ("single", "hourly", "daily", "basal")
        optional = ("pump", "lockout", *OPTIONAL_UNITS)
        fields = object_of(load(path), keys=keys, optional=optional, of="the file")
        units = {
            name: parse_units(text_of(fields, name)) for name in OPTIONAL_UNITS if name in fields
        }
        return SetDeliveryLimits(
            single=parse_units(text_of(fields, "single")),
            hourly=parse_units(text_of(fields, "hourly")),
            daily=parse_units(text_of(fields, "daily")),
            basal=parse_rate(text_of(fields, "basal")),
            **units,
            lockout=_read_lockout(fields.get("lockout", {})),
            pump_model=text_of(fields, "pump") if "pump" in fields else VIRTUAL,
            because=because,
        )


def profile_as_file(profile: BasalProfileSet) -> dict[str, Any]:
    """Write a profile as `read_profile` reads it."""
    return {
        "name": profile.name,
        "zone": profile.zone,
        "segments": [
            {"start": clock_text(one.start_minute), "rate": print_rate(one.rate)}
            for one in profile.segments
        ],
    }


def limits_as_file(limits: DeliveryLimitsSet) -> dict[str, Any]:
    """Write limits as `read_limits` reads them."""
    optional = {name: getattr(limits, name) for name in OPTIONAL_UNITS}
    return {
        "single": print_units(limits.single),
        "hourly": print_units(limits.hourly),
        "daily": print_units(limits.daily),
        "basal": print_rate(limits.basal),
        **{name: print_units(value) for name, value in optional.items() if value is not None},
        "lockout": {
            who: f"{wait // MINUTE_MS}m"
            for who, wait in msgspec.structs.asdict(limits.lockout).items()
        },
        "pump": limits.pump_model,
    }


def _read_lockout(value: object) -> Lockout:
    fields = object_of(value, keys=(), optional=LOCKOUTS, of="'lockout'")
    return Lockout(
        **{who: parse_duration(text_of(fields, who)) for who in LOCKOUTS if who in fields}
    )


def _segment(value: object) -> ProfileSegment:
    fields = object_of(value, keys=("start", "rate"), of="a segment")
    return ProfileSegment(start_minute=start_of(fields), rate=parse_rate(text_of(fields, "rate")))
