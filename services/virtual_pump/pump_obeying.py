"""What a pump does when its controller orders something, and how much may move at once by it."""

from collections.abc import Callable

from core.pump import machine as pump_machine
from core.pump import order_intake as pump_orders
from core.pump import physics as pump_world
from core.pump import suspension as pump_pause
from core.pump.memory import PumpMemory, PumpRefusal, PumpStep
from core.pump.order_intake import PumpSession
from core.pump.physics import PumpWorld
from core.pump.supervision import most_at_once
from schemas.units import DoseId, MilliUnits, UtcMillis
from services.runtime.pump_link.protocol import (
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
