"""Suspend, prime, pen, missed basal, alarms: each clause with what breaks it (R62, R66, R76)."""

from collections.abc import Callable
from typing import Any

import pytest

import core.deciders.bolus.events
import core.deciders.delivery.pump_sync.mechanism
import core.dosing.insulin_account.dose_account_events
import core.kernel.alarms
import core.pump.physics
from core.kernel.alarms import Condition
from core.pump.step import PumpDraft
from schemas.alarms import AcknowledgeAlarm, AlarmAcknowledged, AlarmRaised
from schemas.bolus.orders import InjectionRecorded, RecordInjection
from schemas.delivery.mechanism import BasalMissed, PrimePump
from schemas.delivery.pump import ResumeDelivery, SuspendDelivery
from schemas.units import HOUR_MS, MINUTE_MS, MilliUnits
from services.virtual_pump.fault_script import ScriptedFault
from support.simulated.fake_system import FakeSystem
from support.simulated.mutant_pairs import Patch, is_caught


def a_system(*faults: ScriptedFault) -> FakeSystem:
    system = FakeSystem(faults=faults)
    system.set_up()
    return system


def pauses(system: FakeSystem, *, ms: int) -> None:
    system.ask(SuspendDelivery(), to="actuator")
    system.run(ms=ms)


def a_prime_is_on_board_of_nobody() -> bool:
    """It leaves the reservoir, it is not basal, no bolus, and nothing that an advice subtracts."""
    system = a_system()
    pauses(system, ms=MINUTE_MS)
    before, board = system.view("actuator"), system.view("bolus_advisor").insulin_on_board_most
    system.ask(PrimePump(amount=MilliUnits(2_000), what="tube"), to="actuator")
    system.run(ms=MINUTE_MS)
    after = system.view("actuator")
    return bool(
        before.reservoir - after.reservoir == after.primed_total == 2_000
        and (before.basal_total, before.bolus_total) == (after.basal_total, after.bolus_total)
        and system.view("bolus_advisor").insulin_on_board_most == board
    )


def a_count_that_does_not_balance_stops_the_motor() -> bool:
    """Filled = moved + left, at every look; the pump finds it by itself within half a minute."""
    system = a_system(
        ScriptedFault(fault="odometer_back", from_odometer=MilliUnits(500), amount=MilliUnits(200))
    )
    for _ in range(60):
        system.run(ms=MINUTE_MS)
        system.pump.host.self_test(now=system.clock.now().therapy)
    return system.pump.host.memory.fault == "memory_broken"


def what_did_not_flow_is_named_at_the_end() -> bool:
    """An hour off the body at 0.8 U/h, to the pulse."""
    system = a_system()
    pauses(system, ms=HOUR_MS)
    system.ask(ResumeDelivery(), to="actuator")
    system.run(ms=MINUTE_MS)
    return [750 <= one.amount <= 850 for one in system.said_of("actuator", BasalMissed)] == [True]


def insulin_by_pen_counts_on_board_and_in_limits() -> bool:
    """Of 15 U in an hour 13 are gone: 3 U more are refused, in the advisor's own account."""
    system = a_system()
    at = system.clock.now().therapy
    system.ask(RecordInjection(amount=MilliUnits(13_000), given_at=at), to="bolus_advisor")
    board = system.view("bolus_advisor").insulin_on_board_most
    return board > 12_000 and system.order(3_000).reason == "hourly_limit"


def who_acknowledged_is_on_record() -> bool:
    """By name; the alarm stays while its cause does, and is quiet."""
    system = a_system()
    pauses(system, ms=HOUR_MS)
    alarm = next(one.alarm for one in system.view("actuator").alarms)
    system.ask(AcknowledgeAlarm(alarm=alarm), to="actuator", actor="person:ann")
    (seen,) = system.said_of("actuator", AlarmAcknowledged)
    (stands,) = (one for one in system.view("actuator").alarms if one.alarm == alarm)
    return bool(seen.actor == "person:ann" == stands.acknowledged_by)


def hears_nonsense(system: FakeSystem, *, times: int) -> list[AlarmRaised]:
    for _ in range(times):
        system.broker.put("basalt.p1.event.actuator.nonsense", b"{", {})
        system.settle()
    services = ("bolus_advisor", "historian")
    return [one for name in services for one in system.said_of(name, AlarmRaised)]


def one_cause_is_one_alarm_with_a_count() -> bool:
    """Raised once by each who meets it; a pump that stands for hours is called again and again."""
    system = a_system()
    raised = hears_nonsense(system, times=5)
    pauses(system, ms=3 * HOUR_MS)
    (stands,) = (one for one in system.view("actuator").alarms if one.alarm == "suspended_long")
    return len(raised) == 2 and int(stands.calls) > 3


def faults_of_the_machinery_are_the_operators() -> bool:
    """A message that nobody understands: delivery goes on."""
    told = hears_nonsense(a_system(), times=1)
    return bool(told) and {one.to for one in told} == {"operator"}


def an_hour_alone_is_three_alarms_at_most() -> bool:
    """With everybody but the actuator gone, and the pump's reservoir nearly empty."""
    system = FakeSystem(fill_mu=15_000)
    system.set_up()
    gone = {name: system.services.pop(name) for name in list(system.services) if name != "actuator"}
    for _ in range(60):
        system.run(ms=MINUTE_MS)
    system.services.update(gone)
    system.run(ms=10 * MINUTE_MS)
    raised = [one for name in system.services for one in system.said_of(name, AlarmRaised)]
    return len([one for one in raised if one.to == "person"]) <= 3


def counts_primes_as_basal(patch: Patch) -> None:
    plain = PumpDraft.move_plain

    def as_basal(self: PumpDraft, pulses: int, *, kind: str, **rest: Any) -> None:
        plain(self, pulses, kind="basal" if kind == "primed" else kind, **rest)  # type: ignore[arg-type]  # the same kinds

    patch.setattr(PumpDraft, "move_plain", as_basal)


def never_balances(patch: Patch) -> None:
    patch.setattr(core.pump.physics, "is_balanced", lambda _: True)


def names_nothing_missed(patch: Patch) -> None:
    patch.setattr(core.deciders.delivery.pump_sync.mechanism, "_basal", lambda *_: ())


def forgets_pens(patch: Patch) -> None:
    patch.delitem(core.deciders.bolus.events.BOLUS_TABLE.by_kind, InjectionRecorded)


def forgets_who(patch: Patch) -> None:
    seen = core.kernel.alarms.acknowledge
    patch.setattr(
        "core.kernel.shared_decisions.acknowledge",
        lambda *given, actor: seen(*given, actor="somebody"),
    )


def raises_anew(patch: Patch) -> None:
    patch.setattr(core.kernel.alarms, "is_active", lambda *_: False)


def tells_everybody(patch: Patch) -> None:
    raise_alarm = core.kernel.alarms.raise_alarm

    def to_person(alarms: Any, condition: Condition) -> Any:
        return raise_alarm(alarms, condition._replace(to="person"))

    patch.setattr("core.kernel.shared_decisions.raise_alarm", to_person)


CLAUSES: list[tuple[Callable[[], bool], Callable[[Patch], None]]] = [
    (a_prime_is_on_board_of_nobody, counts_primes_as_basal),
    (a_count_that_does_not_balance_stops_the_motor, never_balances),
    (what_did_not_flow_is_named_at_the_end, names_nothing_missed),
    (insulin_by_pen_counts_on_board_and_in_limits, forgets_pens),
    (who_acknowledged_is_on_record, forgets_who),
    (one_cause_is_one_alarm_with_a_count, raises_anew),
    (faults_of_the_machinery_are_the_operators, tells_everybody),
    (an_hour_alone_is_three_alarms_at_most, raises_anew),
]


@pytest.mark.parametrize("holds", [one for one, _ in CLAUSES], ids=lambda one: one.__name__)
def test_the_clause_holds(holds: Callable[[], bool]) -> None:
    """What a person relies on without looking."""
    assert holds()


@pytest.mark.parametrize(("holds", "weaken"), CLAUSES, ids=lambda one: one.__name__)
def test_the_mutant_is_caught(
    holds: Callable[[], bool],
    weaken: Callable[[Patch], None],
    monkeypatch: Patch,
) -> None:
    """Each clause can fail."""
    assert is_caught(
        holds, weaken, monkeypatch, breaks_by=(RuntimeError, ValueError, AssertionError)
    )
