"""What watches the pump while it works: second look, self-test, memory check, watchdog."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.models.pulses
import core.pump.supervision
from core.pump import machine, suspension
from core.pump.memory import PumpMemory, PumpStep
from core.pump.supervision import most_between
from schemas.delivery.device import PULSE_MU, PlanStep, PumpPlan
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    DoseId,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)
from services.runtime.platform.clock import FakeClock
from services.runtime.pump_link.address import PumpAddress
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.fault_script import PumpScript
from services.virtual_pump.server import SELF_TEST_MS, WAKE_MS_MIN, PumpServer
from services.virtual_pump.state_store import FakePumpStore
from services.virtual_pump.watchdog import EXIT_WATCHDOG, Watchdog
from support.repository import ROOT
from support.simulated.fake_system import IDENTITY
from support.simulated.mutant_pairs import Check, Patch, Weaken, is_caught

NOON = UtcMillis(1_800_000_000_000)


def later(ms: int) -> UtcMillis:
    return UtcMillis(NOON + ms)


def plan_of(*rates: int) -> PumpPlan:
    steps = tuple(
        PlanStep(at=later(number * HOUR_MS), rate=MilliUnitsPerHour(rate))
        for number, rate in enumerate(rates)
    )
    return PumpPlan(plan="p", steps=steps, ends_at=later(len(rates) * HOUR_MS))


def done(step: Any) -> PumpMemory:
    assert isinstance(step, PumpStep), step
    return step.memory


def a_pump(*rates: int) -> PumpMemory:
    memory = machine.power_on(None, now=NOON, fill=MilliUnits(200_000)).memory
    return done(machine.load_plan(memory, plan=plan_of(*rates), now=NOON))


def a_server(*, dog: Watchdog | None = None) -> tuple[PumpServer, PumpHost, FakeClock]:
    clock = FakeClock(therapy=NOON)
    host = PumpHost(FakePumpStore(), identity=IDENTITY, now=clock.now(), fill=MilliUnits(100_000))
    server = PumpServer(host, clock=clock, script=PumpScript(), watchdog=dog or Watchdog())
    return server, host, clock


@pytest.mark.requirement("R81")
@given(
    rates=st.lists(st.integers(0, 35_000), min_size=1, max_size=4),
    bolus=st.integers(0, 100),
    extended=st.integers(0, 100),
    minutes=st.integers(10, 240),
    waits=st.lists(st.integers(0, 3 * HOUR_MS) | st.integers(0, 5_000), max_size=8),
)
def test_an_honest_motor_is_never_stopped(
    rates: list[int], bolus: int, extended: int, minutes: int, waits: list[int]
) -> None:
    """A second look that cried wolf would take the basal away."""
    memory, now = a_pump(*rates), NOON
    for amount, duration in ((bolus, 0), (extended, minutes * MINUTE_MS)):
        if amount:
            memory = done(
                machine.start_bolus(
                    memory,
                    dose=DoseId(f"bolus_advisor:p1:{duration + 1}"),
                    amount=MilliUnits(amount * PULSE_MU),
                    duration=Milliseconds(duration),
                    executed=False,
                    now=now,
                )
            )
    for wait in waits:
        now = UtcMillis(now + wait)
        after = machine.run_until(memory, now=now).memory
        assert after.odometer - memory.odometer <= most_between(memory, now=now)
        memory = after


def looked_at(memory: PumpMemory, *, ms: int) -> PumpMemory:
    """Let a host that holds these registers run for a time in one look."""
    _, host, _ = a_server()
    host._hold(memory)
    host.run_until(now=later(ms))
    return host.memory


def basal_twice_is_noticed() -> bool:
    """At 1 U/h the second stroke of a machine that doubles every one."""
    due = core.models.pulses.due

    def twice(owed: Any, **over: Any) -> Any:
        found = due(owed, **over)
        return found._replace(instants=tuple(at for at in found.instants for _ in (1, 2)))

    with Patch.context() as patch:
        patch.setattr(machine, "due", twice)
        memory = looked_at(a_pump(1_000), ms=10 * MINUTE_MS)
    return (memory.fault, memory.odometer) == ("over_infusion", 0)


def a_bolus_all_at_once_is_noticed() -> bool:
    """10 U are 400 s of strokes, not one second."""
    memory = done(
        machine.start_bolus(
            a_pump(0),
            dose=DoseId("bolus_advisor:p1:7"),
            amount=MilliUnits(10_000),
            executed=False,
            now=NOON,
        )
    )
    with Patch.context() as patch:
        patch.setattr(
            machine,
            "bolus_instants",
            lambda bolus, _, *, until: ([until] * ((bolus.requested - bolus.delivered) // 50), 0),
        )
        after = looked_at(memory, ms=1_000)
    return (after.fault, after.odometer) == ("over_infusion", 50)


def basal_of_a_pump_that_stands_is_noticed() -> bool:
    """A machine that does not look whether it is suspended."""
    memory = suspension.suspend(a_pump(10_000), now=NOON).memory
    with Patch.context() as patch:
        patch.setattr(machine, "_flowing", lambda memory: memory.plan)
        after = looked_at(memory, ms=HOUR_MS)
    return (after.fault, after.odometer) == ("over_infusion", 0)


def self_tests_are_half_a_minute_apart() -> bool:
    """Whenever the heartbeat comes: counted over 10 min in which no pulse is due."""
    server, host, clock = a_server()
    tested: list[int] = []
    host.self_test = lambda *, now: tested.append(now)  # type: ignore[method-assign]  # only counted
    clock.advance(therapy_ms=9_000)
    now = server._catch_up(save=True)
    while now.therapy < later(10 * MINUTE_MS):
        clock.advance(therapy_ms=max(WAKE_MS_MIN, server._wait_ms(now)))
        now = server._catch_up()
    gaps = [b - a for a, b in zip([NOON, *tested], tested, strict=False)]
    return len(tested) >= 19 and max(gaps) <= SELF_TEST_MS + WAKE_MS_MIN


def registers_that_change_in_sleep_are_noticed() -> bool:
    """Nobody wrote them: whoever wakes up does not go on with them."""
    server, host, clock = a_server()
    host._memory = msgspec.structs.replace(host.memory, reservoir=MilliUnits(200_000))
    clock.advance(therapy_ms=10 * MINUTE_MS)
    server._catch_up()
    return (host.memory.fault, host.memory.reservoir) == ("memory_broken", 100_000)


def a_pump_that_wakes_tests_itself_first() -> bool:
    """A balance that does not hold stops it before the first stroke."""
    _, host, clock = a_server()
    host._keep(PumpStep(memory=msgspec.structs.replace(host.memory, odometer=MilliUnits(500))))
    host.power_on(now=clock.now())
    return host.memory.fault == "memory_broken"


def looks_by_the_fastest_rate_there_is(patch: Patch) -> None:
    """The second look as it was: 35 U/h, all of each bolus and a stroke, standing or not."""

    def loose(before: PumpMemory, *, now: UtcMillis) -> MilliUnits:
        running = sum(one.requested - one.delivered for one in before.running)
        return MilliUnits(running + -(-35_000 * (now - before.on_at) // HOUR_MS) + PULSE_MU)

    patch.setattr(core.pump.supervision, "most_between", loose)


def waits_for_a_heartbeat_to_test_itself(patch: Patch) -> None:
    wait = PumpServer._wait_ms

    def late(server: PumpServer, now: Any) -> int:
        tested, server._tested_real = server._tested_real, now.real
        found = wait(server, now)
        server._tested_real = tested
        return found

    patch.setattr(PumpServer, "_wait_ms", late)


def believes_its_registers(patch: Patch) -> None:
    patch.setattr(PumpHost, "_checked", lambda host, _: host._memory)


def skips_the_self_test(patch: Patch) -> None:
    patch.setattr(PumpHost, "self_test", lambda *_, **__: None)


PAIRS: list[tuple[Check, Weaken]] = [
    (basal_twice_is_noticed, looks_by_the_fastest_rate_there_is),
    (a_bolus_all_at_once_is_noticed, looks_by_the_fastest_rate_there_is),
    (basal_of_a_pump_that_stands_is_noticed, looks_by_the_fastest_rate_there_is),
    (self_tests_are_half_a_minute_apart, waits_for_a_heartbeat_to_test_itself),
    (registers_that_change_in_sleep_are_noticed, believes_its_registers),
    (a_pump_that_wakes_tests_itself_first, skips_the_self_test),
]


@pytest.mark.parametrize("check", [check for check, _ in PAIRS], ids=lambda one: one.__name__)
def test_the_mechanism_holds(check: Check) -> None:
    """As built, the property holds."""
    assert check()


@pytest.mark.requirement("R79")
@pytest.mark.requirement("R83")
@pytest.mark.parametrize(("check", "weaken"), PAIRS, ids=[check.__name__ for check, _ in PAIRS])
def test_the_mutant_is_caught(check: Check, weaken: Weaken, monkeypatch: Patch) -> None:
    """With the mechanism weakened the property must break, or the check proves nothing."""
    assert is_caught(check, weaken, monkeypatch)


class CountingDog(Watchdog):
    """A watchdog that writes down what is done with it, and watches nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.fed_twice = asyncio.Event()

    def start(self) -> None:
        self.done.append("start")

    def feed(self) -> None:
        self.done.append("feed")
        if self.done.count("feed") > 1:
            self.fed_twice.set()

    def stop(self) -> None:
        self.done.append("stop")


async def test_a_pump_that_runs_feeds_its_watchdog(tmp_path: Path) -> None:
    """From its first moment to its last, or nobody would notice that it hangs."""
    dog = CountingDog()
    server, _, _ = a_server(dog=dog)
    running = asyncio.create_task(server.run(PumpAddress(str(tmp_path / "line.sock"), None)))
    async with asyncio.timeout(30):
        await dog.fed_twice.wait()
    server.stop()
    await running

    assert ["start", "feed", "feed"] == dog.done[:3]
    assert "stop" == dog.done[-1]


HANGS = """
import asyncio, sys, threading
sys.path[:0] = ["tests", "tests/unit/core/pump"]
from test_pump_supervision import a_server
from services.runtime.pump_link.address import PumpAddress

server, host, _ = a_server()
host.next_pulse_at = lambda: threading.Event().wait()
asyncio.run(server.run(PumpAddress(sys.argv[1], None)))
"""


@pytest.mark.requirement("R82")
def test_a_pump_that_hangs_is_ended_by_its_watchdog(tmp_path: Path) -> None:
    """A real process whose loop stands still for good: the second thread ends it, by its code."""
    words = [sys.executable, "-c", HANGS, str(tmp_path / "line.sock")]

    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert EXIT_WATCHDOG == ended.returncode, ended.stderr
    assert "not fed for 2 s, motor off" in ended.stderr
