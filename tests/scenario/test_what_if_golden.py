"""What if on the golden histories: with nothing changed each is itself, with another ratio not."""

import pytest

from core.fork.shapes import Other
from fake_house import PUMP, whole_day
from fork_checks import assert_fork_is_the_record, assert_same
from golden_histories import journals_path, releases, stores_in
from schemas.units import Speaker
from services.runtime.forking import what_if
from services.runtime.turns import turns_of


@pytest.mark.parametrize("release", releases())
def test_a_golden_history_forked_with_nothing_changed_is_itself(release: str) -> None:
    """To the milliunit, whatever was done in it."""
    stores = stores_in(journals_path(release))
    scheduler, advisor = stores[Speaker("basal_scheduler")], stores[Speaker("bolus_advisor")]

    assert_fork_is_the_record(scheduler, advisor, pump=PUMP)


@pytest.mark.parametrize("release", releases())
def test_a_golden_history_under_another_ratio_is_another(release: str) -> None:
    """A check that never fails checks nothing."""
    stores = stores_in(journals_path(release))
    advisor = stores[Speaker("bolus_advisor")]
    first = next(turns_of(advisor, pump=PUMP))

    found = what_if(
        scheduler=stores[Speaker("basal_scheduler")],
        advisor=advisor,
        pump=PUMP,
        since=first.now.therapy,
        until=None,
        other=Other(settings=whole_day(carb_ratio=4_000)),
        zone="Europe/Berlin",
    )

    with pytest.raises(AssertionError):
        assert_same(found)
    assert any(row.difference > 0 for row in found.rows)
