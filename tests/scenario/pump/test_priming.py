"""Priming: bounded for each hour unless the pump is off the body, and told when it is much."""

from typing import Any

import msgspec
import pytest

from schemas.alarms import AcknowledgeAlarm
from schemas.delivery.mechanism import PrimePump
from schemas.delivery.pump import FillReservoir, ResumeDelivery, SuspendDelivery
from schemas.message import Outcome
from schemas.units import HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits
from schemas.wire import codec
from services.command_line.output.event_messages import refused
from services.runtime.process.stepper import finish
from support.simulated.fake_system import LIMITS, FakeSystem
from support.simulated.mutant_pairs import is_caught


def prime(system: FakeSystem, amount: int, what: Any = "tube") -> Outcome:
    outcome = system.ask(PrimePump(amount=MilliUnits(amount), what=what), to="actuator")
    system.run(ms=1_000)
    return outcome


def stands(*, off_body: bool = False, fill_mu: int = 300_000) -> FakeSystem:
    system = FakeSystem(fill_mu=fill_mu)
    system.set_up()
    assert system.ask(SuspendDelivery(disconnected=off_body), to="actuator").accepted
    system.run(ms=MINUTE_MS)
    return system


def alarms(system: FakeSystem) -> set[str]:
    return {alarm.alarm for alarm in system.view("actuator").alarms}


def ninety_primes_are_few() -> bool:
    """Suspended and on the body: 90 times 3.3 U."""
    system = stands()
    for _ in range(90):
        prime(system, 3_300)
    return bool(system.view("actuator").primed_total <= 5_000)


@pytest.mark.requirement("R134")
def test_on_the_body_an_hour_of_priming_is_bounded() -> None:
    """What is left is told, and an hour later there is room again."""
    assert ninety_primes_are_few()
    system = stands()
    assert prime(system, 3_300).accepted
    refusal = prime(system, 1_750)

    assert "hourly_prime_limit" == refusal.reason
    assert (
        "take the pump off and say 'basalt disconnect' to fill a tube; 1.7 U may be primed now"
        in (refused(codec.decode_event(refusal.said[0])))
    )
    assert prime(system, 1_700).accepted
    assert not prime(system, 50).accepted
    system.run(ms=HOUR_MS)
    assert prime(system, 5_000).accepted


@pytest.mark.requirement("R134")
@pytest.mark.parametrize("weakened", ["PRIMED_PER_HOUR_MU_MAX", "prime_room"])
def test_the_mutant_that_primes_without_a_bound_is_caught(
    weakened: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old actuator: 298 U while the set was in."""
    much = MilliUnits(10**6)
    mutant: Any = much if weakened.isupper() else lambda *_: much
    assert is_caught(
        ninety_primes_are_few,
        lambda patch: patch.setattr(
            f"core.deciders.delivery.pump_sync.mechanism.{weakened}", mutant
        ),
        monkeypatch,
    )


@pytest.mark.requirement("R134")
def test_the_bound_is_no_more_than_the_hourly_limit() -> None:
    """5 U are a whole day of a small child; before limits are set the bound itself holds."""
    system = stands()
    small = msgspec.structs.replace(LIMITS, single=MilliUnits(1_000), hourly=MilliUnits(2_000))
    assert system.ask(small, to="actuator").accepted
    assert not prime(system, 2_050).accepted
    assert prime(system, 2_000).accepted

    fresh = FakeSystem()
    fresh.ask(SuspendDelivery(), to="actuator")
    fresh.run(ms=MINUTE_MS)
    assert not prime(fresh, 5_050).accepted
    assert prime(fresh, 5_000).accepted


@pytest.mark.requirement("R134")
def test_off_the_body_a_tube_takes_what_it_needs_and_a_cannula_does_not() -> None:
    """A cannula is in the body whatever was said before."""
    system = stands(off_body=True)
    assert system.view("actuator").disconnected
    assert prime(system, 12_000).accepted
    assert prime(system, 12_000).accepted
    assert prime(system, 300, "cannula").accepted
    assert "hourly_prime_limit" == prime(system, 4_750, "cannula").reason
    assert prime(system, 4_700, "cannula").accepted


@pytest.mark.requirement("R134")
def test_a_pump_that_stands_can_be_taken_off_and_is_on_again_when_it_resumes() -> None:
    """Nobody has to resume first; and whoever takes it off ends the end of a suspension."""
    system = FakeSystem()
    system.set_up()
    half = SuspendDelivery(duration=Milliseconds(30 * MINUTE_MS))
    assert system.ask(half, to="actuator").accepted
    system.run(ms=MINUTE_MS)
    assert not prime(system, 12_000).accepted

    off = SuspendDelivery(disconnected=True)
    assert system.ask(off, to="actuator").accepted
    system.run(ms=MINUTE_MS)
    assert "already_suspended" == system.ask(off, to="actuator").reason
    assert prime(system, 12_000).accepted
    system.run(ms=HOUR_MS)
    assert system.view("actuator").suspended

    assert system.ask(ResumeDelivery(), to="actuator").accepted
    system.run(ms=MINUTE_MS)
    assert not system.view("actuator").disconnected
    assert system.ask(SuspendDelivery(), to="actuator").accepted
    system.run(ms=MINUTE_MS)
    assert not prime(system, 12_000).accepted


def test_what_is_said_of_the_body_survives_a_restart() -> None:
    """The request that a new process repeats says what the person said."""
    system = stands(off_body=True)
    system.restart("actuator")
    system.run(ms=MINUTE_MS)

    assert system.view("actuator").disconnected
    assert prime(system, 12_000).accepted


@pytest.mark.requirement("R134")
def test_a_pump_that_resumes_by_itself_is_on_the_body_again() -> None:
    """The pump cannot know better; a suspension that waits for it keeps what it said."""
    system = stands(off_body=True)
    finish(system.pump.resume())
    system.run(ms=MINUTE_MS)

    assert not system.view("actuator").disconnected


@pytest.mark.requirement("R134")
def test_a_reservoir_that_goes_into_the_line_is_told() -> None:
    """Off the body too: a leak, or a set that is in after all. A new reservoir ends it."""
    system = stands(off_body=True, fill_mu=100_000)
    for _ in range(3):
        assert prime(system, 12_000).accepted
    assert "primed_much" not in alarms(system)
    assert prime(system, 12_000).accepted
    assert "primed_much" in alarms(system)
    assert "reservoir_low" not in alarms(system)
    seen = AcknowledgeAlarm(alarm="primed_much")
    assert system.ask(seen, to="actuator").accepted
    assert "primed_much" not in alarms(system)
    assert prime(system, 30_000).accepted
    assert "primed_much" in alarms(system)
    assert prime(system, 12_000).accepted
    assert "reservoir_low" in alarms(system)
    for _ in range(20):
        prime(system, 500)
    for _ in range(10):
        prime(system, 50)
    assert "reservoir_empty" in alarms(system)
    assert "balance_broken" not in alarms(system)

    assert system.ask(FillReservoir(amount=MilliUnits(200_000)), to="actuator").accepted
    system.run(ms=MINUTE_MS)
    assert not alarms(system) & {"primed_much", "reservoir_low", "reservoir_empty"}
