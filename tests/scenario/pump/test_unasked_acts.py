"""What the pump did that nobody here asked for is an alarm; its own maximum rate holds (R117)."""

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest

from schemas.basal.plans import BasalPlanAccepted
from schemas.basal.profiles import SetTemporaryRate
from schemas.delivery.device import PlanStep, PumpPlan
from schemas.delivery.mechanism import PrimePump
from schemas.delivery.pump import FillReservoir, PumpBasalMaximumRequested, SuspendDelivery
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits, MilliUnitsPerHour, UtcMillis
from services.runtime.platform.errors import PumpRefusedError
from services.runtime.process.stepper import finish
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import LIMITS, SAID_TWICE, FakeSystem
from support.simulated.mutant_pairs import is_caught
from support.simulated.programmed import alarms, an_older_version, limits, profile, scheduler

pytestmark = pytest.mark.requirement("R117")

LIMIT = LIMITS.basal
"""[mU/h] that a person set."""


@pytest.fixture
def lived(system: FakeSystem) -> FakeSystem:
    """Give a system that has driven its pump for a while."""
    system.run(ms=10 * MINUTE_MS)
    return system


def plan_of(system: FakeSystem, rate: int) -> PumpPlan:
    at = UtcMillis(system.clock.now().therapy)
    step = PlanStep(at=at, rate=MilliUnitsPerHour(rate))
    return PumpPlan(plan="stranger:p1:1", steps=(step,), ends_at=UtcMillis(at + 48 * HOUR_MS))


def by_key(system: FakeSystem, send: Callable[[FakePumpDevice], Coroutine[Any, Any, Any]]) -> None:
    """Send what a thief of the pump's key could: under the epoch of the actuator itself."""
    thief = FakePumpDevice(system.clock, host=system.pump.host)
    thief._epoch = system.pump.host.memory.epoch
    thief.name = system.pump.name
    finish(send(thief))


def unasked(system: FakeSystem) -> list[str]:
    return sorted(name for name in alarms(system) if name.endswith("_unasked"))


def accounted(system: FakeSystem) -> int:
    view = system.view("actuator")
    return int(view.basal_total + view.bolus_total + view.primed_total)


def test_what_a_person_asks_for_is_no_alarm(lived: FakeSystem) -> None:
    """Plans, fills, primes and limits of this system, over restarts too."""
    assert scheduler(lived, SetTemporaryRate(percent=150, duration=Milliseconds(HOUR_MS))).accepted
    lived.run(ms=MINUTE_MS)
    assert lived.ask(FillReservoir(amount=MilliUnits(150_000)), to="actuator").accepted
    assert lived.ask(SuspendDelivery(), to="actuator").accepted
    lived.run(ms=MINUTE_MS)
    assert lived.ask(PrimePump(amount=MilliUnits(1_000), what="tube"), to="actuator").accepted
    lived.run(ms=MINUTE_MS)
    lived.restart("actuator")
    assert limits(lived, basal=4_000).accepted
    lived.run(ms=HOUR_MS)

    assert [] == unasked(lived)
    assert 4_000 == lived.pump.host.memory.basal_max
    assert 150_000 - 1_000 == lived.view("actuator").reservoir


def test_a_plan_that_nobody_made_is_counted_told_and_replaced(lived: FakeSystem) -> None:
    """It ran at 35 U/h and was accounted without a word."""
    by_key(lived, lambda thief: thief.load_plan(plan=plan_of(lived, LIMIT)))
    lived.run(ms=HOUR_MS)

    assert ["plan_unasked"] == unasked(lived)
    assert lived.odometer == accounted(lived)
    assert lived.pump.host.memory.plan is not None
    assert lived.pump.host.memory.plan.plan.startswith("basal_scheduler:")


@pytest.mark.parametrize("which", ["running", "before"])
def test_a_plan_under_a_name_of_ours_is_told_and_replaced(lived: FakeSystem, which: str) -> None:
    """The name of the plan that runs, or of one that was sent before: 3.4 U/h ran unseen."""
    running = lived.pump.host.memory.plan
    assert running is not None
    assert scheduler(lived, SetTemporaryRate(percent=50, duration=Milliseconds(HOUR_MS))).accepted
    lived.run(ms=MINUTE_MS)
    newest = lived.pump.host.memory.plan
    assert newest is not None and newest.plan != running.plan
    name = newest.plan if which == "running" else running.plan
    stolen = msgspec.structs.replace(plan_of(lived, LIMIT), plan=name)
    by_key(lived, lambda thief: thief.load_plan(plan=stolen))
    lived.run(ms=MINUTE_MS)

    assert ["plan_unasked"] == unasked(lived)
    assert newest == lived.pump.host.memory.plan
    assert lived.odometer == accounted(lived)


def test_a_higher_maximum_and_a_plan_by_our_name_are_both_taken_back(lived: FakeSystem) -> None:
    """35 U/h flowed, and the maximum was sent again without end."""
    newest = lived.pump.host.memory.plan
    assert newest is not None
    stolen = msgspec.structs.replace(plan_of(lived, 35_000), plan=newest.plan)
    by_key(lived, lambda thief: thief.limit_basal(rate=MilliUnitsPerHour(35_000)))
    by_key(lived, lambda thief: thief.load_plan(plan=stolen))
    lived.run(ms=10 * MINUTE_MS)

    assert {"plan_unasked", "maximum_unasked"} == set(unasked(lived))
    assert (newest, LIMIT) == (lived.pump.host.memory.plan, lived.pump.host.memory.basal_max)
    assert lived.odometer < 1_500
    assert len(lived.said_of("actuator", PumpBasalMaximumRequested)) < 4


def test_the_mutant_that_believes_a_plans_name_is_caught(
    lived: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was: the pump ran another plan by the name of ours."""
    newest = lived.pump.host.memory.plan
    assert newest is not None
    stolen = msgspec.structs.replace(plan_of(lived, LIMIT), plan=newest.plan)

    def is_replaced() -> bool:
        by_key(lived, lambda thief: thief.load_plan(plan=stolen))
        lived.run(ms=10 * MINUTE_MS)
        return newest == lived.pump.host.memory.plan

    def by_name(patch: pytest.MonkeyPatch) -> None:
        for module in ("poll_rules", "pump_sync.history"):
            patch.setattr(
                f"core.deciders.delivery.{module}.holds_own_plan",
                lambda state, status: status.plan == state.plan.plan,
            )

    assert is_caught(is_replaced, by_name, monkeypatch)


def test_a_fill_that_nobody_asked_for_is_told(lived: FakeSystem) -> None:
    """The count of what is left is wrong from then on."""
    by_key(lived, lambda thief: thief.fill(amount=MilliUnits(300_000)))
    lived.run(ms=MINUTE_MS)

    assert ["fill_unasked"] == unasked(lived)


def test_a_prime_that_nobody_asked_for_is_told(lived: FakeSystem) -> None:
    """One that was asked for before does not excuse it."""
    assert lived.ask(SuspendDelivery(), to="actuator").accepted
    lived.run(ms=MINUTE_MS)
    assert lived.ask(PrimePump(amount=MilliUnits(1_000), what="tube"), to="actuator").accepted
    lived.run(ms=MINUTE_MS)
    assert [] == unasked(lived)

    by_key(lived, lambda thief: thief.prime(amount=MilliUnits(1_000), what="tube"))
    lived.run(ms=MINUTE_MS)

    assert ["prime_unasked"] == unasked(lived)
    assert lived.odometer == accounted(lived)


def test_a_request_that_the_pump_refused_excuses_none_later(lived: FakeSystem) -> None:
    """While a bolus runs no reservoir is changed."""
    assert lived.order(5_000).accepted
    lived.run(ms=4_000)
    assert lived.ask(FillReservoir(amount=MilliUnits(200_000)), to="actuator").accepted
    lived.run(ms=10 * MINUTE_MS)
    by_key(lived, lambda thief: thief.fill(amount=MilliUnits(200_000)))
    lived.run(ms=MINUTE_MS)

    assert ["fill_unasked"] == unasked(lived)


def test_the_pump_refuses_a_plan_above_its_own_maximum(lived: FakeSystem) -> None:
    """Whoever sends it; the maximum is the limit that a person set."""
    with pytest.raises(PumpRefusedError, match="above_maximum"):
        by_key(lived, lambda thief: thief.load_plan(plan=plan_of(lived, LIMIT + 1)))
    assert LIMIT == lived.pump.host.memory.basal_max
    actors = [one.actor for one in lived.said_of("actuator", PumpBasalMaximumRequested)]
    assert ["service:actuator"] == actors


def test_a_maximum_raised_by_nobody_is_told_and_taken_back(lived: FakeSystem) -> None:
    """Basal goes on by the plan of this system meanwhile."""
    by_key(lived, lambda thief: thief.limit_basal(rate=MilliUnitsPerHour(35_000)))
    lived.run(ms=MINUTE_MS)

    assert ["maximum_unasked"] == unasked(lived)
    assert LIMIT == lived.pump.host.memory.basal_max


def test_a_maximum_lowered_by_nobody_is_sent_again(lived: FakeSystem) -> None:
    """No plan of this system would be taken any more."""
    low = MilliUnitsPerHour(LIMIT - 500)
    by_key(lived, lambda thief: thief.limit_basal(rate=low))
    lived.run(ms=MINUTE_MS)

    assert LIMIT == lived.pump.host.memory.basal_max


def test_a_lower_maximum_waits_for_the_plan_that_fits_it(lived: FakeSystem) -> None:
    """A temporary rate runs above it; basal never stops because of a limit."""
    assert scheduler(lived, SetTemporaryRate(percent=250, duration=Milliseconds(HOUR_MS))).accepted
    lived.run(ms=MINUTE_MS)
    before = lived.odometer
    assert limits(lived, basal=2_000).accepted
    lived.run(ms=HOUR_MS)

    assert 2_000 == lived.pump.host.memory.basal_max
    assert lived.odometer - before > 1_000
    assert lived.view("actuator").rate is not None
    asked = lived.said_of("actuator", PumpBasalMaximumRequested)
    assert len(asked) <= 3


def test_a_plan_that_the_pump_refuses_is_told_and_sent_once(lived: FakeSystem) -> None:
    """A scheduler that has gone wrong programmes 10 U/h: the pump goes on by the plan it has."""
    with an_older_version():
        assert scheduler(lived, profile((0, 10_000), confirmed=SAID_TWICE)).accepted
    lived.run(ms=HOUR_MS)

    assert "plan_above_pump_maximum" in alarms(lived)
    assert lived.odometer < 3_000
    sent = lived.said_of("actuator", BasalPlanAccepted)
    assert len(sent) < 6

    with an_older_version():
        assert limits(lived, basal=10_000).accepted
    lived.run(ms=HOUR_MS)
    assert "plan_above_pump_maximum" not in alarms(lived)
    assert lived.odometer > 9_000


def test_a_pump_whose_memory_lost_it_is_told_again(lived: FakeSystem) -> None:
    """As after an older copy of its memory."""
    memory = lived.pump.host.memory
    lost = type(memory)(
        **{
            name: getattr(memory, name)
            for name in memory.__struct_fields__
            if name not in ("basal_max",)
        }
    )
    lived.pump.host._hold(lost)
    lived.run(ms=MINUTE_MS)

    assert LIMIT == lived.pump.host.memory.basal_max
    assert [] == unasked(lived)


def test_the_mutant_that_looks_at_boluses_alone_is_caught(
    lived: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was: a plan, a fill or a prime of a stranger was counted and nothing said."""

    def is_told() -> bool:
        by_key(lived, lambda thief: thief.fill(amount=MilliUnits(300_000)))
        lived.run(ms=MINUTE_MS)
        return ["fill_unasked"] == unasked(lived)

    assert is_caught(
        is_told,
        lambda patch: patch.setattr(
            "core.deciders.delivery.pump_sync.history.add_unasked", lambda *_: None
        ),
        monkeypatch,
    )


def test_the_mutant_pump_that_holds_no_maximum_is_caught(
    lived: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was: 35 U/h ran."""
    monkeypatch.setattr("core.pump.machine.highest_rate", lambda *_, **__: 0)

    by_key(lived, lambda thief: thief.load_plan(plan=plan_of(lived, 35_000)))

    assert lived.pump.host.memory.plan is not None
    assert 35_000 == lived.pump.host.memory.plan.steps[0].rate
