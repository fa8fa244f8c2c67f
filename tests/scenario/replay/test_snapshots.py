"""State at an instant from snapshots: the same as from a full fold, whatever arrived when."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from schemas.units import HOUR_MS, MINUTE_MS, Speaker, UtcMillis
from services.runtime.journal.entries import read_row
from services.runtime.journal.memory_store import FakeStore
from services.runtime.platform import release
from services.runtime.ports import Commit, Row
from services.runtime.replay import snapshots
from services.runtime.replay.record_fold import RecordFold
from services.runtime.replay.replay import replay
from services.runtime.replay.snapshots import SnapshotMaker, Snapshots, differing, folded
from support.simulated.fake_system import PUMP, FakeSystem

HISTORIAN = Speaker("historian")
FEW = 7


@pytest.fixture(autouse=True)
def few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "LINES_BETWEEN", FEW)


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    for value in ("120", "150", "180", "140", "70"):
        system.glucose(value)
        system.order(500)
        system.run(ms=HOUR_MS)
    return system


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Snapshots]:
    made = Snapshots(tmp_path / "snapshots.db", is_kept=True)
    yield made
    made.close()


def record_of(system: FakeSystem) -> FakeStore:
    return system.stores[HISTORIAN]


def make(kept: Snapshots, record: FakeStore, *, lines: int = 5) -> None:
    maker = SnapshotMaker(kept, record)
    while maker.grow(PUMP, lines=lines):
        pass


def instants(record: FakeStore) -> list[UtcMillis]:
    found = {read_row(row).entry.at for _, row in record.rows(pump=PUMP)}
    return sorted({UtcMillis(at + shift) for at in found for shift in (-1, 0, 1)})


def assert_same_at_each_instant(record: FakeStore, kept: Snapshots) -> None:
    for at in (None, *instants(record)):
        assert replay(record, pump=PUMP, at=at, snapshots=kept) == replay(record, pump=PUMP, at=at)


def test_at_each_instant_it_is_the_state_of_a_full_fold(
    system: FakeSystem, kept: Snapshots
) -> None:
    make(kept, record_of(system))
    assert len(list(kept.all_of(PUMP))) > 10
    assert_same_at_each_instant(record_of(system), kept)


def late_record(system: FakeSystem) -> FakeStore:
    """The record as it is where the actuator could not be heard until the end."""
    rows = [row for _, row in record_of(system).rows(pump=PUMP)]
    late = [row for row in rows if read_row(row).entry.speaker == "actuator"]
    rows = [row for row in rows if row not in late] + late
    made = FakeStore()
    made.commit(
        Commit(
            rows=[
                type(row)(row.pump, number, row.topic, row.state)
                for number, row in enumerate(rows, start=1)
            ],
            heads={},
            commands={},
            ends={},
            stream="",
            sequence=0,
        )
    )
    return made


def test_what_arrived_late_is_found(system: FakeSystem, kept: Snapshots) -> None:
    """Hours of a service that was cut off lie behind what others said later."""
    record = late_record(system)
    make(kept, record)
    assert_same_at_each_instant(record, kept)


def test_the_mutant_that_reads_on_to_the_next_snapshot_alone_is_caught(
    system: FakeSystem, kept: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrived late would be absent from the state of then."""
    record = late_record(system)
    make(kept, record)
    monkeypatch.setattr(Snapshots, "behind", lambda *_, **__: iter(()))
    with pytest.raises(AssertionError):
        assert_same_at_each_instant(record, kept)


def test_only_lines_near_the_instant_are_read(
    system: FakeSystem, kept: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two blocks and the tail, however long the record is."""
    record = record_of(system)
    make(kept, record)
    read = 0
    taken = RecordFold.take

    def counted(fold: RecordFold, rows: Sequence[Row], **until: Any) -> UtcMillis:
        nonlocal read
        read += len(rows)
        return taken(fold, rows, **until)

    monkeypatch.setattr(RecordFold, "take", counted)
    counts: list[int] = []
    for at in instants(record):
        read = 0
        if folded(record, kept, pump=PUMP, at=at) is not None:
            counts.append(read)
    assert len(counts) > 50
    assert max(counts) <= 5 * FEW < len(list(record.rows(pump=PUMP))) // 2


def newest_line(kept: Snapshots) -> int:
    last = kept.last(PUMP)
    return 0 if last is None else last.position


def test_a_maker_goes_on_where_another_stopped(system: FakeSystem, kept: Snapshots) -> None:
    """By what it kept: the snapshots are the same as of one that never stopped."""
    record = record_of(system)
    stopped = SnapshotMaker(kept, record)
    grown = [stopped.grow(PUMP, lines=lines) for lines in (40, 40, 40, 40, 40, 5)]
    assert grown == [FEW] * 5 + [5]
    assert newest_line(kept) == 5 * FEW
    make(kept, record)
    assert [line for line, differs in differing(record, kept, pump=PUMP) if differs] == []
    assert newest_line(kept) >= len(list(record.rows(pump=PUMP))) - FEW


def test_a_changed_snapshot_is_named(system: FakeSystem, kept: Snapshots, tmp_path: Path) -> None:
    record = record_of(system)
    make(kept, record)
    with sqlite3.connect(tmp_path / "snapshots.db") as other:
        other.execute(
            "UPDATE snapshots SET states=(SELECT states FROM snapshots WHERE position=7)"
            " WHERE position=21"
        )
    other.close()
    assert [line for line, differs in differing(record, kept, pump=PUMP) if differs] == [21]


def test_snapshots_of_another_record_are_not_believed(system: FakeSystem, kept: Snapshots) -> None:
    """A record that was put back and went on otherwise: all is folded, and made anew."""
    other = FakeSystem()
    other.set_up()
    for _ in range(20):
        other.glucose("250")
        other.run(ms=10 * MINUTE_MS)
    make(kept, record_of(other))
    assert kept.nearest(PUMP, at=None)

    record = record_of(system)
    assert folded(record, kept, pump=PUMP, at=None) is None
    assert_same_at_each_instant(record, kept)
    make(kept, record)
    assert not any(differs for _, differs in differing(record, kept, pump=PUMP))


def test_snapshots_of_other_rules_are_not_believed(
    system: FakeSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who folds otherwise today must not read the states of yesterday."""
    path = tmp_path / "snapshots.db"
    old = Snapshots(path, is_kept=True)
    make(old, record_of(system))
    old.close()
    monkeypatch.setattr(snapshots, "thinking", lambda: "another")

    read = Snapshots(path)
    assert not read.is_of_today
    assert read.nearest(PUMP, at=None) is None
    read.close()
    kept = Snapshots(path, is_kept=True)
    assert list(kept.all_of(PUMP)) == []
    kept.close()


def test_states_that_cannot_be_read_are_folded_anew(system: FakeSystem, kept: Snapshots) -> None:
    record = record_of(system)
    make(kept, record)
    newest = kept.nearest(PUMP, at=None)
    assert newest is not None
    kept.put(type(newest)(PUMP, newest.position, newest.link, newest.newest, newest.oldest, b"?"))
    assert folded(record, kept, pump=PUMP, at=None) is None
    make(kept, record)
    assert not any(differs for _, differs in differing(record, kept, pump=PUMP))


def test_who_only_reads_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "snapshots.db"
    read = Snapshots(path)
    assert read.nearest(PUMP, at=None) is None
    read.close()
    assert not path.exists()


def test_the_rules_have_one_name_that_each_change_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One letter in one file of core or schemas, also in a folder below."""
    assert release.thinking() == release.thinking()
    for package in ("core", "schemas"):
        (tmp_path / package / "below").mkdir(parents=True)
        (tmp_path / package / "one.py").write_text("1")
    monkeypatch.setattr(release, "files", lambda package: tmp_path / package)
    names = [release.thinking()]
    (tmp_path / "core" / "one.py").write_text("2")
    names.append(release.thinking())
    (tmp_path / "schemas" / "below" / "two.py").write_text("")
    names.append(release.thinking())
    assert len(set(names)) == 3


def test_every_state_is_read_back_as_it_was(system: FakeSystem) -> None:
    """Equal, and it thinks on alike."""
    record = record_of(system)
    fold = RecordFold(PUMP)
    for _, row in record.rows(pump=PUMP):
        fold.take([row])
        again = RecordFold.unpacked(
            fold.packed(), pump=PUMP, position=fold.position, newest=fold.newest
        )
        assert again.packed() == fold.packed()
        assert again.views(at=None) == fold.views(at=None)
