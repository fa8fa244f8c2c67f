"""A pump with something in its way: it ends in the safe state, with every stroke on record."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from core.pump import machine, physics, suspension
from core.pump.memory import PumpMemory, PumpRefusal, PumpStep
from core.pump.physics import HEALTHY, OCCLUSION_MU_MAX, PumpPhysics, is_balanced
from core.pump.supervision import is_too_much
from schemas.delivery.device import PlanStep, PumpPlan, PumpRecord
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
from services.runtime.platform.errors import PumpPowerLost
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.fault_script import PumpScript, ScriptedFault
from services.virtual_pump.state_store import FakePumpStore
from services.virtual_pump.watchdog import HUNGER_MS_MAX, LOOK_MS, Watchdog
from support.simulated.fake_system import IDENTITY

NOON = UtcMillis(1_800_000_000_000)
DOSE = DoseId("bolus_advisor:p1:7")


def later(ms: int) -> UtcMillis:
    return UtcMillis(NOON + ms)


def a_pump(*, rate: int = 1_000, bolus: int = 0) -> PumpMemory:
    memory = machine.power_on(None, now=NOON, fill=MilliUnits(100_000)).memory
    steps = (PlanStep(at=NOON, rate=MilliUnitsPerHour(rate)),)
    plan = PumpPlan(plan="p", steps=steps, ends_at=later(2 * DAY_MS))
    memory = done(machine.load_plan(memory, plan=plan, now=NOON)).memory
    if bolus:
        amount = MilliUnits(bolus)
        started = machine.start_bolus(memory, dose=DOSE, amount=amount, executed=False, now=NOON)
        memory = done(started).memory
    return memory


def done(step: PumpStep | PumpRefusal) -> PumpStep:
    assert isinstance(step, PumpStep), step
    return step


def said(records: Sequence[PumpRecord]) -> list[tuple[str, int, str]]:
    return [(one.kind, one.amount, one.detail) for one in records if one.kind != "basal"]


def moved(records: Sequence[PumpRecord]) -> int:
    kinds = ("basal", "bolus", "primed", "unasked")
    return sum(one.amount for one in records if one.kind in kinds)


@pytest.mark.requirement("R83")
@pytest.mark.requirement("R48")
def test_a_stuck_motor_stops_everything_and_nothing_is_made_up() -> None:
    """Insulin that did not move is not counted, and does not come later all at once."""
    memory = a_pump(bolus=2_000)
    world = PumpPhysics(stuck_from=MilliUnits(500))

    step = machine.run_until(memory, now=later(HOUR_MS), world=world)
    hour = machine.run_until(step.memory, now=later(2 * HOUR_MS), world=HEALTHY)
    cleared = physics.clear(hour.memory, now=later(2 * HOUR_MS))
    after = machine.run_until(cleared.memory, now=later(3 * HOUR_MS))

    assert ("motor_stuck", 500) == (step.memory.fault, step.memory.odometer)
    assert [("bolus", 450, ""), ("bolus_ended", 500, "fault"), ("fault", 0, "motor_stuck")] == said(
        step.records
    )
    assert () == hour.records
    assert [("fault_cleared", 0, "motor_stuck")] == said(cleared.records)
    assert 1_000 == moved(after.records)
    assert after.memory.fault is None


@pytest.mark.requirement("R72")
@pytest.mark.requirement("R73")
def test_a_blocked_line_is_noticed_within_three_units_and_all_of_it_is_counted() -> None:
    """What was pressed into the line reaches the body when it opens: it was counted before."""
    memory = a_pump(bolus=10_000)
    world = PumpPhysics(blocked_from=MilliUnits(1_000))

    step = machine.run_until(memory, now=later(HOUR_MS), world=world)
    cleared = physics.clear(step.memory, now=later(HOUR_MS))

    assert ("occlusion", 1_000 + OCCLUSION_MU_MAX) == (step.memory.fault, step.memory.odometer)
    assert OCCLUSION_MU_MAX == step.memory.backlog
    assert "occlusion" in [one.detail for one in step.records if one.kind == "bolus_ended"]
    assert [("released", OCCLUSION_MU_MAX, ""), ("fault_cleared", 0, "occlusion")] == said(
        cleared.records
    )
    assert 0 == cleared.memory.backlog


def test_a_blocked_line_at_a_low_rate_builds_up_over_hours() -> None:
    """The same 3 U, a stroke at a time, however often the pump is looked at."""
    memory, world = a_pump(rate=500), PumpPhysics(blocked_from=MilliUnits(0))
    for minute in range(0, 8 * 60, 7):
        memory = machine.run_until(memory, now=later(minute * MINUTE_MS), world=world).memory

    assert ("occlusion", 3_000, 3_000) == (memory.fault, memory.odometer, memory.backlog)
    assert memory.on_at > later(6 * HOUR_MS)


@pytest.mark.requirement("R83")
def test_a_motor_that_turns_by_itself_is_counted_and_cut_off() -> None:
    """What it moved is insulin like any other."""
    memory = a_pump(bolus=2_000)
    step = physics.run_unasked(memory, strokes=6, now=NOON)
    empty = physics.run_unasked(
        msgspec.structs.replace(memory, reservoir=MilliUnits(0)), strokes=6, now=NOON
    )

    assert [
        ("unasked", 300, ""),
        ("bolus_ended", 50, "fault"),
        ("fault", 0, "motor_unasked"),
    ] == said(step.records)
    assert 350 == step.memory.odometer
    assert is_balanced(step.memory)
    assert 50 == empty.memory.odometer


def test_with_a_fault_no_bolus_starts_and_it_is_told_once() -> None:
    """Whatever stopped it first stands until somebody clears it."""
    broken = physics.trip(a_pump(), fault="air_in_line", now=NOON).memory
    refused = machine.start_bolus(
        broken, dose=DOSE, amount=MilliUnits(50), executed=False, now=NOON
    )

    assert PumpRefusal(reason="fault") == refused
    assert () == physics.trip(broken, fault="occlusion", now=NOON).records
    assert machine.next_pulse_at(broken) is None
    assert (0, "air_in_line") == (
        machine.status(broken, now=NOON).basal_rate,
        machine.status(broken, now=NOON).fault,
    )
    assert () == physics.clear(a_pump(), now=NOON).records


@pytest.mark.parametrize(
    ("change", "amount", "reason"),
    [
        ({}, 500, "not_suspended"),
        ({"suspended": True, "fault": "occlusion"}, 500, "fault"),
        ({"suspended": True, "reservoir": None}, 500, "reservoir_low"),
        ({"suspended": True, "reservoir": MilliUnits(450)}, 500, "reservoir_low"),
        ({"suspended": True}, 0, "out_of_range"),
        ({"suspended": True}, 75, "out_of_range"),
        ({"suspended": True}, 30_050, "out_of_range"),
    ],
)
def test_a_prime_that_cannot_be_is_refused(
    change: dict[str, Any], amount: int, reason: str
) -> None:
    """Into the air only while the pump stands; never more than a tube takes."""
    memory = msgspec.structs.replace(a_pump(), **change)

    refused = physics.prime(memory, amount=MilliUnits(amount), what="tube", now=NOON)

    assert PumpRefusal(reason=reason) == refused  # type: ignore[arg-type]  # any reason


def test_a_prime_leaves_the_reservoir_and_keeps_the_balance() -> None:
    """Fill = strokes + what is left, whatever they were for."""
    memory = suspension.suspend(a_pump(), now=NOON).memory
    step = done(physics.prime(memory, amount=MilliUnits(2_600), what="tube", now=NOON))

    assert [("primed", 2_600, "tube")] == said(step.records)
    assert (2_600, 2_600, 97_400) == (
        step.memory.primed,
        step.memory.odometer,
        step.memory.reservoir,
    )
    assert is_balanced(step.memory)
    assert not is_balanced(msgspec.structs.replace(step.memory, odometer=MilliUnits(2_550)))
    never = machine.power_on(None, now=NOON, fill=None).memory
    assert is_balanced(never)


@pytest.mark.requirement("R81")
def test_the_second_look_finds_a_motor_that_moves_too_much() -> None:
    """By other means than the machine that drives it."""
    memory = a_pump(bolus=2_000)
    honest = machine.run_until(memory, now=later(20_000)).memory
    twice = msgspec.structs.replace(honest, odometer=MilliUnits(honest.odometer + 2_000))

    assert not is_too_much(memory, honest, now=later(20_000))
    assert is_too_much(memory, twice, now=later(20_000))


def a_host(*faults: ScriptedFault, store: FakePumpStore | None = None) -> PumpHost:
    host = PumpHost(
        store or FakePumpStore(),
        identity=IDENTITY,
        now=Now(therapy=NOON, real=NOON, speed=1),
        fill=MilliUnits(100_000),
        script=PumpScript(faults),
    )
    plan = PumpPlan(
        plan="p",
        steps=(PlanStep(at=NOON, rate=MilliUnitsPerHour(10_000)),),
        ends_at=later(2 * DAY_MS),
    )
    host._keep(done(machine.load_plan(host.memory, plan=plan, now=NOON)))
    return host


@pytest.mark.requirement("R78")
def test_a_failed_self_test_comes_before_any_stroke() -> None:
    """Nothing moves until somebody has looked."""
    host = a_host(ScriptedFault(fault="self_test_failed"))

    host.run_until(now=later(HOUR_MS))

    assert ("self_test_failed", 0) == (host.memory.fault, host.memory.odometer)


@pytest.mark.requirement("R46")
def test_registers_that_nobody_wrote_stop_the_motor() -> None:
    """Checked before each use; the truth is what the memory kept."""
    host = a_host(ScriptedFault(fault="memory_flipped", from_odometer=MilliUnits(1_000)))
    host.run_until(now=later(6 * MINUTE_MS))
    odometer = host.memory.odometer
    host.run_until(now=later(HOUR_MS))

    assert 1_000 == odometer == host.memory.odometer
    assert "memory_broken" == host.memory.fault


@pytest.mark.requirement("R79")
@pytest.mark.requirement("R80")
def test_a_balance_that_does_not_hold_is_found_by_the_next_self_test() -> None:
    """An odometer that went back cannot hide from fill and reservoir."""
    fault = ScriptedFault(
        fault="odometer_back", from_odometer=MilliUnits(1_000), amount=MilliUnits(500)
    )
    host = a_host(fault)
    host.run_until(now=later(6 * MINUTE_MS))
    host.self_test(now=later(6 * MINUTE_MS))
    host.self_test(now=later(6 * MINUTE_MS))

    assert "memory_broken" == host.memory.fault
    assert 1 == [one.kind for one in host._store.history(after=0)].count("fault")


def test_power_that_goes_leaves_what_was_kept() -> None:
    """The strokes before it are on record, and none after."""
    store = FakePumpStore()
    host = a_host(ScriptedFault(fault="power_lost", from_odometer=MilliUnits(1_000)), store=store)

    with pytest.raises(PumpPowerLost):
        host.run_until(now=later(6 * MINUTE_MS))

    kept = store.load()
    assert kept is not None and kept.odometer == 1_000


def test_the_second_look_stops_a_machine_that_moves_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mutant: a machine that moves each bolus again. The guard is not fooled by it."""
    host = a_host()
    run = machine.run_until

    def twice(memory: PumpMemory, **asked: Any) -> PumpStep:
        step = run(memory, **asked)
        more = MilliUnits(step.memory.odometer + 50_000)
        return msgspec.structs.replace(
            step, memory=msgspec.structs.replace(step.memory, odometer=more)
        )

    monkeypatch.setattr(machine, "run_until", twice)
    host.run_until(now=later(MINUTE_MS))

    assert ("over_infusion", 0) == (host.memory.fault, host.memory.odometer)


@pytest.mark.requirement("R82")
def test_the_watchdog_bites_after_two_seconds_without_food_and_not_before() -> None:
    """Looks are counted, not time: a machine that stands still lets both stand still."""
    dog = Watchdog()
    dog.feed()
    looks = [dog.look() for _ in range(HUNGER_MS_MAX // LOOK_MS + 1)]

    assert [True] * (HUNGER_MS_MAX // LOOK_MS) + [False] == looks
    dog.feed()
    assert dog.look()
