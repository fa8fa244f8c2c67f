"""What strokes physically give: within the model's band of what is counted, whatever dies."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import core.models.pump_accuracy
import core.pump.physics
import services.virtual_pump.physical_ledger
from core.models.pump_accuracy import ERROR_MODELS, MICRO
from core.pump import machine, suspension
from core.pump.memory import PumpStep
from schemas.delivery.device import PULSE_MU, PlanStep, PumpPlan
from schemas.message import Now
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)
from services.runtime.platform.errors import PumpScriptBroken
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.fault_script import PumpScript, ScriptedFault, read_pump_script
from services.virtual_pump.physical_ledger import (
    PhysicalLedgerStore,
    WorldLedger,
    WorldTotals,
    read_world,
    world_path,
)
from services.virtual_pump.sqlite_state import SqlitePumpStore
from services.virtual_pump.state_store import FakePumpStore, PumpStore
from support.simulated.fake_system import IDENTITY, FakeSystem
from support.simulated.mutant_pairs import Patch, is_caught

NOON = UtcMillis(1_800_000_000_000)
DEVIATIONS = 4
"""[-] standard deviations that a total may lie from what was counted."""


def later(ms: int) -> UtcMillis:
    return UtcMillis(NOON + ms)


def at(ms: int) -> Now:
    return Now(therapy=later(ms), real=later(ms), speed=1)


def with_ledger(store: PumpStore, path: Path, *, model: str, seed: int) -> PhysicalLedgerStore:
    return PhysicalLedgerStore(store, WorldLedger(path, model=ERROR_MODELS[model], seed=seed))


def a_host(store: PumpStore, *faults: ScriptedFault, ms: int = 0) -> PumpHost:
    fill = MilliUnits(300_000)
    script = PumpScript(faults)
    return PumpHost(store, identity=IDENTITY, now=at(ms), fill=fill, script=script)


def begin(host: PumpHost, *, rate: int = 2_000) -> None:
    steps = (PlanStep(at=NOON, rate=MilliUnitsPerHour(rate)),)
    plan = PumpPlan(plan="p", steps=steps, ends_at=later(2 * DAY_MS))
    keep(host, machine.load_plan(host.memory, plan=plan, now=NOON))


def keep(host: PumpHost, step: object) -> None:
    assert isinstance(step, PumpStep), step
    host._keep(step)


def dose(host: PumpHost, *, number: int, amount: int, ms: int) -> None:
    host.run_until(now=later(ms))
    name = DoseId(f"bolus_advisor:p1:{number}")
    wanted = MilliUnits(amount)
    keep(
        host,
        machine.start_bolus(host.memory, dose=name, amount=wanted, executed=False, now=later(ms)),
    )


def a_day(path: Path, *, model: str = "freckmann", seed: int = 1, hours: int = 24) -> WorldTotals:
    """Let a pump give basal of 2 U/h, looked at every 7 min."""
    host = a_host(with_ledger(FakePumpStore(), path, model=model, seed=seed))
    begin(host)
    for minute in range(0, hours * 60 + 1, 7):
        host.run_until(now=later(minute * MINUTE_MS))
    world = read_world(path)
    assert world.counted == host.memory.odometer
    return world


def strays(world: WorldTotals) -> float:
    """Give how far what was given lies from what was counted [1]."""
    return (world.in_body + world.in_air) / (world.counted * MICRO) - 1


def band(model: str, *, strokes: int, hours: int) -> float:
    """Give the standard deviation of a total of basal [1]."""
    one = ERROR_MODELS[model]
    return math.sqrt(one.device**2 + one.hour**2 / hours + one.stroke**2 / strokes)


def what_was_given_lies_in_the_band_of_what_was_counted(path: Path) -> bool:
    """For each model, whatever the seed; and on the whole neither above nor below."""
    for model in ERROR_MODELS:
        found = [
            strays(a_day(path / f"{model}{seed}.world", model=model, seed=seed, hours=6))
            for seed in range(12)
        ]
        deviation = band(model, strokes=6 * 40, hours=6)
        mean = sum(found) / len(found)
        if max(map(abs, found)) > DEVIATIONS * deviation:
            return False
        if abs(mean) > DEVIATIONS * deviation / math.sqrt(len(found)):
            return False
    return True


def a_seed_gives_the_same_insulin_and_another_one_other(path: Path) -> bool:
    """Or a test that failed could not be looked at again."""
    same = [a_day(path / f"{run}.world", seed=7).in_body for run in range(2)]
    return same[0] == same[1] != a_day(path / "other.world", seed=8).in_body


def killed_between_memory_and_ledger(path: Path) -> PumpHost:
    """Power goes when the memory has a bolus of 2 U and the world has not written it down."""
    store = FakePumpStore()
    file = path / "p.world"
    host = a_host(with_ledger(store, file, model="tandem_tslim", seed=3))
    dose(host, number=7, amount=1_000, ms=0)
    host.run_until(now=later(MINUTE_MS))
    host._store = store  # what follows is kept by the pump, and the world never hears of it
    dose(host, number=8, amount=1_000, ms=2 * MINUTE_MS)
    host.run_until(now=later(3 * MINUTE_MS))
    behind = read_world(file).counted
    again = a_host(with_ledger(store, file, model="tandem_tslim", seed=3), ms=4 * MINUTE_MS)
    assert (1_000, 2_000) == (behind, again.memory.odometer)
    return again


def a_ledger_that_fell_behind_catches_up(path: Path) -> bool:
    """And gives the same as if nothing had happened in between."""
    host = killed_between_memory_and_ledger(path)
    world = read_world(path / "p.world")
    calm = path / "calm.world"
    other = a_host(with_ledger(FakePumpStore(), calm, model="tandem_tslim", seed=3))
    for number in (7, 8):
        dose(other, number=number, amount=1_000, ms=(number - 7) * 2 * MINUTE_MS)
    other.run_until(now=later(3 * MINUTE_MS))
    return world.counted == host.memory.odometer and world == read_world(calm)


def gives_a_tenth_more(patch: Patch) -> None:
    given = core.models.pump_accuracy._given

    def more(*asked: object, **with_what: object) -> int:
        return int(given(*asked, **with_what) * 1.1)  # type: ignore[arg-type]  # handed on

    patch.setattr(core.models.pump_accuracy, "_given", more)


def asks_no_seed(patch: Patch) -> None:
    drawn = core.models.pump_accuracy._drawn
    patch.setattr(core.models.pump_accuracy, "_drawn", lambda _, what: drawn(0, what))


def never_catches_up(patch: Patch) -> None:
    def deaf(self: PhysicalLedgerStore, store: PumpStore, ledger: WorldLedger) -> None:
        self._store, self._ledger = store, ledger

    patch.setattr(services.virtual_pump.physical_ledger.PhysicalLedgerStore, "__init__", deaf)


PAIRS: list[tuple[Callable[[Path], bool], Callable[[Patch], None]]] = [
    (what_was_given_lies_in_the_band_of_what_was_counted, gives_a_tenth_more),
    (a_seed_gives_the_same_insulin_and_another_one_other, asks_no_seed),
    (a_ledger_that_fell_behind_catches_up, never_catches_up),
]


@pytest.mark.requirement("R22")
@pytest.mark.parametrize("check", [check for check, _ in PAIRS], ids=lambda one: one.__name__)
def test_the_world_holds_what_the_model_says(check: Callable[[Path], bool], tmp_path: Path) -> None:
    """As built, the property holds."""
    assert check(tmp_path)


@pytest.mark.parametrize(("check", "weaken"), PAIRS, ids=[check.__name__ for check, _ in PAIRS])
def test_the_mutant_that_gives_something_else_is_caught(
    check: Callable[[Path], bool],
    weaken: Callable[[Patch], None],
    tmp_path: Path,
    monkeypatch: Patch,
) -> None:
    """With the mechanism weakened the property must break, or the check proves nothing."""
    assert is_caught(lambda: check(tmp_path), weaken, monkeypatch)


def test_an_ideal_pump_gives_what_it_counts(tmp_path: Path) -> None:
    """To the micro-unit."""
    world = a_day(tmp_path / "p.world", model="ideal")

    assert world.counted > 47_000
    assert world.in_body == world.counted * MICRO


def test_a_system_accounts_for_what_was_counted_and_the_spread_is_the_pumps(tmp_path: Path) -> None:
    """Nobody but the world knows what a stroke gave; the record equals the encoder's count."""
    system = FakeSystem()
    file = tmp_path / "p.world"
    store = with_ledger(system.pump_store, file, model="omnipod_5", seed=4)
    system.pump.host = PumpHost(store, identity=IDENTITY, now=system.clock.now())
    system.set_up()
    system.order(3_000)
    system.run(ms=12 * HOUR_MS)

    world = read_world(file)
    strokes = world.counted // PULSE_MU
    assert system.accounted() == world.counted == system.odometer
    assert world.in_body != world.counted * MICRO
    assert abs(strays(world)) < DEVIATIONS * band("omnipod_5", strokes=strokes, hours=12)


def test_insulin_pressed_into_a_blocked_line_has_reached_nobody_until_it_is_open(
    tmp_path: Path,
) -> None:
    """It is counted when it is pressed: accounted is never less than what a body got (I1)."""
    file = tmp_path / "p.world"
    store = with_ledger(FakePumpStore(), file, model="ideal", seed=0)
    host = a_host(store, ScriptedFault(fault="occlusion", from_odometer=MilliUnits(1_000)))
    dose(host, number=7, amount=10_000, ms=0)
    host.run_until(now=later(HOUR_MS))
    blocked = read_world(file)
    keep(host, core.pump.physics.clear(host.memory, now=later(HOUR_MS)))
    opened = read_world(file)

    assert (1_000 * MICRO, 3_000 * MICRO) == (blocked.in_body, blocked.in_line)
    assert (4_000 * MICRO, 0) == (opened.in_body, opened.in_line)
    assert 4_000 == blocked.counted == opened.counted == host.memory.odometer


def test_a_memory_put_back_takes_nothing_out_of_a_body(tmp_path: Path) -> None:
    """The pump has forgotten; the world has not."""
    memory, file = tmp_path / "p.nvm", world_path(tmp_path / "p.nvm")
    store = SqlitePumpStore(memory)
    host = a_host(with_ledger(store, file, model="ideal", seed=0))
    dose(host, number=7, amount=500, ms=0)
    host.run_until(now=later(MINUTE_MS))
    store.close()
    shutil.copy(memory, tmp_path / "old.nvm")
    store = SqlitePumpStore(memory)
    host = a_host(with_ledger(store, file, model="ideal", seed=0), ms=MINUTE_MS)
    dose(host, number=8, amount=1_000, ms=2 * MINUTE_MS)
    host.run_until(now=later(3 * MINUTE_MS))
    store.close()
    shutil.copy(tmp_path / "old.nvm", memory)
    store = SqlitePumpStore(memory)
    host = a_host(with_ledger(store, file, model="ideal", seed=0), ms=4 * MINUTE_MS)
    forgotten = read_world(file).counted
    dose(host, number=9, amount=200, ms=5 * MINUTE_MS)
    host.run_until(now=later(6 * MINUTE_MS))
    store.close()

    assert (1_500, 1_700) == (forgotten, read_world(file).counted)
    assert 700 == host.memory.odometer


@pytest.mark.parametrize(
    "script",
    [
        [{"fault": "error_model", "model": "perfect"}],
        [{"fault": "error_model"}],
        [{"fault": "error_model", "model": "ideal"}, {"fault": "error_model", "model": "ideal"}],
        [{"fault": "error_model", "model": "ideal", "from_odometer": 50}],
    ],
)
def test_a_script_with_no_such_model_is_refused(script: list[object], tmp_path: Path) -> None:
    """Before anything starts, with the names that there are."""
    path = tmp_path / "faults.json"
    path.write_text(json.dumps(script))

    with pytest.raises(PumpScriptBroken):
        read_pump_script(path)


def test_a_stroke_that_is_neither_basal_nor_bolus_strays_by_pump_and_stroke_alone(
    tmp_path: Path,
) -> None:
    """A prime has no hour and no bolus to share a deviation with."""
    path = tmp_path / "prime.world"
    host = a_host(with_ledger(FakePumpStore(), path, model="medtronic_670g", seed=1))
    keep(host, suspension.suspend(host.memory, now=NOON))
    primed = core.pump.physics.prime(host.memory, amount=MilliUnits(500), what="tube", now=NOON)
    keep(host, primed)

    world = read_world(path)
    assert 500 == world.counted == host.memory.primed
    assert 0 < abs(strays(world)) < DEVIATIONS * ERROR_MODELS["medtronic_670g"].device
