"""Polls the pump for the actuator and reports what has changed."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from core.deciders.delivery.poll_rules import must_fence, must_read_soon, must_report
from core.deciders.delivery.pump_sync.clock_offset import POLL_REAL_MS_MAX, has_drifted
from core.deciders.delivery.state import DeliveryState
from schemas.delivery.device import (
    PumpRead,
    PumpReading,
    PumpStatus,
    PumpSuperseded,
    PumpUnreachable,
)
from schemas.units import PumpId
from services.runtime.decider_host.processor import Reported
from services.runtime.platform.clock import Clock
from services.runtime.platform.errors import PumpRefusedError, PumpSupersededError, PumpTimeout
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.shutdown import is_running
from services.runtime.process.loop import Put
from services.runtime.pump_link.port import PumpDevice

READ_S = 1.0
"""[s] real time between readings of a quiet pump."""

READ_BUSY_S = 0.1
"""[s] real time between readings while a bolus runs or history is behind."""

RETRY_S = 1.0
"""[s] real time until a pump that did not answer is called again."""

NO_ANSWER: Final = "no answer in time"

LINE_PROBLEMS: Final = {
    "unproven": "it takes nothing from this actuator: it was paired with no key",
    "wrong_proof": "it does not know this actuator's key: pair it anew with 'basalt pump pair'",
    "other_pump": "another pump answers at its address",
    "older_pump": "it speaks an older version of the pump's protocol: update the pump",
}
"""[-] why a pump that answers is none to this actuator, by the reason of its refusal."""

log = structlog.get_logger()


class PumpPoller:
    """Reads one pump for ever."""

    def __init__(
        self,
        *,
        pump: PumpId,
        device: PumpDevice,
        state: Callable[[], DeliveryState],
        clock: Clock,
    ) -> None:
        """`state` gives what the actuator has accounted for, `clock` what the pump's is not."""
        self._clock = clock
        self._pump = pump
        self._device = device
        self._state = state
        self._claimed = False
        self._epoch = 0
        self._superseded = False
        self._reported: PumpStatus | None = None

    async def run(self, put: Put) -> None:
        """Claim the pump and report every change, its silence and its loss to another included.

        After any silence the epoch is raised anew: a command that still lies in the line then
        finds a closed door, and what the pump says of an unknown dose is final.
        """
        while is_running():
            pause_s = await self.poll(put)
            if self._superseded:
                return
            await asyncio.sleep(pause_s)

    async def poll(self, put: Put) -> float:
        """Read once, report what is new, and give the seconds until the next reading."""
        if self._superseded:
            return RETRY_S
        try:
            return await self._read(put)
        except (PumpTimeout, PumpRefusedError) as error:
            self._claimed = False
            self._reported = None
            refusal = error.reason if isinstance(error, PumpRefusedError) else NO_ANSWER
            reason = LINE_PROBLEMS.get(refusal, refusal)
            await put(Reported(self._pump, PumpUnreachable(reason=reason)))
        except PumpSupersededError as error:
            self._superseded = True
            log.error("actuator.superseded", pump=self._pump, epoch=error.epoch)
            await put(Reported(self._pump, PumpSuperseded(epoch=error.epoch)))
        return RETRY_S

    async def _read(self, put: Put) -> float:
        state = self._state()
        if not self._claimed or must_fence(state):
            await self._claim(state)
        asked_at = self._clock.now().real
        reading = await self._read_own(state)
        now = self._clock.now()
        read_at = now if now.real - asked_at <= POLL_REAL_MS_MAX else None
        is_news = must_report(reading, state, reported=self._reported)
        if is_news or has_drifted(state, reading.status, read_at):
            self._reported = reading.status
            failpoint("reading_before")
            await put(Reported(self._pump, PumpRead(reading=reading, read_at=read_at)))
        return READ_BUSY_S if must_read_soon(reading, state) else READ_S

    async def _claim(self, state: DeliveryState) -> None:
        """Raise the epoch; one that was superseded meanwhile does not take the pump back."""
        if self._epoch:
            await self._read_own(state)
        failpoint("claim_before")
        self._epoch = (await self._device.claim()).epoch
        failpoint("claim_after")
        self._claimed = True

    async def _read_own(self, state: DeliveryState) -> PumpReading:
        reading = await self._device.read(after=state.history_sequence)
        # A claim of one's own that was kept, its answer lost, is no other controller.
        is_other = reading.status.epoch > self._epoch and not self._device.is_mine(reading.status)
        if is_other:
            raise PumpSupersededError(epoch=reading.status.epoch)
        return reading
