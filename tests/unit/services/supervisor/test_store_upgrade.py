"""Kept folders of every version: refused where one store is newer, upgraded store by store."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import gettempdir
from typing import Final

import pytest

import core.deciders.bolus.decider
import core.deciders.bolus.events
import services.supervisor.store_upgrade as store_upgrade
from core.deciders.bolus.state import BolusState
from core.deciders.names import BOLUS_ADVISOR
from core.deciders.registry import DECIDERS
from core.kernel.decider import Entry
from schemas.bolus.orders import BolusOrderWithdrawn
from schemas.message import Now
from schemas.record import Restarted
from schemas.units import PumpId, UtcMillis
from services.runtime.journal.entries import read_row
from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import StoreFormatUnknown
from services.runtime.platform.release import version
from services.runtime.store_formats import folders, sqlite_files
from services.runtime.store_formats.known import (
    CHECKPOINTS,
    DATA_FOLDER,
    JOURNAL,
    PUMP_MEMORY,
    SNAPSHOTS,
    StoreFormat,
)
from services.supervisor.up import UpOptions, run_up
from support.history import kept_folders
from support.history.golden_history import versions
from support.history.kept_folders import files_in, path_of, unpack
from support.tidy_rules import text_faults

PUMP: Final = PumpId("demo")
UNSIGNED: Final = "0.1.0-unsigned"
"""[-] of the days when orders bore no signature."""

RELEASED: Final = {
    UNSIGNED: "9e265ac9b9151e15a8dfbc4c96e1ae0616531093cb135526bb85e53a9d6e3e73",
    "0.1.0": "f5fec4c49b8cdcad50f3c7b1cc35f5ffaffe1217ae23485b310ec8065554b484",
    "0.2.0": "c68a09debacb101c2ea16979acbf21ce883910263bfe1be373fb3221f28ca7d6",
}
"""[-] SHA-256 of the kept folder of each released version; a release adds its line."""

BYTES_MAX: Final = 150_000
"""[B] of a kept folder: clones carry them for ever."""

NEWER: Final = '{"format":3,"release":"0.9.0"}'


def sqlite_newer(path: Path) -> None:
    """Have a later release write a file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("CREATE TABLE IF NOT EXISTS made_by (release TEXT)")
        file.execute("DELETE FROM made_by")
        file.execute("INSERT INTO made_by VALUES ('0.9.0')")
        file.execute("PRAGMA user_version = 3")


STORES: Final[dict[str, Callable[[DataFolder], Path]]] = {
    "data folder": lambda folder: folder.path / folders.NAME,
    "journal": lambda folder: folder.journal("bolus_advisor"),
    "pump memory": lambda folder: folder.pump_memory(PUMP),
    "file of snapshots": lambda folder: folder.snapshots,
    "folder of checkpoints": lambda folder: folder.checkpoints / folders.NAME,
}


def make_newer(folder: DataFolder, what: str) -> Path:
    path = STORES[what](folder)
    if path.name == folders.NAME:
        path.write_text(NEWER)
    else:
        sqlite_newer(path)
    return path


def hashes(folder: DataFolder) -> dict[str, str]:
    """Give the hash of every file, and every folder's name."""
    return {
        str(path.relative_to(folder.path)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        )
        for path in folder.path.rglob("*")
    }


def stamps(folder: DataFolder) -> Iterator[tuple[str, object, int]]:
    """Give each store with its number and the newest of its kind."""
    files: list[tuple[Path, StoreFormat]] = [
        *((path, JOURNAL) for path in folder.journals.glob("*.db")),
        (folder.pump_memory(PUMP), PUMP_MEMORY),
        (folder.snapshots, SNAPSHOTS),
    ]
    for path, kind in files:
        if (stamp := sqlite_files.stamp_in(path, kind)) is not None:
            yield path.name, stamp.number, kind.newest
    for path, kind in ((folder.checkpoints, CHECKPOINTS), (folder.path, DATA_FOLDER)):
        if path.is_dir():
            found = folders.stamp_in(path)
            yield path.name, found and found.number, kind.newest


def assert_newest(folder: DataFolder) -> None:
    for name, number, newest in stamps(folder):
        assert newest == number, name


@pytest.mark.requirement("R133")
@pytest.mark.parametrize("name", versions())
def test_every_version_keeps_a_folder(name: str) -> None:
    """Without one, nobody knows whether what a person has can still be started on."""
    is_released = versions()[name]

    assert path_of(name).is_file(), "make folder"
    assert not is_released or name in RELEASED, "a release adds the hash of its folder here"


@pytest.mark.requirement("R133")
@pytest.mark.parametrize("name", RELEASED)
def test_the_folder_of_a_released_version_never_changes(name: str) -> None:
    """It stands for what people have, not for what the code of today would write."""
    assert RELEASED[name] == hashlib.sha256(path_of(name).read_bytes()).hexdigest()


@pytest.mark.parametrize("name", [*RELEASED, version()])
def test_a_kept_folder_is_small_and_names_no_machine(name: str) -> None:
    """Whoever reads it learns nothing of whoever wrote it."""
    assert path_of(name).stat().st_size < BYTES_MAX
    for file, data in files_in(name):
        assert [] == list(text_faults(data)), file
        assert gettempdir().encode() not in data, file


@pytest.mark.requirement("R133")
def test_the_folder_of_this_version_is_of_its_formats(tmp_path: Path) -> None:
    """A new format without a new kept folder would be tested by nobody."""
    folder = unpack(version(), tmp_path)

    assert_newest(folder)  # else: make folder
    assert store_upgrade.upgrade(folder) == ""


def test_the_folder_of_a_released_version_is_not_written_again() -> None:
    """`make folder` is for the version that is being made."""
    with pytest.raises(SystemExit, match="never written again"):
        kept_folders.write("0.2.0", Path("no such program"))


@pytest.mark.requirement("R133")
@pytest.mark.parametrize("name", RELEASED)
def test_every_store_of_an_older_folder_is_upgraded(tmp_path: Path, name: str) -> None:
    """One line says which and from what; no line of a journal changes; the second time: nothing."""
    folder = unpack(name, tmp_path)
    before = lines_of(folder)

    told = store_upgrade.upgrade(folder)

    assert told.startswith(f"{tmp_path} was upgraded for Basalt {version()}: journal from format 1")
    assert "(5 of them), pump memory from format 1 to 2" in told
    assert "data folder from format 1 to 2; start no older release on it" in told
    assert_newest(folder)
    assert before == lines_of(folder)
    assert store_upgrade.upgrade(folder) == ""


def lines_of(folder: DataFolder) -> list[tuple[object, ...]]:
    """Read every line of the journals, by any format."""
    lines: list[tuple[object, ...]] = []
    for name in DECIDERS:
        with closing(sqlite3.connect(folder.journal(name))) as file:
            lines.extend(file.execute("SELECT * FROM stored_events ORDER BY rowid"))
    return lines


@pytest.mark.requirement("R133")
@pytest.mark.parametrize("stores", [1, 3, 5, 6, 7])
def test_an_upgrade_that_was_killed_goes_on(tmp_path: Path, stores: int) -> None:
    """Killed behind so many stores: those are new, the others old, and the folder is the last."""
    folder = unpack("0.2.0", tmp_path)

    killed = subprocess.run([sys.executable, "-c", kill_after(stores, folder)], check=False)

    assert -signal.SIGKILL == killed.returncode
    done = [name for name, number, newest in stamps(folder) if number == newest]
    assert stores == len(done)
    assert tmp_path.name not in done
    store_upgrade.assert_known(folder)
    assert store_upgrade.upgrade(folder) != ""
    assert_newest(folder)


def kill_after(stores: int, folder: DataFolder) -> str:
    """Write a program that upgrades a folder and is killed behind so many stores."""
    return f"""
import os, signal
from pathlib import Path
import services.supervisor.store_upgrade as store_upgrade
from services.runtime.platform.data_folder import DataFolder
for number, _ in enumerate(store_upgrade._upgraded(DataFolder(Path({str(folder.path)!r}))), 1):
    if number == {stores}:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def up_on(folder: DataFolder) -> int:
    """Say `basalt up`, and give its exit code."""
    umask = os.umask(0o077)
    try:
        return run_up(UpOptions(data=folder.path, screen=False))
    finally:
        os.umask(umask)


@pytest.mark.requirement("R133")
@pytest.mark.parametrize("what", STORES)
def test_a_newer_store_is_refused_before_anything_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """`basalt up` ends with 2 and one line; no byte is changed, no file made."""
    folder = unpack("0.3.0", tmp_path)
    path = make_newer(folder, what)
    before = hashes(folder)

    assert up_on(folder) == 2

    said = capsys.readouterr().err
    assert said == (
        f"basalt up: {path}: {what} of format 3, written by Basalt 0.9.0; Basalt {version()} "
        "knows formats 1 to 2; nothing was started or changed: use Basalt 0.9.0 or a later one\n"
    )
    assert before == hashes(folder)


@pytest.mark.requirement("R133")
def test_the_mutant_that_looks_at_no_store_before_the_start_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the start locks the folder, and upgrades what stands before the newer store."""
    folder = unpack("0.2.0", tmp_path)
    make_newer(folder, "pump memory")
    before = hashes(folder)
    monkeypatch.setattr("services.supervisor.up.assert_known", lambda _: None)

    assert up_on(folder) == 2

    assert before != hashes(folder)


@pytest.mark.requirement("R133")
def test_orders_delivered_before_an_upgrade_are_not_withdrawn_after_it(tmp_path: Path) -> None:
    """They were never signed, for nothing was; a person would read that nothing was given."""
    assert restarted(unpack(UNSIGNED, tmp_path)) == ()


def test_the_mutant_that_withdraws_whatever_was_not_signed_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As 0.2.0 would: two orders that were delivered, and one that was stopped."""

    def withdraw_all(state: BolusState) -> tuple[BolusOrderWithdrawn, ...]:
        return tuple(
            BolusOrderWithdrawn(dose=dose, reason="advisor_restarted") for dose in state.unsigned
        )

    monkeypatch.setattr(core.deciders.bolus.decider, "withdraw_unsigned", withdraw_all)
    monkeypatch.setattr(core.deciders.bolus.events, "_no_more_unsigned", lambda state, _: state)

    assert len(restarted(unpack(UNSIGNED, tmp_path))) == 3


def restarted(folder: DataFolder) -> tuple[object, ...]:
    """Give what the advisor withdraws when it starts on a folder."""
    store_upgrade.upgrade(folder)
    decider = DECIDERS[BOLUS_ADVISOR]
    state = decider.initial(PUMP)
    now = Now(therapy=UtcMillis(0), real=UtcMillis(0), speed=1)
    with closing(SqliteStore(folder.journal(BOLUS_ADVISOR))) as store:
        for _, row in store.rows(pump=PUMP):
            read = read_row(row)
            state, now = decider.evolve(state, read.entry), read.now
    entry = Entry(id="report:0", at=now.therapy, body=Restarted(release="0.3.0", tzdata="2026a"))
    said = decider.decide(state, entry, now)
    return tuple(event for event in said if isinstance(event, BolusOrderWithdrawn))


def test_a_damaged_journal_is_left_to_its_service(tmp_path: Path) -> None:
    """Who owns it says what is wrong, and where the past comes from."""
    folder = unpack("0.2.0", tmp_path)
    folder.journal("actuator").write_bytes(os.urandom(5_000))

    store_upgrade.assert_known(folder)

    assert "(4 of them)" in store_upgrade.upgrade(folder)


def test_a_store_that_becomes_newer_under_the_lock_is_refused(tmp_path: Path) -> None:
    """The upgrade looks again: another release may have been quicker."""
    folder = unpack("0.2.0", tmp_path)
    make_newer(folder, "file of snapshots")

    with pytest.raises(StoreFormatUnknown, match="file of snapshots of format 3"):
        store_upgrade.upgrade(folder)
