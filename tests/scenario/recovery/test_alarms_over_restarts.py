"""No alarm is lost by a restart, and none outlives its cause."""

from collections.abc import Callable

import pytest

import core.kernel.shared_decisions
from core.kernel.alarms import Alarms
from schemas.alarms import AcknowledgeAlarm
from schemas.delivery.device import PumpSuperseded
from schemas.record import ReportStorage, RuntimeFault
from schemas.units import MINUTE_MS, Speaker
from services.runtime.decider_host.processor import Reported
from support.simulated.fake_system import PUMP, FakeSystem

SERVICES = ("glucose_ingest", "basal_scheduler", "bolus_advisor", "actuator", "historian")


def alarms(system: FakeSystem, name: str) -> Alarms:
    found: Alarms = system.state(name).common.alarms
    return found


def tells_of_a_fault(system: FakeSystem, name: str) -> None:
    fault = RuntimeFault(fault="bus_error", detail="gone")
    system.services[Speaker(name)].put(Reported(PUMP, fault))


def every_alarm_stands_after_a_restart(at_restart: Callable[[], None]) -> bool:
    """Of each service, with who has seen it and how often it called."""
    system = FakeSystem()
    system.set_up()
    for name in SERVICES:
        tells_of_a_fault(system, name)
    system.ask(ReportStorage(free_mib=1), to="historian")
    system.ask(AcknowledgeAlarm(alarm="storage_low"), to="historian")
    system.run(ms=20 * MINUTE_MS)
    before = {name: alarms(system, name) for name in SERVICES}
    at_restart()
    for name in SERVICES:
        system.restart(name)
    after = {name: alarms(system, name) for name in SERVICES}
    return before == after and all(before.values())


def test_no_alarm_is_lost_over_a_restart_of_each_service() -> None:
    """A process that forgets what is wrong reassures people."""
    assert every_alarm_stands_after_a_restart(lambda: None)


def test_the_mutant_that_keeps_no_alarm_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that folds its journal without them."""

    def forget() -> None:
        monkeypatch.setattr(core.kernel.shared_decisions, "fold_alarm", lambda *_: ())

    assert not every_alarm_stands_after_a_restart(forget)


def test_control_of_the_pump_that_is_back_is_no_alarm(system: FakeSystem) -> None:
    """It stood for ever before, and whoever reads alarms that are over reads none."""
    system.services[Speaker("actuator")].put(Reported(PUMP, PumpSuperseded(epoch=9)))
    system.settle()
    lost = [one.alarm for one in alarms(system, "actuator")]
    system.restart("actuator")
    system.run(ms=MINUTE_MS)

    assert (["pump_control_lost"], ()) == (lost, alarms(system, "actuator"))
