"""A real system whose processes die where a test wants it, and what must hold at every look."""

import os
import random
import signal
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from schemas.delivery.delivery import BolusStartRequested
from schemas.units import DoseId
from services.runtime.platform.failpoints import DIED, FAILPOINTS, VARIABLE
from support.real.real_system import RealSystem

LOOK_S = 0.2
"""[s] between two looks."""

LOOKS_MAX = 900
"""[-] until somebody who has not died counts as one who never does."""

AT_START = ("join_", "power_on_", "claim_", "claimed_")
"""[-] points that a process comes by only when it, or the one that it talks to, starts."""

HISTORY = "history_"
"""[-] points that are come by only when something is missing."""


def points_of(process: str) -> tuple[str, ...]:
    """Name the points of a process, in the order of the registry."""
    return tuple(point for point, (processes, _) in FAILPOINTS.items() if process in processes)


def processes() -> tuple[str, ...]:
    """Name all that have points."""
    return tuple(sorted({one for names, _ in FAILPOINTS.values() for one in names}))


class CrashFolder:
    """The folder in which points are armed, and stand when somebody died there."""

    def __init__(self, path: Path) -> None:
        path.mkdir(exist_ok=True)
        self.path = path
        self.environment = {VARIABLE: str(path)}

    def arm(self, process: str, point: str, *, nth: int = 1) -> None:
        (self.path / f"{process}.{point}").write_text(str(nth))

    def disarm(self) -> None:
        for path in self.path.iterdir():
            if path.is_file() and path.suffix != ".log":
                path.unlink(missing_ok=True)

    def armed(self, process: str = "") -> list[str]:
        """Name the points at which somebody is to die, of one process or of all."""
        files = [one for one in self.path.iterdir() if one.is_file() and one.suffix != ".log"]
        names = sorted(one.name for one in files)
        return [name for name in names if name.startswith(f"{process}." if process else "")]

    @property
    def died(self) -> set[str]:
        folder = self.path / DIED
        return {one.name for one in folder.iterdir()} if folder.exists() else set()


class Crasher:
    """Lets every process die at each of its points, one after another, all processes at once."""

    def __init__(
        self, system: RealSystem, folder: CrashFolder, plans: Mapping[str, Sequence[str]]
    ) -> None:
        self._system = system
        self._folder = folder
        self._left = {name: deque(points) for name, points in plans.items()}

    def waiting(self) -> list[str]:
        """Name what nobody has died at yet."""
        left = [f"{name}.{point}" for name, points in self._left.items() for point in points]
        return [*self._folder.armed(), *left]

    def advance(self) -> bool:
        """Arm the next point of each process that has died; say whether any is left."""
        for name, points in self._left.items():
            if not points or self._folder.armed(name) or name not in self._system.pids():
                continue
            if not points[0].startswith(AT_START):
                self._folder.arm(name, points.popleft())
                continue
            # A death, and a death in each start after it: kills during recovery, several deep.
            while points:
                self._folder.arm(name, points.popleft())
            kill(self._system, name)
        return bool(self.waiting())

    def run(self, *, looks: bool = True) -> int:
        """Go on until all have died everywhere; give the number of looks."""
        for count in range(LOOKS_MAX):
            if not self.advance():
                return count
            assert self._system.process.poll() is None, self._system.text()[-2000:]
            if looks:
                look(self._system)
            time.sleep(LOOK_S)
        raise AssertionError(f"nobody died at {self.waiting()}; {self._system.text()[-2000:]}")


def kill(system: RealSystem, name: str) -> None:
    """Kill -9 one process of the system, if it runs at this instant."""
    pid = system.pids().get(name)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)


def kill_all(system: RealSystem, lot: random.Random) -> None:
    """Kill -9 everything at once, in any order: services, pump, broker, its guard, supervisor."""
    listing = Path(f"/proc/{system.process.pid}/task/{system.process.pid}/children")
    pids = [system.process.pid, *map(int, listing.read_text().split())]
    lot.shuffle(pids)
    for pid in pids:
        with suppress(ProcessLookupError):  # it sees the end of its parent, and ends
            os.kill(pid, signal.SIGKILL)
    system.process.wait()


def look(system: RealSystem) -> None:
    """At any instant: no dose twice, and none delivered that is not accounted in full.

    The pump's ledger is read first: what it holds by then the actuator must have known before.
    """
    ledger = system.ledger()
    state = system.fold("actuator")
    started = [one.dose for one in ledger if one.kind == "bolus_started" and one.dose is not None]
    assert_no_dose_twice(started)
    intents = {event.dose for event in system.said("actuator", BolusStartRequested)}
    assert set(started) <= intents, f"begun without a stored intent: {set(started) - intents}"
    delivered = Counter[DoseId]()
    for one in ledger:
        if one.kind == "bolus" and one.dose is not None:
            delivered[one.dose] += one.amount
    accounted = Counter[DoseId]()
    for part in state.doses.boluses:
        accounted[part.dose] += part.amount
    for dose in state.doses.open:
        accounted[dose.dose] += dose.open_amount
    for name, amount in delivered.items():
        assert accounted[name] >= amount, f"{name}: accounted {accounted[name]} of {amount}"


def assert_no_dose_twice(started: Iterable[DoseId]) -> None:
    """Each dose id moved the motor once at most."""
    twice = [dose for dose, times in Counter(started).items() if times > 1]
    assert not twice, twice


def assert_sound(system: RealSystem) -> None:
    """At rest: the record equals the pump's ledger, has no hole, and replays."""
    system.assert_record_is_whole()
    system.assert_each_dose_once()
    system.assert_accounted()
    system.assert_replay_agrees()
