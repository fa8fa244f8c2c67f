"""The end of the whole system: nothing goes on because something else failed."""

import asyncio
import sys
from pathlib import Path

import pytest

from services.runtime.data_folder import DataFolder
from services.supervisor.children import Child, ChildSpec
from services.supervisor.system import System, SystemOptions
from services.supervisor.trace import Wish

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
