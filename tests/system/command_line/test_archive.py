"""Archives and snapshots of a real system by the command line, checked as others would."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from services.runtime.replay.snapshots import LINES_BETWEEN, Snapshots
from support.real.real_system import RealSystem, real_system

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> RealSystem:
    """Hours in seconds; the historian is killed in between."""
    folder = tmp_path_factory.mktemp("archive") / "data"
    with real_system(folder, "--speed", "600") as system:
        system.wait_until(lambda: snapshots(system) > 0, "a snapshot is kept", s=120)
        system.kill("historian")
        system.wait_until(lambda: snapshots(system) > LINES_BETWEEN, "another is kept", s=120)
        system.wait_until(
            lambda: covers(system, "glucose_ingest:demo:9"), "a checkpoint is written"
        )
        assert system.stop() == 0
    return system


def snapshots(system: RealSystem) -> int:
    try:
        with closing(Snapshots(system.folder.snapshots)) as kept:
            last = kept.last(system.pump)
            return 0 if last is None else last.position
    except sqlite3.Error:
        return 0  # it is being made


def covers(system: RealSystem, event: str) -> bool:
    return system.basalt("prove", event, check=False).returncode == 0


def elsewhere(system: RealSystem, tmp_path: Path) -> tuple[str, ...]:
    """Give what somebody has who has not the data folder."""
    return ("--data", str(tmp_path / "nothing"), "--key", str(system.folder.keys / "record.pub"))


def test_an_archive_is_checked_with_the_public_key_alone(lived: RealSystem, tmp_path: Path) -> None:
    path = tmp_path / "whole.jsonl.gz"
    told = lived.basalt("archive", str(path))
    shown = lived.basalt("verify", "archive", str(path), *elsewhere(lived, tmp_path))
    again = lived.basalt("archive", str(path), check=False)

    assert "verify archive" in told.stdout
    lines, events, compared, _, wrong = map(int, shown.stdout.splitlines()[1].split())
    assert (lines >= events > compared >= 4, wrong) == (True, 0)
    assert (again.returncode, "nothing is written over" in again.stderr) == (2, True)


@pytest.mark.requirement("R130")
def test_an_archive_that_another_person_remade_ends_with_1(
    lived: RealSystem, tmp_path: Path
) -> None:
    """Its end is signed; without the signature, or with that of another text, it is not sound."""
    path, forged = tmp_path / "whole.jsonl", tmp_path / "forged.jsonl"
    lived.basalt("archive", str(path))
    *lines, end = path.read_text().splitlines(keepends=True)
    last = msgspec.json.decode(end)
    unsigned = msgspec.json.encode({**last, "text": "", "notes": {}}).decode() + "\n"
    for text, said in (
        ("".join([*lines, unsigned]), "nobody has signed its end"),
        ("".join([*lines[:-1], lines[-1].replace("1", "2", 1), end]), "has signed"),
    ):
        forged.write_text(text)
        done = lived.basalt(
            "verify", "archive", str(forged), *elsewhere(lived, tmp_path), check=False
        )
        assert (done.returncode, said in done.stderr) == (1, True), done.stderr


def test_a_shared_one_is_redacted_and_verifies(lived: RealSystem, tmp_path: Path) -> None:
    path = tmp_path / "shared.jsonl"
    told = lived.basalt("archive", str(path), "--redact", "--weeks", "100")
    shown = lived.basalt("verify", "archive", str(path), *elsewhere(lived, tmp_path))
    text = path.read_text()
    path.write_text(text.replace('"amount":', '"amount":1', 1))
    changed = lived.basalt("verify", "archive", str(path), *elsewhere(lived, tmp_path), check=False)

    assert "100 weeks earlier" in told.stderr
    assert "actuator" in shown.stdout
    assert ":demo:" not in text
    assert '"person:script' not in text
    assert (changed.returncode, "not the one that was signed" in changed.stderr) == (1, True)


def test_what_cannot_be_archived_is_said(lived: RealSystem, tmp_path: Path) -> None:
    path = str(tmp_path / "a.jsonl")
    nothing = lived.basalt("archive", path, "--from", "2090-01-01T00:00:00Z", check=False)
    weeks = lived.basalt("archive", path, "--weeks", "3", check=False)
    seed = ("--redact", "--sign-with", str(tmp_path / "no.key"))
    unsigned = lived.basalt("archive", path, *seed, check=False)
    missing = lived.basalt("verify", "archive", path, check=False)
    no_file = lived.basalt("verify", "archive", check=False)

    assert (nothing.returncode, "nothing in this period" in nothing.stderr) == (1, True)
    assert (weeks.returncode, "--weeks is for --redact" in weeks.stderr) == (2, True)
    assert (unsigned.returncode, "signed by the record" in unsigned.stderr) == (2, True)
    assert (missing.returncode, "cannot be read" in missing.stderr) == (2, True)
    assert (no_file.returncode, "take the FILE" in no_file.stderr) == (2, True)
    assert not Path(path).exists()


def test_snapshots_are_what_the_record_folds_to(lived: RealSystem) -> None:
    """A changed one is named; a file that is none is told, and the whole record folded."""
    good = lived.basalt("verify", "snapshots")
    state = lived.basalt("replay", "--json").stdout
    with closing(sqlite3.connect(lived.folder.snapshots)) as file, file:
        file.execute("UPDATE snapshots SET newest=newest+1 WHERE position=?", (LINES_BETWEEN,))
    wrong = lived.basalt("verify", "snapshots", check=False)
    lived.folder.snapshots.write_bytes(b"no database" * 1_000)
    broken = lived.basalt("replay", "--json")
    unread = lived.basalt("verify", "snapshots", check=False)
    lived.folder.snapshots.unlink()
    gone = lived.basalt("verify", "snapshots", check=False)

    assert int(good.stdout.splitlines()[1].split()[1]) >= 2
    assert (wrong.returncode, f"demo, line {LINES_BETWEEN}:" in wrong.stderr) == (1, True)
    assert broken.stdout == state
    assert "the whole record is folded" in broken.stderr
    assert (unread.returncode, gone.returncode) == (1, 1)
    assert "no snapshots" in gone.stderr
