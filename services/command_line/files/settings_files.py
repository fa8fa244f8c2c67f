"""A person's bolus settings as files: one value for the whole day, or a list by the hour."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from core.dosing.limits.limits import SAFE_MINIMUM_MG_DL
from core.formats.amounts import parse_duration, parse_ratio, print_ratio
from core.formats.glucose_values import parse_glucose, parse_unit
from core.kernel.errors import AmountError
from schemas.bolus.settings import (
    ActionModel,
    BolusSettingsSet,
    CarbRatioSegment,
    InsulinAction,
    SensitivitySegment,
    SetBolusSettings,
    TargetSegment,
)
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    MgDl,
    MicrogramsPerDlPerUnit,
    MilligramsPerUnit,
    Milliseconds,
)
from services.command_line.files.json_files import (
    Blame,
    clock_text,
    load,
    object_of,
    start_of,
    text_of,
)

_MMOL_TENTHOUSANDTHS = 180_156
"""[0.0001 mg/dL per mmol/L] the glossary's 18.0156 as a whole number."""

_KEYS = ("carb_ratio", "unit", "sensitivity", "target_low", "target_high", "insulin")
_SCHEDULES = ("carb_ratio", "sensitivity", "target_low", "target_high", "correct_above")
_ANY_ZONE = "UTC"

ValueT = TypeVar("ValueT")
Schedule = list[tuple[int, ValueT]]
"""[min, value] sorted by the minute after local midnight."""


def read_settings(path: Path, *, because: str = "") -> SetBolusSettings:
    """Read carb_ratio [g/U], unit, sensitivity [unit/U], targets [unit], insulin, rules, zone.

    Each of the ratios and targets is one value or a list of {"start": "HH:MM", "value"}; with a
    list the zone is needed.

    Raises:
        CommandFailed: the file is missing or says something else.
    """
    with Blame(path):
        optional = ("correct_above", "rules", "safe_minimum", "zone")
        fields = object_of(load(path), keys=_KEYS, optional=optional, of="the file")
        by_hour = [key for key in _SCHEDULES if isinstance(fields.get(key), list)]
        if by_hour and "zone" not in fields:
            raise ValueError(f"{by_hour[0]!r} differs by the hour, and there is no 'zone'")
        unit = parse_unit(text_of(fields, "unit"))
        ratios = _schedule(fields, "carb_ratio", parse_ratio)
        falls = _schedule(fields, "sensitivity", lambda text: _sensitivity(text, unit=unit))
        return SetBolusSettings(
            zone=text_of(fields, "zone") if "zone" in fields else _ANY_ZONE,
            carb_ratios=tuple(
                CarbRatioSegment(start_minute=start, carb_ratio=MilligramsPerUnit(value))
                for start, value in ratios
            ),
            sensitivities=tuple(
                SensitivitySegment(start_minute=start, sensitivity=value) for start, value in falls
            ),
            targets=_targets(fields, unit=unit),
            insulin=_insulin(fields["insulin"]),
            rules=text_of(fields, "rules") if "rules" in fields else "basalt",
            because=because,
            safe_minimum=_safe_minimum(fields, unit=unit),
        )


def settings_as_file(settings: BolusSettingsSet) -> dict[str, Any]:
    """Write settings as `read_settings` reads them, in mg/dL."""
    ratios = [(one.start_minute, print_ratio(one.carb_ratio)) for one in settings.carb_ratios]
    falls = [
        (one.start_minute, print_ratio(MilligramsPerUnit(one.sensitivity)))
        for one in settings.sensitivities
    ]
    written: dict[str, Any] = {
        "zone": settings.zone,
        "carb_ratio": _written(ratios),
        "unit": "mg/dL",
        "sensitivity": _written(falls),
        "target_low": _written([(one.start_minute, str(one.low)) for one in settings.targets]),
        "target_high": _written([(one.start_minute, str(one.high)) for one in settings.targets]),
    }
    if any(one.correct_above is not None for one in settings.targets):
        above = [(one.start_minute, str(one.correct_above or one.high)) for one in settings.targets]
        written["correct_above"] = _written(above)
    return {
        **written,
        "insulin": _insulin_as_file(settings.insulin),
        "rules": settings.rules,
        "safe_minimum": str(settings.safe_minimum),
    }


def _schedule(
    fields: Mapping[str, Any], key: str, read: Callable[[str], ValueT]
) -> Schedule[ValueT]:
    value = fields[key]
    if not isinstance(value, list):
        return [(0, read(text_of(fields, key)))]
    if not value:
        raise ValueError(f"{key!r} is an empty list")
    found: Schedule[ValueT] = []
    for one in value:
        part = object_of(one, keys=("start", "value"), of=f"a segment of {key!r}")
        found.append((start_of(part), read(text_of(part, "value"))))
    return found


def _safe_minimum(fields: Mapping[str, Any], *, unit: str) -> MgDl:
    if "safe_minimum" not in fields:
        return SAFE_MINIMUM_MG_DL
    return _target(text_of(fields, "safe_minimum"), unit=unit)


def _targets(fields: Mapping[str, Any], *, unit: str) -> tuple[TargetSegment, ...]:
    """Join the ends of the target, each with its own segments, where any of them begins."""

    def read(text: str) -> MgDl:
        return _target(text, unit=unit)

    lows, highs = _schedule(fields, "target_low", read), _schedule(fields, "target_high", read)
    aboves = _schedule(fields, "correct_above", read) if "correct_above" in fields else []
    starts = sorted({start for start, _ in (*lows, *highs, *aboves)})
    return tuple(
        TargetSegment(
            start_minute=start,
            low=_at(lows, start),
            high=_at(highs, start),
            correct_above=_at(aboves, start) if aboves else None,
        )
        for start in starts
    )


def _at(schedule: Schedule[ValueT], minute: int) -> ValueT:
    starts = [start for start, _ in schedule]
    if starts != sorted(set(starts)) or starts[0] != 0:
        raise ValueError("segments are sorted by start, the first at 00:00")
    return schedule[bisect_right(starts, minute) - 1][1]


def _insulin_as_file(action: InsulinAction) -> dict[str, str]:
    peak = {"peak": _duration_text(action.peak)} if action.peak else {}
    return {
        "model": action.model,
        "duration": _duration_text(action.duration),
        **peak,
        "delay": _duration_text(action.delay),
    }


def _insulin(value: object) -> InsulinAction:
    keys = ("duration", "delay")
    action = object_of(value, keys=keys, optional=("model", "peak"), of="'insulin'")
    named = text_of(action, "model") if "model" in action else "exponential"
    models: dict[str, ActionModel] = {name: name for name in get_args(ActionModel)}
    if named not in models:
        raise ValueError(f"'model' of 'insulin' is none of {', '.join(models)}: {named!r}")
    if ("peak" in action) != (named == "exponential"):
        verb = "needs" if named == "exponential" else "has no"
        raise ValueError(f"the {named} model of 'insulin' {verb} 'peak'")
    return InsulinAction(
        duration=parse_duration(text_of(action, "duration")),
        peak=parse_duration(text_of(action, "peak")) if "peak" in action else Milliseconds(0),
        delay=parse_duration(text_of(action, "delay")),
        model=models[named],
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


def _written(schedule: Sequence[tuple[int, str]]) -> str | list[dict[str, str]]:
    if len({value for _, value in schedule}) == 1:
        return schedule[0][1]
    return [{"start": clock_text(start), "value": value} for start, value in schedule]


def _duration_text(duration: Milliseconds) -> str:
    for size, letter in ((HOUR_MS, "h"), (MINUTE_MS, "m")):
        if duration and duration % size == 0:
            return f"{duration // size}{letter}"
    return f"{duration // SECOND_MS}s"
