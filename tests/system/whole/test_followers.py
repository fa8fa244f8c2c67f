"""Stock eventsourcing follows the journal of a system that runs, as docs/following.md tells."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from schemas.delivery.delivery import BolusDelivered
from support.real.patience import PATIENCE_S
from support.real.postgres_server import PASSWORD, PostgresServer, postgres_server
from support.real.real_system import RealSystem, real_system

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```([^\n]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "docs/following.md").read_text(encoding="utf-8"))
SHIFTED = "notification_id = notification_id"


def block(info: str) -> str:
    """Give the one block of the document that is marked so."""
    (found,) = [text for marked, text in BLOCKS if marked == info]
    return str(found)


class Follower:
    """The example of the document, started as the document says, on one running system."""

    def __init__(self, system: RealSystem, info: str, environment: dict[str, str]) -> None:
        self.system = system
        self.flag = "--subscribe" if info.endswith("postgres") else "--follow"
        self.tallies = system.folder.path.parent / "tallies.db"
        self._info = info
        self._environment = {
            **os.environ,
            **environment,
            "BASALT_DATA": str(system.folder.path),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def _start(self, *flags: str) -> subprocess.Popen[str]:
        script = block(self._info).replace("tallies.db", str(self.tallies)).strip()
        words = ["bash", "-euo", "pipefail", "-c", f"{script} {' '.join(flags)}"]
        return subprocess.Popen(
            words,
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def once(self) -> str:
        """Count what is new and end, exactly as it is printed in the document."""
        done = self._start()
        text, _ = done.communicate(timeout=PATIENCE_S)
        assert done.returncode == 0, text
        return text.strip()

    @contextmanager
    def following(self) -> Iterator[Callable[[], str]]:
        """Follow, give its lines one by one as they come, and kill it at the end."""
        process = self._start(self.flag)
        assert process.stdout is not None
        lines: Queue[str] = Queue()
        reader = Thread(target=lambda out: deque(map(lines.put, out)), args=[process.stdout])
        reader.start()
        try:
            yield lambda: lines.get(timeout=PATIENCE_S).strip()
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            reader.join()
            process.stdout.close()

    def type(self, script: str) -> None:
        """Type a block of the document into a shell."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def read_only(server: PostgresServer, url: str) -> dict[str, str]:
    """Make the user of the document, and say where the database is."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in block("sql run").split(";"):
            connection.execute(statement.encode())
    name = urlsplit(url).path.removeprefix("/")
    return {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGDATABASE": name}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def follower(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Follower]:
    """A system that runs, and somebody who may read what its actuator records."""
    folder = tmp_path_factory.mktemp(request.param) / "data"
    words = ("--speed", "30", "--no-person")
    if request.param == "sqlite":
        with real_system(folder, *words) as system:
            yield Follower(system, "sh run sqlite", {})
        return
    with postgres_server() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        url = server.new_database()
        with real_system(folder, *words, "--store", url) as system:
            yield Follower(system, "sh run postgres", read_only(server, url))


def given(follower: Follower) -> list[Any]:
    return follower.system.said("actuator", BolusDelivered)


def test_a_follower_counts_each_bolus_once_over_its_own_death(follower: Follower) -> None:
    """Whoever counts a dose twice, or not at all, tells a person a wrong story."""
    assert "pump demo: no bolus yet" == follower.once()
    with follower.following() as next_line:
        assert "pump demo: no bolus yet" == next_line()
        follower.type(block("sh run"))
        assert "pump demo: boluses 1, delivered 0.50 U" == next_line()
    follower.system.basalt("bolus", "0.3")
    follower.system.wait_until(lambda: len(given(follower)) == 2, "both are given")

    with follower.following() as next_line:
        seen = [next_line()]
        follower.system.basalt("bolus", "0.2")
        seen.append(next_line())

    assert [
        "pump demo: boluses 2, delivered 0.80 U",
        "pump demo: boluses 3, delivered 1.00 U",
    ] == seen
    assert "pump demo: boluses 3, delivered 1.00 U" == follower.once()
    assert [500, 300, 200] == [event.delivered for event in given(follower)]


def test_a_follower_leaves_nothing_in_the_journal(follower: Follower) -> None:
    """Its counts and its position stand in its own database, and nowhere else."""
    follower.once()

    with follower.system.journal("actuator") as store:
        topics = {row.topic for _, row in store.rows()}
        streams = store.streams()
    assert not any(":" in topic for topic in topics)
    assert "stored" not in streams
    with sqlite3.connect(follower.tallies) as file:
        kept = dict(file.execute("SELECT application_name, notification_id FROM tracking"))
    assert 1 <= kept["stored"]


def test_a_follower_that_knows_more_than_the_journal_says_so(follower: Follower) -> None:
    """Of a journal put back from an older copy it would wait for lines that were counted."""
    before = follower.once()
    with sqlite3.connect(follower.tallies) as file:
        file.execute(f"UPDATE tracking SET {SHIFTED} + 1000000 WHERE application_name='stored'")

    with pytest.raises(AssertionError, match=r"older copy: line \d+ is gone; count anew"):
        follower.once()

    with sqlite3.connect(follower.tallies) as file:
        file.execute(f"UPDATE tracking SET {SHIFTED} - 1000000 WHERE application_name='stored'")
    assert before == follower.once()
