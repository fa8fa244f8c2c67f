"""A person's profile, settings and limits as files: JSON whose numbers are read letter for letter.

No number passes through a float, so '.5', '1e1' and NaN are refused as they are on the command
line, and no key has a default.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.amounts import (
    parse_duration,
    parse_rate,
    parse_ratio,
    parse_units,
    print_rate,
    print_ratio,
    print_units,
)
from core.errors import AmountError, CoreError
from core.glucose_text import parse_glucose, parse_unit
from schemas.basal import BasalProfileSet, ProfileSegment, SetBasalProfile
from schemas.bolus import BolusSettingsSet, InsulinAction, SetBolusSettings
from schemas.delivery import DeliveryLimitsSet, SetDeliveryLimits
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    MgDl,
    MicrogramsPerDlPerUnit,
    MilligramsPerUnit,
    Milliseconds,
)
from services.command_line.exits import CommandFailed, wrong_input

FILE_BYTES_MAX = 64 * 1_024
"""[B] of one file; a profile of 48 segments has 2 kB."""

NAME_MAX = 64
"""[-] characters of a profile's name."""

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_MMOL_TENTHOUSANDTHS = 180_156
"""[0.0001 mg/dL per mmol/L] the glossary's 18.0156 as a whole number."""


def read_profile(path: Path, *, activate: bool = True) -> SetBasalProfile:
    """Read {"name", "zone", "segments": [{"start": "HH:MM", "rate": U/h}, ...]}.

    Raises:
        CommandFailed: the file is missing or says something else.
    """
    with _Blame(path):
        fields = _object(_load(path), keys=("name", "zone", "segments"), of="the file")
        segments = fields["segments"]
        if not isinstance(segments, list) or not segments:
            raise ValueError("'segments' is not a list of {start, rate}")
        name, zone = _text(fields, "name"), _text(fields, "zone")
        if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
            raise ValueError(f"'name' is not 1 to {NAME_MAX} printable characters")
        return SetBasalProfile(
            name=name,
            zone=zone,
            segments=tuple(_segment(one) for one in segments),
            activate=activate,
        )


def read_settings(path: Path) -> SetBolusSettings:
    """Read carb_ratio [g/U], unit, sensitivity [unit/U], targets [unit] and the insulin's action.

    Raises:
        CommandFailed: the file is missing or says something else.
    """
    with _Blame(path):
        keys = ("carb_ratio", "unit", "sensitivity", "target_low", "target_high", "insulin")
        fields = _object(_load(path), keys=keys, of="the file")
        unit = parse_unit(_text(fields, "unit"))
        action = _object(fields["insulin"], keys=("duration", "peak", "delay"), of="'insulin'")
        return SetBolusSettings(
            carb_ratio=MilligramsPerUnit(parse_ratio(_text(fields, "carb_ratio"))),
            sensitivity=_sensitivity(_text(fields, "sensitivity"), unit=unit),
            target_low=_target(_text(fields, "target_low"), unit=unit),
            target_high=_target(_text(fields, "target_high"), unit=unit),
            insulin=InsulinAction(
                duration=parse_duration(_text(action, "duration")),
                peak=parse_duration(_text(action, "peak")),
                delay=parse_duration(_text(action, "delay")),
            ),
        )


def read_limits(path: Path) -> SetDeliveryLimits:
    """Read {"single": U, "hourly": U, "daily": U, "basal": U/h}.

    Raises:
        CommandFailed: the file is missing or says something else.
    """
    with _Blame(path):
        fields = _object(_load(path), keys=("single", "hourly", "daily", "basal"), of="the file")
        return SetDeliveryLimits(
            single=parse_units(_text(fields, "single")),
            hourly=parse_units(_text(fields, "hourly")),
            daily=parse_units(_text(fields, "daily")),
            basal=parse_rate(_text(fields, "basal")),
        )


def profile_as_file(profile: BasalProfileSet) -> dict[str, Any]:
    """Write a profile as `read_profile` reads it."""
    return {
        "name": profile.name,
        "zone": profile.zone,
        "segments": [
            {"start": _clock_text(one.start_minute), "rate": print_rate(one.rate)}
            for one in profile.segments
        ],
    }


def settings_as_file(settings: BolusSettingsSet) -> dict[str, Any]:
    """Write settings as `read_settings` reads them, in mg/dL."""
    return {
        "carb_ratio": print_ratio(settings.carb_ratio),
        "unit": "mg/dL",
        "sensitivity": print_ratio(MilligramsPerUnit(settings.sensitivity)),
        "target_low": str(settings.target_low),
        "target_high": str(settings.target_high),
        "insulin": {
            "duration": _duration_text(settings.insulin.duration),
            "peak": _duration_text(settings.insulin.peak),
            "delay": _duration_text(settings.insulin.delay),
        },
    }


def limits_as_file(limits: DeliveryLimitsSet) -> dict[str, Any]:
    """Write limits as `read_limits` reads them."""
    return {
        "single": print_units(limits.single),
        "hourly": print_units(limits.hourly),
        "daily": print_units(limits.daily),
        "basal": print_rate(limits.basal),
    }


class _Blame:
    """Turns every fault of a file into one line that names it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CoreError | ValueError | RecursionError):
            raise wrong_input(f"{self._path}: {error}; nothing was sent") from error


def _load(path: Path) -> object:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) > FILE_BYTES_MAX:
        raise ValueError(f"bigger than {FILE_BYTES_MAX // 1024} kB")
    try:
        return json.loads(
            data.decode(),
            parse_float=str,
            parse_int=str,
            parse_constant=_no_constant,
            object_pairs_hook=_no_doubles,
        )
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} in line {error.lineno}") from error


def _unreadable(path: Path, error: OSError) -> CommandFailed:
    return wrong_input(f"{path}: {error.strerror or error}")


def _no_constant(text: str) -> str:
    raise ValueError(f"{text} is not a number")


def _no_doubles(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a key stands twice among {', '.join(key for key, _ in pairs)}")
    return found


def _object(value: object, *, keys: Sequence[str], of: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{of} is not an object with {', '.join(keys)}")
    for key in value:
        if key not in keys:
            raise ValueError(f"{of} has an unknown key {key!r}; known are {', '.join(keys)}")
    for key in keys:
        if key not in value:
            raise ValueError(f"{of} has no {key!r}, and nothing has a default")
    return value


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields[key]
    if not isinstance(value, str):
        raise ValueError(f"{key!r} is neither a number nor a text")
    return value


def _segment(value: object) -> ProfileSegment:
    fields = _object(value, keys=("start", "rate"), of="a segment")
    found = _CLOCK.fullmatch(_text(fields, "start"))
    if found is None:
        raise ValueError(f"a segment starts at HH:MM, not {fields['start']!r}")
    return ProfileSegment(
        start_minute=int(found[1]) * 60 + int(found[2]), rate=parse_rate(_text(fields, "rate"))
    )


def _sensitivity(text: str, *, unit: str) -> MicrogramsPerDlPerUnit:
    """Read mg/dL or mmol/L per unit; mmol/L are rounded up, which makes the dose smaller."""
    thousandths = int(parse_ratio(text))
    if unit == "mmol/L":
        thousandths = -(-thousandths * _MMOL_TENTHOUSANDTHS // 10_000)
    return MicrogramsPerDlPerUnit(thousandths)


def _target(text: str, *, unit: str) -> MgDl:
    found = parse_glucose(text, unit=unit)
    if found.glucose is None:
        raise AmountError(reason="a target is a number", text=text)
    return found.glucose


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _duration_text(duration: Milliseconds) -> str:
    for size, letter in ((HOUR_MS, "h"), (MINUTE_MS, "m")):
        if duration and duration % size == 0:
            return f"{duration // size}{letter}"
    return f"{duration // SECOND_MS}s"
