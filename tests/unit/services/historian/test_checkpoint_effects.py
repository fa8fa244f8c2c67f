"""The historian's hands: checkpoints of what it has, told when they cannot be written."""

import asyncio
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from core.kernel.decider import Effect
from core.kernel.effects import WriteCheckpoint
from schemas.message import Report
from schemas.record import CheckpointMade, RuntimeFault
from schemas.units import HOUR_MS, MINUTE_MS, PumpId, Speaker
from services.historian import checkpoint_handler
from services.historian.checkpoint_handler import CheckpointHandler
from services.runtime.audit.checkpoint_files import CheckpointFiles
from services.runtime.audit.whole_check import check_record
from services.runtime.decider_host.processor import Reported
from support.simulated.fake_system import PUMP, FakeSystem

KEY = SigningKey(b"k" * 32)
HISTORIAN = Speaker("historian")


@pytest.fixture
def system() -> FakeSystem:
    made = FakeSystem()
    made.set_up()
    made.order(500)
    made.run(ms=5 * MINUTE_MS)
    return made


def effect_handler(
    system: FakeSystem, folder: Path | None, key: SigningKey | None = KEY
) -> CheckpointHandler:
    return CheckpointHandler(system.stores[HISTORIAN], key=key, folder=folder)


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def turns() -> None:
    """Let what was begun go on."""
    for _ in range(100):
        await asyncio.sleep(0)


async def write(made: CheckpointHandler) -> Report | None:
    return await made.handle(PUMP, WriteCheckpoint())


async def test_each_speaker_has_a_checkpoint_that_the_record_agrees_with(
    system: FakeSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read on in small pages from where it was; who said nothing new gets none."""
    monkeypatch.setattr(checkpoint_handler, "LINES_AT_ONCE", 7)
    made = effect_handler(system, tmp_path)
    system.glucose("110")
    assert await write(made) is None
    system.glucose("120")
    await write(made)

    kept = CheckpointFiles(tmp_path).read(public=bytes(KEY.verify_key))
    report = check_record(system.stores[HISTORIAN], checkpoints=kept)
    counts = {speaker: len(found) for (_, speaker), found in kept.items()}
    assert {"glucose_ingest": 2, "actuator": 1} == {
        name: counts[Speaker(name)] for name in ("glucose_ingest", "actuator")
    }
    roots = {(speaker, one.size) for (_, speaker), found in kept.items() for one in found}
    of_lines = {one.lines for found in kept.values() for one in found}
    assert {2} == {len(of_lines), counts[HISTORIAN]}
    unsaid = (HISTORIAN, 0)  # it has said nothing yet, and signs the lines alone
    assert ((), len(roots - {unsaid}) + 2) == (report.faults, report.checkpoints)
    assert () == report.open_ends


async def test_a_checkpoint_follows_each_that_the_decider_makes(system: FakeSystem) -> None:
    """Hourly, while anything happens."""
    system.run(ms=2 * HOUR_MS)

    assert system.said_of("historian", CheckpointMade)


async def test_without_key_or_folder_none_is_written(system: FakeSystem, tmp_path: Path) -> None:
    """A historian that may not sign goes on."""
    assert await write(effect_handler(system, tmp_path, key=None)) is None
    assert await write(effect_handler(system, None)) is None
    assert [] == files_in(tmp_path)


async def test_a_folder_that_cannot_be_written_is_an_alarm(
    system: FakeSystem, tmp_path: Path
) -> None:
    """Nobody would notice otherwise until the checkpoint is needed."""
    (tmp_path / "file").write_text("no folder")
    made = effect_handler(system, tmp_path / "file")
    told: list[Reported] = []

    async def put(reported: Reported) -> None:
        told.append(reported)

    report = await write(made)
    keeping = asyncio.create_task(made.keep(put))
    await turns()
    keeping.cancel()

    assert isinstance(report, RuntimeFault)
    assert "checkpoint_unwritable" == report.fault
    assert (PUMP, report) == (told[0].pump, told[0].report)


async def test_they_are_written_at_the_start_too(system: FakeSystem, tmp_path: Path) -> None:
    """A short run would leave none."""
    made = effect_handler(system, tmp_path)

    async def put(reported: Reported) -> None:
        raise AssertionError(reported)

    keeping = asyncio.create_task(made.keep(put))
    await turns()
    keeping.cancel()

    assert CheckpointFiles(tmp_path).newest(PUMP, Speaker("actuator"))


async def test_they_perform_nothing_else(system: FakeSystem) -> None:
    """An effect without hands must not pass in silence."""
    with pytest.raises(TypeError, match="no effect handler for Effect"):
        await effect_handler(system, None).handle(PumpId("p1"), Effect())
