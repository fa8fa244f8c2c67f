"""From a person's cancel or suspend to the pump's last stroke, on real processes at speed 1."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.delivery.delivery import CancelBolus
from schemas.delivery.pump import SuspendDelivery
from schemas.message import Command
from schemas.units import Actor, Speaker, UtcMillis
from services.runtime.nats.client import BusClient
from services.runtime.nats.connection import Credentials
from services.runtime.platform.clock import SystemClock, read_clock_record
from support.real.real_system import RealSystem, real_system

pytestmark = pytest.mark.system

STOP_MS_MAX = 1_000
"""[ms] from the command to the last stroke, and no more than one stroke in it; source: R31."""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[RealSystem]:
    options = ("--no-person", "--glucose", "none", "--speed", "1")
    with real_system(tmp_path / "data", *options) as running:
        yield running
        assert running.stop() == 0


def strokes(system: RealSystem) -> list[tuple[UtcMillis, int]]:
    """Give when each part of a bolus ended, and how much it was [ms, mU]."""
    return [(one.ends_at, one.amount) for one in system.ledger() if one.kind == "bolus"]


async def _sent(system: RealSystem, command: Command) -> tuple[UtcMillis, bool]:
    clock = SystemClock(record=read_clock_record(system.folder.clock))
    client = BusClient(
        url=system.folder.read_running().url,
        credentials=Credentials("console", system.folder.seed("console")),
        actor=Actor("person:test"),
        clock=clock,
    )
    await client.open()
    try:
        at = clock.now().therapy
        outcome = await client.send(command, to=Speaker("actuator"), pump=system.pump)
        return at, outcome.accepted
    finally:
        await client.close()


def is_in_time(system: RealSystem, command: Command) -> bool:
    """Stop a bolus that runs; say whether one stroke at most came after, within a second."""
    system.basalt("bolus", "3", "--no-wait")
    system.wait_until(lambda: len(strokes(system)) >= 2, "two strokes")
    at, accepted = asyncio.run(_sent(system, command))
    system.wait_until(
        lambda: not system.fold("actuator").doses.open, "the end of the bolus is on record"
    )
    after = [(ended - at, amount) for ended, amount in strokes(system) if ended > at]
    print(f"{type(command).__name__}: {after} [ms, mU] after the command")
    return accepted and sum(amount for _, amount in after) <= 50 and late(after) <= STOP_MS_MAX


def late(after: list[tuple[int, int]]) -> int:
    return max((ms for ms, _ in after), default=0)


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("command", [CancelBolus(), SuspendDelivery()], ids=["cancel", "suspend"])
def test_the_last_stroke_comes_within_a_second(system: RealSystem, command: Command) -> None:
    """Through the broker, the actuator, its journal and the line to the pump."""
    assert is_in_time(system, command)


@pytest.mark.requirement("R31")
def test_a_stop_that_comes_late_is_caught(system: RealSystem) -> None:
    """The mutant: the actuator stands still for five seconds before it hears of it."""
    pid = system.pids()["actuator"]
    system.basalt("bolus", "3", "--no-wait")
    system.wait_until(lambda: len(strokes(system)) >= 2, "two strokes")
    os.kill(pid, signal.SIGSTOP)
    goes_on = threading.Timer(5.0, os.kill, (pid, signal.SIGCONT))
    goes_on.start()
    at, _ = asyncio.run(_sent(system, CancelBolus()))
    goes_on.join()
    system.wait_until(
        lambda: not system.fold("actuator").doses.open, "the end of the bolus is on record"
    )

    after = [(ended - at, amount) for ended, amount in strokes(system) if ended > at]
    assert sum(amount for _, amount in after) > 50
    assert late(after) > STOP_MS_MAX
