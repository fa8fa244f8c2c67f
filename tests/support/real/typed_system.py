"""A system as `make run` starts it, and commands typed into its terminal."""

import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from support.real.patience import PATIENCE_S

START_LINES_MAX = 200
"""[-] lines of `basalt up` until it says that it is ready."""


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class TypedSystem:
    """A system that runs on a folder of its own."""

    data: pathlib.Path

    def basalt(self, *words: str) -> Said:
        """Type a command."""
        done = subprocess.run(
            [sys.executable, "-m", "services.command_line", "--data", str(self.data), *words],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def json(self, *words: str) -> Any:
        """Type a command and read its answer as a program does."""
        return json.loads(self.basalt("--json", *words).out)


@contextmanager
def typed_system(data: pathlib.Path) -> Iterator[TypedSystem]:
    """Start the system as `make run` does, without a screen, a person or a trace; stop it."""
    options = ("--no-screen", "--no-person", "--glucose", "none", "--speed", "60")
    up = subprocess.Popen(
        [sys.executable, "-m", "services.command_line", "--data", str(data), "up", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        lines = _until_ready(up)
        if not lines or not lines[-1].startswith("ready"):
            raise AssertionError("basalt up did not become ready:\n" + "".join(lines))
        _drain(up, data.parent / "up.log")
        yield TypedSystem(data)
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(PATIENCE_S)


def _until_ready(up: subprocess.Popen[str]) -> list[str]:
    lines: list[str] = []
    for _ in range(START_LINES_MAX):
        line = up.stdout.readline() if up.stdout else ""
        lines.append(line)
        if not line or line.startswith("ready"):
            break
    return lines


def _drain(up: subprocess.Popen[str], log: pathlib.Path) -> None:
    """Let somebody read on, or the system stops when the pipe is full."""
    with log.open("w") as file:
        subprocess.Popen(["cat"], stdin=up.stdout, stdout=file)
