"""A historian's record of 10,000 events, tampered with at each of its lines (D6)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import pytest

from core.deciders.record.decider import RECORD_DECIDER
from core.record.checkpoints import Checkpoint
from core.record.merkle_tree import GrowingTree
from schemas.message import Now
from schemas.record import StorageReported
from schemas.units import PumpId, Speaker, UtcMillis
from services.runtime.audit import record_check
from services.runtime.audit.record_check import PumpCheck, RecordCheck
from services.runtime.audit.whole_check import check_record
from services.runtime.decider_host.event_writer import seal
from services.runtime.decider_host.processor import DeciderProcessor
from services.runtime.journal.entries import RowMetadata, split
from services.runtime.journal.hash_chain import append_link
from services.runtime.journal.memory_store import FakeStore
from services.runtime.ports import Arrived, Commit, Row, StreamHead

EVENTS = 10_000
SPEAKERS = (Speaker("glucose_ingest"), Speaker("actuator"), Speaker("bolus_advisor"))
PUMP, OTHER = PumpId("p1"), PumpId("p2")
NOW = Now(therapy=UtcMillis(1), real=UtcMillis(1), speed=1)
LINES_LOOKED_AT = 3
"""[-] after a change until it must be found."""


class Record(NamedTuple):
    """A record, and where each line of it stands in a check of the whole."""

    store: FakeStore
    rows: list[Row]
    before: list[PumpCheck]
    """What the check knows before each line: it is a fold, so that no line is read twice."""
    other: Row
    """A line of another pump's record."""


def spoken(
    pump: PumpId, heads: dict[Speaker, StreamHead], number: int, *, free_mib: int | None = None
) -> Arrived:
    """Say the next event, of each speaker in its turn."""
    speaker = SPEAKERS[number % len(SPEAKERS)]
    when = RowMetadata(UtcMillis(number + 1), UtcMillis(number + 1), 1, 0, "", "")
    said = seal(
        StorageReported(free_mib=number if free_mib is None else free_mib, actor="service:test"),
        speaker=speaker,
        pump=pump,
        after=heads.get(speaker),
        cause=f"report:{number}",
        heard={},
        when=when,
    )
    heads[speaker] = said.head
    return Arrived(said.subject, said.data, {}, number + 1)


def made(pump: PumpId, count: int) -> FakeStore:
    """Let a historian hear so many events."""
    store, heads = FakeStore(), dict[Speaker, StreamHead]()
    processor = DeciderProcessor(decider=RECORD_DECIDER, store=store)
    processor.unit_of_work.follow(stream="s")
    arrived = [spoken(pump, heads, number) for number in range(count)]
    for first in range(0, count, 500):
        processor.handle(arrived[first : first + 500], now=NOW)
    return store


@pytest.fixture(scope="module")
def record() -> Record:
    store = made(PUMP, EVENTS)
    rows = [row for _, row in store.rows()]
    check, before = RecordCheck({}), list[PumpCheck]()
    for row in rows:
        before.append(check.pumps.get(PUMP, PumpCheck()).copy())
        assert not list(check.add(row))
    (other,) = [row for _, row in made(OTHER, 1).rows()]
    return Record(store, rows, before, other)


def found_at(record: Record, at: int, rows: Sequence[Row]) -> int | None:
    """Go on from a line with other rows; say at which of them something is wrong."""
    check = RecordCheck({})
    check.pumps[PUMP] = record.before[at].copy()
    for row in rows[:LINES_LOOKED_AT]:
        if list(check.add(row)):
            return row.position
    end = record.store.ends() if len(rows) < LINES_LOOKED_AT else {}
    return next((one.position for one in check.end(end)), None)


def flipped(row: Row) -> Row:
    """Change one bit in the middle of what is stored."""
    state = bytearray(row.state)
    state[len(state) // 2] ^= 1
    return msgspec.structs.replace(row, state=bytes(state))


def at_place(row: Row, place: Row) -> Row:
    return msgspec.structs.replace(row, pump=place.pump, position=place.position)


def modify(record: Record, at: int) -> list[Row]:
    return [flipped(record.rows[at]), *record.rows[at + 1 :][:2]]


def delete(record: Record, at: int) -> list[Row]:
    return record.rows[at + 1 :][:3]


def delete_tail(record: Record, at: int) -> list[Row]:
    del record, at
    return []


def insert(record: Record, at: int) -> list[Row]:
    return [at_place(record.rows[at - 1], record.rows[at]), *record.rows[at:][:2]]


def reorder(record: Record, at: int) -> list[Row]:
    first, second = record.rows[at], record.rows[(at + 1) % EVENTS]
    return [at_place(second, first), at_place(first, second), *record.rows[at + 2 :][:1]]


def copy_over(record: Record, at: int) -> list[Row]:
    return [at_place(record.rows[at - 7], record.rows[at]), *record.rows[at + 1 :][:2]]


def other_pump(record: Record, at: int) -> list[Row]:
    return [at_place(record.other, record.rows[at]), *record.rows[at + 1 :][:2]]


TAMPERINGS = (modify, delete, delete_tail, insert, reorder, copy_over, other_pump)


@pytest.mark.requirement("R94")
@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_each_way_of_tampering_is_found_at_each_of_ten_thousand_lines(
    record: Record, tamper: Callable[[Record, int], list[Row]]
) -> None:
    """Where it was done, or at the line after it."""
    for at in range(len(record.rows)):
        found = found_at(record, at, tamper(record, at))
        assert found is not None, at
        assert 0 <= found - record.rows[at].position <= 1, at


def checkpoint_of(pump: PumpCheck, speaker: Speaker) -> Checkpoint:
    tree = pump.trees[speaker]
    return Checkpoint(pump=PUMP, speaker=speaker, size=tree.size, root=tree.root())


@pytest.mark.requirement("R94")
@pytest.mark.requirement("R97")
def test_a_record_put_back_whole_is_found_by_a_checkpoint_at_each_line(record: Record) -> None:
    """Nothing in it is wrong, it only ends too early: what lies elsewhere says so (rollback)."""
    last = RecordCheck({})
    last.pumps[PUMP] = record.before[-1].copy()
    list(last.add(record.rows[-1]))
    kept = {(PUMP, one): [checkpoint_of(last.pumps[PUMP], one)] for one in SPEAKERS}

    for at in range(len(record.rows)):
        older = RecordCheck(kept)
        older.pumps[PUMP] = record.before[at]
        assert any("in the checkpoint" in one.text for one in older.end({})), at


def written_anew(rows: Sequence[Row], at: int) -> list[Row]:
    """What somebody would do who may write the whole journal: every hash after it fits."""
    link, heads, found = "", dict[Speaker, StreamHead](), list[Row]()
    for number, row in enumerate(rows):
        head, _ = split(row.state)
        arrived = spoken(PUMP, heads, number, free_mib=999_999 if number == at else None)
        bare = type(head)(*(getattr(head, name) for name in head.__struct_fields__[:-1]))
        line, link = append_link(link, row, bare, arrived.data)
        found.append(line)
    return found


def store_of(rows: Sequence[Row]) -> FakeStore:
    store = FakeStore()
    store.commit(Commit(rows=rows))
    return store


def small(count: int = 60) -> tuple[list[Row], RecordCheck]:
    rows = [row for _, row in made(PUMP, count).rows()]
    check = RecordCheck({})
    for row in rows:
        assert not list(check.add(row))
    return rows, check


@pytest.mark.requirement("R94")
def test_a_record_written_anew_is_found_by_a_checkpoint_at_each_line() -> None:
    """Its links fit, its chains fit, its trees have other roots; the honest one passes."""
    rows, check = small()
    kept = {(PUMP, one): [checkpoint_of(check.pumps[PUMP], one)] for one in SPEAKERS}
    honest = check_record(store_of(rows), checkpoints=kept)
    assert ((), len(SPEAKERS), len(rows)) == (honest.faults, honest.checkpoints, honest.events)

    for at in range(len(rows)):
        forged = store_of(written_anew(rows, at))
        assert () == check_record(forged, checkpoints={}).faults
        (fault,) = check_record(forged, checkpoints=kept).faults
        assert "not those of the checkpoint" in fault.text
        assert SPEAKERS[at % len(SPEAKERS)] in fault.text


def test_an_older_checkpoint_narrows_the_place_down() -> None:
    """Two of them: the change lies behind the one that still agrees."""
    rows, check = small(30)
    early = RecordCheck({})
    for row in rows[:15]:
        list(early.add(row))
    speaker = SPEAKERS[0]
    kept = {
        (PUMP, speaker): [
            checkpoint_of(early.pumps[PUMP], speaker),
            checkpoint_of(check.pumps[PUMP], speaker),
        ]
    }

    report = check_record(store_of(written_anew(rows, 21)), checkpoints=kept)

    assert (2, 1) == (report.checkpoints, len(report.faults))


def test_the_mutant_that_takes_every_root_for_right_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A record written anew would pass."""
    rows, check = small(9)
    kept = {(PUMP, SPEAKERS[1]): [checkpoint_of(check.pumps[PUMP], SPEAKERS[1])]}
    forged = store_of(written_anew(rows, 4))
    assert check_record(forged, checkpoints=kept).faults
    (one,) = kept[PUMP, SPEAKERS[1]]
    monkeypatch.setattr(GrowingTree, "root", lambda _: one.root)

    assert () == check_record(forged, checkpoints=kept).faults


def test_the_mutant_that_follows_no_link_is_caught_by_a_changed_time(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When something was heard stands in the line alone; the chains of speakers cover it not."""
    row = record.rows[50]
    later = msgspec.structs.replace(row, state=row.state.replace(b"[1,", b"[2,", 1))
    changed = [later, *record.rows[51:53]]
    assert 51 == found_at(record, 50, changed)

    monkeypatch.setattr(record_check, "verify_next", lambda _link, row, *, after: str(after))

    assert found_at(record, 50, changed) is None
