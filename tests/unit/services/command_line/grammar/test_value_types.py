"""What people type: one meaning or none, and then nothing is sent."""

import argparse
import pathlib

import pytest

from schemas.units import MilliUnitsPerHour
from services.command_line.grammar import value_types
from services.command_line.grammar.value_types import TemporaryRate
from services.command_line.main import main

NOWHERE = "--data=/nowhere/at/all"


@pytest.mark.requirement("R17")
@pytest.mark.parametrize(
    "words",
    [
        *(("bolus", text) for text in (".5", "0,5", "1e1", " 5", "5 ", "+5", "-1", "", "nan")),
        *(("bolus", text) for text in ("01", "1.", "1.2345", "1000000", "٥", "1_0", "0x1")),
        *(("carbs", text) for text in ("4.5", "1e1", " 45", "-5", "45g", "")),
        *(("advise", "--carbs", text) for text in ("4.5", "one")),
        *(("fill", text) for text in ("1e2", "2,0")),
        *(("glucose", text) for text in (".5", "1e1", " 5", "-5", "0,5", "nan", "lowish", "")),
        *(("temp", text, "30m") for text in ("80", ".5U/h", "1e1U/h", "80 %", "-80%", "U/h", "")),
        *(("temp", "80%", text) for text in ("30", "1e1m", "0.5h", "30 m", "half an hour")),
        ("temp", "80%"),
        ("temp", "-1U/h", "30m"),
        ("temp", "80%", "-5m"),
        ("temp", "80%", "0m"),
        ("suspend", "--for", "0m"),
        ("suspend", "--for", "-3m"),
        ("bolus", "1", "--over", "0m"),
        ("temp", "off", "30m"),
        ("limits", "--single", "10"),
        ("limits", "--soft", "5"),
        ("limits", "show", "--single", "10"),
        ("alarms", "ack"),
        ("alarms", "drop", "glucose_low"),
        ("settle", "nobody"),
        ("--pump", "A.b", "status"),
        ("--actor", "me", "status"),
        ("up", "--speed", "601"),
        ("up", "--speed", "0"),
        ("up", "--port", "70000"),
        ("up", "--for", "0s"),
        ("up", "--for", "30"),
        ("verify", "decisions", "--service", "nobody"),
        ("replay", "--store", "postgres:x"),
        ("nothing",),
        (),
    ],
    ids=" ".join,
)
def test_a_wrong_text_is_refused_in_one_line_and_nothing_is_sent(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A text with a nearby meaning is how ten units are given for one.

    Where something was about to be sent, the missing system would make exit code 3.
    """
    code = _run(NOWHERE, *words)

    said = capsys.readouterr()
    assert 2 == code
    assert "" == said.out
    assert said.err.startswith("basalt: ") and 1 == said.err.count("\n")


@pytest.mark.parametrize(
    "words",
    [
        ("bolus", "1.25"),
        ("glucose", "LOW"),
        ("temp", "80%", "30m"),
        ("temp", "off"),
        ("limits", "--single", "10", "--hourly", "15", "--daily", "60", "--basal", "3"),
        ("status",),
        ("replay",),
    ],
    ids=" ".join,
)
def test_a_right_text_goes_to_the_system_and_its_absence_is_said(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it the test above would pass on a tool that refuses everything."""
    code = _run(NOWHERE, *words)

    said = capsys.readouterr()
    assert 3 == code
    assert 1 == said.err.count("\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80%", TemporaryRate(percent=80)),
        ("0%", TemporaryRate(percent=0)),
        ("0.5U/h", TemporaryRate(rate=MilliUnitsPerHour(500))),
        ("1U/h", TemporaryRate(rate=MilliUnitsPerHour(1_000))),
        ("off", TemporaryRate()),
    ],
)
def test_a_temporary_rate_names_its_unit(text: str, expected: TemporaryRate) -> None:
    """80 could be per cent or units an hour; one of them kills."""
    assert expected == value_types.temporary_rate(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T07:30Z", 1_772_350_200_000),
        ("2026-03-01T07:30:00Z", 1_772_350_200_000),
        ("2026-03-01T07:30:00.250Z", 1_772_350_200_250),
        ("2026-03-01T08:30:00+01:00", 1_772_350_200_000),
        ("2026-03-01T02:00:00-05:30", 1_772_350_200_000),
    ],
)
def test_an_instant_is_read_with_its_offset(text: str, expected: int) -> None:
    """The same insulin an hour later is another dose."""
    assert expected == value_types.instant(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T07:30:00",
        "2026-03-01 07:30:00Z",
        "2026-03-01",
        "07:30",
        "01/03/2026 07:30Z",
        "1772350200",
        "1772350200000",
        "2026-02-30T07:30:00Z",
        "2026-03-01T24:30:00Z",
        "1926-03-01T07:30:00Z",
        "2026-03-01T07:30:00+99:00",
        "now",
        "",
    ],
)
def test_an_instant_without_one_meaning_is_refused(text: str) -> None:
    """A local time names an hour that may come twice, or never."""
    with pytest.raises(argparse.ArgumentTypeError):
        value_types.instant(text)


@pytest.mark.parametrize("command", ["", "up", "bolus", "temp", "profile", "ingest", "replay"])
def test_help_has_an_example_and_comes_without_a_system(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Help is what one reads when nothing works."""
    code = _run(*([command] if command else []), "--help")

    said = capsys.readouterr().out
    assert 0 == code
    assert ("exit codes" if not command else f"example:\n  basalt {command}") in said


def test_a_missing_data_folder_is_one_clear_line(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A newcomer's first mistake is to ask before starting."""
    code = _run(f"--data={tmp_path}", "status")

    assert 3 == code
    expected = f"basalt: nothing runs on {tmp_path}; start it with 'make run' or 'basalt up'\n"
    assert expected == capsys.readouterr().err


def _run(*words: str) -> int:
    try:
        return main(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
