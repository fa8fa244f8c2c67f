"""The historian keeps snapshots while its record grows, and goes on without where it cannot."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from schemas.units import MINUTE_MS, Speaker
from services.historian import snapshot_keeper
from services.historian.snapshot_keeper import SnapshotKeeper
from services.runtime.decider_host.processor import Reported
from services.runtime.replay import snapshots
from services.runtime.replay.snapshots import Snapshots, differing
from support.simulated.fake_system import PUMP, FakeSystem

FEW = 7


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "LINES_BETWEEN", FEW)
    monkeypatch.setattr(snapshot_keeper, "PAUSE_S", 0.0)


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    system.order(500)
    system.run(ms=5 * MINUTE_MS)
    return system


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Take down what is said of snapshots, however logs are set up."""
    found: list[str] = []
    monkeypatch.setattr(snapshot_keeper, "log", _Log(found))
    return found


class _Log:
    def __init__(self, found: list[str]) -> None:
        self._found = found

    def error(self, event: str, **_: object) -> None:
        self._found.append(event)


async def put(reported: Reported) -> None:
    raise AssertionError(reported)


async def keep_for_a_while(system: FakeSystem, path: Path | None) -> None:
    effect_handler = SnapshotKeeper(system.stores[Speaker("historian")], path=path)
    task = asyncio.create_task(effect_handler.keep(put))
    for _ in range(200):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def kept(system: FakeSystem, path: Path) -> int:
    with closing(Snapshots(path)) as read:
        record = system.stores[Speaker("historian")]
        assert not any(differs for _, differs in differing(record, read, pump=PUMP))
        last = read.last(PUMP)
        return 0 if last is None else last.position


async def test_they_follow_the_record(system: FakeSystem, tmp_path: Path) -> None:
    """Over a restart as well."""
    path = tmp_path / "snapshots.db"
    await keep_for_a_while(system, path)
    before = kept(system, path)
    system.glucose("120")
    system.run(ms=30 * MINUTE_MS)
    await keep_for_a_while(system, path)
    assert kept(system, path) > before > 0


async def test_without_a_file_none_are_made(system: FakeSystem) -> None:
    effect_handler = SnapshotKeeper(system.stores[Speaker("historian")], path=None)
    await asyncio.wait_for(effect_handler.keep(put), timeout=5)


async def test_a_damaged_file_is_made_anew(
    system: FakeSystem, tmp_path: Path, logged: list[str]
) -> None:
    path = tmp_path / "snapshots.db"
    path.write_bytes(b"no database at all" * 1000)
    await keep_for_a_while(system, path)
    assert logged == ["snapshots.unwritable"]
    assert kept(system, path) > 0


async def test_a_place_that_cannot_be_written_is_told_and_left(
    system: FakeSystem, tmp_path: Path, logged: list[str]
) -> None:
    """Dosing and the record go on: snapshots are a convenience."""
    effect_handler = SnapshotKeeper(
        system.stores[Speaker("historian")], path=tmp_path / "no folder" / "snapshots.db"
    )
    await asyncio.wait_for(effect_handler.keep(put), timeout=5)
    assert logged == ["snapshots.unwritable"]


async def test_an_unreadable_record_is_told_and_left(
    system: FakeSystem, tmp_path: Path, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise ValueError("no line")

    monkeypatch.setattr("services.runtime.replay.snapshots.SnapshotMaker.grow", broken)
    effect_handler = SnapshotKeeper(
        system.stores[Speaker("historian")], path=tmp_path / "snapshots.db"
    )
    await asyncio.wait_for(effect_handler.keep(put), timeout=5)
    assert logged == ["snapshots.record_unreadable"]


async def test_a_file_whose_pages_are_torn_is_made_anew(system: FakeSystem, tmp_path: Path) -> None:
    path = tmp_path / "snapshots.db"
    await keep_for_a_while(system, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(sqlite3.DatabaseError), closing(Snapshots(path)) as read:
        read.last(PUMP)
    await keep_for_a_while(system, path)
    assert kept(system, path) > 0
