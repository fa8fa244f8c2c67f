"""Profile, settings and limits as files: letter for letter, no default, nothing sent when wrong."""

import json
import pathlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from schemas.basal.profiles import BasalProfileSet, ProfileSegment
from schemas.bolus.settings import BolusSettingsSet, SetBolusSettings
from schemas.delivery.delivery import DeliveryLimitsSet
from schemas.units import MilliUnitsPerHour
from services.command_line.files.profile_files import (
    limits_as_file,
    profile_as_file,
    read_limits,
    read_profile,
)
from services.command_line.files.settings_files import read_settings, settings_as_file
from services.command_line.output.exit_codes import CommandFailed

PROFILE = '{"name": "w", "zone": "Europe/Berlin", "segments": [{"start": "00:00", "rate": 0.85}]}'
SETTINGS = (
    '{"carb_ratio": 10, "unit": "mg/dL", "sensitivity": 40, "target_low": 90, '
    '"target_high": 120, "insulin": {"duration": "6h", "peak": "75m", "delay": "10m"}}'
)
ZONED = SETTINGS.replace("{", '{"zone": "Europe/Berlin", ', 1)
LIMITS = '{"single": 10, "hourly": 15, "daily": 60, "basal": 3}'


def written(folder: pathlib.Path, text: str) -> pathlib.Path:
    path = folder / "file.json"
    path.write_text(text, encoding="utf-8")
    return path


def taken(settings: SetBolusSettings) -> BolusSettingsSet:
    """What the advisor says when it takes settings."""
    fields = msgspec.structs.asdict(settings)
    return BolusSettingsSet(**fields, actor="person:a")


def test_a_profile_is_read_exactly(tmp_path: pathlib.Path) -> None:
    """0.85 U/h is 850 mU/h, whatever a float makes of it."""
    profile = read_profile(written(tmp_path, PROFILE))

    assert (ProfileSegment(start_minute=0, rate=MilliUnitsPerHour(850)),) == profile.segments


def test_another_model_of_insulin_is_read_and_shown(tmp_path: pathlib.Path) -> None:
    """Omnipod's is a straight line."""
    text = SETTINGS.replace('"peak": "75m"', '"model": "linear"')

    settings = read_settings(written(tmp_path, text))

    assert ("linear", 0) == (settings.insulin.model, settings.insulin.peak)
    shown = settings_as_file(taken(settings))
    assert settings == read_settings(written(tmp_path, json.dumps(shown)))


def test_every_limit_is_read_and_shown(tmp_path: pathlib.Path) -> None:
    """What is shown can be changed and set again."""
    more = '"calendar_day": 50, "on_board": 12, "soft": 5, "four_hours": 20, '
    lockout = '"lockout": {"person": "0m", "remote": "30m"}, '
    text = LIMITS.replace("{", "{" + more + lockout, 1)

    limits = read_limits(written(tmp_path, text))

    assert (50_000, 12_000) == (limits.calendar_day, limits.on_board)
    assert [0, 180_000, 1_800_000] == list(msgspec.structs.astuple(limits.lockout))
    shown = limits_as_file(DeliveryLimitsSet(**msgspec.structs.asdict(limits), actor="person:a"))
    assert limits == read_limits(written(tmp_path, json.dumps(shown)))


def test_sensitivity_in_mmol_is_rounded_to_the_smaller_dose(tmp_path: pathlib.Path) -> None:
    """1 mmol/L is 18.0156 mg/dL; a greater sensitivity gives less insulin."""
    text = SETTINGS.replace("mg/dL", "mmol/L").replace("40,", "2.201,")
    text = text.replace("90", "5").replace("120", "6.7")

    settings = read_settings(written(tmp_path, text))

    target = settings.targets[0]
    assert (39_653, 90, 121) == (settings.sensitivities[0].sensitivity, target.low, target.high)


def test_ratios_and_targets_by_the_hour_join_where_any_of_them_begins(
    tmp_path: pathlib.Path,
) -> None:
    """Each end of the target may have hours of its own."""
    text = SETTINGS.replace(
        "10,",
        '[{"start": "00:00", "value": 12},'
        ' {"start": "06:00", "value": "8.5"}], "zone": "Europe/Berlin", "rules": "medtronic",',
    )
    text = text.replace(
        "120", '[{"start": "00:00", "value": 140}, {"start": "07:30", "value": 120}]'
    )

    settings = read_settings(written(tmp_path, text))

    assert [(0, 12_000), (360, 8_500)] == [
        (one.start_minute, one.carb_ratio) for one in settings.carb_ratios
    ]
    assert [(0, 90, 140, None), (450, 90, 120, None)] == [
        (one.start_minute, one.low, one.high, one.correct_above) for one in settings.targets
    ]
    assert ("Europe/Berlin", "medtronic") == (settings.zone, settings.rules)
    shown = settings_as_file(taken(settings))
    assert settings == read_settings(written(tmp_path, json.dumps(shown)))


@pytest.mark.parametrize(
    ("read", "text", "why"),
    [
        (read_profile, PROFILE.replace("0.85", "1e1"), "'1e1'"),
        (read_profile, PROFILE.replace("0.85", "-1"), "'-1'"),
        (read_profile, PROFILE.replace("0.85", "NaN"), "NaN is not a number"),
        (read_profile, PROFILE.replace("0.85", "true"), "neither a number nor a text"),
        (read_profile, PROFILE.replace("0.85", "0.8512"), "1 to 3 decimals"),
        (read_profile, PROFILE.replace("00:00", "0:00"), "HH:MM"),
        (read_profile, PROFILE.replace("00:00", "24:00"), "HH:MM"),
        (read_profile, PROFILE.replace('"name"', '"title"'), "unknown key 'title'"),
        (read_profile, PROFILE.replace('"w"', '""'), "'name'"),
        (read_profile, '{"name": "w", "name": "v"}', "twice"),
        (read_profile, "[]", "not an object"),
        (read_profile, "{", "not JSON"),
        (read_profile, "[" * 30_000, "file.json"),
        (read_profile, " " * 70_000, "bigger"),
        (read_settings, SETTINGS.replace('"unit": "mg/dL", ', ""), "no 'unit'"),
        (read_settings, SETTINGS.replace("mg/dL", "mg"), "not a unit"),
        (
            read_settings,
            SETTINGS.replace('"peak": "75m", ', ""),
            "needs 'peak'",
        ),
        (read_settings, SETTINGS.replace('"75m"', '"75m", "model": "linear"'), "has no 'peak'"),
        (read_settings, SETTINGS.replace('"75m"', '"75m", "model": "line"'), "none of exponential"),
        (read_settings, SETTINGS.replace("10,", "[],"), "no 'zone'"),
        (read_settings, ZONED.replace("10,", "[],"), "empty list"),
        (read_settings, ZONED.replace("90", '[{"start": "06:00", "value": 90}]'), "first at 00:00"),
        (read_settings, ZONED.replace("90", '[{"start": "6", "value": 90}]'), "HH:MM"),
        (read_settings, SETTINGS.replace("10,", "0,"), "divides by zero"),
        (read_settings, SETTINGS.replace("90", '"LOW"'), "a target is a number"),
        (read_settings, SETTINGS.replace('"6h"', "6"), "followed by s, m or h"),
        (read_limits, LIMITS.replace(', "basal": 3', ""), "nothing has a default"),
        (read_limits, LIMITS.replace("10", '".5"'), "'.5'"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(
    read: Callable[[pathlib.Path], Any], text: str, why: str, tmp_path: pathlib.Path
) -> None:
    """A setting that is half understood doses wrongly every day."""
    with pytest.raises(CommandFailed) as refused:
        read(written(tmp_path, text))

    assert 2 == refused.value.code
    assert why in str(refused.value) and "nothing was sent" in str(refused.value)


def test_what_is_shown_can_be_read_back(tmp_path: pathlib.Path) -> None:
    """People change settings by editing what they were shown."""
    profile = read_profile(written(tmp_path, PROFILE))
    settings = read_settings(written(tmp_path, SETTINGS))
    limits = read_limits(written(tmp_path, LIMITS))

    shown = (
        profile_as_file(
            BasalProfileSet(
                name=profile.name, zone=profile.zone, segments=profile.segments, actor="person:a"
            )
        ),
        settings_as_file(taken(settings)),
        limits_as_file(
            DeliveryLimitsSet(
                single=limits.single,
                hourly=limits.hourly,
                daily=limits.daily,
                basal=limits.basal,
                actor="person:a",
            )
        ),
    )

    assert profile == read_profile(written(tmp_path, json.dumps(shown[0])))
    assert settings == read_settings(written(tmp_path, json.dumps(shown[1])))
    assert limits == read_limits(written(tmp_path, json.dumps(shown[2])))
