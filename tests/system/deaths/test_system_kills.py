"""K2: the whole system killed at once, broker, pump and supervisor too, and `basalt up` again.

    NIGHTLY_SEED=7 NIGHTLY_CASES=50 pytest -s tests/system/deaths/test_system_kills.py

`make test` kills a system ten times, and three times once more while it recovers; `make nightly`
does so in rounds of 50 with a seed each.
"""

import os
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from services.runtime.platform.data_folder import NotRunning
from services.virtual_pump.physical_ledger import read_world, world_path
from support.real.busy_person import COMMANDS_A_TURN, BusyPerson
from support.real.crash_system import assert_sound, kill_all, look
from support.real.real_system import RealSystem
from support.real.system_on_record import assert_replays
from support.repository import ROOT

pytestmark = pytest.mark.system

SEED = int(os.environ.get("NIGHTLY_SEED", "1"))
KILLS = int(os.environ.get("NIGHTLY_CASES", "10"))
NESTED_KILLS = int(os.environ.get("NIGHTLY_CASES", "3"))
"""[-] in one system, which then rests and is checked."""

LIFE_S_MAX = 1.5
"""[s] from a person's first command to the death of all."""

START_S_MAX = 2.5
"""[s] from `basalt up` to a death in the middle of its start, or just after it."""

DEEP = 2
"""[-] deaths in a row at most while a system recovers."""

LATE_JOURNAL = ROOT / "tests/support/real/late_journal"


class Kills:
    """One data folder, and all that ever ran on it."""

    def __init__(
        self, root: Path, *, seed: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.lot = random.Random(seed)  # noqa: S311  # a lot that can be drawn again
        self.begins_at = 0
        self._data = root / "data"
        self._environment = environment
        self._script = root / "world.json"
        # The world counts each stroke in a ledger of its own, beside the pump's memory.
        script = [{"fault": "error_model", "model": "ideal", "seed": seed}]
        self._script.write_bytes(msgspec.json.encode(script))

    @contextmanager
    def started(self) -> Iterator[RealSystem]:
        """Start the system; whatever runs of it at the end is killed."""
        options = ("--speed", "60", "--no-person", "--glucose", "none")
        script = ("--pump-faults", str(self._script))
        system = RealSystem(self._data, *options, *script, environment=self._environment)
        try:
            yield system
        finally:
            if system.process.poll() is None:
                kill_all(system, self.lot)

    def live(self, *, pumped: int) -> int:
        """Start, account for all that was given, give more, and be killed; give what was given.

        Args:
            pumped: [mU] given before, which the account must have again.
        """
        with self.started() as system:
            until_accounted(system, pumped=pumped)
            person = BusyPerson(system, begins_at=self.begins_at, is_patient=False)
            with person:
                system.wait_until(lambda: person.asked, "a person asks")
                if self.begins_at == 0:
                    system.wait_until(lambda: doses(system), "the pump has begun a bolus")
                time.sleep(self.lot.uniform(0, LIFE_S_MAX))
                kill_all(system, self.lot)
        self.begins_at = 1 + self.lot.randrange(COMMANDS_A_TURN)
        look(system)
        return system.pumped()

    def die_in_recovery(self) -> int:
        """Start and be killed in the middle of it; give what was given."""
        with self.started() as system:
            time.sleep(self.lot.uniform(0, START_S_MAX))
            assert system.process.poll() is None, system.text()[-2_000:]
        look(system)
        return system.pumped()


def doses(system: RealSystem) -> list[str | None]:
    """Name the doses that the pump has begun."""
    if not system.folder.pump_memory(system.pump).exists():
        return []
    return [one.dose for one in system.ledger() if one.kind == "bolus_started"]


def until_accounted(system: RealSystem, *, pumped: int) -> None:
    """Wait until it is up and the account is what the pump gave; it is never less than before."""
    system.wait_until(lambda: is_up(system), "it is up again")
    system.wait_until(system.is_accounted, "all that was given is accounted")
    assert pumped <= system.accounted()


def is_up(system: RealSystem) -> bool:
    """Say whether this very run is ready; the one that was killed left its file behind."""
    try:
        return system.folder.read_running().pid == system.process.pid
    except NotRunning:
        return False


def survive(root: Path, *, seed: int, kills: int, is_nested: bool) -> None:
    """Let one system be killed so many times, with a look at each death; then check it at rest."""
    kept = Kills(root, seed=seed)
    pumped = 0
    for number in range(kills):
        pumped = kept.live(pumped=pumped)
        for _ in range(kept.lot.randint(1, DEEP) if is_nested else 0):
            pumped = kept.die_in_recovery()
        print(f"\rseed {seed}: kill {number + 1} of {kills}", end="", flush=True)
    with kept.started() as system:
        until_accounted(system, pumped=pumped)
        system.basalt("resume", check=False)  # the last death may have come upon a suspension
        system.rest_and_stop()
    assert_sound(system)
    assert_replays(system)
    world = read_world(world_path(system.folder.pump_memory(system.pump)))
    assert (system.pumped(), 0) == (world.counted, world.in_line)


@pytest.mark.requirement("R44")
def test_a_system_killed_as_a_whole_goes_on_with_all_that_it_gave(tmp_path: Path) -> None:
    """Power fails for all at once: no dose twice, each stroke accounted, the start succeeds."""
    survive(tmp_path, seed=SEED, kills=KILLS, is_nested=False)


@pytest.mark.requirement("R44")
def test_a_system_killed_again_while_it_recovers_goes_on(tmp_path: Path) -> None:
    """Power that comes and goes: the start itself dies at any instant, once or twice in a row."""
    survive(tmp_path, seed=SEED, kills=NESTED_KILLS, is_nested=True)


@pytest.mark.requirement("R44")
def test_the_mutant_that_records_after_it_sends_is_caught(tmp_path: Path) -> None:
    """An actuator whose journal is late: the pump began a dose that nobody here knows of."""
    weakened = Kills(tmp_path, seed=1, environment={"PYTHONPATH": str(LATE_JOURNAL)})

    with pytest.raises(AssertionError, match="begun without a stored intent"):
        weakened.live(pumped=0)
