"""No test sees the checkout's data, this machine's settings or a running system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.command_line.grammar.parser import make_parser
from support.isolation import isolated, kept_variables
from support.repository import ROOT

PROBE = "test_a_test_sees_nothing_but_an_empty_folder"


def data_seen() -> Path:
    """Give the data folder that a command would take."""
    chosen: Path = make_parser().parse_args(["status"]).data
    return chosen


@pytest.fixture
def planted(tmp_path: Path) -> dict[str, str]:
    """Plant a data folder where somebody ran the system, and settings that name another."""
    (tmp_path / "data").mkdir()
    return {"BASALT_DATA": str(tmp_path / "elsewhere"), "PGPASSWORD": "a secret"}


def run_the_probe(
    folder: Path, settings: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    """Run the probe as its own pytest, from a folder with data in it."""
    chosen = f"{__file__}::{PROBE}"
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        [*words, f"--rootdir={ROOT}", f"--config-file={ROOT / 'pyproject.toml'}", chosen],
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_test_sees_nothing_but_an_empty_folder() -> None:
    """After `make run` the checkout has a data folder; a test that reads it depends on that run."""
    assert [] == list(Path.cwd().iterdir())
    assert [] == [name for name in os.environ if name.startswith(("BASALT_", "PG"))]
    assert not data_seen().exists()


def test_it_sees_nothing_of_a_run_beside_it(planted: dict[str, str], tmp_path: Path) -> None:
    """CI runs the demonstration and then the tests, in one clone."""
    done = run_the_probe(tmp_path, planted)

    assert 0 == done.returncode, done.stdout


def test_without_the_isolation_what_is_planted_is_seen(
    planted: dict[str, str], tmp_path: Path
) -> None:
    """A check that never fails checks nothing."""
    done = run_the_probe(tmp_path, planted, "--noconftest")

    assert 1 == done.returncode, done.stdout
    assert "1 failed" in done.stdout


def test_what_a_test_puts_into_the_environment_is_gone_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A store's URL brings its password into the process; a fixture of a module may set another."""
    monkeypatch.setenv("PGPASSWORD", "of the module")

    with kept_variables():
        os.environ.update({"PGPASSWORD": "of the test", "BASALT_DATA": "elsewhere"})

    assert "of the module" == os.environ["PGPASSWORD"]
    assert "BASALT_DATA" not in os.environ


def test_what_was_planted_is_there_again_afterwards(
    planted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs pytest from a program of their own keeps their folder and their settings."""
    monkeypatch.chdir(tmp_path)
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    empty = tmp_path / "data"

    with isolated(empty):
        inside = (Path.cwd(), data_seen())

    assert (empty, Path("data")) == inside
    assert (tmp_path, tmp_path / "elsewhere") == (Path.cwd(), data_seen())
