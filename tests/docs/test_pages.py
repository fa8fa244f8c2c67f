"""The pages that follow from code are what the code says."""

import pytest

from support.pages import dose_page, event_page


@pytest.mark.requirement("R97")
def test_the_page_of_events_is_what_the_structs_say() -> None:
    """Other people's services are written from it."""
    assert event_page.PAGE.read_text(encoding="utf-8") == event_page.page(), "run: make pages"


def test_the_page_of_doses_is_what_the_table_says() -> None:
    """A diagram with an arrow too few hides a state in which insulin is unknown."""
    assert dose_page.PAGE.read_text(encoding="utf-8") == dose_page.page(), "run: make pages"


def test_each_field_of_the_event_page_states_its_unit() -> None:
    """A number without its unit is a guess."""
    rows = [line for line in event_page.page().splitlines() if line.startswith("| `")]

    assert rows
    assert [] == [row for row in rows if not row.rpartition(" | ")[2].startswith("[")]
