"""The pump's clock is read and not trusted: hours off, set in mid-bolus, or running fast (R87).

Everything is compared with a system whose pump has a right clock.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import core.deciders.delivery.effects
import core.deciders.delivery.pump_sync.clock_offset
import core.deciders.delivery.pump_sync.history
import services.actuator.pump_poller
import services.virtual_pump.controller
from core.deciders.delivery.pump_sync.clock_offset import CLOCK_MS_MAX, has_drifted
from core.deciders.delivery.state import DeliveryState
from core.pump.memory import PumpMemory, PumpStep
from schemas.alarms import AlarmCleared, AlarmRaised
from schemas.delivery.delivery import BasalDelivered, BolusDelivered, BolusProgressed
from schemas.delivery.pump import (
    DeliveryResumed,
    DeliverySuspended,
    PumpChallenged,
    PumpClockRead,
    SuspendDelivery,
)
from schemas.message import Now
from schemas.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, MilliUnits, UtcMillis
from services.runtime.platform.clock import Clock
from services.runtime.process.stepper import finish
from services.virtual_pump.fault_script import ScriptedFault
from services.virtual_pump.in_process_pump import FakePumpDevice
from support.simulated.fake_system import IDENTITY, FakeSystem
from support.simulated.mutant_pairs import Patch, is_caught

ALARM = "pump_clock_wrong"
BOLUS = 2_000


def set_on(ms: int, *, from_odometer: int = 0) -> ScriptedFault:
    return ScriptedFault(fault="clock_set", ahead_ms=ms, from_odometer=MilliUnits(from_odometer))


def a_day(*faults: ScriptedFault) -> FakeSystem:
    """A bolus, a pause of half an hour that ends on the pump, and the change of the basal rate."""
    system = FakeSystem(faults=faults)
    system.set_up()
    system.order(BOLUS)
    system.run(ms=5 * MINUTE_MS)
    system.ask(SuspendDelivery(duration=Milliseconds(30 * MINUTE_MS)), to="actuator")
    system.run(ms=MINUTE_MS)
    system.line_is_cut = True
    system.run(ms=HOUR_MS)
    system.line_is_cut = False
    system.run(ms=DAY_MS)
    return system


def told(system: FakeSystem) -> list[tuple[Any, ...]]:
    """Give what was accounted for, with its times."""
    found: list[tuple[Any, ...]] = []
    for event in system.said("actuator"):
        match event:
            case BolusProgressed(starts_at=start, ends_at=end, amount=amount):
                found.append(("bolus", start, end, amount))
            case BasalDelivered(starts_at=start, ends_at=end, amount=amount):
                found.append(("basal", start, end, amount))
            case DeliverySuspended(at=at) | DeliveryResumed(at=at):
                found.append((type(event).__name__, at))
            case _:
                pass
    return found


def alarms(system: FakeSystem) -> list[str]:
    said = system.said("actuator")
    kinds = [one for one in said if isinstance(one, AlarmRaised | AlarmCleared)]
    return [type(one).__name__ for one in kinds if one.alarm == ALARM]


OFF = [2 * HOUR_MS, -2 * HOUR_MS, 3_000 * DAY_MS, -3_000 * DAY_MS]


def a_pump_whose_clock_is_off_gives_and_is_accounted_alike() -> bool:
    """By hours or by years: each stroke at its hour, with its true age for insulin on board."""
    right = told(a_day())
    for ms in OFF:
        system = a_day(set_on(ms))
        if told(system) != right or alarms(system) != ["AlarmRaised"]:
            return False
    return True


def a_clock_set_in_mid_bolus_moves_nothing() -> bool:
    """No stroke comes twice, none is skipped, and each is accounted at its own time."""
    right = told(a_day())
    return all(told(a_day(set_on(ms, from_odometer=1_000))) == right for ms in OFF)


def a_clock_that_is_set_right_again_ends_the_alarm() -> bool:
    """One cause, one alarm."""
    faults = set_on(HOUR_MS, from_odometer=500), set_on(-HOUR_MS, from_odometer=5_000)
    return alarms(a_day(*faults)) == ["AlarmRaised", "AlarmCleared"]


class FastClock:
    """A clock that gains one second in a hundred, in therapy time and in its own count."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._began = clock, clock.now()

    def now(self) -> Now:
        now, began = self._clock.now(), self._began
        return Now(
            therapy=UtcMillis(now.therapy + (now.therapy - began.therapy) // 100),
            real=UtcMillis(now.real + (now.real - began.real) // 100),
            speed=now.speed,
        )


def fast() -> FakeSystem:
    """Twelve hours with a pump whose clock runs fast, and a bolus each hour."""
    system = FakeSystem()
    clock: Any = FastClock(system.clock)
    fill = MilliUnits(200_000)
    system.pump = FakePumpDevice(clock, identity=IDENTITY, store=system.pump_store, fill=fill)
    system.restart("actuator")
    system.set_up()
    for _ in range(12):
        system.run(ms=HOUR_MS - 2 * MINUTE_MS)
        system.order(500)
        system.run(ms=2 * MINUTE_MS)
    return system


def orders_are_believed_by_a_pump_that_counts_fast() -> bool:
    """An order holds 30 s of the pump's own time, which gains 36 s in an hour."""
    return len(fast().said_of("actuator", BolusDelivered)) == 12


def doses_keep_their_age_with_a_pump_that_counts_fast() -> bool:
    """In a day its clock would be a quarter of an hour wrong."""
    system = fast()
    ages = [one.delivered for one in system.said_of("actuator", BolusDelivered)]
    last = system.said_of("actuator", BolusProgressed)[-1]
    off = abs(system.clock.now().therapy - last.ends_at)
    read = system.said_of("actuator", PumpClockRead)
    return sum(ages) == 6_000 and off <= 2 * MINUTE_MS + CLOCK_MS_MAX and len(read) >= 5


def trusts_the_clock(patch: Patch) -> None:
    """The actuator as it was: whatever the pump says is the time."""

    def known(state: DeliveryState, *_: object) -> Milliseconds:
        return state.pump_ahead

    patch.setattr(core.deciders.delivery.pump_sync.clock_offset, "measured_ahead", known)


def sends_plans_by_its_own_clock(patch: Patch) -> None:
    revisions = "core.dosing.order_protocol.plan_revisions"
    patch.setattr(f"{revisions}.by_pumps_clock", lambda plan, **_: plan)


def delivers_by_the_wall(patch: Patch) -> None:
    """A pump whose registers stay where they were when its clock is set."""

    def kept(memory: PumpMemory, **_: object) -> PumpStep:
        return PumpStep(memory=memory)

    patch.setattr(services.virtual_pump.controller, "set_clock", kept)


def tells_the_pumps_time_each_hour_alone(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.pump_sync.clock_offset, "has_drifted", lambda *_: False)
    patch.setattr(services.actuator.pump_poller, "has_drifted", lambda *_: False)


def never_ends_the_alarm(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.pump_sync.clock_offset, "clear_alarm", lambda *_: ())


PAIRS: list[tuple[Callable[[], bool], Callable[[Patch], None]]] = [
    (a_pump_whose_clock_is_off_gives_and_is_accounted_alike, trusts_the_clock),
    (a_pump_whose_clock_is_off_gives_and_is_accounted_alike, sends_plans_by_its_own_clock),
    (a_clock_set_in_mid_bolus_moves_nothing, delivers_by_the_wall),
    (a_clock_that_is_set_right_again_ends_the_alarm, never_ends_the_alarm),
    (orders_are_believed_by_a_pump_that_counts_fast, tells_the_pumps_time_each_hour_alone),
    (doses_keep_their_age_with_a_pump_that_counts_fast, trusts_the_clock),
]


CHECKS = list(dict.fromkeys(check for check, _ in PAIRS))


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_the_pumps_clock_is_not_trusted(check: Callable[[], bool]) -> None:
    """As built, the property holds."""
    assert check()


@pytest.mark.requirement("R85")
@pytest.mark.requirement("R87")
@pytest.mark.requirement("R88")
@pytest.mark.parametrize(("check", "weaken"), PAIRS, ids=[weaken.__name__ for _, weaken in PAIRS])
def test_the_mutant_that_trusts_the_pumps_clock_is_caught(
    check: Callable[[], bool], weaken: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    """With the mechanism weakened the property must break, or the check proves nothing."""
    assert is_caught(check, weaken, monkeypatch)


def test_a_right_clock_is_no_news() -> None:
    """An honest pump's clock is never told of, its own count once in an hour."""
    system = a_day()

    assert [] == system.said_of("actuator", PumpClockRead)
    assert 24 <= len(system.said_of("actuator", PumpChallenged)) <= 30


def test_without_a_time_of_reading_or_a_challenge_nothing_has_drifted() -> None:
    """A slow answer says nothing about a clock, the first one nothing about a count."""
    system = a_day()
    state = system.state("actuator")
    status = finish(system.pump.read(after=10**9)).status
    unknown = msgspec.structs.replace(state, challenged=None)

    assert not has_drifted(state, status, None)
    assert not has_drifted(unknown, status, system.clock.now())
