"""Broker, scheduler, advisor or everything gone: basal flows, all is reconciled on return."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

import core.deciders.delivery.effects
import core.pump.machine
from core.kernel.effects import SuspendPump
from core.models.pulses import Stretch, rate_at, stretches
from schemas.alarms import AlarmRaised
from schemas.basal.profiles import SetTemporaryRate
from schemas.bolus.orders import OrderBolus
from schemas.delivery.delivery import BasalDelivered, BolusDelivered
from schemas.delivery.device import PULSE_MU, PumpPlan
from schemas.delivery.mechanism import BasalMissed
from schemas.delivery.pump import DeliveryResumed, SuspendDelivery
from schemas.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    UtcMillis,
)
from services.runtime.process.stepper import finish
from support.simulated.fake_system import FakeSystem

GONE: list[tuple[str, ...]] = [
    ("basal_scheduler",),
    ("bolus_advisor", "historian"),
    ("basal_scheduler", "bolus_advisor", "historian", "glucose_ingest"),
    ("basal_scheduler", "bolus_advisor", "historian", "glucose_ingest", "actuator"),
]


@pytest.fixture
def system() -> FakeSystem:
    system = FakeSystem()
    system.set_up()
    return system


def take_away(system: FakeSystem, names: Sequence[str]) -> dict[Any, Any]:
    return {name: system.services.pop(name) for name in names}  # type: ignore[call-overload]  # plain names


def let_time_pass(system: FakeSystem, ms: int) -> None:
    """Minutes pass; whoever is left does what they do, the pump by itself."""
    end = system.clock.now().therapy + ms
    while system.clock.now().therapy < end:
        system.clock.advance(therapy_ms=5 * MINUTE_MS)
        system.settle()
        finish(system.pump.read(after=10**9))


def programmed(plan: PumpPlan, *, starts_at: int, ends_at: int) -> int:
    """Add the plan up minute by minute [mU], past its end its last 24 h again."""
    total = 0
    for at in range(starts_at, ends_at, MINUTE_MS):
        asked = at
        while asked >= plan.ends_at:
            asked -= DAY_MS
        total += rate_at(plan, at=UtcMillis(asked)) * MINUTE_MS
    return total // HOUR_MS


@pytest.mark.requirement("R53")
@pytest.mark.requirement("R52")
@pytest.mark.parametrize("names", GONE, ids=lambda names: "+".join(names))
def test_for_three_days_basal_flows_as_programmed_and_nothing_is_lost(
    system: FakeSystem, names: tuple[str, ...]
) -> None:
    """Past its 48 h the plan's last 24 h again; on return every pulse is accounted once."""
    plan = system.state("actuator").plan
    before, since = system.odometer, system.clock.now().therapy
    gone = take_away(system, names)
    let_time_pass(system, 3 * DAY_MS)
    flowed = system.odometer - before
    asked = programmed(plan, starts_at=since, ends_at=system.clock.now().therapy)
    system.services.update(gone)
    system.run(ms=HOUR_MS)

    assert abs(flowed - asked) <= PULSE_MU
    assert system.odometer == system.accounted()
    delivered = system.said_of("actuator", BasalDelivered)
    assert len({one.history_sequence for one in delivered}) == len(delivered)


def stops_at_the_end(patch: pytest.MonkeyPatch) -> None:
    whole = stretches

    def cut(plan: PumpPlan | None, **asked: Any) -> Iterator[Stretch]:
        for part in whole(plan, **asked):
            if plan is not None and part.starts_at < plan.ends_at:
                yield part

    patch.setattr(core.pump.machine, "stretches", cut)


def test_the_mutant_pump_that_stops_with_its_plan_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day without basal is the hazard; the comparison above sees it."""
    stops_at_the_end(monkeypatch)
    plan = system.state("actuator").plan
    before, since = system.odometer, system.clock.now().therapy
    take_away(system, GONE[-1])
    let_time_pass(system, 3 * DAY_MS)

    asked = programmed(plan, starts_at=since, ends_at=system.clock.now().therapy)
    assert asked - (system.odometer - before) > 10_000


@pytest.mark.requirement("R26")
def test_the_end_of_the_plan_is_alarmed_a_day_before(system: FakeSystem) -> None:
    """By the pump, whoever is left to hear it."""
    take_away(system, ("basal_scheduler",))
    let_time_pass(system, 23 * HOUR_MS)
    early = system.said_of("actuator", AlarmRaised)
    let_time_pass(system, 2 * HOUR_MS)
    late = system.said_of("actuator", AlarmRaised)

    assert [] == [one.alarm for one in early]
    assert ["plan_runs_out"] == [one.alarm for one in late]


def test_an_hour_without_anybody_gives_the_person_three_alarms_at_most(
    system: FakeSystem,
) -> None:
    """Who is alarmed about everything hears nothing."""
    gone = take_away(system, ("basal_scheduler", "bolus_advisor", "historian", "glucose_ingest"))
    let_time_pass(system, HOUR_MS)
    system.services.update(gone)
    system.run(ms=10 * MINUTE_MS)

    told = [
        one
        for name in ("actuator", "basal_scheduler", "bolus_advisor")
        for one in system.said_of(name, AlarmRaised)
        if one.to == "person"
    ]
    assert len(told) <= 3


def a_lower_rate(system: FakeSystem) -> int:
    asked = SetTemporaryRate(percent=50, duration=Milliseconds(4 * HOUR_MS))
    assert system.ask(asked, to="basal_scheduler").accepted
    return 4 * HOUR_MS


def an_extended_bolus(system: FakeSystem) -> int:
    asked = OrderBolus(amount=MilliUnits(2_000), duration=Milliseconds(2 * HOUR_MS))
    assert system.ask(asked, to="bolus_advisor").accepted
    return 2 * HOUR_MS


@pytest.mark.requirement("R54")
@pytest.mark.parametrize("begin", [a_lower_rate, an_extended_bolus])
def test_what_a_person_began_runs_to_its_end_on_the_device(
    system: FakeSystem, begin: Callable[[FakeSystem], int]
) -> None:
    """A reduced rate dropped in mid-exercise would harm."""
    lasts = begin(system)
    system.run(ms=MINUTE_MS)
    plan = system.state("actuator").plan
    before, since = system.odometer, system.clock.now().therapy
    bolus = system.view("actuator").bolus_total
    gone = take_away(system, GONE[-1])
    let_time_pass(system, lasts + HOUR_MS)
    asked = programmed(plan, starts_at=since, ends_at=system.clock.now().therapy)
    flowed = system.odometer - before
    system.services.update(gone)
    system.run(ms=10 * MINUTE_MS)

    extended = system.view("actuator").bolus_total - bolus
    assert abs(flowed - asked - extended) <= 2 * PULSE_MU
    assert [2_000] * (begin is an_extended_bolus) == [
        one.delivered for one in system.said_of("actuator", BolusDelivered)
    ]
    assert system.odometer == system.accounted()


def pauses(system: FakeSystem) -> int:
    """Suspend for half an hour, lose everybody, and give what flowed in the hour from then on."""
    asked = SuspendDelivery(duration=Milliseconds(30 * MINUTE_MS))
    assert system.ask(asked, to="actuator").accepted
    system.run(ms=MINUTE_MS)
    before = system.odometer
    gone = take_away(system, GONE[-1])
    let_time_pass(system, HOUR_MS)
    flowed = system.odometer - before
    system.services.update(gone)
    system.run(ms=10 * MINUTE_MS)
    return flowed


@pytest.mark.requirement("R54")
def test_a_suspension_for_a_while_ends_on_the_device(system: FakeSystem) -> None:
    """Half an hour that became a night, since the controller's battery was empty, would harm."""
    flowed = pauses(system)

    assert 350 <= flowed <= 450  # half an hour of 0.8 U/h
    assert system.odometer == system.accounted()
    assert (False, None) == (system.view("actuator").suspended, system.view("actuator").resume_at)
    assert 1 == len(system.said_of("actuator", DeliveryResumed))
    (missed,) = system.said_of("actuator", BasalMissed)
    assert 350 <= missed.amount <= 450


def test_the_mutant_that_tells_the_pump_no_end_is_caught(
    system: FakeSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pump would stand until a controller comes back."""
    monkeypatch.setattr(core.deciders.delivery.effects, "SuspendPump", lambda until: SuspendPump())

    assert 0 == pauses(system)


@pytest.mark.requirement("R54")
def test_a_controllers_rate_lasts_half_an_hour_by_construction(system: FakeSystem) -> None:
    """It is refused when it asks for more; what it may have ends in the pump's own plan."""
    longer = SetTemporaryRate(rate=MilliUnitsPerHour(2_000), duration=Milliseconds(31 * MINUTE_MS))
    allowed = SetTemporaryRate(rate=MilliUnitsPerHour(2_000), duration=Milliseconds(30 * MINUTE_MS))
    refused = system.ask(longer, to="basal_scheduler", actor="controller:loop")
    assert system.ask(allowed, to="basal_scheduler", actor="controller:loop").accepted
    system.run(ms=MINUTE_MS)
    take_away(system, GONE[-1])
    let_time_pass(system, 30 * MINUTE_MS)

    assert "controller_too_long" == refused.reason
    assert 800 == finish(system.pump.read(after=10**9)).status.basal_rate


def test_a_suspension_by_a_person_stands_until_somebody_ends_it(system: FakeSystem) -> None:
    """Nobody being there is no reason to resume."""
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    before = system.odometer
    gone = take_away(system, GONE[-1])
    let_time_pass(system, DAY_MS)
    system.services.update(gone)
    system.run(ms=10 * MINUTE_MS)

    assert before == system.odometer
    assert system.view("actuator").suspended
