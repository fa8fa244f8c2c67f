"""After a test with real processes: what lived must be what its journals and the record replay."""

from contextlib import closing
from typing import TYPE_CHECKING, Any

from core.deciders.registry import DECIDERS
from schemas.units import Speaker
from services.runtime.audit.redecide import verify_decisions
from services.runtime.replay.replay import replay
from services.runtime.replay.snapshots import Snapshots, differing, is_of

if TYPE_CHECKING:
    from support.real.real_system import RealSystem


def assert_replays(system: "RealSystem") -> None:
    """Make each decision of each journal again; where the record is whole, fold it as well.

    The record is whole where the historian has all that everybody said: not in the middle of a
    test that took the bus, a journal or the historian away.
    """
    assert system.process.poll() is not None, "it still runs"
    for name, decider in DECIDERS.items():
        with system.journal(name) as store:
            assert () == verify_decisions(decider, store).differences, name
    others = [name for name in DECIDERS if name != "historian"]
    if all(system.own_events(name) == system.recorded_events(name) for name in others):
        _assert_record_folds_alike(system)


def _assert_record_folds_alike(system: "RealSystem") -> None:
    """Who was stopped before it had heard the last words of all knows less than the record does.

    Snapshots of a record that a test took away stay until there is time for new ones.
    """
    now = system.last_now()
    lived = {name: view for name, view in system.views(now).items() if _has_heard_all(system, name)}

    def assert_as_lived(replayed: dict[str, Any]) -> None:
        assert [] == [name for name in lived if lived[name] != replayed[name]]

    with system.journal("historian") as record, closing(Snapshots(system.folder.snapshots)) as kept:
        assert_as_lived(replay(record, pump=system.pump, at=now.therapy))
        assert_as_lived(replay(record, pump=system.pump, at=now.therapy, snapshots=kept))
        last = kept.nearest(system.pump, at=None)
        if last is not None and is_of(last, record):
            assert not any(differs for _, differs in differing(record, kept, pump=system.pump))


def _has_heard_all(system: "RealSystem", name: str) -> bool:
    """Say whether a service has heard all that those whom it hears ever said."""
    with system.journal(name) as store:
        heads = store.heads()
    for speaker in DECIDERS[Speaker(name)].subscribes_to:
        head = heads.get((system.pump, speaker))
        if (head.version if head else 0) < max(system.own_events(speaker), default=0):
            return False
    return True
