"""The first stroke of a bolus is made as it is asked for, and the world is in its way too.

Were it not, a stuck motor would have on record a stroke that it never made, and a blocked line
would release less than was pressed into it.
"""

from typing import Any

import pytest

from core.pump_machine import start_bolus
from core.pump_memory import PumpMemory, PumpRefusal, PumpStep
from schemas.message import Now
from schemas.units import MilliUnits, UtcMillis
from services.runtime.pump_host import PumpHost
from services.runtime.pump_script import PumpScript, ScriptedFault
from services.runtime.pump_store import FakePumpStore
from services.runtime.pump_wire import StartBolus
from signed_orders import identity, pump_order, sign

NOON = Now(therapy=UtcMillis(1_800_000_000_000), real=UtcMillis(1_800_000_000_000), speed=1)


def after_an_order(fault: ScriptedFault) -> PumpMemory:
    """Give the registers at the instant at which a bolus of 1 U was asked for."""
    host = PumpHost(
        FakePumpStore(),
        identity=identity("p1"),
        now=NOON,
        fill=MilliUnits(100_000),
        script=PumpScript((fault,)),
    )
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


CHECKS = {"stuck": a_stuck_motor_makes_no_stroke, "blocked": a_blocked_line_holds_the_stroke}


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

    monkeypatch.setattr("core.pump_orders.start_bolus", blind)

    with pytest.raises(AssertionError):
        CHECKS[check]()


def test_a_fault_that_the_first_stroke_comes_to_is_met_by_it() -> None:
    """Air at the first stroke stops the pump then, not at an odometer long passed."""
    fault = ScriptedFault(fault="air_in_line", from_odometer=MilliUnits(50))

    memory = after_an_order(fault)

    assert (50, "air_in_line", None) == (memory.odometer, memory.fault, memory.bolus)
