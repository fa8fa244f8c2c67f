"""The first stroke of a bolus and those of a prime are made as they are asked for.

The world is in their way too, and the second look is upon them: were it not, a stuck motor would
have on record a stroke that it never made, a blocked line would release less than was pressed into
it, and a machine that makes ten strokes for one would not be stopped.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import services.virtual_pump.controller
from core.pump import machine, physics
from core.pump.machine import start_bolus
from core.pump.memory import PumpMemory, PumpRefusal, PumpStep
from schemas.message import Now
from schemas.units import MilliUnits, UtcMillis
from services.runtime.pump_link.protocol import (
    Answered,
    AnyAnswer,
    AnyRequest,
    Fill,
    Prime,
    Refused,
    StartBolus,
    Suspend,
)
from services.virtual_pump.controller import PumpHost
from services.virtual_pump.fault_script import PumpScript, ScriptedFault
from services.virtual_pump.state_store import FakePumpStore
from support.simulated.signed_orders import identity, pump_order, sign

NOON = Now(therapy=UtcMillis(1_800_000_000_000), real=UtcMillis(1_800_000_000_000), speed=1)


def a_host(*faults: ScriptedFault) -> PumpHost:
    return PumpHost(
        FakePumpStore(),
        identity=identity("p1"),
        now=NOON,
        fill=MilliUnits(100_000),
        script=PumpScript(faults),
    )


def after_an_order(fault: ScriptedFault) -> PumpMemory:
    """Give the registers at the instant at which a bolus of 1 U was asked for."""
    host = a_host(fault)
    order = pump_order(host._status(NOON), dose="bolus_advisor:p1:7", amount=1_000)
    epoch = host.memory.epoch
    host.answer(StartBolus(epoch=epoch, signed=sign(order)), now=NOON)
    assert [one.kind for one in host._store.history(after=0)].count("bolus_started") == 1
    return host.memory


def a_stuck_motor_makes_no_stroke() -> None:
    memory = after_an_order(ScriptedFault(fault="motor_stuck"))

    assert (0, "motor_stuck", None) == (memory.odometer, memory.fault, memory.bolus)


def a_blocked_line_holds_the_stroke() -> None:
    memory = after_an_order(ScriptedFault(fault="occlusion"))

    assert (50, 50, None) == (memory.odometer, memory.backlog, memory.fault)


def asked(host: PumpHost, request: AnyRequest) -> AnyAnswer:
    """Have a pump that stands do something."""
    host.answer(Suspend(epoch=host.memory.epoch), now=NOON)
    return host.answer(request, now=NOON)


def tube(host: PumpHost) -> Prime:
    return Prime(epoch=host.memory.epoch, amount=MilliUnits(5_000), what="tube")


def a_stuck_motor_primes_nothing() -> None:
    host = a_host(ScriptedFault(fault="motor_stuck"))
    answer = asked(host, tube(host))
    memory = host.memory

    assert isinstance(answer, Answered)
    assert (0, 0, "motor_stuck") == (memory.odometer, memory.primed, memory.fault)
    assert physics.is_balanced(memory)
    assert "primed" not in [one.kind for one in host._store.history(after=0)]


def a_motor_that_sticks_in_mid_prime_has_primed_so_far() -> None:
    host = a_host(ScriptedFault(fault="motor_stuck", from_odometer=MilliUnits(2_000)))
    asked(host, tube(host))
    memory = host.memory

    assert (2_000, 2_000, "motor_stuck") == (memory.odometer, memory.primed, memory.fault)
    assert physics.is_balanced(memory)


def a_blocked_line_is_noticed_by_a_prime() -> None:
    host = a_host(ScriptedFault(fault="occlusion", from_odometer=MilliUnits(500)))
    asked(host, tube(host))
    memory = host.memory

    assert (3_500, 3_500, "occlusion") == (memory.odometer, memory.primed, memory.fault)
    assert 3_000 == memory.backlog


def strokes_unasked_are_pressed_into_a_blocked_line() -> None:
    """The world is in the way of a motor that turns by itself as well."""
    blocked = physics.PumpPhysics(blocked_from=MilliUnits(0))
    memory = physics.run_unasked(
        a_host().memory, strokes=10**3, now=NOON.therapy, world=blocked
    ).memory

    assert (3_000, 3_000) == (memory.odometer, memory.backlog)


CHECKS = {
    "stuck": a_stuck_motor_makes_no_stroke,
    "blocked": a_blocked_line_holds_the_stroke,
    "prime stuck": a_stuck_motor_primes_nothing,
    "prime sticks": a_motor_that_sticks_in_mid_prime_has_primed_so_far,
    "prime blocked": a_blocked_line_is_noticed_by_a_prime,
    "unasked blocked": strokes_unasked_are_pressed_into_a_blocked_line,
}


@pytest.mark.parametrize("check", CHECKS)
def test_the_first_stroke_of_a_bolus_meets_what_is_in_its_way(check: str) -> None:
    """What did not move is not on record, and what was pressed into a line is known."""
    CHECKS[check]()


@pytest.mark.parametrize("check", CHECKS)
def test_the_mutant_whose_first_stroke_meets_nothing_is_caught(
    check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts a bolus in a world of its own, in which nothing is wrong."""

    def blind(memory: PumpMemory, *, world: object, **asked: Any) -> PumpStep | PumpRefusal:
        return start_bolus(memory, **asked)

    monkeypatch.setattr("core.pump.order_intake.start_bolus", blind)
    monkeypatch.setattr(physics, "reach", lambda *_: None)
    monkeypatch.setattr(physics, "backlog_after", lambda memory, *_, **__: memory.backlog)

    with pytest.raises(AssertionError):
        CHECKS[check]()


def test_a_fault_that_the_first_stroke_comes_to_is_met_by_it() -> None:
    """Air at the first stroke stops the pump then, not at an odometer long passed."""
    fault = ScriptedFault(fault="air_in_line", from_odometer=MilliUnits(50))

    memory = after_an_order(fault)

    assert (50, "air_in_line", None) == (memory.odometer, memory.fault, memory.bolus)


def strokes_of(step: PumpStep | PumpRefusal, *, more: int) -> PumpStep:
    """Have a motor make more strokes than its step says."""
    assert isinstance(step, PumpStep)
    odometer = MilliUnits(step.memory.odometer + more * 50)
    left = MilliUnits((step.memory.reservoir or 0) - more * 50)
    memory = msgspec.structs.replace(step.memory, odometer=odometer, reservoir=left)
    return msgspec.structs.replace(step, memory=memory)


def a_start_of_ten_strokes_is_stopped(patch: pytest.MonkeyPatch) -> bool:
    """A bolus begins with one."""
    host = a_host()
    order = pump_order(host._status(NOON), dose="bolus_advisor:p1:7", amount=1_000)
    with patch.context() as broken:
        broken.setattr(
            "core.pump.order_intake.start_bolus",
            lambda *given, **asked: strokes_of(start_bolus(*given, **asked), more=9),
        )
        answer = host.answer(StartBolus(epoch=0, signed=sign(order)), now=NOON)
    memory = host.memory
    stopped = (memory.odometer, memory.fault, memory.bolus) == (0, "over_infusion", None)
    return stopped and answer == Refused(reason="fault")


def a_prime_that_is_twice_as_long_is_stopped(patch: pytest.MonkeyPatch) -> bool:
    """The tube is full at what was asked for."""
    host, prime = a_host(), physics.prime
    with patch.context() as broken:
        broken.setattr(
            physics,
            "prime",
            lambda *given, **asked: strokes_of(prime(*given, **asked), more=100),
        )
        asked(host, tube(host))
    return (host.memory.odometer, host.memory.fault) == (0, "over_infusion")


def a_stop_that_moves_the_motor_is_stopped(patch: pytest.MonkeyPatch) -> bool:
    """No other order moves anything."""
    host, fill = a_host(), machine.fill
    with patch.context() as broken:
        broken.setattr(
            machine,
            "fill",
            lambda *given, **asked: strokes_of(fill(*given, **asked), more=1),
        )
        host.answer(Fill(epoch=0, amount=MilliUnits(50_000)), now=NOON)
    return (host.memory.odometer, host.memory.fault) == (0, "over_infusion")


SECOND_LOOKS = [
    a_start_of_ten_strokes_is_stopped,
    a_prime_that_is_twice_as_long_is_stopped,
    a_stop_that_moves_the_motor_is_stopped,
]


@pytest.mark.requirement("R83")
@pytest.mark.parametrize("check", SECOND_LOOKS, ids=lambda one: one.__name__)
def test_an_order_that_moves_more_than_it_asks_for_stops_the_motor(
    check: Callable[[pytest.MonkeyPatch], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every activation is looked at, not those alone that time brings."""
    assert check(monkeypatch)


@pytest.mark.parametrize("check", SECOND_LOOKS, ids=lambda one: one.__name__)
def test_the_mutant_that_looks_at_no_order_is_caught(
    check: Callable[[pytest.MonkeyPatch], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pump as it was: its second look was upon time alone."""
    monkeypatch.setattr(services.virtual_pump.controller, "is_more_than", lambda *_: False)

    assert not check(monkeypatch)
