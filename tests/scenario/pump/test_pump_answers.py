"""What the pump does not answer or refuses, what it missed while off, and words that come twice."""

from typing import Any

import pytest

from core.kernel.decider import Entry
from schemas.bolus.orders import BolusOrderWithdrawn
from schemas.delivery.delivery import BolusStarted, DeliveryGap
from schemas.delivery.mechanism import (
    BasalMissed,
    ClearPumpFault,
    MechanismRefused,
    PrimePump,
    PumpFaultCleared,
    PumpPrimed,
)
from schemas.delivery.pump import SuspendDelivery
from schemas.message import Command, Event
from schemas.units import HOUR_MS, MINUTE_MS, DoseId, MilliUnits, Speaker, UtcMillis
from services.bolus_advisor.order_hands import OrderHands
from services.runtime.process.stepper import finish
from services.virtual_pump.fault_script import ScriptedFault
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import IDENTITY, FakeHouse

ACTUATOR = Speaker("actuator")
STUCK = ScriptedFault(fault="motor_stuck", from_odometer=MilliUnits(0))
PRIME = PrimePump(amount=MilliUnits(500), what="tube")


def standing(command: Command) -> FakeHouse:
    """A house in which the command makes sense: suspended, or with a fault to clear."""
    faults = (STUCK,) if isinstance(command, ClearPumpFault) else ()
    house = FakeHouse(faults=faults)
    house.set_up()
    house.run(ms=10 * MINUTE_MS)
    if not faults:
        house.ask(SuspendDelivery(), to="actuator")
        house.run(ms=MINUTE_MS)
    house.line_is_cut = True  # the watch reads nothing, so that the command is the next call
    return house


@pytest.mark.parametrize(("command", "name"), [(PRIME, "prime"), (ClearPumpFault(), "clear_fault")])
@pytest.mark.parametrize("reason", ["no_answer", "pump_refused"])
def test_what_did_not_happen_at_the_pump_is_not_said_to_have(
    command: Command, name: str, reason: str
) -> None:
    """A lost request and another controller: told by name, nothing moved, the fault stands."""
    house = standing(command)
    before = house.odometer
    if reason == "no_answer":
        house.pump.loses = "request"
    else:
        finish(FakePumpDevice(house.clock, host=house.pump.host).claim())

    house.ask(command, to="actuator")

    refused = house.said_of("actuator", MechanismRefused)
    assert [(name, reason)] == [(one.name, one.reason) for one in refused]
    assert [] == house.said_of("actuator", PumpPrimed) + house.said_of("actuator", PumpFaultCleared)
    assert before == house.odometer


def test_a_pump_that_was_off_while_it_was_suspended_missed_nothing_by_that() -> None:
    """It would not have moved: the basal of the suspension is named once, and under one reason."""
    house = FakeHouse()
    house.set_up()
    house.ask(SuspendDelivery(), to="actuator")
    house.run(ms=MINUTE_MS)
    house.clock.advance(therapy_ms=HOUR_MS)
    house.pump = FakePumpDevice(house.clock, identity=IDENTITY, store=house.pump_store)
    house.restart("actuator")
    house.run(ms=MINUTE_MS)

    assert 1 == len(house.said_of("actuator", DeliveryGap))
    assert [] == house.said_of("actuator", BasalMissed)


def heard(house: FakeHouse, body: Event, *, speaker: str) -> Entry:
    return Entry(
        id=f"{speaker}:p1:900",
        at=house.clock.now().therapy,
        speaker=Speaker(speaker),
        body=body,
    )


def test_an_order_is_withdrawn_once() -> None:
    """A withdrawal of what is not waiting refuses nothing a second time, and no other order."""
    house = FakeHouse()
    house.set_up()
    house.services[Speaker("bolus_advisor")]._hands = OrderHands(None)
    house.order(500)
    house.run(ms=MINUTE_MS)
    (withdrawn,) = house.said_of("bolus_advisor", BolusOrderWithdrawn)
    decider: Any = house.services[ACTUATOR].machine.decider

    again = heard(house, withdrawn, speaker="bolus_advisor")

    assert () == decider.decide(house.state("actuator"), again, house.clock.now())


def test_a_start_from_before_signed_orders_counts_no_number() -> None:
    """An old history has no signature, and the pump counts by keys: nothing to compare."""
    house = FakeHouse()
    house.set_up()
    house.order(500)
    house.run(ms=5 * MINUTE_MS)
    state: Any = house.state("actuator")
    (started,) = house.said_of("actuator", BolusStarted)
    old = BolusStarted(
        dose=DoseId("bolus_advisor:p1:800"),
        amount=MilliUnits(1_000),
        odometer=started.odometer,
        epoch=started.epoch,
        start_by=started.start_by,
    )

    decider: Any = house.services[ACTUATOR].machine.decider
    after = decider.evolve(state, heard(house, old, speaker="actuator"))

    assert state.numbers_started == after.numbers_started
    assert ["bolus_advisor:p1:800"] == [one.dose for one in after.doses.open]
    assert UtcMillis(0) < state.counted_until
