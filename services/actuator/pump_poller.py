"""Polls the pump for the actuator and reports what has changed."""

import asyncio
from collections.abc import Callable
from typing import Final

from core.deciders.delivery.poll_rules import (
    is_foreign,
    must_fence,
    must_read_soon,
    must_report,
)
from core.deciders.delivery.pump_sync.clock_offset import POLL_REAL_MS_MAX, has_drifted
from core.deciders.delivery.state import DeliveryState
from schemas.delivery.device import (
    PumpClaimWanted,
    PumpRead,
    PumpStatus,
    PumpSuperseded,
    PumpUnreachable,
)
from schemas.units import PumpId
from services.runtime.decider_host.processor import Reported
from services.runtime.platform.clock import Clock
from services.runtime.platform.errors import PumpRefusedError, PumpTimeout
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.logs import get_logger
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

log = get_logger()


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
        self._claims_over: int | None = None
        self._reported: PumpStatus | None = None

    async def run(self, put: Put) -> None:
        """Report every change of the pump, its silence and its loss to another included.

        After any silence the epoch is raised anew: a command that still lies in the line then
        finds a closed door, and what the pump says of an unknown dose is final.
        """
        while is_running():
            pause_s = await self.poll(put)
            await asyncio.sleep(pause_s)

    async def poll(self, put: Put) -> float:
        """Read once, report what is new, and give the seconds until the next reading."""
        try:
            return await self._read(put)
        except (PumpTimeout, PumpRefusedError) as error:
            self._claimed, self._claims_over = False, None
            self._reported = None
            refusal = error.reason if isinstance(error, PumpRefusedError) else NO_ANSWER
            reason = LINE_PROBLEMS.get(refusal, refusal)
            await put(Reported(self._pump, PumpUnreachable(reason=reason)))
        return RETRY_S

    async def _read(self, put: Put) -> float:
        state = self._state()
        asked_at = self._clock.now().real
        reading = await self._device.read(after=state.history_sequence)
        status = reading.status
        if is_foreign(state, status):
            self._claimed, self._claims_over = False, None
            if not state.is_superseded:
                log.error("actuator.superseded", pump=self._pump, epoch=status.epoch)
                await put(Reported(self._pump, PumpSuperseded(epoch=status.epoch)))
        elif not state.is_superseded and self._must_claim(state, status):
            if "claim" not in state.acting:
                self._claims_over = status.epoch
                wanted = PumpClaimWanted(over=status.epoch, by=self._device.name)
                await put(Reported(self._pump, wanted))
            return READ_BUSY_S
        now = self._clock.now()
        read_at = now if now.real - asked_at <= POLL_REAL_MS_MAX else None
        is_news = must_report(reading, state, reported=self._reported)
        if is_news or has_drifted(state, status, read_at):
            self._reported = status
            failpoint("reading_before")
            await put(Reported(self._pump, PumpRead(reading=reading, read_at=read_at)))
        return READ_BUSY_S if must_read_soon(reading, state) else READ_S

    def _must_claim(self, state: DeliveryState, status: PumpStatus) -> bool:
        """Say whether the epoch must be raised before anything else is said of the pump."""
        over = self._claims_over
        if over is not None and status.epoch > over and self._device.is_mine(status):
            self._claimed, self._claims_over = True, None
        return not self._claimed or must_fence(state, epoch=status.epoch)
