"""Plans cut by limits, to the last field of what is said of them."""

import msgspec

from core.deciders.delivery.plan_capping import accepted_again
from core.deciders.delivery.state import DeliveryState
from schemas.basal.plans import BasalCut, BasalPlanAccepted
from schemas.basal.profiles import SetTemporaryRate
from schemas.delivery.device import PlanStep, PumpPlan
from schemas.units import (
    HOUR_MS,
    MINUTE_MS,
    EventId,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)
from support.simulated.fake_system import LIMITS, FakeSystem

START = UtcMillis(1_800_000_000_000)
STEPS = (PlanStep(at=START, rate=MilliUnitsPerHour(800)),)
ENDS_AT = UtcMillis(START + HOUR_MS)
CUT = BasalCut(
    at=START,
    before=MilliUnitsPerHour(2_000),
    after=MilliUnitsPerHour(800),
    reason="unknown_dose",
)


def test_a_plan_that_was_lost_is_accepted_again_as_it_was() -> None:
    """With its cuts, its doubt and its revision: the pump must hold what is on record."""
    plan = PumpPlan(plan="basal_scheduler:p1:3#2", steps=STEPS, ends_at=ENDS_AT)
    state = DeliveryState(plan=plan, cuts=(CUT,), plan_doubt="unknown_dose")

    assert accepted_again(plan, state) == BasalPlanAccepted(
        plan=EventId("basal_scheduler:p1:3"),
        steps=STEPS,
        ends_at=ENDS_AT,
        capped=True,
        cuts=(CUT,),
        revision=2,
        doubt="unknown_dose",
    )


def test_the_limit_on_boluses_in_an_hour_cuts_no_rate() -> None:
    """It counts boluses alone: what is left of it says nothing about basal."""
    system = FakeSystem()
    system.set_up()
    system.ask(msgspec.structs.replace(LIMITS, hourly=MilliUnits(10_000)), to="actuator")
    system.order(9_500)
    system.run(ms=10 * MINUTE_MS)
    wanted = SetTemporaryRate(duration=Milliseconds(HOUR_MS), percent=250)
    assert system.ask(wanted, to="basal_scheduler").accepted

    *_, newest = system.said_of("actuator", BasalPlanAccepted)
    assert () == newest.cuts
    assert 2_000 in {step.rate for step in newest.steps}
