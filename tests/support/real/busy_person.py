"""A person who never rests: boluses, cancels, temporary rates, pauses, while things die."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from types import TracebackType

from schemas.alarms import AcknowledgeAlarm
from schemas.basal.profiles import (
    CancelTemporaryRate,
    ProfileSegment,
    SetBasalProfile,
    SetTemporaryRate,
)
from schemas.bolus.orders import OrderBolus
from schemas.delivery.delivery import CancelBolus, SetDeliveryLimits
from schemas.delivery.pump import ResumeDelivery, SuspendDelivery
from schemas.glucose import RecordReading
from schemas.message import Command
from schemas.units import (
    HOUR_MS,
    Actor,
    Milliseconds,
    MilliUnits,
    MilliUnitsPerHour,
    Speaker,
    UtcMillis,
)
from services.runtime.nats.client import BusClient, OutcomeUnknown
from services.runtime.nats.connection import Credentials
from services.runtime.platform.clock import SystemClock, read_clock_record
from services.runtime.platform.errors import BasaltError
from support.real.patience import PATIENCE_S
from support.real.real_system import RealSystem

PAUSE_S = 0.25
"""[s] between two commands."""

LIMITS = SetDeliveryLimits(
    single=MilliUnits(10_000),
    hourly=MilliUnits(75_000),
    daily=MilliUnits(150_000),
    basal=MilliUnitsPerHour(3_000),
)
"""[-] wide enough for a bolus every few seconds at a speed of 60."""


def commands(now: UtcMillis, turn: int) -> tuple[tuple[Speaker, Command], ...]:
    """Give what is asked in one turn, one after another."""
    hours = tuple(
        ProfileSegment(start_minute=60 * hour, rate=MilliUnitsPerHour(900 + 50 * (turn % 2)))
        for hour in range(24)
    )
    advisor, actuator = Speaker("bolus_advisor"), Speaker("actuator")
    scheduler, ingest = Speaker("basal_scheduler"), Speaker("glucose_ingest")
    historian = Speaker("historian")
    reading = RecordReading(measured_at=now, source="meter", unit="mg/dL", received="140")
    small = OrderBolus(amount=MilliUnits(100), confirmed=True)
    big = OrderBolus(amount=MilliUnits(600), confirmed=True)
    temporary = SetTemporaryRate(percent=150, duration=Milliseconds(HOUR_MS))
    profile = SetBasalProfile(name="busy", zone="America/Los_Angeles", segments=hours)
    return (
        (advisor, small),
        (ingest, reading),
        (scheduler, temporary),
        (advisor, small),
        (advisor, big),
        (actuator, CancelBolus()),
        (advisor, small),
        (historian, AcknowledgeAlarm(alarm="nothing")),
        (advisor, small),
        (scheduler, CancelTemporaryRate()),
        (actuator, SuspendDelivery()),
        (actuator, ResumeDelivery()),
        (scheduler, profile),
        (advisor, small),
    )


COMMANDS_A_TURN = len(commands(UtcMillis(0), 0))
"""[-] after which the same is asked again."""


class BusyPerson:
    """Asks from a thread of its own until let go; what gets no outcome is not asked again.

    Args:
        system: where the commands go.
        begins_at: the number of the first command; from 1 on the limits are not set any more.
        is_patient: wait for the outcomes that are due; nobody answers where all was killed.
    """

    def __init__(self, system: RealSystem, *, begins_at: int = 0, is_patient: bool = True) -> None:
        self.asked = 0
        self.answered = 0
        self._system = system
        self._begins_at = begins_at
        self._is_patient = is_patient
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask()), daemon=True)

    def __enter__(self) -> "BusyPerson":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=PATIENCE_S)

    async def _ask(self) -> None:
        folder = self._system.folder
        clock = SystemClock(record=read_clock_record(folder.clock))
        client = BusClient(
            url=folder.read_running().url,
            credentials=Credentials("console", folder.seed("console")),
            actor=Actor("person:busy"),
            clock=clock,
        )
        await client.open()
        waiting: set[asyncio.Task[None]] = set()
        try:
            for to, command in self._all(clock):
                if self._stop.is_set():
                    break
                task = asyncio.create_task(self._send(client, to, command))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
                await asyncio.sleep(PAUSE_S)
            for task in () if self._is_patient else waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=not self._is_patient)
        finally:
            await client.close()

    def _all(self, clock: SystemClock) -> Iterator[tuple[Speaker, Command]]:
        if self._begins_at == 0:
            yield Speaker("actuator"), LIMITS
        for number in itertools.count(self._begins_at):
            turn, index = divmod(number, COMMANDS_A_TURN)
            yield commands(clock.now().therapy, turn)[index]

    async def _send(self, client: BusClient, to: Speaker, command: Command) -> None:
        self.asked += 1
        try:
            await client.send(command, to=to, pump=self._system.pump)
            self.answered += 1
        except (OutcomeUnknown, BasaltError):
            return
