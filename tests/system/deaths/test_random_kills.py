"""K1 and K2 at random: kills at any instant, and kills during recovery; `make nightly` runs it.

    NIGHTLY_SEED=7 NIGHTLY_CASES=50 pytest -s --nightly tests/system/deaths/test_random_kills.py

In `make test` each process is killed in test_kill_any.py, and at each point in test_failpoints.py.
"""

import os
import random
import time
from pathlib import Path

import pytest

from schemas.delivery.delivery import BolusStartRequested
from support.real.busy_person import BusyPerson
from support.real.crash_system import CrashFolder, assert_sound, kill, look, points_of, processes
from support.real.real_system import RealSystem, let_it_rest, real_system

pytestmark = [pytest.mark.system, pytest.mark.nightly]

SEED = int(os.environ.get("NIGHTLY_SEED", "1"))
KILLS = int(os.environ.get("NIGHTLY_CASES", "50"))
"""[-] in one system, which then rests and is checked."""

DEPTH = 3
"""[-] deaths of one process in a row: one at any instant, the others while it recovers."""

PAUSE_S_MAX = 1.0
"""[s] between two kills at most."""

SPEED = ("--speed", "60", "--no-person")


def strike(system: RealSystem, folder: CrashFolder, lot: random.Random, *, depth: int) -> None:
    """Kill one process, and let it die again while it recovers."""
    name = lot.choice(processes())
    early = [point for point in points_of(name) if not point.startswith("history_")]
    for point in lot.sample(early, depth - 1):
        folder.arm(name, point)
    kill(system, name)


def survive(root: Path, *, seed: int, kills: int, depth: int) -> RealSystem:
    """Run one system through its kills, looking all the time; give it at rest."""
    lot = random.Random(seed)  # noqa: S311  # a lot that can be drawn again
    folder = CrashFolder(root)
    with real_system(root / "data", *SPEED, environment=folder.environment) as system:
        with BusyPerson(system):
            # A round in which nobody ever came to give a bolus would show nothing.
            system.wait_until(
                lambda: system.said("actuator", BolusStartRequested), "a bolus has started"
            )
            for number in range(kills):
                strike(system, folder, lot, depth=depth)
                time.sleep(lot.uniform(0, PAUSE_S_MAX))
                look(system)
                print(f"\rseed {seed}: kill {number + 1} of {kills}, depth {depth}", end="")
        folder.disarm()
        assert system.stop() == 0
    let_it_rest(system)
    return system


def test_kills_at_random_instants(tmp_path: Path) -> None:
    """What no list of points has thought of."""
    assert_sound(survive(tmp_path, seed=SEED, kills=KILLS, depth=1))


def test_kills_during_recovery(tmp_path: Path) -> None:
    """Recovery is code too, and it runs when all else has failed."""
    assert_sound(survive(tmp_path, seed=SEED, kills=KILLS, depth=DEPTH))
