"""What if on the golden histories: with nothing changed each is itself, with another ratio not."""

import pytest

from core.whatif.shapes import Other
from schemas.units import Speaker
from services.runtime.replay.whatif_input import decision_records, what_if
from support.history.fork_checks import assert_fork_is_the_record, assert_same
from support.history.golden_history import Journals, path_of, unpacked, versions
from support.simulated.fake_system import PUMP, whole_day

SCHEDULER, ADVISOR = Speaker("basal_scheduler"), Speaker("bolus_advisor")
KEPT: dict[str, Journals] = {name: unpacked(path_of(name).read_bytes()) for name in versions()}
SCENES = [(name, scene) for name in KEPT for scene, service in KEPT[name] if service == ADVISOR]


@pytest.mark.parametrize(("version", "scene"), SCENES)
def test_a_golden_history_forked_with_nothing_changed_is_itself(version: str, scene: str) -> None:
    """To the milliunit, whatever was done in it."""
    stores = KEPT[version]

    assert_fork_is_the_record(stores[scene, SCHEDULER], stores[scene, ADVISOR], pump=PUMP)


@pytest.mark.parametrize("version", versions())
def test_a_golden_history_under_another_ratio_is_another(version: str) -> None:
    """A check that never fails checks nothing."""
    advisor = KEPT[version]["therapy", ADVISOR]
    first = next(decision_records(advisor, pump=PUMP))

    found = what_if(
        scheduler=KEPT[version]["therapy", SCHEDULER],
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
