"""A store's number is read without a change, refused by name, raised in one transaction."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from services.runtime.platform.errors import StoreFormatUnknown
from services.runtime.platform.release import version
from services.runtime.store_formats import folders, sqlite_files
from services.runtime.store_formats.known import (
    ALL,
    CHECKPOINTS,
    DATA_FOLDER,
    JOURNAL,
    NUMBER_MAX,
    PUMP_MEMORY,
    UNNUMBERED,
    Step,
    StoreFormat,
)
from services.runtime.store_formats.stamp import Stamp, Upgraded, known_number

THREE: Final = StoreFormat(
    "notebook",
    steps=(
        Step(2, "add a colour", ("ALTER TABLE {0}.leaves ADD COLUMN colour TEXT",)),
        Step(
            3,
            "paint them, and count them",
            (
                "UPDATE {0}.leaves SET colour = 'green'",
                "CREATE TABLE {0}.counted AS SELECT count(*) AS leaves FROM {0}.leaves",
            ),
        ),
    ),
    if_damaged="find another one",
)
"""[-] a store of two steps, for want of one in this release."""


def old_notebook(path: Path) -> Path:
    """Make a store of format 1: it bears no number."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("CREATE TABLE leaves (name TEXT)")
        file.execute("INSERT INTO leaves VALUES ('oak')")
        file.commit()
    return path


def numbered(path: Path, number: int, *, release: str = "9.9.9") -> Path:
    """Have a later release write a store."""
    sqlite_files.prepare(path, THREE)
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE made_by SET release = ?", (release,))
        file.execute(f"PRAGMA user_version = {number}")
        file.commit()
    return path


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Read every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def what_stands_in(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT * FROM leaves").fetchall()


@pytest.mark.requirement("R133")
def test_each_step_raises_the_number_by_one() -> None:
    """A number that is left out or given twice would leave a step out."""
    for kind in ALL:
        assert [step.to for step in kind.steps] == list(range(2, kind.newest + 1)), kind.what
        assert all(step.name for step in kind.steps)


def test_a_new_file_is_of_the_newest_format(tmp_path: Path) -> None:
    """Nothing is upgraded that was never anything else."""
    path = tmp_path / "new.db"

    assert sqlite_files.prepare(path, THREE) is None

    assert Stamp(3, version()) == sqlite_files.stamp_in(path, THREE)


@pytest.mark.requirement("R133")
def test_an_older_file_is_upgraded_by_all_its_steps(tmp_path: Path) -> None:
    """In order, and once: the second time nothing is left to do."""
    path = old_notebook(tmp_path / "old.db")

    assert Upgraded("notebook", 1, 3) == sqlite_files.prepare(path, THREE)

    assert [("oak", "green")] == what_stands_in(path)
    assert Stamp(3, version()) == sqlite_files.stamp_in(path, THREE)
    assert sqlite_files.prepare(path, THREE) is None


@pytest.mark.requirement("R133")
@pytest.mark.parametrize("dies_before", [0, 1, 2])
def test_who_dies_between_two_steps_goes_on_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_before: int
) -> None:
    """Killed before a step, or before the number: the file is of the format of before."""
    path = old_notebook(tmp_path / "old.db")
    acts = [step.name for step in THREE.steps] + ["number"]
    run_step, write_stamp = sqlite_files.run_step, sqlite_files.write_stamp

    def step_or_die(file: sqlite3.Connection, step: Step) -> None:
        if step.name == acts[dies_before]:
            os.kill(os.getpid(), signal.SIGKILL)
        run_step(file, step)

    def number_or_die(file: sqlite3.Connection, kind: StoreFormat) -> None:
        if acts[dies_before] == "number":
            os.kill(os.getpid(), signal.SIGKILL)
        write_stamp(file, kind)

    monkeypatch.setattr(sqlite_files, "run_step", step_or_die)
    monkeypatch.setattr(sqlite_files, "write_stamp", number_or_die)
    child = os.fork()
    if not child:
        sqlite_files.prepare(path, THREE)
        os._exit(0)  # not reached
    _, ended = os.waitpid(child, 0)
    monkeypatch.undo()

    assert signal.SIGKILL == os.WTERMSIG(ended)
    assert Stamp(UNNUMBERED) == sqlite_files.stamp_in(path, THREE)
    assert [("oak",)] == what_stands_in(path)
    assert Upgraded("notebook", 1, 3) == sqlite_files.prepare(path, THREE)
    assert [("oak", "green")] == what_stands_in(path)


@pytest.mark.requirement("R133")
def test_a_newer_file_is_refused_by_name_without_a_change(tmp_path: Path) -> None:
    """What wrote it, what is known here, and what to do; neither file nor log nor lock is made."""
    path = numbered(tmp_path / "newer.db", 4)
    before = bytes_of(tmp_path)

    for refuse in (sqlite_files.assert_known, sqlite_files.is_older, sqlite_files.prepare):
        with pytest.raises(StoreFormatUnknown) as refused:
            refuse(path, THREE)

        assert str(refused.value) == (
            f"{path}: notebook of format 4, written by Basalt 9.9.9; Basalt {version()} knows "
            "formats 1 to 3; nothing was started or changed: use Basalt 9.9.9 or a later one"
        )
    assert bytes_of(tmp_path) == before


@pytest.mark.requirement("R133")
def test_the_mutant_that_takes_any_number_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the release of before writes its own number over that of the release after it."""
    path = numbered(tmp_path / "newer.db", 4)
    before = path.read_bytes()
    monkeypatch.setattr(sqlite_files, "known_number", lambda *_: UNNUMBERED)
    monkeypatch.setattr(sqlite_files, "run_step", lambda *_: None)

    sqlite_files.prepare(path, THREE)

    assert path.read_bytes() != before


@pytest.mark.requirement("R133")
def test_a_file_that_was_not_closed_is_asked_as_well(tmp_path: Path) -> None:
    """The number of a store whose last process was killed may stand in its log alone."""
    path = old_notebook(tmp_path / "newer.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA wal_autocheckpoint = 0")
        file.execute("PRAGMA user_version = 7")
        copied = tmp_path / "copy"
        copied.mkdir()
        for part in ("newer.db", "newer.db-wal", "newer.db-shm"):
            (copied / part).write_bytes((tmp_path / part).read_bytes())
    before = bytes_of(copied)

    with pytest.raises(StoreFormatUnknown, match="format 7"):
        sqlite_files.assert_known(copied / "newer.db", THREE)

    for name in ("newer.db", "newer.db-wal"):
        assert bytes_of(copied)[name] == before[name]


@pytest.mark.requirement("R133")
@pytest.mark.parametrize(
    "number", [-3, NUMBER_MAX + 1, 10**30, "banana", "2", 2.0, None, True, [2], {"format": 2}]
)
@pytest.mark.parametrize("kind", ALL)
def test_what_is_no_number_is_named_with_a_remedy(kind: StoreFormat, number: object) -> None:
    """A damaged number is no reason to guess how a store is to be read."""
    with pytest.raises(StoreFormatUnknown) as refused:
        known_number("the/store", Stamp(number), kind)

    assert str(refused.value).startswith(f"the/store: {number!r}"[:40])
    assert "is no number of a format" in str(refused.value)
    assert kind.if_damaged in str(refused.value)


def test_a_number_that_this_release_never_writes_is_damaged(tmp_path: Path) -> None:
    """A flipped bit makes no later release."""
    path = numbered(tmp_path / "flipped.db", 7, release=version())

    with pytest.raises(StoreFormatUnknown, match="the number is damaged.*find another one"):
        sqlite_files.assert_known(path, THREE)


def test_a_file_of_something_else_is_left_to_its_owner(tmp_path: Path) -> None:
    """Who opens it says in its own words what is wrong."""
    text, other, empty = (tmp_path / name for name in ("text", "other", "empty"))
    text.write_text("no database, and longer than the header of one" * 10)
    numbered(other, 9)
    empty.touch()

    for path in (text, other, empty, tmp_path / "absent"):
        sqlite_files.assert_known(path, PUMP_MEMORY)
    assert not (tmp_path / "absent").exists()


@pytest.mark.requirement("R133")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"format":3,"release":"0.4.0"}', "data folder of format 3, written by Basalt 0.4.0"),
        ('{"format":3}', "written by a release that it does not name"),
        ('{"format":"2"}', "'2' is no number"),
        ('{"format":-2,"release":"0.3.0"}', "-2 is no number"),
        ('{"release":"0.3.0"}', "None is no number"),
        ("banana", "'banana' is no number"),
        ("7", "data folder of format 7"),
        ("\x00" * 5_000, "is no number"),
    ],
)
def test_a_folder_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    """As a file is; what stands there is shown, at most a few words of it."""
    (tmp_path / folders.NAME).write_text(text)
    before = bytes_of(tmp_path)

    with pytest.raises(StoreFormatUnknown, match=said) as refused:
        folders.known_folder(tmp_path)

    assert len(str(refused.value)) < 500
    with pytest.raises(StoreFormatUnknown):
        folders.prepare(tmp_path, DATA_FOLDER, is_new=False)
    assert bytes_of(tmp_path) == before


def test_a_folder_is_numbered_once(tmp_path: Path) -> None:
    """A new one is of the newest format; one without a number is of the first."""
    assert folders.prepare(tmp_path, CHECKPOINTS, is_new=True) is None
    assert folders.prepare(tmp_path, CHECKPOINTS, is_new=False) is None
    assert Stamp(CHECKPOINTS.newest, version()) == folders.stamp_in(tmp_path)

    (tmp_path / folders.NAME).unlink()

    upgraded = Upgraded("folder of checkpoints", 1, CHECKPOINTS.newest)
    assert upgraded == folders.prepare(tmp_path, CHECKPOINTS, is_new=False)


def test_an_emptied_file_is_none(tmp_path: Path) -> None:
    """It says nothing, and the stores have their own numbers: no start fails for it."""
    (tmp_path / folders.NAME).touch()

    folders.assert_known(tmp_path, CHECKPOINTS)

    assert folders.stamp_in(tmp_path) is None
    assert folders.prepare(tmp_path, CHECKPOINTS, is_new=True) is None
    assert Stamp(CHECKPOINTS.newest, version()) == folders.stamp_in(tmp_path)


def test_a_number_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder in its place is none."""
    (tmp_path / folders.NAME).mkdir()

    with pytest.raises(StoreFormatUnknown, match="cannot be read"):
        folders.known_folder(tmp_path)


def test_a_release_that_is_no_text_is_none(tmp_path: Path) -> None:
    """What stands beside the number is for a person to read, and short."""
    path = numbered(tmp_path / "newer.db", 8, release="x" * 1_000)

    with pytest.raises(StoreFormatUnknown) as refused:
        sqlite_files.assert_known(path, JOURNAL)

    assert len(str(refused.value)) < 400
