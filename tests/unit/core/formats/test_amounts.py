"""Amounts parse one way only: what is not exactly an amount is refused."""

from collections.abc import Callable

import pytest

from core.formats import amounts
from core.kernel.errors import AmountError
from schemas.units import MilliUnits

DECIMALS: list[Callable[[str], int]] = [
    amounts.parse_units,
    amounts.parse_rate,
    amounts.parse_ratio,
]


@pytest.mark.requirement("R17")
@pytest.mark.parametrize(
    ("text", "thousandths"),
    [
        ("1", 1_000),
        ("1.0", 1_000),
        ("0.5", 500),
        ("1.25", 1_250),
        ("0.001", 1),
        ("12.345", 12_345),
        ("999999.999", 999_999_999),
    ],
)
@pytest.mark.parametrize("parse", DECIMALS)
def test_a_decimal_is_read_exactly(
    parse: Callable[[str], int], text: str, thousandths: int
) -> None:
    """A thousandth that is lost in reading is insulin that nobody ordered."""
    assert thousandths == parse(text)


@pytest.mark.requirement("R17")
@pytest.mark.parametrize(
    "text",
    # Among them: Arabic-Indic and full-width digits, and spaces that nobody sees.
    [
        *("", ".", ".5", "5.", "0,5", " 5", "5 ", "5\n", "1e1", "1E1", "+5", "-5", "-0"),
        *("05", "00.5", "1.2345", "1.0000", "1_000", "1 000", "1,000", "0x10", "5U", "5 U"),
        *("nan", "inf", "\u0663", "\uff13", "1.\u0663", "1..5", "1.5.0", "½", "\u200b5", "\x005"),
    ],
)
@pytest.mark.parametrize("parse", [*DECIMALS, amounts.parse_grams])
def test_what_could_be_misread_is_refused(parse: Callable[[str], int], text: str) -> None:
    """A dose of 5 U where 0.5 U was meant can kill."""
    with pytest.raises(AmountError) as caught:
        parse(text)

    assert text == caught.value.text


@pytest.mark.requirement("R17")
@pytest.mark.parametrize("parse", [*DECIMALS, amounts.parse_grams, amounts.parse_percent])
def test_more_than_six_digits_are_refused(parse: Callable[[str], int]) -> None:
    """A key that hangs must not make an amount."""
    with pytest.raises(AmountError) as caught:
        parse("1" * 7)

    assert "more than 6 digits" == caught.value.reason


def test_grams_are_whole() -> None:
    """Half a gram of carbohydrate is a typing error."""
    with pytest.raises(AmountError):
        amounts.parse_grams("4.5")

    assert 45 == amounts.parse_grams("45")


def test_a_ratio_of_zero_is_refused() -> None:
    """Carbohydrate divided by zero is no dose."""
    with pytest.raises(AmountError) as caught:
        amounts.parse_ratio("0.000")

    assert "a ratio of zero divides by zero" == caught.value.reason


@pytest.mark.parametrize(
    ("text", "ms"), [("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000), ("0m", 0)]
)
def test_a_duration_states_its_unit(text: str, ms: int) -> None:
    """Thirty what? is not a question to leave open."""
    assert ms == amounts.parse_duration(text)


@pytest.mark.parametrize(
    "text", ["30", "m", "1.5h", "1h30m", "30M", "30 m", "-30m", "030m", "30min", "2d", "\u0663m"]
)
def test_any_other_duration_is_refused(text: str) -> None:
    """A temporary rate that runs for hours and not minutes is an overdose."""
    with pytest.raises(AmountError) as caught:
        amounts.parse_duration(text)

    assert text == caught.value.text


@pytest.mark.parametrize(("text", "percent"), [("80", 80), ("80%", 80), ("0", 0), ("150%", 150)])
def test_a_percentage_may_carry_its_sign(text: str, percent: int) -> None:
    """Both spellings say the same number."""
    assert percent == amounts.parse_percent(text)


@pytest.mark.parametrize("text", ["", "%", "80%%", "%80", "80 %", "0.8", "-20", "080"])
def test_any_other_percentage_is_refused(text: str) -> None:
    """0.8 could mean 0.8 percent or 80."""
    with pytest.raises(AmountError) as caught:
        amounts.parse_percent(text)

    assert text == caught.value.text


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0"), (50, "0.05"), (1_000, "1"), (1_500, "1.5"), (20_000, "20")]
)
def test_an_amount_is_printed_as_short_as_it_goes(amount: int, text: str) -> None:
    """Trailing zeros (1.0) have been read as ten."""
    assert text == amounts.print_units(MilliUnits(amount))


def test_an_amount_below_zero_is_not_printed() -> None:
    """A negative dose is a fault upstream; print it and it looks real."""
    with pytest.raises(AmountError):
        amounts.print_units(MilliUnits(-1))
