"""After a test with real processes: what lived must be what its journals and the record replay."""

from contextlib import closing
from typing import TYPE_CHECKING

from core.deciders import DECIDERS
from services.runtime.decisions_again import verify_decisions
from services.runtime.replay import replay
from services.runtime.snapshots import Snapshots, differing, is_of

if TYPE_CHECKING:
    from real_house import RealHouse


def assert_replays(house: "RealHouse") -> None:
    """Make each decision of each journal again; where the record is whole, fold it as well.

    The record is whole where the historian has all that everybody said: not in the middle of a
    test that took the bus, a journal or the historian away.
    """
    assert house.process.poll() is not None, "it still runs"
    for name, decider in DECIDERS.items():
        with house.journal(name) as store:
            assert () == verify_decisions(decider, store).differences, name
    others = [name for name in DECIDERS if name != "historian"]
    if all(house.own_events(name) == house.recorded_events(name) for name in others):
        _assert_record_folds_alike(house)


def _assert_record_folds_alike(house: "RealHouse") -> None:
    """Snapshots of a record that a test took away stay until there is time for new ones."""
    now = house.last_now()
    lived = house.views(now)
    with house.journal("historian") as record, closing(Snapshots(house.folder.snapshots)) as kept:
        assert lived == replay(record, pump=house.pump, at=now.therapy)
        assert lived == replay(record, pump=house.pump, at=now.therapy, snapshots=kept)
        last = kept.nearest(house.pump, at=None)
        if last is not None and is_of(last, record):
            assert not any(differs for _, differs in differing(record, kept, pump=house.pump))
