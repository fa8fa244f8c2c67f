"""`basalt change` at a real terminal: answered, refused, stopped by Ctrl-C, and gone on with."""

import os
import pty
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.delivery.mechanism import PumpPrimed
from schemas.delivery.pump import ReservoirFilled
from support.real.real_system import RealSystem, real_system

pytestmark = pytest.mark.system

CTRL_C = b"\x03"
LOOKS_MAX = 300
"""[-] at the screen, 0.2 s each if nothing new is there."""

WORDS = ("change", "--reservoir", "150", "--tube", "3", "--cannula", "0.3")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[RealSystem]:
    options = ("--no-person", "--glucose", "none", "--speed", "30")
    with real_system(tmp_path / "data", *options) as running:
        yield running
        assert running.stop() == 0


def at_a_terminal(system: RealSystem, *answers: bytes) -> tuple[int, str]:
    """Type an answer to each question; give the exit code, and all that stood on the screen."""
    words = [
        sys.executable,
        "-m",
        "services.command_line",
        "--data",
        str(system.folder.path),
        *WORDS,
    ]
    pid, line = pty.fork()
    if pid == 0:
        os.execv(sys.executable, words)  # noqa: S606  # a terminal of its own, and no shell
    shown, left = b"", list(answers)
    for _ in range(LOOKS_MAX):
        if not select.select([line], [], [], 0.2)[0]:
            continue
        try:
            shown += os.read(line, 4_096)
        except OSError:
            break
        if left and shown.endswith(b"[y/N] "):
            answer = left.pop(0)
            os.write(line, answer if answer == CTRL_C else answer + b"\n")
    _, status = os.waitpid(pid, 0)
    os.close(line)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_a_change_of_set_goes_on_where_it_was_left(system: RealSystem) -> None:
    """A tube filled twice is insulin lost, a cannula left empty is a dose too small."""
    refused, no_more = at_a_terminal(system, b"y", b"y", b"y", b"y", b"n", b"y", b"y", b"n")
    stopped, at_once = at_a_terminal(system, b"y", CTRL_C)
    done, to_its_end = at_a_terminal(system, b"y", b"y", b"y")

    assert (1, True) == (refused, "go on with 'basalt change'" in no_more)
    assert (130, True) == (stopped, "what was sent before may have been obeyed" in at_once)
    assert (0, True) == (done, "the pump delivers again" in to_its_end)
    assert "step 3" not in to_its_end and "step 4" not in to_its_end
    primes = [(one.what, one.amount) for one in system.said("actuator", PumpPrimed)]
    assert [("tube", 3_000), ("tube", 3_000), ("cannula", 300)] == primes
    assert [150_000] == [one.amount for one in system.said("actuator", ReservoirFilled)][1:]
    view = system.basalt("status").stdout
    assert "reservoir 143.7 U" in view or "reservoir 143.6" in view


def test_without_a_terminal_nothing_is_done(system: RealSystem) -> None:
    """Nobody is there to take the set off."""
    said = system.basalt(*WORDS, check=False)

    assert 2 == said.returncode
    assert "nobody is there to do the steps" in said.stderr


def test_what_did_not_flow_is_shown_when_the_pump_is_on_again(system: RealSystem) -> None:
    """A person must know what they missed to make up for it."""
    system.basalt("disconnect")
    time.sleep(8)
    again = system.basalt("reconnect").stdout

    assert "the pump delivers again" in again
    assert "of basal did not flow since 20" in again
