"""The end of the whole system: nothing goes on because something else failed."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.shutdown import end
from services.supervisor.children import Child, ChildSpec
from services.supervisor.system import System, SystemOptions
from services.supervisor.trace_choice import Wish

SLEEPS = (sys.executable, "-c", "import time; time.sleep(60)")
"""[-] a program that ends only when it is told to."""


async def test_a_clock_that_cannot_be_written_leaves_no_broker_behind(tmp_path: Path) -> None:
    """A full disk at Ctrl-C must not leave a broker that holds the folder for ever."""
    options = SystemOptions(
        host="127.0.0.1",
        port=None,
        speed=None,
        wish=Wish(),
        has_person=False,
        has_screen=False,
    )
    system = System(DataFolder(tmp_path / "gone"), options)
    spec = ChildSpec(name="broker", command=SLEEPS, log=tmp_path / "broker.log")
    broker = Child(spec, lambda child: None)
    await broker.start()
    system._children["broker"] = broker
    system._beat = asyncio.create_task(asyncio.sleep(60))

    with pytest.raises(FileNotFoundError):
        await system.stop()

    assert broker.pid is None
    assert "stopped" == broker.state


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("print('[INF] Server is ready')", "killed by SIGKILL"),
        ("print('no space left'); print('[INF] Server is ready')", "no space left"),
    ],
)
async def test_a_process_that_was_killed_gives_no_greeting_as_its_reason(
    tmp_path: Path, script: str, reason: str
) -> None:
    """A server that tells how well it does would be blamed for what it said last."""
    killed = f"{script}; import os, sys; sys.stdout.flush(); os.kill(os.getpid(), 9)"
    command = (sys.executable, "-c", killed)
    child = Child(ChildSpec(name="broker", command=command, log=tmp_path / "log"), lambda one: None)

    await child.start()
    await child.ended.wait()
    await child.stop()

    assert reason == child.last_words


async def left_behind(log: Path) -> set[str]:
    """Start a process with a guard beside it, stop it, and name the tasks that go on then."""
    spec = ChildSpec(name="broker", command=SLEEPS, log=log, guard=lambda _: SLEEPS)
    child, before = Child(spec, lambda one: None), asyncio.all_tasks()
    await child.start()
    await asyncio.sleep(0.05)
    await child.stop()
    assert (None, "stopped") == (child.pid, child.state)
    left = asyncio.all_tasks() - before
    names = {str(task.get_coro()) for task in left}
    # A line that outlives its loop is closed by the collector, in the middle of another test.
    await asyncio.gather(*left, return_exceptions=True)
    return names


async def test_who_is_stopped_leaves_no_guard_behind(tmp_path: Path) -> None:
    """Left to the end of the event loop, its line complains on the screen beside the one reason."""
    assert not await left_behind(tmp_path / "log")


async def test_the_mutant_that_cancels_the_keeper_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lets go of whoever is just waiting for the guard's end."""

    async def hasty(child: Child) -> None:
        child._told.set()
        assert child._process is not None
        assert child._task is not None
        child._process.send_signal(signal.SIGTERM)
        await child._process.wait()
        await end(child._task)
        child._turn("stopped")

    monkeypatch.setattr(Child, "stop", hasty)

    assert await left_behind(tmp_path / "log")


async def test_who_is_told_to_stop_while_it_waits_is_not_started_anew(tmp_path: Path) -> None:
    """Nor does anybody wait for the end of the pause."""
    command = (sys.executable, "-c", "pass")
    child = Child(ChildSpec(name="p", command=command, log=tmp_path / "log"), lambda one: None)
    await child.start()
    await child.ended.wait()

    await child.stop()

    assert (None, "stopped", 1) == (child.pid, child.state, child.restarts)
