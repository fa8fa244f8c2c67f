"""What `make` says on a machine that lacks something, before it makes anything."""

import os
import pathlib
import shutil
import subprocess
import tomllib

import pytest

from support.repository import ROOT

NEEDED = ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock")

OTHER_PYTHON = """#!/bin/sh
case "$*" in
    -V) echo "Python {version}" ;;
    *version_info*) exit {is_too_old} ;;
    *ensurepip*) echo "ModuleNotFoundError: No module named 'ensurepip'" >&2; exit {has_no_venv} ;;
    *) mkdir .venv; echo "made" >&2; exit 1 ;;
esac
"""
"""[-] a Python that only answers what the Makefile asks before it makes an environment."""


def make_run(
    folder: pathlib.Path, *, version: str = "3.11.2", has_venv: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run `make run` in a fresh copy, with a Python of this kind."""
    for name in NEEDED:
        shutil.copy(ROOT / name, folder / name)
    python = folder / "python3"
    is_too_old = int(version < "3.11")
    python.write_text(
        OTHER_PYTHON.format(version=version, is_too_old=is_too_old, has_no_venv=int(not has_venv))
    )
    python.chmod(0o755)
    # These tests may themselves run below `make test`, whose options are not for this one.
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return subprocess.run(
        ["make", "run", f"PYTHON={python}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_python_without_venv_is_named_before_anything_is_made(tmp_path: pathlib.Path) -> None:
    """A bare Debian otherwise shows a page about ensurepip, from the middle of the set-up."""
    done = make_run(tmp_path, has_venv=False)

    assert 0 != done.returncode
    assert 1 == len(done.stdout.splitlines())
    assert "apt install python3-venv" in done.stdout
    assert "ensurepip" not in done.stdout + done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_is_too_old_is_named_before_anything_is_made(tmp_path: pathlib.Path) -> None:
    """A syntax error in a dependency tells nobody which Python is needed."""
    done = make_run(tmp_path, version="3.10.12")

    assert 0 != done.returncode
    assert 1 == len(done.stdout.splitlines())
    assert "needs Python 3.11 or later" in done.stdout
    assert "Python 3.10.12" in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_a_whole_python_passes_these_checks(tmp_path: pathlib.Path) -> None:
    """A check that always fails lets nobody in."""
    done = make_run(tmp_path)

    assert "needs" not in done.stdout
    assert "made" in done.stderr
    assert (tmp_path / ".venv").exists()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_of_a_lock_has_its_hashes(name: str) -> None:
    """A package that is not pinned by its hash is whatever the registry serves that day."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pinned = [at for at, line in enumerate(lines) if line[0].isalnum()]

    assert pinned
    assert [] == [lines[at] for at in pinned if "==" not in lines[at]]
    assert [] == [lines[at] for at in pinned if not lines[at + 1].startswith("    --hash=sha256:")]


def test_the_lock_of_what_runs_is_a_part_of_the_lock_of_everything() -> None:
    """Tests that ran with other versions than `make run` say nothing about what runs."""
    runs, everything = (pins(ROOT / name) for name in NEEDED[2:])

    assert runs < everything


def test_what_runs_brings_no_tool_of_the_tests() -> None:
    """The first `make run` installs only what runs."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    names = {pin.split("==")[0] for pin in pins(ROOT / "requirements.lock")}
    words = {word.split("[")[0].split("=")[0].lower() for word in extras["dev"] + extras["docs"]}

    assert set() == names & words
    assert {"hatchling", "editables"} <= names


def pins(path: pathlib.Path) -> set[str]:
    """Give every pin of a lock file, such as `rich==15.0.0`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.split()[0] for line in lines if "==" in line and line[0].isalnum()}
