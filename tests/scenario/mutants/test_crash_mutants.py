"""Every fail point in one process, and the mutants that the checks of K1 must catch."""

import copy
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

import core.deciders.delivery.decider
from core.pump.memory import PumpMemory
from schemas.alarms import AcknowledgeAlarm
from schemas.basal.profiles import SetTemporaryRate
from schemas.bolus.orders import OrderBolus
from schemas.delivery.delivery import BolusStartRequested, CancelBolus
from schemas.delivery.device import PULSE_MU, PumpRecord
from schemas.delivery.pump import ResumeDelivery, SuspendDelivery
from schemas.glucose import RecordReading
from schemas.message import parse_event_id
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits, Speaker
from services.runtime.audit.redecide import verify_decisions
from services.runtime.decider_host.unit_of_work import UnitOfWork
from services.runtime.journal.entries import INPUT, read_row
from services.runtime.journal.memory_store import FakeStore
from services.runtime.platform import failpoints
from services.runtime.platform.errors import BasaltError, PumpTimeout
from services.runtime.platform.failpoints import FAILPOINTS
from services.runtime.platform.start_progress import StartProgress
from services.runtime.ports import Commit
from services.runtime.replay.replay import replay
from services.virtual_pump import controller
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.state_store import FakePumpStore
from support.simulated.fake_system import DECIDER_OF, IDENTITY, PROFILE, PUMP, FakeSystem

Patch = Callable[[pytest.MonkeyPatch], None]

NEVER = 1_000_000
"""[-] th time that no process comes by."""

AT_REST_MS = 20 * MINUTE_MS

STEPS_MAX = 100
"""[-] of everybody in one instant; who polls an open dose for ever is never at rest in it."""

NOT_HERE = (
    "join_",
    "history_",
    "claim_",
    "checkpoint_",
    "power_on_",
    "frame_written",
    "told_",
    "reading_",
)
"""[-] points of the loop, the line, the start and the disk, which these fakes do without."""

DEATHS = [
    (process, point)
    for point, (processes, _) in FAILPOINTS.items()
    for process in processes
    if not point.startswith((*NOT_HERE, "effect_reported", "claimed_"))
]


class Died(BaseException):
    """A service ended at a point as if by kill -9."""


class Fate:
    """Lets one process of a fake system die at one point, the nth time that it comes by."""

    def __init__(self, system: FakeSystem, process: str, point: str, *, nth: int = 1) -> None:
        self.system = system
        self.stepping = ""
        self.has_struck = False
        self._target = (process, point)
        self._left = nth

    def come_by(self, point: str) -> None:
        is_pump = FAILPOINTS[point][0] == ("virtual_pump",)
        here = ("virtual_pump" if is_pump else self.stepping, point)
        if self.has_struck or here != self._target:
            return
        self._left -= 1
        if self._left:
            return
        self.has_struck = True
        if not is_pump:
            raise Died
        now = self.system.clock.now()
        self.system.pump.host = PumpHost(self.system.pump_store, identity=IDENTITY, now=now)
        raise PumpTimeout(act="killed")


def step(system: FakeSystem, fate: Fate) -> bool:
    """Step everybody once; who dies is started on what it had stored."""
    moved = False
    for name in tuple(system.services):
        fate.stepping = name
        try:
            moved = system.services[name].step() or moved
        except Died:
            system.restart(name)
            look(system)
            moved = True
    return moved


def run(system: FakeSystem, fate: Fate, *, ms: int) -> None:
    """Let time pass in steps of 10 s."""
    for _ in range(max(1, ms // 10_000)):
        for _ in range(STEPS_MAX):
            if not step(system, fate):
                break
        system.clock.advance(therapy_ms=10_000)


def own(system: FakeSystem, name: str, *, of: str) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for _, row in system.stores[Speaker(name)].rows(pump=PUMP):
        read = read_row(row)
        if row.topic.startswith(INPUT) == (name != of) and read.entry.speaker == of:
            version = parse_event_id(read.entry.id)[2]
            assert version not in found
            found[version] = read.data
    return found


def check(system: FakeSystem, moved: dict[str, int]) -> None:
    """Compare the pump's ledger, the motor, every journal and the record, at rest."""
    ledger = system.pump_store.history(after=0)
    doses = Counter(one.dose for one in ledger if one.kind == "bolus_started")
    assert set(doses.values()) == {1}
    pumped = sum(one.amount for one in ledger if one.kind in ("basal", "bolus"))
    book = system.state("actuator").doses
    assert not book.open
    assert moved["strokes"] <= pumped == book.basal_total + book.bolus_total
    now = system.clock.now()
    for name, decider in DECIDER_OF.items():
        said = own(system, name, of=name)
        assert list(range(1, len(said) + 1)) == sorted(said)
        if name != "historian":
            assert said == own(system, "historian", of=name)
        assert () == verify_decisions(decider, system.stores[name]).differences
    views = replay(system.stores[Speaker("historian")], pump=PUMP, at=now.therapy)
    assert all(system.view(who) == view for who, view in views.items())


def look(system: FakeSystem) -> None:
    """At any instant: no dose without a stored intent, and none given that is not accounted."""
    ledger = system.pump_store.history(after=0)
    intents = {event.dose for event in system.said_of("actuator", BolusStartRequested)}
    assert {one.dose for one in ledger if one.kind == "bolus_started"} <= intents
    given: Counter[Any] = Counter()
    for one in ledger:
        if one.kind == "bolus":
            given[one.dose] += one.amount
    journal = DECIDER_OF[Speaker("actuator")].initial(PUMP)
    for _, row in system.stores[Speaker("actuator")].rows(pump=PUMP):
        journal = DECIDER_OF[Speaker("actuator")].evolve(journal, read_row(row).entry)
    accounted: Counter[Any] = Counter()
    for part in journal.doses.boluses:
        accounted[part.dose] += part.amount
    for dose in journal.doses.open:
        accounted[dose.dose] += dose.open_amount
    assert all(accounted[name] >= amount for name, amount in given.items())


def survives(process: str, point: str, *, nth: int, patch: pytest.MonkeyPatch) -> Fate:
    """Order, cancel and order again while one process dies; raises where a check fails."""
    system = FakeSystem()
    system.set_up()
    moved = {"strokes": system.odometer}
    hold = controller.PumpHost._hold

    def held(self: PumpHost, memory: PumpMemory) -> None:
        before = self._memory.odometer if hasattr(self, "_checksum") else memory.odometer
        moved["strokes"] += memory.odometer - before
        hold(self, memory)

    patch.setattr(controller.PumpHost, "_hold", held)
    fate = Fate(system, process, point, nth=nth)
    patch.setattr(failpoints, "_armed", fate)
    system.post(OrderBolus(amount=MilliUnits(500), confirmed=True), to="bolus_advisor")
    for _ in range(6):
        run(system, fate, ms=10_000)
        look(system)
    system.post(CancelBolus(), to="actuator")
    system.post(PROFILE, to="basal_scheduler")
    hour = SetTemporaryRate(percent=150, duration=Milliseconds(HOUR_MS))
    system.post(hour, to="basal_scheduler")
    system.post(AcknowledgeAlarm(alarm="nothing"), to="historian")
    for amount in (1_000, 20 * PULSE_MU):
        run(system, fate, ms=5 * MINUTE_MS)
        look(system)
        order = OrderBolus(amount=MilliUnits(amount), confirmed=True)
        system.post(order, to="bolus_advisor")
    reading = RecordReading(
        measured_at=system.clock.now().therapy, source="meter", unit="mg/dL", received="120"
    )
    system.post(reading, to="glucose_ingest")
    system.post(SuspendDelivery(), to="actuator")
    run(system, fate, ms=MINUTE_MS)
    system.post(ResumeDelivery(), to="actuator")
    run(system, fate, ms=HOUR_MS if process == "historian" else AT_REST_MS)
    check(system, moved)
    return fate


@pytest.mark.requirement("R44")
@pytest.mark.parametrize(("process", "point"), DEATHS)
def test_a_death_at_any_point_gives_nothing_twice_and_loses_nothing(
    process: str, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first and the second time, each in a system of its own."""
    for nth in (1, 2):
        with monkeypatch.context() as patch:
            fate = survives(process, point, nth=nth, patch=patch)
        assert fate.has_struck or nth > 1


def commits_late(patch: pytest.MonkeyPatch) -> None:
    """What follows from a step is in the world before the step is stored: a death undoes it."""
    before: dict[int, dict[str, Any]] = {}
    commit, load = FakeStore.commit, UnitOfWork._load

    def late(self: FakeStore, given: Commit) -> None:
        before[id(self)] = {name: copy.copy(value) for name, value in vars(self).items()}
        commit(self, given)

    def load_without_it(self: UnitOfWork[Any], progress: StartProgress) -> None:
        vars(self._store).update(before.pop(id(self._store), {}))
        load(self, progress)

    patch.setattr(FakeStore, "commit", late)
    patch.setattr(UnitOfWork, "_load", load_without_it)


def publishes_before_commit(patch: pytest.MonkeyPatch) -> None:
    commits_late(patch)


def moves_before_commit(patch: pytest.MonkeyPatch) -> None:
    commits_late(patch)


def forgets_the_doubt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core.deciders.delivery.decider, "doubt_all", lambda *_: ())


def answers_before_save(patch: pytest.MonkeyPatch) -> None:
    """The pump moves and answers before its memory is kept: a death undoes that step."""
    before: dict[int, dict[str, Any]] = {}
    save = FakePumpStore.save

    def late(self: FakePumpStore, memory: PumpMemory, *, records: Sequence[PumpRecord]) -> None:
        before[id(self)] = {name: copy.copy(value) for name, value in vars(self).items()}
        save(self, memory, records=records)

    class Reloaded(PumpHost):
        def __init__(self, store: Any, **rest: Any) -> None:
            vars(store).update(before.pop(id(store), {}))
            super().__init__(store, **rest)

    patch.setattr(FakePumpStore, "save", late)
    patch.setattr(sys.modules[__name__], "PumpHost", Reloaded)


MUTANTS: list[tuple[Patch, str, str]] = [
    (publishes_before_commit, "bolus_advisor", "publish_after"),
    (moves_before_commit, "actuator", "dose_answered"),
    (forgets_the_doubt, "actuator", "dose_before"),
    (answers_before_save, "virtual_pump", "dose_obeyed_after"),
]


@pytest.fixture
def quiet() -> Iterator[None]:
    yield
    failpoints._armed = None


@pytest.mark.requirement("R44")
@pytest.mark.parametrize(
    ("weaken", "process", "point"), MUTANTS, ids=[weaken.__name__ for weaken, _, _ in MUTANTS]
)
def test_the_mutant_is_caught(
    weaken: Patch, process: str, point: str, monkeypatch: pytest.MonkeyPatch, quiet: None
) -> None:
    """With the order of the boundaries changed one of the checks must fail."""
    with monkeypatch.context() as patch:
        if weaken is not forgets_the_doubt:
            weaken(patch)
            survives(process, point, nth=NEVER, patch=patch)  # nothing is seen while nobody dies
    assert any(is_seen(weaken, process, point, nth, monkeypatch) for nth in (1, 2, 3))


def is_seen(
    weaken: Patch, process: str, point: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Say whether a check fails when a process dies the nth time that it comes by a point."""
    with monkeypatch.context() as patch:
        weaken(patch)
        try:
            survives(process, point, nth=nth, patch=patch)
        except (AssertionError, RuntimeError, BasaltError):
            return True
    return False
