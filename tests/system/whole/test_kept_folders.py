"""Today's system on the kept folder of each version, by real processes; and who refuses a newer."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from core.record.dose_lifecycle import SPEAKERS, lives_of
from schemas.delivery.delivery import BolusDelivered
from schemas.units import PumpId
from services.runtime.journal.causal_order import recorded
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.release import version
from services.runtime.store_formats import folders
from services.runtime.store_formats.known import DATA_FOLDER, JOURNAL, PUMP_MEMORY, UNNUMBERED
from services.runtime.store_formats.sqlite_files import stamp_in
from services.runtime.store_formats.stamp import Stamp
from support.history.kept_folders import unpack
from support.real.patience import PATIENCE_S
from support.real.real_system import RealSystem, real_system

pytestmark = [pytest.mark.system, pytest.mark.requirement("R133")]

PUMP: Final = PumpId("demo")
QUIET: Final = ("--speed", "60", "--no-person")

DECIDED_OTHERWISE: Final = frozenset({"0.1.0-unsigned"})
"""[-] decided before orders were signed: `verify decisions` ends with 1, and names what differs."""

KILLED_IN_UPGRADE: Final = """
import os, signal, sys
from pathlib import Path
import services.supervisor.store_upgrade as store_upgrade
from services.runtime.platform.data_folder import DataFolder
for number, _ in enumerate(store_upgrade._upgraded(DataFolder(Path(sys.argv[1])))):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    "name",
    [
        "0.1.0-unsigned",
        pytest.param("0.1.0", marks=pytest.mark.nightly),
        "0.2.0",
        pytest.param(version(), marks=pytest.mark.nightly),
    ],
)
def test_a_system_goes_on_where_a_version_stopped(tmp_path: Path, name: str) -> None:
    """What was delivered stays delivered, the next bolus is given, and the record verifies."""
    folder = unpack(name, tmp_path / "data")
    if name == "0.2.0":
        subprocess.run([sys.executable, "-c", KILLED_IN_UPGRADE, folder.path], check=False)
        assert folders.stamp_in(folder.path) is None

    with real_system(folder.path, *QUIET, replays=name not in DECIDED_OTHERWISE) as system:
        assert name == version() or "was upgraded for Basalt" in system.text()
        system.basalt("resume")
        system.basalt("bolus", "0.1", "--confirm")
        system.wait_until(lambda: delivered(system) == [500, 200, 100], "the bolus is given")
        system.rest_and_stop()

    assert {"delivered": 3, "stopped": 1} == doses(system)
    assert ends_of(system) == {
        "record": 0,
        "orders": 0,
        "decisions": 1 if name in DECIDED_OTHERWISE else 0,
    }
    assert_numbered(system.folder)


def delivered(system: RealSystem) -> list[int]:
    return [event.delivered for event in system.said("actuator", BolusDelivered)]


def doses(system: RealSystem) -> dict[str, int]:
    """Count the doses on record by where they stand."""
    with system.journal("historian") as store:
        found = lives_of(recorded(store, pump=system.pump, speakers=SPEAKERS))
    assert () == found.wrong
    return {str(state): count for state, count in found.counted.items()}


def ends_of(system: RealSystem) -> dict[str, int]:
    """Verify what can be verified, and give the exit codes."""
    return {
        what: system.basalt("verify", what, check=False).returncode
        for what in ("record", "orders", "decisions")
    }


def assert_numbered(folder: DataFolder) -> None:
    for path in folder.journals.glob("*.db"):
        stamp = stamp_in(path, JOURNAL)
        assert stamp is not None
        assert JOURNAL.newest == stamp.number
    for stamp in (
        stamp_in(folder.pump_memory(PUMP), PUMP_MEMORY),
        folders.stamp_in(folder.path),
    ):
        assert stamp is not None
        assert DATA_FOLDER.newest == stamp.number


ALONE: Final[dict[str, Sequence[str]]] = {
    "basal_scheduler": ("--store=sqlite:{data}/journals/basal_scheduler.db",),
    "actuator": (
        "--store=sqlite:{data}/journals/actuator.db",
        "--pump=demo=unix:{data}/pump/line.sock",
        "--pump-key=demo={data}/keys/pump_demo.key",
    ),
    "historian": ("--store=sqlite:{data}/journals/historian.db",),
    "virtual_pump": (
        "--memory={data}/pump/demo.nvm",
        "--pump=demo",
        "--listen=unix:{data}/pump/line.sock",
    ),
}
"""[-] services as they are started on a machine of their own."""


@pytest.mark.parametrize("name", ALONE)
def test_a_service_alone_refuses_a_newer_store(tmp_path: Path, name: str) -> None:
    """It ends with 2, which no supervisor starts again, and has changed nothing."""
    folder = unpack(version(), tmp_path)
    path = folder.pump_memory(PUMP) if name == "virtual_pump" else folder.journal(name)
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 3")
        file.execute("UPDATE made_by SET release = '0.9.0'")
        file.commit()
    before = path.read_bytes()

    ended = alone(name, folder)

    assert ended.returncode == 2, ended
    assert f"{path}: " in ended.stderr
    assert "of format 3, written by Basalt 0.9.0" in ended.stderr
    assert "use Basalt 0.9.0 or a later one" in ended.stderr
    assert before == path.read_bytes()


@pytest.mark.parametrize("option", ["--checkpoints={data}/checkpoints", "--snapshots={data}/s.db"])
def test_a_historian_alone_refuses_what_it_keeps_beside_its_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """Checkpoints may lie on another machine's disk, which a later release has written."""
    folder = unpack(version(), tmp_path)
    (folder.checkpoints / folders.NAME).write_text('{"format":3,"release":"0.9.0"}')
    folder.snapshots.rename(folder.path / "s.db")
    with closing(sqlite3.connect(folder.path / "s.db")) as file:
        file.execute("PRAGMA user_version = 3")
        file.execute("UPDATE made_by SET release = '0.9.0'")
        file.commit()
    monkeypatch.setitem(ALONE, "historian", (*ALONE["historian"], option))

    ended = alone("historian", folder)

    assert ended.returncode == 2, ended
    assert "of format 3, written by Basalt 0.9.0" in ended.stderr


def test_a_service_alone_upgrades_its_own_journal(tmp_path: Path) -> None:
    """It says so in one line, before it looks for the broker."""
    folder = unpack("0.2.0", tmp_path)

    ended = alone("basal_scheduler", folder)

    assert f"upgraded: {JOURNAL.what} from format 1 to {JOURNAL.newest}" in ended.stderr
    stamp = stamp_in(folder.journal("basal_scheduler"), JOURNAL)
    assert Stamp(JOURNAL.newest, version()) == stamp
    assert Stamp(UNNUMBERED) == stamp_in(folder.journal("actuator"), JOURNAL)


def alone(name: str, folder: DataFolder) -> subprocess.CompletedProcess[str]:
    """Start a service where no broker is."""
    bus = () if name == "virtual_pump" else ("--nats=nats://127.0.0.1:1",)
    words = [word.format(data=folder.path) for word in ALONE[name]]
    return subprocess.run(
        [sys.executable, "-m", f"services.{name}", *bus, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
