"""A disk that fills is told while there is room, and once that there is enough again (R50)."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

import core.deciders.record.decider
from schemas.record import ReportStorage, StorageReported
from schemas.units import PumpId
from services.supervisor.storage_watch import MIB, StorageWatch
from support.simulated.fake_system import FakeSystem

PUMP = PumpId("p1")


class Record:
    """The historian of a system on fakes, asked as the supervisor asks it."""

    def __init__(self) -> None:
        self.system = FakeSystem()
        self.system.set_up()

    async def send(self, command: ReportStorage, **_: object) -> None:
        self.system.ask(command, to="historian")

    @property
    def alarms(self) -> list[str]:
        return [one.alarm for one in self.system.view("historian").alarms]

    @property
    def told_mib(self) -> list[int]:
        return [one.free_mib for one in self.system.said_of("historian", StorageReported)]


async def look(record: Record, monkeypatch: pytest.MonkeyPatch, *, free_mib: int) -> None:
    usage = SimpleNamespace(free=free_mib * MIB + 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    watch = StorageWatch(record, PUMP, Path())  # type: ignore[arg-type]  # a fake of one method
    await watch.look(is_standing="storage_low" in record.alarms)


async def fill_and_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record()
    for free_mib, is_low in (
        (9_000, False),
        (512, False),
        (511, True),
        (100, True),
        (0, True),
        (767, True),
        (768, False),
        (512, False),
    ):
        await look(record, monkeypatch, free_mib=free_mib)
        assert (["storage_low"] if is_low else []) == record.alarms
    assert [511, 768] == record.told_mib
    record.system.ask(ReportStorage(free_mib=600), to="historian")
    assert [] == record.alarms
    before = record.system.odometer
    record.system.run(ms=3_600_000)
    assert record.system.odometer > before


@pytest.mark.requirement("R50")
async def test_little_room_is_told_once_and_stops_no_basal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Full is too late: by then nothing can be said any more."""
    await fill_and_empty(monkeypatch)


async def test_the_mutant_that_waits_until_there_is_no_room_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A check that never fails checks nothing."""
    monkeypatch.setattr(core.deciders.record.decider, "STORAGE_LOW_MIB", 1)
    with pytest.raises(AssertionError):
        await fill_and_empty(monkeypatch)


@pytest.mark.parametrize("free_mib", [-1, -(2**40)])
def test_less_than_no_room_is_no_report(free_mib: int) -> None:
    """A number that cannot be was measured wrongly."""
    with pytest.raises(ValueError, match="free_mib"):
        ReportStorage(free_mib=free_mib)
