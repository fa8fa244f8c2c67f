"""Processes that stand still and go on: nothing late is given, nothing is given twice (K3, T4)."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.alarms import AlarmCleared, AlarmRaised
from schemas.bolus.orders import BolusOrdered
from schemas.delivery.delivery import BolusDelivered, BolusRefused
from support.real.crash_system import assert_sound, look
from support.real.real_system import real_system

pytestmark = pytest.mark.system

QUIET = ("--speed", "60", "--no-person")

LATE_S = 6.0
"""[s] real; an order must start within 5."""


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Let processes stand still; they go on whatever happens."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.requirement("R39")
@pytest.mark.requirement("R57")
def test_an_actuator_that_stood_still_gives_nothing_late(tmp_path: Path) -> None:
    """Ordered while it stands; when it goes on the order is too old. It was shown as silent."""
    with real_system(tmp_path / "data", *QUIET) as system:
        system.wait_until(lambda: system.pumped() > 0, "basal flows")
        with frozen(system.pids()["actuator"]):
            system.basalt("bolus", "0.5", check=False)
            system.wait_until(
                lambda: "ALARM (medium): The process actuator does not go on" in system.text(),
                "it is shown as silent",
            )
            flowed = system.pumped()
            system.wait_until(lambda: system.pumped() > flowed, "basal goes on")
            time.sleep(LATE_S)
        system.wait_until(lambda: system.said("actuator", BolusRefused), "the order is refused")
        system.wait_until(
            lambda: "alarm over: process down actuator" in system.text(), "it is over"
        )
        given = system.basalt("bolus", "0.6")
        system.until_settled()
        look(system)
        system.rest_and_stop()

    assert ["expired"] == [event.reason for event in system.said("actuator", BolusRefused)]
    assert [500, 600] == [event.amount for event in system.said("bolus_advisor", BolusOrdered)]
    assert [600] == [event.delivered for event in system.said("actuator", BolusDelivered)]
    assert given.returncode == 0
    raised = [event.alarm for event in system.said("historian", AlarmRaised)]
    assert ["process_down_actuator"] == raised
    assert raised == [event.alarm for event in system.said("historian", AlarmCleared)]
    assert_sound(system)


@pytest.mark.requirement("R44")
@pytest.mark.requirement("R85")
@pytest.mark.parametrize(
    "who",
    [
        pytest.param("virtual_pump", marks=pytest.mark.nightly),
        pytest.param("actuator", marks=pytest.mark.nightly),
        "all",
    ],
)
def test_whoever_stands_still_in_mid_bolus_goes_on_with_it(tmp_path: Path, who: str) -> None:
    """The dose is given once and in full; for the pump no time has passed that it must make up."""
    with real_system(tmp_path / "data", *QUIET) as system:
        system.basalt("bolus", "5")
        system.until_begun()
        pids = system.pids()
        with frozen(*(pids.values() if who == "all" else [pids[who]])):
            time.sleep(LATE_S)
        look(system)
        system.until_settled()
        system.rest_and_stop()

    assert [5_000] == [event.delivered for event in system.said("actuator", BolusDelivered)]
    assert_sound(system)
