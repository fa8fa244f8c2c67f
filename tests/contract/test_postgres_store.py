"""What only a journal in PostgreSQL can get wrong: its server, its password, its lock."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from schemas.units import PumpId
from services.runtime.journal import open_store
from services.runtime.journal.postgres import recorder
from services.runtime.journal.postgres import store as postgres_store
from services.runtime.journal.postgres.address import postgres_address, url_without_password
from services.runtime.journal.postgres.recorder import JournalRecorder
from services.runtime.journal.postgres.store import PostgresStore
from services.runtime.platform.errors import (
    SecondWriter,
    StoreBroken,
    StoreUnreachable,
    StoreUrlWrong,
)
from services.runtime.ports import Commit, Row
from support.real.postgres_server import PASSWORD, PostgresServer, postgres_server

PUMP = PumpId("p1")
STATE = bytes(range(256))


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """A server of this module's own, to be killed."""
    with postgres_server() as server:
        yield server


def row(position: int) -> Row:
    return Row(PUMP, position, "x.v1", STATE)


@contextmanager
def opened(url: str, *, service: str = "actuator", writes: bool = True) -> Iterator[PostgresStore]:
    store = PostgresStore(postgres_address(url, service=service), writes=writes)
    try:
        yield store
    finally:
        store.close()


def test_one_process_writes_a_journal_and_anybody_reads_it(postgres: PostgresServer) -> None:
    """A second writer would dose a second time; a reader changes nothing."""
    url = postgres.new_database()
    with opened(url) as store, opened(url, writes=False) as reader:
        store.commit(Commit(rows=[row(1)]))

        with pytest.raises(StoreBroken, match="another process has this journal open"):
            PostgresStore(postgres_address(url, service="actuator"))
        assert [(1, row(1))] == list(reader.rows())
        with opened(url, service="historian") as other:
            assert [] == list(other.rows())
    with opened(url) as again:
        assert [(1, row(1))] == list(again.rows())


def test_without_the_lock_a_second_writer_is_let_in(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant of the lock: the test above notices when it is not taken."""
    monkeypatch.setattr(recorder, "TAKE_LOCK", "SELECT %s::text IS NOT NULL")
    url = postgres.new_database()

    with opened(url), opened(url) as second:
        assert [] == list(second.rows())


def cut_off(url: str, store: PostgresStore) -> None:
    """End the connection of a writer at the server, as a line that breaks does."""
    with psycopg.connect(url, autocommit=True) as connection:
        pid = store._writer.info.backend_pid
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_a_writer_that_was_cut_off_stores_nothing_any_more(postgres: PostgresServer) -> None:
    """Its lock is gone with its connection, and another may have it."""
    url = postgres.new_database()
    with opened(url) as first:
        first.commit(Commit(rows=[row(1)]))
        cut_off(url, first)
        with opened(url) as second:
            with pytest.raises(StoreUnreachable):
                first.commit(Commit(rows=[row(2)]))
            second.commit(Commit(rows=[row(2)]))


def test_over_any_connection_two_would_write(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant of the fence: a step stored over the pool, as the library stores its own."""
    insert = JournalRecorder.insert_step

    def over_any(
        self: JournalRecorder,
        writer: psycopg.Connection[Any],
        commit: Commit,
        *,
        after_row: int,
    ) -> None:
        del writer
        with self.datastore.get_connection() as connection:
            insert(self, connection, commit, after_row=after_row)

    monkeypatch.setattr(JournalRecorder, "insert_step", over_any)
    url = postgres.new_database()
    with opened(url) as first:
        cut_off(url, first)
        with opened(url) as second:
            first.commit(Commit(rows=[row(1)]))
            with pytest.raises(SecondWriter):
                second.commit(Commit(rows=[row(1)]))


@pytest.mark.parametrize(
    "setting",
    [
        "ALTER ROLE basalt IN DATABASE {} SET synchronous_commit = off",
        "ALTER DATABASE {} SET synchronous_commit = 'local'",
    ],
)
def test_a_database_that_would_lose_commits_is_refused(
    postgres: PostgresServer, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a commit has said must have happened, after a power cut too."""
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(setting.format(url.rsplit("/", 1)[1]).encode())

    with pytest.raises(StoreBroken, match="synchronous_commit is"):
        PostgresStore(postgres_address(url, service="actuator"))
    monkeypatch.setattr(postgres_store, "MUST_BE", {})
    with opened(url) as store:  # the mutant: not asked, it is taken
        store.commit(Commit(rows=[row(1)]))


def test_a_reader_makes_nothing(postgres: PostgresServer) -> None:
    """A wrong name must not become an empty record."""
    url = postgres.new_database()

    with pytest.raises(StoreBroken, match="there is no journal"):
        PostgresStore(postgres_address(url, service="actuator"), writes=False)

    with psycopg.connect(url) as connection:
        made = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'basalt%'")
        assert made.fetchone() is None


@pytest.mark.parametrize(
    ("wrong", "emits"),
    [
        ("password", "password authentication failed"),
        ("database", "does not exist"),
        ("port", "refused"),
    ],
)
def test_no_server_and_a_wrong_password_are_told_in_one_line(
    postgres: PostgresServer, wrong: str, emits: str
) -> None:
    """Whoever reads the log must know what to mend, and not the password."""
    url = {
        "password": postgres.url("postgres", password="guessed-secret"),
        "database": postgres.url("nowhere"),
        "port": "postgresql://basalt:guessed-secret@127.0.0.1:1/postgres",
    }[wrong]

    with pytest.raises(StoreUnreachable) as caught:
        PostgresStore(postgres_address(url, service="actuator"))

    text = str(caught.value)
    assert emits in text
    assert "\n" not in text
    assert "secret" not in text


@pytest.mark.parametrize(
    "url", ["postgresql://u:secret@[h/x", "postgresql://u:secret@h/x?nothing=1"]
)
def test_a_wrong_url_is_refused_without_its_password(url: str) -> None:
    """A log is read by more people than a password is for."""
    with pytest.raises(StoreUrlWrong) as caught, open_store.store_to_write(url, service="actuator"):
        pass

    assert "postgresql://USER@HOST" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_password_goes_where_ps_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the arguments of a process is read by every user of the machine."""
    monkeypatch.setenv("PGPASSWORD", "another")

    shown = url_without_password("postgresql://me:a%20secret@host:5/db?sslmode=require")

    assert "postgresql://me@host:5/db?sslmode=require" == shown
    assert "a secret" == os.environ["PGPASSWORD"]
    assert shown == url_without_password(shown)


def test_without_the_extra_the_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most systems need no PostgreSQL, and not its driver."""
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with (
        pytest.raises(StoreUrlWrong, match=r"basalt\[postgres\]"),
        open_store.store_to_write("postgresql://h/db", service="actuator"),
    ):
        pass


@pytest.mark.requirement("R44")
def test_a_server_that_dies_loses_nothing_that_was_committed(mortal: PostgresServer) -> None:
    """A step is stored or it is not; the next process reads which, and goes on behind it."""
    url = mortal.new_database()
    with opened(url) as store:
        for position in (1, 2):
            store.commit(Commit(rows=[row(position)], stream="s", sequence=position))
        mortal.kill()

        with pytest.raises(StoreUnreachable) as caught:
            store.commit(Commit(rows=[row(3)], stream="s", sequence=3))
        with pytest.raises(StoreUnreachable):
            # A connection that came back would write without its lock.
            store.commit(Commit(rows=[row(3)], stream="s", sequence=3))
    assert "\n" not in str(caught.value)
    assert PASSWORD not in str(caught.value)
    mortal.start()

    with opened(url) as again:
        assert [(1, row(1)), (2, row(2))] == list(again.rows())
        assert 2 == again.sequence(stream="s")
        again.commit(Commit(rows=[row(3)], stream="s", sequence=3))
        assert [3] == [number for number, _ in again.rows(after_row=2)]


def test_a_refused_step_leaves_no_hole_in_the_numbers(postgres: PostgresServer) -> None:
    """A copy in a file counts its lines without holes; both have to be alike."""
    with opened(postgres.new_database()) as store:
        store.commit(Commit(rows=[row(1)]))
        with pytest.raises(SecondWriter):
            store.commit(Commit(rows=[row(1)]))
        store.commit(Commit(rows=[row(2)]))

        assert [1, 2] == [number for number, _ in store.rows()]


def test_many_streams_may_be_read_while_a_step_is_stored(postgres: PostgresServer) -> None:
    """A neighbour that asks for its past must not stop the service."""
    with opened(postgres.new_database()) as store:
        store.commit(Commit(rows=[row(n) for n in range(1, 5_001)]))
        streams = [store.rows() for _ in range(4)]
        for stream in streams:
            next(stream)

        store.commit(Commit(rows=[row(5_001)]))

        assert [4_999] * 4 == [len(list(stream)) for stream in streams]
        assert 5_001 == len(list(store.rows()))
