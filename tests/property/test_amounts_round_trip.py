"""Whatever is printed is read back the same, and whatever is read means what was typed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.formats import amounts
from core.kernel.errors import AmountError
from schemas.units import MilligramsPerUnit, MilliUnits, MilliUnitsPerHour

THOUSANDTHS = st.integers(min_value=0, max_value=999_999_999)


@pytest.mark.requirement("R17")
@given(amount=THOUSANDTHS)
def test_what_is_printed_is_read_back_the_same(amount: int) -> None:
    """Text crosses screens, files and clients; no crossing may change a dose."""
    assert amount == amounts.parse_units(amounts.print_units(MilliUnits(amount)))
    assert amount == amounts.parse_rate(amounts.print_rate(MilliUnitsPerHour(amount)))


@given(ratio=THOUSANDTHS.filter(bool))
def test_a_printed_ratio_is_read_back_the_same(ratio: int) -> None:
    """A ratio of 10.5 g/U that becomes 10 doses 5 % more."""
    assert ratio == amounts.parse_ratio(amounts.print_ratio(MilligramsPerUnit(ratio)))


@pytest.mark.requirement("R17")
@given(text=st.text() | st.text(alphabet="0123456789.,+-eE _\u0663"))
def test_a_text_is_refused_or_gives_exactly_the_typed_value(text: str) -> None:
    """There is no third way: nothing is corrected, completed or rounded."""
    try:
        amount = amounts.parse_units(text)
    except AmountError:
        return

    assert text.isascii()
    assert Decimal(text) * 1_000 == amount


@pytest.mark.requirement("R17")
@given(text=st.from_regex(r"(0|[1-9][0-9]{0,5})(\.[0-9]{1,3})?", fullmatch=True))
def test_read_printed_and_read_again_is_the_same(text: str) -> None:
    """Printing is canonical: the second crossing changes nothing either."""
    amount = amounts.parse_units(text)

    printed = amounts.print_units(amount)

    assert amount == amounts.parse_units(printed)
    assert printed == amounts.print_units(amounts.parse_units(printed))
