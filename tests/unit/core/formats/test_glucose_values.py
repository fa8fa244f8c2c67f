"""Glucose text is read in its unit, rounded once, and never guessed."""

import pytest

from core.formats.glucose_values import GlucoseText, parse_glucose, parse_unit
from core.kernel.errors import GlucoseTextError


@pytest.mark.parametrize("text", ["mg/dl", "mg/dL", "MG/DL", "mgdl", "mg_dl"])
def test_milligrams_are_known_in_each_spelling(text: str) -> None:
    """Nightscout, meters and headers of files spell one unit in many ways."""
    assert "mg/dL" == parse_unit(text)


@pytest.mark.parametrize("text", ["mmol", "mmol/l", "mmol/L", "MMOL/L", "mmol_l"])
def test_millimoles_are_known_in_each_spelling(text: str) -> None:
    """Nightscout, meters and headers of files spell one unit in many ways."""
    assert "mmol/L" == parse_unit(text)


@pytest.mark.parametrize("text", ["", "mg", "mol/L", "mg/l", "mmol/dl", " mmol"])
def test_an_unknown_unit_is_refused(text: str) -> None:
    """The two units differ by a factor of 18."""
    with pytest.raises(GlucoseTextError) as caught:
        parse_unit(text)

    assert text == caught.value.text


@pytest.mark.parametrize(
    ("text", "unit", "glucose"),
    [
        ("118", "mg/dL", 118),
        ("118.4", "mg/dL", 118),
        ("118.5", "mg/dL", 119),
        ("5.6", "mmol", 101),
        ("10", "mmol/l", 180),
        ("3.9", "mmol/L", 70),
        ("0.0278", "mmol/L", 1),
        ("0.0277", "mmol/L", 0),
        ("22.2", "mmol/L", 400),
    ],
)
def test_a_number_becomes_whole_milligrams_half_up(text: str, unit: str, glucose: int) -> None:
    """One rounding at the edge; everything after it is whole numbers."""
    assert glucose == parse_glucose(text, unit=unit).glucose


def test_the_text_is_kept_as_received() -> None:
    """An audit compares what the meter showed, not what was made of it."""
    actual = parse_glucose("5,60", unit="mmol", decimal_comma=True)

    assert "5,60" == actual.received
    assert "mmol/L" == actual.unit
    assert 101 == actual.glucose


@pytest.mark.parametrize("text", ["LOW", "LO", "low", "Lo"])
def test_low_is_a_mark_and_not_a_number(text: str) -> None:
    """A LOW counted as 39 makes an average, and a dose."""
    assert GlucoseText(received=text, unit="mg/dL", bound="low") == parse_glucose(
        text, unit="mg/dL"
    )


@pytest.mark.parametrize("text", ["HIGH", "HI", "high", "Hi"])
def test_high_is_a_mark_and_not_a_number(text: str) -> None:
    """A HIGH counted as 401 hides that it may be 900."""
    assert GlucoseText(received=text, unit="mmol/L", bound="high") == parse_glucose(
        text, unit="mmol/L"
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "118 ", " 118", "-5", "+5", "1e2", "nan", "NaN", "inf", "Infinity", "5,6"),
        *(".5", "5.", "05.6", "\u0661\u0662\u0663", "5.6.7", "???", "lower", "null", "0x76"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """No reading is better than a wrong one."""
    with pytest.raises(GlucoseTextError) as caught:
        parse_glucose(text, unit="mmol/L")

    assert text == caught.value.text


def test_more_digits_than_a_glucose_has_are_refused() -> None:
    """A serial number in the wrong column is no glucose."""
    with pytest.raises(GlucoseTextError) as caught:
        parse_glucose("1234567", unit="mg/dL")

    assert "more than 6 digits" == caught.value.reason
