"""A blocked line that no pressure shows yet: glucose rises though insulin is counted (R72)."""

from collections.abc import Callable

import pytest

import core.deciders.glucose.alert_conditions
from core.dosing.glucose_history.occlusion_suspicion import (
    GIVEN_MU_MIN,
    POINTS_MAX,
    STEP_MS,
    Watched,
    is_suspected,
    watch_insulin,
    watch_reading,
)
from schemas.alarms import AlarmRaised
from schemas.bolus.advice import RecordCarbs
from schemas.delivery.pump import SuspendDelivery
from schemas.units import HOUR_MS, MINUTE_MS, Grams, MgDl, MilliUnits, UtcMillis
from services.virtual_pump.fault_script import ScriptedFault
from support.simulated.fake_system import FakeSystem
from support.simulated.sensor_system import alerts, sensor

RISE = [150 + 4 * number for number in range(14)]
"""[mg/dL] every 5 min: 48 in an hour, at the end above 180."""


def blocked_system() -> FakeSystem:
    """At noon, the line blocked since eleven; the pump feels nothing before 3 U."""
    system = FakeSystem(faults=[ScriptedFault(fault="occlusion", from_odometer=MilliUnits(11_500))])
    system.set_up()
    system.run(ms=12 * HOUR_MS)
    return system


def eats(system: FakeSystem) -> None:
    meal = RecordCarbs(grams=Grams(40), eaten_at=system.clock.now().therapy)
    assert system.ask(meal, to="bolus_advisor").accepted


def stands(system: FakeSystem) -> None:
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=4 * HOUR_MS)


def nothing(system: FakeSystem) -> None:
    del system


@pytest.mark.requirement("R72")
def test_a_line_that_is_blocked_is_suspected_before_the_pump_feels_it() -> None:
    """Hours before 3 U are pressed into it; it is one alarm, and basal goes on."""
    system = blocked_system()
    rate = system.view("actuator").rate
    sensor(system, *RISE)

    assert 0 < system.pump.host.memory.backlog < 3_000
    assert system.view("actuator").rate == rate
    raised = [one.alarm for one in system.said_of("glucose_ingest", AlarmRaised)]
    assert ["occlusion_suspected"] == [one for one in raised if "measure" not in one]


@pytest.mark.requirement("R72")
@pytest.mark.parametrize(
    ("before", "values", "suspected"),
    [
        (nothing, RISE, True),
        (eats, RISE, False),
        (stands, RISE, False),
        (nothing, RISE[:-2], False),
        (nothing, [150 + 3 * number for number in range(14)], False),
        (nothing, [120 + 4 * number for number in range(14)], False),
        (nothing, [*RISE[:6], *RISE[9:]], False),
    ],
    ids=["rise", "meal", "suspended", "short", "slow", "in target", "jump without the hour"],
)
def test_a_rise_that_something_else_explains_is_none(
    before: Callable[[FakeSystem], None], values: list[int], *, suspected: bool
) -> None:
    """A meal, a pump that stands, a rise that is small, short, or ends in the target."""
    system = FakeSystem()
    system.set_up()
    system.run(ms=12 * HOUR_MS)
    before(system)

    sensor(system, *values)

    assert suspected == ("occlusion_suspected" in alerts(system))


def test_it_ends_with_its_cause() -> None:
    """When glucose falls, when it is in the target again, when a meal is entered after all."""
    falls, eaten = blocked_system(), blocked_system()
    for system in (falls, eaten):
        sensor(system, *RISE, RISE[-1] + 1)
        assert "occlusion_suspected" in alerts(system)
        system.run(ms=5 * MINUTE_MS)

    sensor(falls, *[RISE[-1] - 6 * number for number in range(12)])
    eats(eaten)
    sensor(eaten, RISE[-1] + 5)

    assert "occlusion_suspected" not in alerts(falls)
    assert "occlusion_suspected" not in alerts(eaten)


def test_silence_of_the_sensor_ends_nothing() -> None:
    """It opens no line; and a suspicion outlives a restart."""
    system = blocked_system()
    sensor(system, *RISE)
    system.restart("glucose_ingest")
    system.run(ms=HOUR_MS)

    assert "occlusion_suspected" in alerts(system)


def test_the_mutant_that_suspects_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pump's own alarm is hours away."""
    monkeypatch.setattr(
        core.deciders.glucose.alert_conditions, "is_suspected", lambda *_, **__: False
    )
    system = blocked_system()
    sensor(system, *RISE)

    assert "occlusion_suspected" not in alerts(system)


def watched(values: list[int], *, step: int = STEP_MS, given: int = GIVEN_MU_MIN) -> Watched:
    found = watch_insulin(Watched(), at=UtcMillis(0), amount=MilliUnits(given))
    for number, value in enumerate(values):
        found = watch_reading(found, at=UtcMillis(number * step), glucose=MgDl(value))
    return found


def suspects(found: Watched, *, active: bool = False) -> bool:
    return is_suspected(found, meals=(), now=UtcMillis(65 * MINUTE_MS), active=active)


def test_readings_each_minute_are_thinned_out_and_a_gap_begins_anew() -> None:
    """The same rise by another sensor; after a quarter of an hour nobody knows what was between."""
    minutely = watched([150 + number * 4 // 5 for number in range(66)], step=MINUTE_MS)
    late = watch_reading(
        minutely, at=UtcMillis(65 * MINUTE_MS + 3 * STEP_MS + 1), glucose=MgDl(210)
    )
    without = watch_reading(minutely, at=UtcMillis(66 * MINUTE_MS), glucose=None)

    assert suspects(minutely)
    assert not suspects(late)
    assert suspects(late, active=True)
    assert () == without.points
    assert not suspects(without, active=True)
    assert POINTS_MAX == len(watched([100] * 40).points)


def test_without_insulin_there_is_nothing_to_miss() -> None:
    """And old insulin is forgotten."""
    later = watch_insulin(watched(RISE), at=UtcMillis(10 * HOUR_MS), amount=MilliUnits(50))
    twice = watch_insulin(watched(RISE), at=UtcMillis(1), amount=MilliUnits(50))

    assert suspects(watched(RISE))
    assert not suspects(watched(RISE, given=GIVEN_MU_MIN - 1))
    assert [50] == [amount for _, amount in later.given]
    assert [GIVEN_MU_MIN + 50] == [amount for _, amount in twice.given]
