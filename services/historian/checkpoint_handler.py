"""The historian's effect handler: writes signed checkpoints of how far the record goes."""

import asyncio
from itertools import islice
from pathlib import Path

import structlog
from nacl.signing import SigningKey

from core.kernel.decider import Effect
from core.kernel.effects import WriteCheckpoint
from core.record.checkpoints import Checkpoint
from schemas.message import Report
from schemas.record import RuntimeFault
from schemas.units import PumpId
from services.runtime.audit.checkpoint_files import CheckpointFiles
from services.runtime.audit.record_check import RecordCheck
from services.runtime.decider_host.processor import Reported
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.shutdown import is_running
from services.runtime.ports import Store
from services.runtime.process.loop import Put

LINES_AT_ONCE = 2_000
"""[-] of the record that are read before others get their turn."""

PAUSE_S_MIN, PAUSE_S_MAX = 5.0, 600.0
"""[s] of real time between two checkpoints that no event asks for: soon after a start, then less
and less often."""

log = structlog.get_logger()


class CheckpointHandler:
    """Performs WriteCheckpoint; without a key and a folder it does nothing."""

    def __init__(self, store: Store, *, key: SigningKey | None, folder: Path | None) -> None:
        """Read nothing yet: the record is followed from the first checkpoint on."""
        self._store = store
        self._key = key
        self._files = CheckpointFiles(folder) if folder else None
        self._check = RecordCheck({})
        self._row = 0
        self._written: dict[tuple[str, str], int] = {}
        self._one_at_a_time = asyncio.Lock()

    async def handle(self, pump: PumpId, effect: Effect) -> Report | None:
        """Write a checkpoint for each speaker that has said anything since the last."""
        if not isinstance(effect, WriteCheckpoint):
            raise TypeError(f"no effect handler for {type(effect).__name__}")
        return await self._state(pump)

    async def keep(self, put: Put) -> None:
        """Write them at the start too, and now and then: a short run would leave none."""
        if self._key is None or self._files is None:
            return
        pause_s = PAUSE_S_MIN
        while is_running():
            async with self._one_at_a_time:
                await self._read_on()
            for pump in list(self._check.pumps):
                report = await self._state(pump)
                if report is not None:
                    await put(Reported(pump, report))
            await asyncio.sleep(pause_s)
            pause_s = min(PAUSE_S_MAX, 2 * pause_s)

    async def _state(self, pump: PumpId) -> Report | None:
        if self._key is None or self._files is None:
            return None
        async with self._one_at_a_time:
            await self._read_on()
            try:
                self._write(pump, self._key, self._files)
            except OSError as error:
                log.error("checkpoint.unwritable", error=str(error))
                return RuntimeFault(fault="checkpoint_unwritable", detail=str(error)[:300])
        return None

    async def _read_on(self) -> None:
        """Grow the trees by what the record has more; what is wrong in it others look for."""
        while True:
            page = list(islice(self._store.rows(after_row=self._row), LINES_AT_ONCE))
            for number, row in page:
                for fault in self._check.add(row):
                    log.error("checkpoint.record_wrong", line=fault.position, text=fault.text)
                self._row = number
            if len(page) < LINES_AT_ONCE:
                return
            await asyncio.sleep(0)

    def _write(self, pump: PumpId, key: SigningKey, files: CheckpointFiles) -> None:
        for speaker, tree in self._check.pumps[pump].trees.items():
            if self._written.get((pump, speaker)) == tree.size:
                continue
            checkpoint = Checkpoint(pump=pump, speaker=speaker, size=tree.size, root=tree.root())
            failpoint("checkpoint_before")
            files.add(
                checkpoint,
                public=bytes(key.verify_key),
                sign=lambda text: bytes(key.sign(text).signature),
            )
            failpoint("checkpoint_after")
            self._written[pump, speaker] = tree.size
