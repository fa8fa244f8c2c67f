"""The page of alarms is what the code says, and leaves nothing out that the FDA lists."""

import pytest

from support.pages.alarm_page import FDA, PAGE, names, page


@pytest.mark.requirement("R64")
@pytest.mark.requirement("R66")
def test_the_page_is_what_the_code_says() -> None:
    """A page that has grown old is worse than none."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make pages"


@pytest.mark.requirement("R64")
@pytest.mark.parametrize("condition", FDA)
def test_each_condition_of_the_list_has_its_alarm_or_its_reason(condition: str) -> None:
    """Forgotten is not the same as impossible."""
    alarms, word = FDA[condition]

    assert alarms or word
    assert set(alarms) <= names()
