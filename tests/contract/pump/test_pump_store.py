"""The pump's memory keeps all of a step or nothing, and a file that is not sound is not used."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from core.pump.memory import PumpMemory
from schemas.delivery.device import PumpRecord
from schemas.message import Now
from schemas.units import DoseId, MilliUnits, UtcMillis
from services.runtime.pump_link.protocol import Answered, Claim, Read, ReadAnswered, StartBolus
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.errors import PumpMemoryError
from services.virtual_pump.sqlite_state import SqlitePumpStore
from services.virtual_pump.state_store import FakePumpStore, PumpStore
from support.simulated.signed_orders import identity, pump_order, sign

DOSE = DoseId("bolus_advisor:demo:7")
NOW = Now(therapy=UtcMillis(1_000), real=UtcMillis(1_000), speed=1)


@pytest.fixture(params=["fake", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PumpStore]:
    if request.param == "fake":
        yield FakePumpStore()
        return
    opened = SqlitePumpStore(tmp_path / "memory.db")
    yield opened
    opened.close()


def a_host(store: PumpStore) -> PumpHost:
    return PumpHost(store, identity=identity("demo"), now=NOW, fill=MilliUnits(10_000))


def bolus(host: PumpHost, *, epoch: int) -> object:
    answer = host.answer(Read(after=0), now=NOW)
    assert isinstance(answer, ReadAnswered)
    order = pump_order(answer.reading.status, dose=DOSE, amount=500)
    return host.answer(StartBolus(epoch=epoch, signed=sign(order)), now=NOW)


@pytest.mark.requirement("R35")
def test_what_was_answered_is_in_memory(store: PumpStore) -> None:
    """An answer that a loss of power takes back is a lie to the controller."""
    host = a_host(store)
    host.answer(Claim(), now=NOW)

    answer = bolus(host, epoch=1)

    assert isinstance(answer, Answered)
    assert host.memory == store.load()
    assert store.executed(DOSE, after=0)
    assert not store.executed(DoseId("other"), after=0)
    kept = [record.sequence for record in store.history(after=2)]
    assert list(range(3, answer.status.history_sequence + 1)) == kept


@pytest.mark.requirement("R46")
def test_a_step_that_cannot_be_kept_has_not_happened(tmp_path: Path) -> None:
    """Insulin that no memory counts would be given again."""

    class FullStore(FakePumpStore):
        full = False

        def save(self, memory: PumpMemory, *, records: Sequence[PumpRecord]) -> None:
            if self.full:
                raise PumpMemoryError(path="memory.db", reason="disk full")
            super().save(memory, records=records)

    store = FullStore()
    host = a_host(store)
    host.answer(Claim(), now=NOW)
    store.full = True

    with pytest.raises(PumpMemoryError, match="disk full"):
        bolus(host, epoch=1)

    assert host.memory == store.load()
    assert host.memory.odometer == 0


def test_one_process_at_a_time_holds_a_memory(tmp_path: Path) -> None:
    """Two pumps over one odometer would each deliver all of the basal."""
    held = SqlitePumpStore(tmp_path / "memory.db")

    with pytest.raises(PumpMemoryError, match="in use"):
        SqlitePumpStore(tmp_path / "memory.db")

    held.close()
    SqlitePumpStore(tmp_path / "memory.db").close()


def used(path: Path) -> Path:
    store = SqlitePumpStore(path)
    host = a_host(store)
    host.answer(Claim(), now=NOW)
    bolus(host, epoch=1)
    store.close()
    return path


@pytest.mark.requirement("R46")
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("UPDATE registers SET body = replace(body, '1', '2')", "checksum"),
        ("DELETE FROM registers", "without"),
        ("DELETE FROM history WHERE sequence = 2", "disagree"),
        ("DELETE FROM history WHERE sequence > 2", "disagree"),
        ("UPDATE history SET record = '{}'", "broken"),
        ("PRAGMA application_id = 1", "not a pump's"),
    ],
)
def test_a_damaged_memory_is_refused(tmp_path: Path, damage: str, reason: str) -> None:
    """A pump that goes on with wrong numbers doses by wrong numbers."""
    path = used(tmp_path / "memory.db")
    with sqlite3.connect(path) as file:
        file.execute(damage)
    file.close()

    with pytest.raises(PumpMemoryError, match=reason):
        SqlitePumpStore(path)


@pytest.mark.requirement("R46")
def test_a_file_that_is_no_memory_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A wrong path on the command line must not cost somebody a file."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear diary, " * 1_000)
    before = path.read_bytes()

    with pytest.raises(PumpMemoryError, match="not a database"):
        SqlitePumpStore(path)
    with pytest.raises(PumpMemoryError, match="No such file"):
        SqlitePumpStore(tmp_path / "absent" / "memory.db")

    assert before == path.read_bytes()


def test_registers_and_doses_outlive_the_process(tmp_path: Path) -> None:
    """Non-volatile is what the pump's promises rest on."""
    path = used(tmp_path / "memory.db")

    store = SqlitePumpStore(path)

    memory = store.load()
    store.close()
    assert memory is not None
    assert (1, 50) == (memory.epoch, memory.odometer)
