"""A journal that was damaged or tampered with: found where it is, and never decided upon."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import services.runtime.decider_host.unit_of_work
import services.runtime.replay.replay
from schemas.units import MINUTE_MS, CommandId, PumpId, Speaker
from services.runtime.audit.compare_records import compare, said_in
from services.runtime.audit.redecide import verify_decisions
from services.runtime.decider_host.unit_of_work import UnitOfWork
from services.runtime.journal.entries import split
from services.runtime.journal.hash_chain import append_link
from services.runtime.journal.memory_store import FakeStore
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.platform.errors import JournalAltered, StoreBroken, StoreFormatUnknown
from services.runtime.ports import Commit, Row, Store
from support.simulated.fake_system import DECIDER_OF, FakeSystem

STEP = 61
"""[B] between two places where a bit is flipped."""

ME = Speaker("actuator")
Rows = list[Row]


@pytest.fixture(scope="module")
def lived() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    system.order(500)
    system.run(ms=10 * MINUTE_MS)
    return system


def commands_of(store: Store) -> dict[tuple[PumpId, CommandId], int]:
    assert isinstance(store, FakeStore)
    return store._commands


def commit_of(store: Store, rows: Rows) -> Commit:
    """Give all of a journal as one commit, with these rows in the place of its own."""
    return Commit(
        rows=rows,
        heads=store.heads(),
        commands=commands_of(store),
        ends=store.ends(),
        stream="s",
        sequence=1,
    )


def rows_of(store: Store) -> Rows:
    return [row for _, row in store.rows()]


def with_rows(store: Store, rows: Rows) -> FakeStore:
    changed = FakeStore()
    changed._rows.extend(rows)
    changed._heads.update(store.heads())
    changed._ends.update(store.ends())
    changed._commands.update(commands_of(store))
    return changed


def found_at(store: Store) -> int | None:
    """Say at which line a start finds the journal altered, None if it goes on."""
    try:
        UnitOfWork(decider=DECIDER_OF[ME], store=store)
    except JournalAltered as error:
        return error.position
    return None


def changed(row: Row, state: bytes) -> Row:
    return Row(row.pump, row.position, row.topic, state)


def modify(rows: Rows, at: int) -> Rows:
    """One bit of the last byte but one, as a digit of an amount would be."""
    state = bytearray(rows[at].state)
    state[-2] ^= 1
    return [*rows[:at], changed(rows[at], bytes(state)), *rows[at + 1 :]]


def delete(rows: Rows, at: int) -> Rows:
    return [*rows[:at], *rows[at + 1 :]]


def delete_and_close_up(rows: Rows, at: int) -> Rows:
    later = [Row(row.pump, row.position - 1, row.topic, row.state) for row in rows[at + 1 :]]
    return [*rows[:at], *later]


def delete_tail(rows: Rows, at: int) -> Rows:
    return rows[:at]


def insert(rows: Rows, at: int) -> Rows:
    """A copy of a line that was there before, under a number of its own."""
    made = Row(rows[at].pump, rows[at].position, rows[0].topic, rows[0].state)
    later = [Row(row.pump, row.position + 1, row.topic, row.state) for row in rows[at:]]
    return [*rows[:at], made, *later]


def reorder(rows: Rows, at: int) -> Rows:
    """Two neighbours change places."""
    if at == 0:
        return [changed(rows[0], rows[1].state), changed(rows[1], rows[0].state), *rows[2:]]
    before, here = changed(rows[at - 1], rows[at].state), changed(rows[at], rows[at - 1].state)
    return [*rows[: at - 1], before, here, *rows[at + 1 :]]


def copy_over(rows: Rows, at: int) -> Rows:
    """A line in the place of another."""
    other = rows[at - 1] if at else rows[1]
    return [*rows[:at], changed(rows[at], other.state), *rows[at + 1 :]]


def other_pump(rows: Rows, at: int) -> Rows:
    """A line of this pump among those of another."""
    moved = Row(PumpId("p2"), 1, rows[at].topic, rows[at].state)
    return [*rows[:at], moved, *rows[at + 1 :]]


def near(at: int) -> set[int]:
    """Give where it may be named: at the line or next to it, or as the first of another pump."""
    return {1, at, at + 1, at + 2}


TAMPERINGS = [
    modify,
    delete,
    delete_and_close_up,
    delete_tail,
    insert,
    reorder,
    copy_over,
    other_pump,
]


@pytest.mark.requirement("R94")
@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_each_way_of_tampering_is_found_at_every_line(
    lived: FakeSystem, tamper: Callable[[Rows, int], Rows]
) -> None:
    """At the start, at the line or the one after it, whatever the line says (D6)."""
    store = lived.stores[ME]
    rows = rows_of(store)

    for at in range(len(rows)):
        found = found_at(with_rows(store, tamper(rows, at)))
        assert found is not None
        assert found in near(at)


@pytest.mark.requirement("R94")
@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda one: one.__name__)
def test_verify_names_the_line(lived: FakeSystem, tamper: Callable[[Rows, int], Rows]) -> None:
    """`basalt verify decisions` reads on past it and says where it, or its decision, is."""
    store = lived.stores[ME]
    rows = rows_of(store)
    for at in range(0, len(rows), 7):
        report = verify_decisions(DECIDER_OF[ME], with_rows(store, tamper(rows, at)))
        assert report.differences
        begun_at = split(rows[at].state)[0].entry
        assert report.differences[0].position in {*near(at), begun_at}
    assert () == verify_decisions(DECIDER_OF[ME], store).differences


def with_new_links(rows: Rows) -> Rows:
    """What somebody would do who may write the whole journal."""
    link, found = "", []
    for row in rows:
        head, data = split(row.state)
        bare = type(head)(*(getattr(head, name) for name in head.__struct_fields__[:-1]))
        made, link = append_link(link, row, bare, data)
        found.append(made)
    return found


@pytest.mark.requirement("R94")
def test_a_journal_written_anew_is_found_by_the_historians_copy(lived: FakeSystem) -> None:
    """The links are no secret: what others have heard is."""
    store, record = lived.stores[ME], said_in(lived.stores[Speaker("historian")], ME)
    rows = rows_of(store)
    said = [at for at, row in enumerate(rows) if not row.topic.startswith("heard")]
    assert () == compare(said_in(store, ME), record)

    for at in said:
        forged = with_rows(store, with_new_links(modify_amounts(rows, at)))
        differences = compare(said_in(forged, ME), record)
        assert [rows[at].position] == [one.position for one in differences]


def modify_amounts(rows: Rows, at: int) -> Rows:
    """Another byte that leaves JSON what it is: a space at the end."""
    return [*rows[:at], changed(rows[at], rows[at].state + b" "), *rows[at + 1 :]]


@pytest.mark.requirement("R94")
def test_a_journal_put_back_is_found_by_the_historians_copy(lived: FakeSystem) -> None:
    """Whole and older: nothing in it is wrong, it only ends too early (rollback)."""
    store, record = lived.stores[ME], said_in(lived.stores[Speaker("historian")], ME)
    half = rows_of(store)[: len(rows_of(store)) // 2]

    differences = compare(said_in(with_rows(store, half), ME), record)

    assert differences
    assert all("not in this journal" in one.text for one in differences)


def test_the_mutant_that_follows_no_link_is_caught(
    lived: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the links a changed report goes by unnoticed: the test above can fail."""
    monkeypatch.setattr(
        services.runtime.decider_host.unit_of_work, "verify_next", lambda *_, **__: ""
    )
    monkeypatch.setattr(UnitOfWork, "_compare_ends", lambda _: None)
    store = lived.stores[ME]

    found = {found_at(with_rows(store, delete_and_close_up(rows_of(store), at))) for at in range(5)}

    assert None in found


def test_a_journal_without_links_is_read_as_before(lived: FakeSystem) -> None:
    """Those written before there were links; from the first link on each line has one."""
    store = lived.stores[ME]
    rows = rows_of(store)
    bare = [changed(row, row.state.replace(_link(row), b"]", 1)) for row in rows]
    older = FakeStore()
    older._rows.extend(bare)
    older._heads.update(store.heads())
    older._commands.update(commands_of(store))
    mixed = FakeStore()
    mixed._commands.update(commands_of(store))
    mixed._rows.extend([*rows[:5], *bare[5:]])

    assert (None, 6) == (found_at(older), found_at(mixed))


def _link(row: Row) -> bytes:
    return b',"' + split(row.state)[0].link.encode() + b'"]'


@pytest.fixture
def file(lived: FakeSystem, tmp_path: Path) -> Path:
    """The actuator's journal as a file, all of it in the database itself."""
    path = tmp_path / "journal.db"
    store = SqliteStore(path)
    store.commit(commit_of(lived.stores[ME], rows_of(lived.stores[ME])))
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE stored_events SET state = CAST(state AS TEXT)", False),
        ("UPDATE stored_events SET state = REPLACE(state, '1', '2') WHERE rowid = 4", True),
        ("UPDATE stored_events SET state = 7 WHERE rowid = 4", True),
        ("UPDATE stored_events SET topic = CAST(topic AS BLOB) WHERE rowid = 4", True),
    ],
)
def test_a_column_of_another_type_is_read_and_a_change_in_it_found(
    file: Path, change: str, found: bool
) -> None:
    """SQLite keeps a text in a column of bytes: the first edit that a forger would try."""
    connection = sqlite3.connect(file)
    connection.execute(change)
    connection.commit()
    connection.close()

    assert found == (read_all(file) is None)
    store = SqliteStore(file)
    report = verify_decisions(DECIDER_OF[ME], store)
    store.close()
    assert found == bool(report.differences)


def read_all(path: Path) -> Rows | None:
    """Give the lines that a start would decide upon, None where it refuses to start."""
    try:
        store = SqliteStore(path)
    except (StoreBroken, StoreFormatUnknown):
        return None
    try:
        UnitOfWork(decider=DECIDER_OF[ME], store=store)
        return rows_of(store)
    except (JournalAltered, StoreBroken):
        return None
    finally:
        store.close()


def flips(size: int) -> Iterator[tuple[int, int]]:
    """Places all over a file, and one of the eight bits in each."""
    for number, place in enumerate(range(0, size, STEP)):
        yield place, number % 8


@pytest.mark.requirement("R46")
def test_a_flipped_bit_is_found_or_changes_nothing(
    lived: FakeSystem, file: Path, tmp_path: Path
) -> None:
    """Wherever it is: no line is read otherwise than it was written (B8, D3)."""
    whole, rows, refused = file.read_bytes(), rows_of(lived.stores[ME]), 0
    assert rows == read_all(file)
    for place, bit in flips(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 1 << bit
        path = tmp_path / "flipped.db"
        path.write_bytes(broken)
        for beside in tmp_path.glob("flipped.db-*"):
            beside.unlink()

        read = read_all(path)

        assert read in (None, rows), (place, bit)
        refused += read is None
    assert refused > len(whole) / STEP / 3


@pytest.mark.requirement("R46")
def test_a_torn_end_leaves_whole_lines_or_is_refused(lived: FakeSystem, tmp_path: Path) -> None:
    """The write-ahead log cut at each 16 bytes of its last 4 KiB: a prefix, no half step (D3)."""
    rows = rows_of(lived.stores[ME])
    live = tmp_path / "live.db"
    store = SqliteStore(live)
    kept = commands_of(lived.stores[ME])
    for row in rows:
        here = {name: at for name, at in kept.items() if at == row.position}
        store.commit(Commit(rows=[row], commands=here))
    log = live.with_name("live.db-wal").read_bytes()
    base = live.read_bytes()
    seen = set()
    for cut in (*range(16, 4096, 16), *range(4096, len(log) - 40_000, 4_000)):
        torn = tmp_path / "torn"
        shutil.rmtree(torn, ignore_errors=True)
        torn.mkdir()
        (torn / "j.db").write_bytes(base)
        (torn / "j.db-wal").write_bytes(log[:-cut])
        read = read_all(torn / "j.db")
        assert read is not None
        assert read == rows[: len(read)]
        seen.add(len(read))
    store.close()

    assert set(range(1, len(rows))) - seen <= {1, 2}


@pytest.mark.requirement("R46")
def test_a_file_cut_short_is_refused(lived: FakeSystem, file: Path, tmp_path: Path) -> None:
    """At any page and in the middle of one."""
    whole, rows = file.read_bytes(), rows_of(lived.stores[ME])
    for size in range(0, len(whole), 2048):
        path = tmp_path / f"short{size}.db"
        path.write_bytes(whole[:size])

        read = read_all(path)

        # An empty file is a journal that is gone: its past is taken over from the others.
        assert read is None or (size == 0 and read == [])
    assert rows
