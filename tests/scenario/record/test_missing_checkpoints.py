"""What checkpoints do not cover is said, with count and time; those that were taken are missed."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from nacl.signing import SigningKey

from core.deciders.names import HISTORIAN
from schemas.record import RuntimeFault
from schemas.units import MINUTE_MS, PumpId
from services.historian import checkpoint_handler, start_check
from services.historian.checkpoint_handler import CheckpointHandler
from services.runtime.audit.checkpoint_files import CheckpointFiles
from services.runtime.audit.record_check import Checkpoints
from services.runtime.decider_host.processor import Reported
from services.runtime.journal.memory_store import FakeStore
from services.runtime.ports import Row
from support.simulated.archived_system import KEY, PUBLIC, sign
from support.simulated.fake_system import PUMP, FakeSystem
from support.simulated.signed_record import (
    SignedRecord,
    count,
    kept_in,
    verdict,
)
from support.simulated.tampering import changed, remade


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to / "copy"))


async def _started(handler: CheckpointHandler) -> Sequence[Reported]:
    told: list[Reported] = []

    async def put(reported: Reported) -> None:
        told.append(reported)

    keeping = asyncio.create_task(handler.keep(put))
    for _ in range(100):
        await asyncio.sleep(0)
    keeping.cancel()
    return told


def started(store: FakeStore, folder: Path) -> list[str]:
    """Start a historian on a record and a folder of checkpoints; give its faults."""
    told = asyncio.run(_started(CheckpointHandler(store, key=KEY, folder=folder)))
    faults = [one.report for one in told if isinstance(one.report, RuntimeFault)]
    assert all(one.pump == PUMP for one in told)
    return [one.fault for one in faults]


def notes_in(folder: Path) -> int:
    return sum(len(found) for found in kept_in(folder).values())


@pytest.mark.requirement("R121")
def test_what_stands_open_is_counted_and_timed(record: SignedRecord) -> None:
    """So many lines and events after the last checkpoint, and from when to when."""
    (end,) = record.checked(remade(record.rows), kept_in(record.early), alone=True).open_ends
    behind = record.rows[record.signed :]
    events = sum(b'"event":{' in row.state for row in behind)
    assert (end.after, end.lines, end.events) == (record.signed, len(behind), events)
    assert 0 < end.until - end.since <= 3 * 60 * MINUTE_MS
    assert end.nowhere == end.lines


@pytest.mark.requirement("R121")
def test_an_open_end_that_other_journals_have_too_is_sound(record: SignedRecord) -> None:
    """Without the historian's own words, which nobody else has."""
    early = kept_in(record.early)
    report = record.checked(remade(record.rows), early)
    (end,) = report.open_ends
    said = [row for row in record.rows[record.signed :] if is_own(row)]
    assert (report.faults, end.missing) == ((), ())
    assert end.nowhere == len(said)
    assert verdict(report) == (4 if said else 0)


def is_own(row: Row) -> bool:
    """Say whether a line is the historian's: an own event, or a report to itself."""
    return (
        not row.topic.startswith(("heard ", "adopted "))
        or b'"event":{' not in row.state
        and (b'"command":{' not in row.state)
    )


def deleted(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def emptied(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(b"")


def by_another_key(folder: Path) -> None:
    """Sign the same by a key of one's own."""
    other = SigningKey(b"o" * 32)
    kept = kept_in(folder)
    emptied(folder)
    for found in kept.values():
        for one in found:
            CheckpointFiles(folder).add(
                one,
                public=bytes(other.verify_key),
                sign=lambda text: bytes(other.sign(text).signature),
            )


def one_deleted(folder: Path) -> None:
    (folder / f"{PUMP}.actuator.notes").unlink()


def historians_deleted(folder: Path) -> None:
    (folder / f"{PUMP}.historian.notes").unlink()


TAKEN = (deleted, emptied, by_another_key, one_deleted, historians_deleted)


@pytest.mark.requirement("R121")
@pytest.mark.parametrize("taken", TAKEN, ids=lambda one: one.__name__)
def test_checkpoints_that_were_taken_are_missed(
    record: SignedRecord, tmp_path: Path, taken: Callable[[Path], None]
) -> None:
    """By who verifies, and by the historian that starts: it says so and signs anew."""
    folder = copied(record.whole, tmp_path)
    store = remade(record.rows)
    assert verdict(record.checked(store, kept_in(folder))) == 0
    taken(folder)

    kept, broken = CheckpointFiles(folder).readable(public=PUBLIC)
    for alone in (True, False):
        assert broken or verdict(record.checked(store, kept, alone=alone)) in (1, 4)
    assert started(store, folder) == ["checkpoints_missing"]
    assert not broken or [one for one in broken if "not signed by the key" in str(one)]


def test_the_mutant_that_misses_no_checkpoint_is_caught(
    record: SignedRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_check.StartCheck, "_missing", lambda *_: None)
    with pytest.raises(AssertionError):
        test_checkpoints_that_were_taken_are_missed(record, tmp_path, deleted)


@pytest.mark.requirement("R121")
def test_newer_checkpoints_that_were_cut_off_are_missed(
    record: SignedRecord, tmp_path: Path
) -> None:
    """So much never stands behind the last one: they are made every 5 min and 100 events."""
    folder = copied(record.early, tmp_path)
    assert started(remade(record.rows), folder) == ["checkpoints_missing"]


def test_a_record_that_ended_in_a_crash_is_no_fault(tmp_path: Path) -> None:
    """Killed before the next checkpoint: some lines stand open, as they may."""
    system = FakeSystem()
    system.set_up()
    assert started(system.stores[HISTORIAN], tmp_path) == []
    system.glucose("120")
    system.order(500)
    system.run(ms=2 * MINUTE_MS)
    assert started(system.stores[HISTORIAN], tmp_path) == []
    system.glucose("130")
    system.run(ms=24 * 60 * MINUTE_MS)  # it was off, or its folder could not be written
    assert started(system.stores[HISTORIAN], tmp_path) == ["checkpoints_missing"]


@pytest.mark.requirement("R121")
def test_a_record_that_was_changed_is_not_signed_again(
    record: SignedRecord, tmp_path: Path
) -> None:
    """A restart would otherwise turn a change into something that the key has signed."""
    folder = copied(record.whole, tmp_path)
    before = notes_in(folder)
    forged = remade(changed(record.rows, 250) or ())
    assert started(forged, folder) == ["record_altered"]
    assert notes_in(folder) == before
    assert started(remade(record.rows[:-5]), folder) == ["record_altered"]
    assert notes_in(folder) == before


def test_the_mutant_that_signs_a_changed_record_is_caught(
    record: SignedRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_check.StartCheck, "_altered", _unmarked)
    with pytest.raises(AssertionError):
        test_a_record_that_was_changed_is_not_signed_again(record, tmp_path)


def _unmarked(self: object, pump: PumpId, text: str) -> Reported:
    del self
    return Reported(pump, RuntimeFault(fault="record_altered", detail=text))


def of_an_older_release(kept: Checkpoints) -> Checkpoints:
    """Leave out what older releases did not sign."""
    return {
        key: [msgspec.structs.replace(one, lines=0, lines_root=b"") for one in found if one.size]
        for key, found in kept.items()
    }


@pytest.mark.requirement("R121")
def test_checkpoints_of_an_older_release_verify_what_they_cover(
    record: SignedRecord, tmp_path: Path
) -> None:
    """Events, as before; that lines, commands and times are not covered is said, and no alarm."""
    older = of_an_older_release(kept_in(record.early))
    report = record.checked(remade(record.rows), older, alone=True)
    (end,) = report.open_ends
    behind = sum(b'"event":{' in row.state for row in record.rows[record.signed :])
    assert (verdict(report), end.lines, end.events) == (4, len(record.rows), behind)
    at = next(at for at in range(200, 300) if b'"event":{' in record.rows[at].state)
    forged = record.checked(remade(changed(record.rows, at) or ()), older, alone=True)
    assert verdict(forged) == 1

    files = CheckpointFiles(tmp_path)
    for found in older.values():
        for one in found:
            files.add(one, public=PUBLIC, sign=sign)
    assert started(remade(record.rows), tmp_path) == []
    assert verdict(record.checked(remade(record.rows), kept_in(tmp_path), alone=True)) == 0


@pytest.mark.requirement("R121")
def test_a_checkpoint_is_due_after_100_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two that time asks for."""
    monkeypatch.setattr(checkpoint_handler, "LOOK_S", 0.0)
    system = FakeSystem()
    system.set_up()
    store = system.stores[HISTORIAN]

    async def lived() -> list[int]:
        handler = CheckpointHandler(store, key=KEY, folder=tmp_path)
        keeping = asyncio.create_task(handler.keep(_nothing))
        signed: list[int] = []
        for number in range(160):
            system.glucose(str(100 + number))
            for _ in range(10):
                await asyncio.sleep(0)
            signed.append(max(one.lines for one in kept_in(tmp_path)[PUMP, HISTORIAN]))
        keeping.cancel()
        return sorted(set(signed))

    signed = asyncio.run(lived())
    rows = [row for _, row in store.rows(pump=PUMP)]
    events = [sum(b'"event":{' in row.state for row in rows[:lines]) for lines in signed]
    steps = [later - before for before, later in zip(events, events[1:], strict=False)]
    assert steps
    assert all(100 <= step <= 105 for step in steps)


async def _nothing(reported: Reported) -> None:
    raise AssertionError(reported)


@pytest.mark.requirement("R121")
def test_a_clean_stop_leaves_nothing_open(tmp_path: Path) -> None:
    """The last lines of a run are signed as well."""
    system = FakeSystem()
    system.set_up()
    system.glucose("120")
    store = system.stores[HISTORIAN]
    asyncio.run(CheckpointHandler(store, key=KEY, folder=tmp_path).finish())
    assert {count(store)} == {one.lines for one in kept_in(tmp_path)[PUMP, HISTORIAN]}
    asyncio.run(CheckpointHandler(store, key=None, folder=tmp_path).finish())


async def test_a_start_that_is_stopped_midway_signs_what_there_is(
    record: SignedRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the record from its first line again: half of it would contradict what is signed."""
    monkeypatch.setattr(checkpoint_handler, "LINES_AT_ONCE", 7)
    folder = copied(record.early, tmp_path)
    handler = CheckpointHandler(remade(record.rows[: record.signed + 5]), key=KEY, folder=folder)
    keeping = asyncio.create_task(handler.keep(_nothing))
    for _ in range(5):
        await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await handler.finish()
    assert max(one.lines for one in kept_in(folder)[PUMP, HISTORIAN]) == record.signed + 5


def test_checkpoints_that_cannot_be_read_stop_nobody(
    record: SignedRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of somebody else's is an alarm; the record goes on."""

    def unreadable(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "notes")

    monkeypatch.setattr(CheckpointFiles, "readable", unreadable)
    assert started(remade(record.rows), tmp_path) == ["checkpoints_missing"]
