"""What the pump does not answer or refuses, what it missed while off, and words that come twice."""

from typing import Any

import pytest

from core.kernel.decider import Entry
from schemas.bolus.orders import BolusOrderWithdrawn
from schemas.delivery.delivery import BolusStartRequested, DeliveryGap
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
from services.bolus_advisor.order_signing_handler import OrderSigningHandler
from services.runtime.process.stepper import finish
from services.virtual_pump.fault_script import ScriptedFault
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import IDENTITY, FakeSystem

ACTUATOR = Speaker("actuator")
STUCK = ScriptedFault(fault="motor_stuck", from_odometer=MilliUnits(0))
PRIME = PrimePump(amount=MilliUnits(500), what="tube")


def standing(command: Command) -> FakeSystem:
    """A system in which the command makes sense: suspended, or with a fault to clear."""
    faults = (STUCK,) if isinstance(command, ClearPumpFault) else ()
    system = FakeSystem(faults=faults)
    system.set_up()
    system.run(ms=10 * MINUTE_MS)
    if not faults:
        system.ask(SuspendDelivery(), to="actuator")
        system.run(ms=MINUTE_MS)
    system.line_is_cut = True  # the watch reads nothing, so that the command is the next call
    return system


@pytest.mark.parametrize(("command", "name"), [(PRIME, "prime"), (ClearPumpFault(), "clear_fault")])
@pytest.mark.parametrize("reason", ["no_answer", "pump_refused"])
def test_what_did_not_happen_at_the_pump_is_not_said_to_have(
    command: Command, name: str, reason: str
) -> None:
    """A lost request and another controller: told by name, nothing moved, the fault stands."""
    system = standing(command)
    before = system.odometer
    if reason == "no_answer":
        system.pump.loses = "request"
    else:
        finish(FakePumpDevice(system.clock, host=system.pump.host).claim())

    system.ask(command, to="actuator")

    refused = system.said_of("actuator", MechanismRefused)
    assert [(name, reason)] == [(one.name, one.reason) for one in refused]
    assert [] == system.said_of("actuator", PumpPrimed) + system.said_of(
        "actuator", PumpFaultCleared
    )
    assert before == system.odometer


def test_a_pump_that_was_off_while_it_was_suspended_missed_nothing_by_that() -> None:
    """It would not have moved: the basal of the suspension is named once, and under one reason."""
    system = FakeSystem()
    system.set_up()
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    system.clock.advance(therapy_ms=HOUR_MS)
    system.pump = FakePumpDevice(system.clock, identity=IDENTITY, store=system.pump_store)
    system.restart("actuator")
    system.run(ms=MINUTE_MS)

    assert 1 == len(system.said_of("actuator", DeliveryGap))
    assert [] == system.said_of("actuator", BasalMissed)


def heard(system: FakeSystem, body: Event, *, speaker: str) -> Entry:
    return Entry(
        id=f"{speaker}:p1:900",
        at=system.clock.now().therapy,
        speaker=Speaker(speaker),
        body=body,
    )


def test_an_order_is_withdrawn_once() -> None:
    """A withdrawal of what is not waiting refuses nothing a second time, and no other order."""
    system = FakeSystem()
    system.set_up()
    system.services[Speaker("bolus_advisor")]._effect_handler = OrderSigningHandler(None)
    system.order(500)
    system.run(ms=MINUTE_MS)
    (withdrawn,) = system.said_of("bolus_advisor", BolusOrderWithdrawn)
    decider: Any = system.services[ACTUATOR].processor.decider

    again = heard(system, withdrawn, speaker="bolus_advisor")

    assert () == decider.decide(system.state("actuator"), again, system.clock.now())


def test_a_start_from_before_signed_orders_counts_no_number() -> None:
    """An old history has no signature, and the pump counts by keys: nothing to compare."""
    system = FakeSystem()
    system.set_up()
    system.order(500)
    system.run(ms=5 * MINUTE_MS)
    state: Any = system.state("actuator")
    (started,) = system.said_of("actuator", BolusStartRequested)
    old = BolusStartRequested(
        dose=DoseId("bolus_advisor:p1:800"),
        amount=MilliUnits(1_000),
        odometer=started.odometer,
        epoch=started.epoch,
        start_by=started.start_by,
    )

    decider: Any = system.services[ACTUATOR].processor.decider
    after = decider.evolve(state, heard(system, old, speaker="actuator"))

    assert state.numbers_started == after.numbers_started
    assert ["bolus_advisor:p1:800"] == [one.dose for one in after.doses.open]
    assert UtcMillis(0) < state.counted_until
