"""What a pump does when its controller orders something, and how much may move at once by it."""

from collections.abc import Callable

from core import pump_machine, pump_orders, pump_pause, pump_world
from core.pump_guard import most_at_once
from core.pump_memory import PumpMemory, PumpRefusal, PumpStep
from core.pump_orders import PumpSession
from core.pump_world import PumpWorld
from schemas.units import DoseId, MilliUnits, UtcMillis
from services.runtime.pump_wire import (
    ClearFault,
    Fill,
    LoadPlan,
    Prime,
    Resume,
    StartBolus,
    StopBolus,
    Suspend,
)

AnyOrder = StartBolus | StopBolus | LoadPlan | Suspend | Resume | Fill | Prime | ClearFault
"""[-] the requests that only the controller may send."""


def obey(
    order: AnyOrder,
    memory: PumpMemory,
    *,
    session: PumpSession,
    executed: Callable[[DoseId], bool],
    now: UtcMillis,
    world: PumpWorld,
) -> PumpStep | PumpRefusal:
    """Work out what follows from an order; nothing is kept here.

    Args:
        order: it came from the controller that drives the pump.
        memory: the registers at `now`.
        session: what a bolus order is held against.
        executed: says whether the history has a dose.
        now: [ms] the pump's clock.
        world: what is in the motor's way.
    """
    match order:
        case StartBolus(signed=signed):
            return pump_orders.start_signed(
                memory,
                signed=signed,
                session=session,
                executed=executed(signed.order.dose),
                now=now,
                world=world,
            )
        case StopBolus(dose=dose):
            return pump_machine.stop_bolus(memory, dose=dose, executed=executed(dose), now=now)
        case LoadPlan(plan=plan):
            return pump_machine.load_plan(memory, plan=plan, now=now)
        case Suspend(until=until):
            return pump_pause.suspend(memory, now=now, until=until)
        case Resume():
            return pump_pause.resume(memory, now=now)
        case Fill(amount=amount):
            return pump_machine.fill(memory, amount=amount, now=now)
        case Prime(amount=amount, what=what):
            return pump_world.prime(memory, amount=amount, what=what, now=now, world=world)
        case ClearFault():
            return pump_world.clear(memory, now=now)


def most_of(order: AnyOrder) -> MilliUnits:
    """Give the most that an order may move in its instant [mU] (R83)."""
    match order:
        case StartBolus(signed=signed):
            return most_at_once(signed.order)
        case Prime(amount=amount):
            return amount
        case _:
            return MilliUnits(0)
