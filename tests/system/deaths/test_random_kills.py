"""K1 and K2 at random: kills at any instant, and kills during recovery. Opt-in, for `make nightly`.

    NIGHTLY_KILLS=1000 NIGHTLY_NESTED=100 pytest -s tests/system/deaths/test_random_kills.py

Each round has a seed of its own, printed before it begins: NIGHTLY_SEED goes on from a round.
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

pytestmark = pytest.mark.system

KILLS = int(os.environ.get("NIGHTLY_KILLS", "0"))
NESTED = int(os.environ.get("NIGHTLY_NESTED", "0"))
SEED = int(os.environ.get("NIGHTLY_SEED", "1"))
ROUND = 50
"""[-] kills in one system, which then rests and is checked."""

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


@pytest.mark.skipif(not KILLS, reason="NIGHTLY_KILLS says how many; make nightly does")
@pytest.mark.parametrize("seed", range(SEED, SEED + -(-KILLS // ROUND)))
def test_kills_at_random_instants(seed: int, tmp_path: Path) -> None:
    """What no list of points has thought of."""
    assert_sound(survive(tmp_path, seed=seed, kills=min(KILLS, ROUND), depth=1))


@pytest.mark.skipif(not NESTED, reason="NIGHTLY_NESTED says how many; make nightly does")
@pytest.mark.parametrize("seed", range(SEED, SEED + -(-NESTED // ROUND)))
def test_kills_during_recovery(seed: int, tmp_path: Path) -> None:
    """Recovery is code too, and it runs when all else has failed."""
    assert_sound(survive(tmp_path, seed=seed, kills=min(NESTED, ROUND), depth=DEPTH))
