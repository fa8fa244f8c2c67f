"""Room on the disk of the data folder: told to the record before there is none (R50)."""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

from core.deciders.record.decider import HISTORIAN, STORAGE_ENOUGH_MIB, STORAGE_LOW, STORAGE_LOW_MIB
from schemas.record import ReportStorage
from schemas.units import PumpId
from services.runtime.nats.client import BusClient, OutcomeUnknown
from services.runtime.platform.logs import get_logger
from services.supervisor.screen.screen_model import ScreenModel

LOOK_S = 10.0
"""[s] between two looks."""

MIB = 1024 * 1024
"""[B] in a MiB."""

log = get_logger()


@dataclass(slots=True)
class StorageWatch:
    """Tells the historian that room runs out, and when there is enough again, once each."""

    client: BusClient
    pump: PumpId
    folder: Path

    async def watch(self, *, model: ScreenModel) -> None:
        """Look and tell, for ever."""
        while True:
            alarms = model.record.alarms if model.record else ()
            standing = any(one.alarm == STORAGE_LOW.alarm for one in alarms)
            await self.look(is_standing=standing)
            await asyncio.sleep(LOOK_S)

    async def look(self, *, is_standing: bool) -> None:
        """Look once; tell what the record does not know yet.

        Args:
            is_standing: the record's alarm stands, of this run or an earlier one.
        """
        free_mib = shutil.disk_usage(self.folder).free // MIB
        is_news = free_mib >= STORAGE_ENOUGH_MIB if is_standing else free_mib < STORAGE_LOW_MIB
        if not is_news:
            return
        try:
            report = ReportStorage(free_mib=free_mib)
            await self.client.send(report, to=HISTORIAN, pump=self.pump)
        except OutcomeUnknown as error:
            log.warning("supervisor.not_told", free_mib=free_mib, reason=str(error))
