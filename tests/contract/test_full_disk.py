"""A disk that is full (D1): a real limit on the size of files, in this very process."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

import services.supervisor.broker.health
from core.pump.machine import power_on, run_until
from schemas.units import MilliUnits, Speaker, UtcMillis
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.platform.errors import StoreUnwritable
from services.runtime.platform.logs import LogLines
from services.runtime.ports import Commit, Row
from services.runtime.process.service_endpoint import Health
from services.supervisor.broker.health import LOOKS_MAX, BrokerHealth
from services.virtual_pump.errors import PumpMemoryError
from services.virtual_pump.sqlite_state import SqlitePumpStore
from support.simulated.fake_system import FakeSystem

ROWS_MAX = 2_000


@contextmanager
def full_at(size: int) -> Iterator[None]:
    """No file of this process grows beyond a size [B]."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    system = FakeSystem()
    system.set_up()
    return [row for _, row in system.stores[Speaker("actuator")].rows()]


def stored_until_full(store: SqliteStore, template: Row) -> list[Row]:
    """Store line after line until the disk is full; give those that were called stored."""
    kept: list[Row] = []
    with full_at(150_000), pytest.raises(StoreUnwritable, match="cannot be written"):
        for position in range(1, ROWS_MAX):
            row = Row(template.pump, position, template.topic, template.state)
            store.commit(Commit(rows=[row]))
            kept.append(row)
    return kept


@pytest.mark.requirement("R46")
def test_a_journal_keeps_what_it_called_stored_and_goes_on_when_there_is_room(
    rows: list[Row], tmp_path: Path
) -> None:
    """The step that found no room has not happened, in part or whole."""
    path = tmp_path / "journal.db"
    store = SqliteStore(path)

    kept = stored_until_full(store, rows[0])
    store.close()
    again = SqliteStore(path)
    assert kept == [row for _, row in again.rows()]
    more = Row(rows[0].pump, len(kept) + 1, rows[0].topic, rows[0].state)
    again.commit(Commit(rows=[more]))

    assert [*kept, more] == [row for _, row in again.rows()]
    assert len(kept) > 5


def test_the_mutant_that_takes_a_failed_write_for_done_is_caught(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the error swallowed, events would be spoken of that no journal has."""
    commit = SqliteStore.commit

    def swallow(self: SqliteStore, step: Commit) -> None:
        try:
            commit(self, step)
        except StoreUnwritable:
            return

    monkeypatch.setattr(SqliteStore, "commit", swallow)
    store = SqliteStore(tmp_path / "journal.db")

    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        stored_until_full(store, rows[0])


@pytest.mark.requirement("R46")
def test_a_pump_whose_memory_is_full_moves_nothing_that_it_did_not_keep(tmp_path: Path) -> None:
    """What `save` wrote survives; what it could not write was refused."""
    path = tmp_path / "pump.nvm"
    store = SqlitePumpStore(path)
    step = power_on(None, now=UtcMillis(0), fill=MilliUnits(200_000))
    store.save(step.memory, records=step.records)
    memory, kept = step.memory, step.memory

    with full_at(120_000), pytest.raises(PumpMemoryError, match="not written"):
        for turn in range(1, ROWS_MAX):
            after = run_until(memory, now=UtcMillis(60_000 * turn))
            store.save(after.memory, records=after.records)
            memory = kept = after.memory

    store.close()
    assert kept == SqlitePumpStore(path).load()


def test_a_log_that_finds_no_room_loses_a_line_and_nothing_else(tmp_path: Path) -> None:
    """A pump that ended over its log would end its basal (R50)."""
    stream: TextIO = (tmp_path / "log").open("w", buffering=1)
    lines = LogLines(stream)

    with full_at(100):
        for number in range(50):
            lines.info(f"line {number}")
    lines.info("room again")

    assert (tmp_path / "log").read_text().startswith("line 0")
    assert "room again" in (tmp_path / "log").read_text()


def health(name: str, *, unpublished: int, published: int) -> Health:
    return Health(
        service=name,
        pid=1,
        ready=True,
        handled=0,
        unpublished=unpublished,
        waiting=0,
        bus_errors=0,
        published=published,
    )


@pytest.mark.parametrize(
    ("unpublished", "grows", "renewed"), [(3, False, True), (3, True, False), (0, False, False)]
)
def test_a_broker_that_takes_nothing_is_started_anew(
    unpublished: int, grows: bool, renewed: bool
) -> None:
    """One that takes a little, or is asked for nothing, is left alone."""
    care = BrokerHealth()

    found = [
        care.must_renew(
            {
                "actuator": health(
                    "actuator", unpublished=unpublished, published=turn if grows else 7
                )
            }
        )
        for turn in range(LOOKS_MAX + 1)
    ]

    assert renewed == found[-1]
    assert not any(found[:-1])


def test_the_mutant_that_is_never_out_of_patience_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then a broker that was full once would take no event ever again."""
    monkeypatch.setattr(services.supervisor.broker.health, "LOOKS_MAX", 10**9)
    care = BrokerHealth()

    stuck = {"actuator": health("actuator", unpublished=1, published=1)}

    assert not any(care.must_renew(stuck) for _ in range(2 * LOOKS_MAX))
