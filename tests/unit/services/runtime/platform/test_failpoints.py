"""Fail points: off by default, one death for each arming, and a registry that is complete."""

import ast
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.runtime.platform import failpoints
from services.runtime.platform.failpoints import (
    DIED,
    FAILPOINTS,
    VARIABLE,
    arm_failpoints,
    failpoint,
)
from support.repository import ROOT


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Count the signals that would have ended this process."""
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _, number: sent.append(number))
    monkeypatch.setattr(failpoints, "_armed", None)
    yield sent
    failpoints._armed = None


def points_in_code() -> list[str]:
    """Name every point that some service comes by."""
    found: list[str] = []
    for path in (ROOT / "services").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "failpoint"
            ):
                words = [one for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
                assert words, f"{path}: a point is named by letters, so that it can be found"
                found.extend(str(word.value) for word in words)
    return found


def test_the_registry_is_what_the_code_has() -> None:
    """A point that is not listed is never tested; one that is only listed tests nothing."""
    assert set(FAILPOINTS) == set(points_in_code())


def test_points_are_off_without_the_variable(
    monkeypatch: pytest.MonkeyPatch, deaths: list[int]
) -> None:
    """Nobody's pump dies because a file lies somewhere."""
    monkeypatch.delenv(VARIABLE, raising=False)
    arm_failpoints(process="actuator")

    for point in FAILPOINTS:
        failpoint(point)

    assert not deaths


def test_a_process_dies_once_at_its_own_point_the_nth_time(
    monkeypatch: pytest.MonkeyPatch, deaths: list[int], tmp_path: Path
) -> None:
    """The process that follows it lives, or the test would never end."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    arm_failpoints(process="actuator")
    (tmp_path / "actuator.commit_after").write_text("2")
    (tmp_path / "historian.commit_before").write_text("")

    failpoint("commit_before")
    failpoint("commit_after")
    before = list(deaths)
    failpoint("commit_after")
    failpoint("commit_after")

    assert ([], [signal.SIGKILL]) == (before, deaths)
    assert ["actuator.commit_after"] == [one.name for one in (tmp_path / DIED).iterdir()]


def test_the_document_lists_every_point() -> None:
    """What is said to be tested is what is tested."""
    text = (ROOT / "docs/failpoints.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("| `")]

    listed = {
        row[0].strip().strip("`"): (tuple(row[1].strip().split(", ")), row[2].strip())
        for row in rows
    }

    assert FAILPOINTS == listed
    pairs = sum(len(processes) for processes, _ in FAILPOINTS.values())
    assert f"{len(FAILPOINTS)} points, {pairs} with the processes that come by" in text
