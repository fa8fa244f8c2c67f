"""Commands that read say what they cannot read, and write nothing into what they can."""

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from services.command_line.main import main
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.release import version
from services.runtime.store_formats import folders
from support.history.kept_folders import unpack

READING: Final = (
    ("history", "events"),
    ("history", "days"),
    ("verify", "record"),
    ("verify", "decisions"),
    ("verify", "orders"),
    ("verify", "snapshots"),
    ("replay",),
    ("prove", "actuator:demo:7"),
    ("explain", "actuator:demo:7"),
)


OF_OTHER_RULES: Final = ("verify", "snapshots")
"""[-] an older release's snapshots are made anew at the next start, whatever their format."""


def hashes(folder: DataFolder) -> dict[str, str]:
    """Give the hash of every file; SQLite's own log beside one is none."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.path.rglob("*")
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 3")
        file.execute("UPDATE made_by SET release = '0.9.0'")
        file.commit()


@pytest.mark.requirement("R133")
@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_an_older_folder_is_read_as_it_is(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Nothing is upgraded by a question."""
    folder = unpack("0.2.0", tmp_path)
    before = hashes(folder)

    code = main([words[0], "--data", str(tmp_path), "--pump", "demo", *words[1:]])

    assert code == (1 if words == OF_OTHER_RULES else 0)
    assert before == hashes(folder)


@pytest.mark.requirement("R133")
@pytest.mark.parametrize("words", READING, ids=" ".join)
@pytest.mark.parametrize("what", ["data folder", "journal"])
def test_a_newer_folder_or_journal_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], what: str
) -> None:
    """One line, exit code 2, and no byte is changed."""
    folder = unpack(version(), tmp_path)
    path = tmp_path / folders.NAME if what == "data folder" else folder.journal("historian")
    if what == "data folder":
        path.write_text('{"format":3,"release":"0.9.0"}')
    else:
        newer(path)
    before = hashes(folder)

    assert main([words[0], "--data", str(tmp_path), "--pump", "demo", *words[1:]]) == 2

    said = capsys.readouterr().err
    assert said.startswith(f"basalt: {path}: {what} of format 3, written by Basalt 0.9.0; ")
    assert said.count("\n") == 1
    assert before == hashes(folder)


def test_snapshots_of_a_newer_format_are_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are no record: the answer comes from the record itself."""
    folder = unpack(version(), tmp_path)
    newer(folder.snapshots)

    assert main(["replay", "--data", str(tmp_path), "--pump", "demo"]) == 0

    said = capsys.readouterr().err
    assert "file of snapshots of format 3" in said
    assert "the whole record is folded instead" in said


def test_a_journal_older_than_the_first_release_asks_for_a_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It lacks what reading needs, and a question adds nothing to it."""
    folder = unpack("0.1.0-unsigned", tmp_path)
    before = hashes(folder)

    assert main(["history", "--data", str(tmp_path), "--pump", "demo", "events"]) == 3

    assert "start the system on it once: that upgrades it" in capsys.readouterr().err
    assert before == hashes(folder)


@pytest.mark.requirement("R133")
def test_an_archive_of_a_newer_release_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The number of its format is the version of its first line."""
    folder = unpack(version(), tmp_path / "data")
    file = tmp_path / "day.jsonl"
    words = ["--data", str(folder.path), "--pump", "demo"]
    assert main(["archive", str(file), *words]) == 0
    head, _, rest = file.read_text().partition("\n")
    newer_head = json.loads(head) | {"type": "basalt_archive.v2", "release": "0.9.0", "more": 1}
    file.write_text(f"{json.dumps(newer_head)}\n{rest}")
    capsys.readouterr()

    assert main(["verify", "archive", str(file), *words]) == 2

    assert f"{file}: archive of format 2, written by Basalt 0.9.0" in capsys.readouterr().err


def test_the_version_is_said_without_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Who reports a fault, or wants to know whether a folder is newer, asks for it first."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert f"basalt {version()}; not a medical device\n" == capsys.readouterr().out
