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
