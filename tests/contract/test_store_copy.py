"""A journal copied there and back is the same to the byte, and nothing else is copied over."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.units import CommandId, PumpId, Speaker
from services.command_line.main import main
from services.runtime.journal import store_copy
from services.runtime.journal.entries import RowMetadata
from services.runtime.journal.hash_chain import append_link
from services.runtime.journal.postgres.address import postgres_address
from services.runtime.journal.postgres.store import PostgresStore
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.journal.store_copy import copy_journal, verify_copy
from services.runtime.platform.errors import CopyRefused
from services.runtime.ports import ChainTip, Commit, Row, Store, StreamHead
from support.real.postgres_server import PostgresServer

ME = Speaker("actuator")
PUMPS = (PumpId("p1"), PumpId("p2"))
LINES = 25


def silent(lines: int) -> None:
    del lines


def fill(store: Store) -> None:
    """Store lines of two pumps in turns, with all that stands beside them."""
    ends: dict[PumpId, ChainTip] = {}
    for number in range(1, LINES + 1):
        pump = PUMPS[number % 2]
        last = ends.get(pump, ChainTip(0, ""))
        bare = Row(pump, last.position + 1, "x.v1", b"")
        head = RowMetadata(1, 1, 1, 1, "s", "t")  # type: ignore[arg-type]  # plain numbers
        row, link = append_link(last.link, bare, head, bytes((number, 0, 255)))
        ends[pump] = ChainTip(row.position, link)
        store.commit(
            Commit(
                rows=[row],
                heads={(pump, ME): StreamHead(row.position, "aa")},
                commands={(pump, CommandId(f"c-{number}")): row.position},
                ends={pump: ends[pump]},
                stream=f"2026-01-0{number % 3 + 1}",
                sequence=number,
            )
        )


def dump(path: Path) -> list[str]:
    """Write a whole file as SQL; two that say the same are the same."""
    with sqlite3.connect(path) as file:
        return sorted(file.iterdump())


@pytest.fixture
def source(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "actuator.db")
    fill(store)
    yield store
    store.close()


@pytest.fixture
def target(postgres: PostgresServer) -> Iterator[PostgresStore]:
    store = PostgresStore(postgres_address(postgres.new_database(), service=ME))
    yield store
    store.close()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_copy, "CHUNK_ROWS", 10)


@pytest.mark.requirement("R46")
def test_there_and_back_is_the_same_to_the_byte(
    source: SqliteStore, target: PostgresStore, tmp_path: Path
) -> None:
    """A record is evidence: no copy of it may say anything else."""
    there = copy_journal(source, target, told=silent)
    again = SqliteStore(tmp_path / "again.db")
    back = copy_journal(target, again, told=silent)
    again.close()
    source.close()

    assert (
        (LINES, LINES, 2)
        == (there.lines, there.copied, there.pumps)
        == (
            back.lines,
            back.copied,
            back.pumps,
        )
    )
    assert dump(tmp_path / "actuator.db") == dump(tmp_path / "again.db")


def test_a_copy_that_was_broken_off_goes_on_and_is_taken_up_by_nobody(
    source: SqliteStore, target: PostgresStore
) -> None:
    """Without its commands a journal would obey each of them a second time."""

    def break_off(lines: int) -> None:
        raise KeyboardInterrupt(lines)

    with pytest.raises(KeyboardInterrupt):
        copy_journal(source, target, told=break_off)
    there = [row for _, row in target.rows()]
    reached = {row.pump: row.position for row in there}

    assert 10 == len(there)
    # A service whose lines do not reach their ends does not begin.
    assert all(end.position > reached[pump] for pump, end in target.ends().items())
    assert LINES - 10 == copy_journal(source, target, told=silent).copied
    assert 0 == copy_journal(source, target, told=silent).copied


def test_a_target_with_something_else_in_it_is_refused(
    source: SqliteStore, target: PostgresStore
) -> None:
    """Two histories in one journal are none."""
    target.commit(Commit(rows=[Row(PUMPS[0], 1, "x.v1", b"another")]))

    with pytest.raises(CopyRefused, match="another line 1"):
        copy_journal(source, target, told=silent)


def test_a_target_that_has_gone_on_is_refused(source: SqliteStore, target: PostgresStore) -> None:
    """What a service has stored since is not thrown away."""
    copy_journal(source, target, told=silent)
    target.commit(Commit(rows=[Row(PUMPS[0], 99, "x.v1", b"more")]))

    with pytest.raises(CopyRefused, match=f"another line {LINES + 1}"):
        copy_journal(source, target, told=silent)


def test_a_source_that_was_altered_is_not_copied(
    source: SqliteStore, target: PostgresStore, tmp_path: Path
) -> None:
    """A copy must not make a fault look new."""
    with sqlite3.connect(tmp_path / "actuator.db") as file:
        file.execute("UPDATE stored_events SET topic='y.v1' WHERE rowid=7")

    with pytest.raises(CopyRefused, match="not what was written"):
        copy_journal(source, target, told=silent)
    assert [] == list(target.rows())


MUTANTS: dict[str, Callable[[Commit], Commit]] = {
    "a line": lambda one: Commit(
        rows=[Row(row.pump, row.position, row.topic, row.state + b" ") for row in one.rows],
        heads=one.heads,
        commands=one.commands,
        ends=one.ends,
        stream=one.stream,
        sequence=one.sequence,
    ),
    "the heads": lambda one: Commit(one.rows, {}, one.commands, one.ends, one.stream, one.sequence),
    "the commands": lambda one: Commit(one.rows, one.heads, {}, one.ends, one.stream, one.sequence),
    "the ends": lambda one: Commit(one.rows, one.heads, one.commands, {}, one.stream, one.sequence),
    "the positions": lambda one: Commit(one.rows, one.heads, one.commands, one.ends),
}


@pytest.mark.parametrize("what", MUTANTS)
def test_a_copy_that_loses_something_is_noticed(
    source: SqliteStore, target: PostgresStore, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutants of the copy: each leaves out or changes one thing."""
    commit = target.commit
    monkeypatch.setattr(target, "commit", lambda one: commit(MUTANTS[what](one)))

    with pytest.raises(CopyRefused, match="of the copy"):
        copy_journal(source, target, told=silent)
    with pytest.raises(CopyRefused):
        verify_copy(source, target, told=silent)


def test_the_command_copies_all_and_refuses_while_one_is_open(
    source: SqliteStore,
    postgres: PostgresServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whoever moves a system moves all of it, or is told why not."""
    source.close()
    url = postgres.new_database()
    words = ["store", "copy", f"sqlite:{tmp_path}", url]
    held = PostgresStore(postgres_address(url, service=ME))

    assert 1 == main(words)
    assert "another process has this journal open" in capsys.readouterr().err
    held.close()
    assert 0 == main([*words, "--json"])
    assert f'"lines":{LINES}' in capsys.readouterr().out.replace(" ", "")
    assert 2 == main(["store", "copy", "sqlite:", url])
    assert 1 == main(["store", "copy", f"sqlite:{tmp_path}", url, "--service", "historian"])
