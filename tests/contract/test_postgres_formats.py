"""The format number of a journal in PostgreSQL: as that of one in a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from schemas.units import PumpId
from services.runtime.journal.open_store import number_in_database, store_to_read, store_to_write
from services.runtime.journal.postgres import format_number
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import StoreFormatUnknown
from services.runtime.platform.release import version
from services.runtime.ports import Commit, Row
from services.runtime.store_formats.known import JOURNAL, NUMBER_MAX, UNNUMBERED
from services.supervisor.store_choice import settle_store
from services.supervisor.store_upgrade import upgrade
from services.supervisor.trace_choice import begun_path
from support.real.postgres_server import PASSWORD, PostgresServer

SERVICE = "actuator"
ROW = Row(PumpId("p1"), 1, "x.v1", b"\n")


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def a_journal(server: PostgresServer, *changes: str) -> str:
    """Write a line, then change what the number stands in."""
    url = server.new_database()
    with store_to_write(url, service=SERVICE) as store:
        store.commit(Commit(rows=[ROW]))
    with connected(url) as connection:
        for change in changes:
            connection.execute(change.format("basalt_actuator.made_by").encode())
    return url


def stamp(url: str) -> tuple[object, ...] | None:
    with connected(url) as connection:
        return connection.execute("SELECT * FROM basalt_actuator.made_by").fetchone()


@pytest.mark.requirement("R133")
def test_a_new_journal_is_of_the_newest_format(postgres: PostgresServer) -> None:
    """And says who made it; what is not there has no number."""
    url = a_journal(postgres)

    assert stamp(url) == (JOURNAL.newest, version())
    assert number_in_database(url, service=SERVICE) == JOURNAL.newest
    assert number_in_database(url, service="historian") is None


@pytest.mark.requirement("R133")
def test_an_older_journal_is_read_as_it_is_and_upgraded_by_its_writer(
    postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reader makes no table."""
    url = a_journal(postgres, "DROP TABLE {0}")

    store_to_read(url, service=SERVICE).close()
    assert UNNUMBERED == number_in_database(url, service=SERVICE)
    with store_to_write(url, service=SERVICE) as store:
        assert [(1, ROW)] == list(store.rows())

    assert stamp(url) == (JOURNAL.newest, version())
    said = capsys.readouterr().err
    assert f"upgraded: journal from format 1 to {JOURNAL.newest}" in said
    assert PASSWORD not in said


@pytest.mark.requirement("R133")
def test_an_upgrade_that_broke_off_goes_on(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its steps are one transaction: without the number nothing of them is there."""
    url = a_journal(postgres, "DROP TABLE {0}", "DROP TABLE basalt_actuator.ends")
    monkeypatch.setattr(format_number, "_CLEAR", "no statement at all")

    with pytest.raises(Exception, match="syntax"), store_to_write(url, service=SERVICE):
        pass

    with connected(url) as connection:
        there = connection.execute("SELECT to_regclass('basalt_actuator.ends')").fetchone()
    assert there == (None,)
    monkeypatch.undo()
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with store_to_write(url, service=SERVICE) as store:
        assert [(1, ROW)] == list(store.rows())


@pytest.mark.requirement("R133")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "UPDATE {0} SET format = 3, release = '0.9.0'",
            "journal of format 3, written by Basalt 0.9.0.*use Basalt 0.9.0 or a later one",
        ),
        ("UPDATE {0} SET format = -3", "-3 is no number of a format"),
        (f"UPDATE {{0}} SET format = {NUMBER_MAX + 1}", "is no number of a format"),
        ("ALTER TABLE {0} ALTER format TYPE text USING 'banana'", "'banana' is no number"),
    ],
)
def test_a_newer_journal_is_refused_by_name(
    postgres: PostgresServer, change: str, said: str
) -> None:
    """By who would write it and by who would read it."""
    url = a_journal(postgres, change)
    before = stamp(url)

    with pytest.raises(StoreFormatUnknown, match=said), store_to_write(url, service=SERVICE):
        pass
    with pytest.raises(StoreFormatUnknown, match=said) as refused:
        store_to_read(url, service=SERVICE)

    assert "(basalt_actuator)" in str(refused.value)
    assert PASSWORD not in str(refused.value)
    assert before == stamp(url)


@pytest.mark.requirement("R133")
def test_a_system_asks_its_database_before_it_writes_that_down(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """The next start would otherwise take it for the place of the journals."""
    url = a_journal(postgres, "UPDATE {0} SET format = 3, release = '0.9.0'")
    folder = DataFolder(tmp_path)

    with pytest.raises(StoreFormatUnknown, match="written by Basalt 0.9.0"):
        settle_store(folder, url)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.requirement("R133")
def test_a_start_upgrades_every_journal_in_its_database(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """And tells it in its one line; a service that has no journal yet gets none by that."""
    url = a_journal(postgres, "DROP TABLE {0}")
    folder = DataFolder(tmp_path)
    settle_store(folder, url)
    begun_path(folder).write_text("{}")

    assert "journal from format 1 to 2, data folder" in upgrade(folder)

    assert stamp(url) == (JOURNAL.newest, version())
    assert number_in_database(url, service="historian") is None
