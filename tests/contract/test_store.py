"""Store: the file and its fake keep the same promises."""

import gc
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eventsourcing.persistence import ConnectionPoolClosedError

from schemas.message import event_id
from schemas.units import CommandId, EventId, PumpId, Speaker
from schemas.wire import codec
from schemas.wire.subjects import event_subject
from services.runtime.journal.entries import INPUT, RowMetadata
from services.runtime.journal.memory_store import FakeStore
from services.runtime.journal.postgres.address import postgres_address
from services.runtime.journal.postgres.store import PostgresStore
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.platform.errors import SecondWriter, StoreBroken
from services.runtime.ports import Commit, Row, Store, StreamHead
from support.real.postgres_server import PostgresServer

PUMP = PumpId("p1")
ME = Speaker("actuator")
OTHER = Speaker("bolus_advisor")


def row(position: int, *, speaker: Speaker, version: int, heard: bool = False) -> Row:
    name = event_id(speaker=speaker, pump=PUMP, version=version)
    subject = event_subject(pump=PUMP, speaker=speaker, name="x")
    head = RowMetadata(1, 1, 1, 1, subject, "t")  # type: ignore[arg-type]  # plain numbers
    topic = (INPUT if heard else "") + "x.v1"
    return Row(PUMP, position, topic, b'%b\n{"id":"%b"}' % (codec.encode(head), name.encode()))


@pytest.fixture(params=["sqlite", "postgres", "fake"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    if request.param == "sqlite":
        yield lambda: SqliteStore(tmp_path / "journal.db")
        return
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        address = postgres_address(server.new_database(), service=ME)
        opened: list[PostgresStore] = []

        def open_postgres() -> Store:
            opened.append(PostgresStore(address))
            return opened[-1]

        yield open_postgres
        for store in opened:
            store.close()
        return
    fake = FakeStore()
    yield lambda: fake


def test_a_commit_is_there_after_opening_again(open_store: Callable[[], Store]) -> None:
    """What was stored before a crash is what the next process knows."""
    heads = {(PUMP, ME): StreamHead(1, "aa")}
    commit = Commit(
        rows=[row(1, speaker=ME, version=1)],
        heads=heads,
        commands={(PUMP, CommandId("c")): 1},
        stream="s",
        sequence=7,
    )
    store = open_store()
    store.commit(commit)
    store.close()

    again = open_store()

    assert [(1, commit.rows[0])] == list(again.rows())
    assert heads == again.heads()
    assert 1 == again.command(pump=PUMP, command=CommandId("c"))
    assert again.command(pump=PUMP, command=CommandId("d")) is None
    assert [(PUMP, "c", 1)] == list(again.commands())
    assert (7, 0) == (again.sequence(stream="s"), again.sequence(stream="other"))
    assert ["s"] == list(again.streams())


def test_a_commit_is_stored_whole_or_not_at_all(open_store: Callable[[], Store]) -> None:
    """Half a decision would be a dose without its intent."""
    store = open_store()
    store.commit(Commit(rows=[row(1, speaker=ME, version=1)], stream="s", sequence=1))
    clash = Commit(
        rows=[row(2, speaker=ME, version=2), row(1, speaker=ME, version=3)],
        heads={(PUMP, ME): StreamHead(3, "cc")},
        commands={(PUMP, CommandId("c")): 1},
        stream="s",
        sequence=2,
    )

    with pytest.raises(SecondWriter):
        store.commit(clash)

    assert 1 == len(list(store.rows()))
    assert {} == dict(store.heads())
    assert store.command(pump=PUMP, command=CommandId("c")) is None
    assert 1 == store.sequence(stream="s")


def test_a_position_that_does_not_go_on_is_refused(open_store: Callable[[], Store]) -> None:
    """A second process that follows the same stream must be found."""
    store = open_store()
    store.commit(Commit(rows=[row(1, speaker=ME, version=1)], stream="s", sequence=5))

    with pytest.raises(SecondWriter):
        store.commit(Commit(rows=[row(2, speaker=ME, version=2)], stream="s", sequence=5))


def test_rows_come_in_the_order_of_storing_or_from_the_newest_back(
    open_store: Callable[[], Store],
) -> None:
    """What is new is found soon, of one pump or of all."""
    store = open_store()
    rows = [row(at, speaker=ME, version=at) for at in (1, 2, 3)]
    store.commit(Commit(rows=rows))

    assert [(1, rows[0]), (2, rows[1]), (3, rows[2])] == list(store.rows())
    assert [(3, rows[2]), (2, rows[1]), (1, rows[0])] == list(store.rows(newest_first=True))
    assert [(3, rows[2])] == list(store.rows(pump=PUMP, after_row=2, newest_first=True))


def test_own_events_after_one_are_found_in_order(open_store: Callable[[], Store]) -> None:
    """The outbox goes on exactly where the stream ends."""
    store = open_store()
    rows = [
        row(1, speaker=ME, version=1),
        row(2, speaker=OTHER, version=1, heard=True),
        row(3, speaker=ME, version=2),
        row(4, speaker=ME, version=3),
    ]
    store.commit(Commit(rows=rows))

    assert [rows[2], rows[3]] == list(store.said_after(event=EventId("actuator:p1:1")))
    assert [rows[0], rows[2], rows[3]] == list(store.said_after(event=None))


def test_history_gives_a_speakers_events_by_version(open_store: Callable[[], Store]) -> None:
    """Whoever misses events asks for them by number, own and heard ones apart."""
    store = open_store()
    store.commit(
        Commit(
            rows=[
                row(1, speaker=OTHER, version=1, heard=True),
                row(2, speaker=ME, version=1),
                row(3, speaker=OTHER, version=2, heard=True),
                row(4, speaker=OTHER, version=3, heard=True),
            ]
        )
    )

    heard = store.history(speaker=OTHER, pump=PUMP, first=2, last=3, own=False)
    own = store.history(speaker=ME, pump=PUMP, first=1, last=9, own=True)

    assert [b'{"id":"bolus_advisor:p1:2"}', b'{"id":"bolus_advisor:p1:3"}'] == list(heard)
    assert [b'{"id":"actuator:p1:1"}'] == list(own)


def test_a_history_is_read_page_by_page_by_several(open_store: Callable[[], Store]) -> None:
    """Each asks from where it is; what one was given is not left out for another."""
    store = open_store()
    rows = [row(n, speaker=OTHER, version=(n + 1) // 2, heard=True) for n in range(1, 40, 2)]
    mine = [row(n, speaker=ME, version=n // 2) for n in range(2, 41, 2)]
    store.commit(Commit(rows=sorted([*rows, *mine], key=lambda one: one.position)))

    def versions(first: int, last: int, *, speaker: Speaker = OTHER) -> list[int]:
        own = speaker == ME
        found = store.history(speaker=speaker, pump=PUMP, first=first, last=last, own=own)
        return [int(data.rsplit(b":", 1)[1].rstrip(b'"}')) for data in found]

    for first in (1, 8, 15, 3, 9, 1, 20, 21, 7):
        assert list(range(first, min(first + 7, 21))) == versions(first, first + 6)
        assert list(range(first, min(first + 7, 21))) == versions(first, first + 6, speaker=ME)
    store.commit(Commit(rows=[row(41, speaker=OTHER, version=22, heard=True)]))
    assert [20, 22] == versions(20, 99)
    assert [22] == versions(21, 99)


def test_rows_can_be_read_from_a_number_on(open_store: Callable[[], Store]) -> None:
    """Replay resumes where it was."""
    store = open_store()
    store.commit(Commit(rows=[row(n, speaker=ME, version=n) for n in (1, 2, 3)]))

    assert [2, 3] == [number for number, _ in store.rows(after_row=1)]
    assert [] == list(store.rows(pump=PumpId("nobody")))


@pytest.mark.requirement("R46")
def test_lines_of_some_topics_come_in_order(open_store: Callable[[], Store]) -> None:
    """Page by page, with the topic that each has; those of another pump are left out."""
    store = open_store()
    rows = [
        row(1, speaker=ME, version=1),
        row(2, speaker=OTHER, version=1, heard=True),
        row(3, speaker=ME, version=2),
    ]
    store.commit(Commit(rows=rows))

    def found(*topics: str, pump: PumpId = PUMP) -> list[tuple[str, bytes]]:
        return [line for page in store.states(pump=pump, topics=topics) for line in page]

    assert [(one.topic, one.state) for one in rows] == found("x.v1", f"{INPUT}x.v1", "y.v1")
    assert [rows[1].state] == [state for _, state in found(f"{INPUT}x.v1")]
    assert [] == found("x.v1", pump=PumpId("p2"))


def test_a_file_that_is_no_journal_is_refused_by_name(tmp_path: Path) -> None:
    """A broken journal must be told, not overwritten."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is no database" * 100)

    with pytest.raises(StoreBroken) as caught:
        SqliteStore(path)

    assert str(path) in caught.value.path


def test_a_store_that_would_not_survive_a_power_cut_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant of durability: with synchronous NORMAL, 265 of 3,730 commits were lost."""
    real = sqlite3.connect

    def relaxed(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = real(*args, **kwargs)  # type: ignore[call-overload]  # passed on
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    monkeypatch.setattr(sqlite3, "connect", relaxed)

    with pytest.raises(StoreBroken):
        SqliteStore(tmp_path / "journal.db")


def test_rows_are_read_from_a_position_on(open_store: Callable[[], Store]) -> None:
    """What came of a command stands where it was heard, and right after."""
    store = open_store()
    rows = [row(n, speaker=ME, version=n) for n in range(1, 6)]
    store.commit(Commit(rows=rows))

    assert rows[1:4] == list(store.rows_from(PUMP, 2, count=3))
    assert rows[4:] == list(store.rows_from(PUMP, 5, count=3))
    assert [] == list(store.rows_from(PumpId("other"), 1, count=3))


def test_a_journal_of_before_the_first_release_is_refused(tmp_path: Path) -> None:
    """A journal that does not know its commands would obey them a second time."""
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE outcomes (pump TEXT)")

    with pytest.raises(StoreBroken, match="begin a new folder"):
        SqliteStore(path)


def test_too_many_commands_to_keep_in_mind_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fits into memory, a command is obeyed once."""
    monkeypatch.setattr("services.runtime.journal.reading.COMMANDS_KEPT_MAX", 1)
    commands = {(PUMP, CommandId(f"c{n}")): n for n in range(3)}
    store = SqliteStore(tmp_path / "journal.db")
    store.commit(Commit(rows=[row(1, speaker=ME, version=1)], commands=commands))
    store.close()

    again = SqliteStore(tmp_path / "journal.db")

    found = [again.command(pump=PUMP, command=name) for _, name in commands]
    assert [0, 1, 2] == found
    assert again.command(pump=PUMP, command=CommandId("c9")) is None


def test_a_stream_that_is_left_in_the_middle_says_nothing_when_the_store_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A traceback at the end of a command makes people doubt its answer."""
    store = SqliteStore(tmp_path / "journal.db")
    rows = [row(number, speaker=ME, version=number) for number in range(1, 4)]
    store.commit(Commit(rows=rows))
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    stream = store.rows()
    next(stream)

    store.close()
    del stream
    gc.collect()

    assert [] == complaints


def test_a_stream_of_a_closed_store_is_an_error(tmp_path: Path) -> None:
    """No rows would look like an empty journal."""
    store = SqliteStore(tmp_path / "journal.db")
    stream = store.rows()
    store.close()

    with pytest.raises(ConnectionPoolClosedError):
        next(stream)
