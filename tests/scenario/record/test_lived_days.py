"""Days by the real deciders replay equal: a week at each run, a year where NIGHTLY_DAYS says so."""

import os
from pathlib import Path
from typing import Any

import pytest

from core.deciders.delivery.decider import DELIVERY_DECIDER
from core.deciders.record.decider import HISTORIAN
from core.deciders.registry import DECIDERS
from core.kernel.decider import Entry
from schemas.message import Now
from schemas.units import DAY_MS, UtcMillis
from services.runtime.audit.redecide import verify_decisions
from services.runtime.replay.record_fold import RecordFold
from services.runtime.replay.replay import known_by, replay
from services.runtime.replay.snapshots import SnapshotMaker, Snapshots, differing
from support.simulated.changed_decider import changed
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.lived_days import LivedDays

DAYS = int(os.environ.get("NIGHTLY_DAYS", "4"))


@pytest.fixture(scope="module")
def system() -> FakeSystem:
    lived = LivedDays()
    lived.live(DAYS)
    lived.system.run(ms=0)
    return lived.system


def lived_views(system: FakeSystem) -> dict[str, Any]:
    """Show what each service has in memory now."""
    return {name: system.view(name) for name in DECIDERS}


def test_much_has_happened(system: FakeSystem) -> None:
    """Else equal would mean little."""
    assert system.view("glucose_ingest").readings > DAYS * 250
    assert system.view("actuator").bolus_total > DAYS * 5_000
    assert len({type(event) for event in system.said("actuator")}) > 10
    lines = len(list(system.stores[HISTORIAN].rows(pump=PUMP)))
    print(f"\n{DAYS} days: {lines:,} lines of record")


def test_every_pulse_is_accounted_for(system: FakeSystem) -> None:
    assert system.accounted() == system.odometer


@pytest.mark.requirement("R97")
def test_the_record_folds_to_what_lives(system: FakeSystem) -> None:
    """All five, from the historian's record alone."""
    now = system.clock.now().therapy
    assert replay(system.stores[HISTORIAN], pump=PUMP, at=now) == lived_views(system)


def test_each_journal_folds_to_what_lives(system: FakeSystem) -> None:
    now = system.clock.now().therapy
    for name, decider in DECIDERS.items():
        known = known_by(decider, system.stores[name], pump=PUMP, at=now)
        assert known == system.view(name)


def test_each_decision_is_made_again(system: FakeSystem) -> None:
    for name, decider in DECIDERS.items():
        report = verify_decisions(decider, system.stores[name])
        assert (report.differences, report.decisions > DAYS) == ((), True)


def test_snapshots_give_each_noon(system: FakeSystem, tmp_path: Path) -> None:
    """And each of them is what a full fold gives."""
    record = system.stores[HISTORIAN]
    kept = Snapshots(tmp_path / "snapshots.db", is_kept=True)
    maker = SnapshotMaker(kept, record)
    while maker.grow(PUMP, lines=1_000):
        pass
    end = system.clock.now().therapy
    fold, rows = RecordFold(PUMP), [row for _, row in record.rows(pump=PUMP)]
    for noon in range(end - min(DAYS, 10) * DAY_MS, end, DAY_MS):
        at = UtcMillis(noon)
        assert replay(record, pump=PUMP, at=at, snapshots=kept) == replay(record, pump=PUMP, at=at)
    fold.take(rows)
    assert fold.views(at=end) == replay(record, pump=PUMP, at=end, snapshots=kept)
    assert not any(differs for _, differs in differing(record, kept, pump=PUMP))
    kept.close()


def test_the_mutant_whose_fold_forgets_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event in a thousand that changes nothing is enough."""
    evolve = DELIVERY_DECIDER.evolve

    def forgetful(state: Any, entry: Entry) -> Any:
        return state if entry.id.endswith("99") else evolve(state, entry)

    mutant = changed(DELIVERY_DECIDER, evolve=forgetful)
    monkeypatch.setitem(DECIDERS, DELIVERY_DECIDER.name, mutant)
    now: Now = system.clock.now()
    replayed = replay(system.stores[HISTORIAN], pump=PUMP, at=now.therapy)
    assert replayed["actuator"] != system.view("actuator")
