"""The historian's effect handler: writes signed checkpoints of how far the record goes."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey

from core.deciders.names import HISTORIAN
from core.kernel.decider import Effect
from core.kernel.effects import WriteCheckpoint
from core.record.checkpoints import Checkpoint
from core.record.merkle_tree import GrowingTree
from schemas.message import Report
from schemas.record import RuntimeFault
from schemas.units import PumpId, Speaker
from services.historian.start_check import EVENTS_BETWEEN, TIME_BETWEEN_MS, Peers, StartCheck
from services.runtime.audit.checkpoint_files import CheckpointFiles
from services.runtime.audit.record_check import Checkpoints, RecordCheck, Signed
from services.runtime.decider_host.processor import Reported
from services.runtime.platform.failpoints import failpoint
from services.runtime.platform.logs import get_logger
from services.runtime.platform.shutdown import is_running
from services.runtime.ports import Store
from services.runtime.process.loop import Put

LINES_AT_ONCE = 2_000
"""[-] of the record that are read before others get their turn."""

PAUSE_S_MIN, PAUSE_S_MAX = 5.0, TIME_BETWEEN_MS / 1000
"""[s] of real time between two checkpoints that no event asks for: soon after a start, then less
and less often."""

LOOK_S = 1.0
"""[s] of real time between two looks at how much stands behind the last one."""

NOTES_AT_START: Final = 200
"""[-] of each speaker, the newest, that a start is held against; `verify record` takes all."""

log = get_logger()


class CheckpointHandler:
    """Performs WriteCheckpoint; without a key and a folder it does nothing."""

    def __init__(
        self,
        store: Store,
        *,
        key: SigningKey | None,
        folder: Path | None,
        peers: Callable[[], Peers] | None = None,
    ) -> None:
        """Read nothing yet: the record is followed from the first checkpoint on.

        Args:
            store: the record.
            key: that it signs with.
            folder: where checkpoints are kept.
            peers: gives the other services, to be asked at the start; None: nobody is asked.
        """
        self._store = store
        self._key = key
        self._files = CheckpointFiles(folder) if folder else None
        self._peers = peers
        self._check = RecordCheck({})
        self._row = 0
        self._written: dict[tuple[PumpId, Speaker], int] = {}
        self._start: StartCheck | None = None
        self._found: Sequence[Reported] = ()
        self._one_at_a_time = asyncio.Lock()

    async def handle(self, pump: PumpId, effect: Effect) -> Report | None:
        """Write a checkpoint for each speaker that has said anything since the last."""
        if not isinstance(effect, WriteCheckpoint):
            raise TypeError(f"no effect handler for {type(effect).__name__}")
        return await self._state(pump)

    async def keep(self, put: Put) -> None:
        """Hold the record against its checkpoints at the start; then write new ones.

        One is due after so many events, and after so much time in which any line was added.
        """
        if self._key is None or self._files is None:
            return
        async with self._one_at_a_time:
            await self._read_on()
        for reported in self._found:
            await put(reported)
        monotonic = asyncio.get_running_loop().time
        pause_s, due_at, can_write = PAUSE_S_MIN, monotonic(), True
        while is_running():
            async with self._one_at_a_time:
                await self._read_on()
            is_due = monotonic() >= due_at
            for name, pump in list(self._check.pumps.items()):
                if is_due or (can_write and pump.open_events >= EVENTS_BETWEEN):
                    report = await self._state(name)
                    can_write = report is None
                    if report is not None:
                        await put(Reported(name, report))
            if is_due:
                due_at = monotonic() + pause_s
                pause_s = min(PAUSE_S_MAX, 2 * pause_s)
            await asyncio.sleep(LOOK_S)

    async def finish(self) -> None:
        """Write the last ones of a run: nothing is to stand open after a clean stop."""
        if self._key is None or self._files is None:
            return
        self._peers = None  # the others were stopped before
        async with self._one_at_a_time:
            await self._read_on()
        for pump in list(self._check.pumps):
            await self._state(pump)

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
        """Grow the trees by what the record has more; before anything is signed, check it."""
        if self._start is None and self._key is not None and self._files is not None:
            kept, broken = _kept(self._files, bytes(self._key.verify_key))
            self._check, self._row = RecordCheck(kept), 0  # one that was stopped midway begins anew
            self._written = {key: found[-1].size for key, found in kept.items()}
            await self._read_to_the_end()
            start = StartCheck(self._store, self._check, kept=kept, broken=broken)
            self._found = await start.reports(self._peers() if self._peers else None)
            for reported in self._found:
                log.error("checkpoint.record_doubted", report=reported.report)
            self._start = start
        await self._read_to_the_end()

    async def _read_to_the_end(self) -> None:
        while True:
            page = list(islice(self._store.rows(after_row=self._row), LINES_AT_ONCE))
            for number, row in page:
                for fault in self._check.add(row):
                    log.error("checkpoint.record_wrong", line=fault.position, text=fault.text)
                self._row = number
            if len(page) < LINES_AT_ONCE:
                return
            await asyncio.sleep(0)

    def _write(self, name: PumpId, key: SigningKey, files: CheckpointFiles) -> None:
        """Sign how far a record goes: each speaker that said more, and the historian at last.

        When that is there, so are those of all others: whichever is missing later was taken away.
        """
        pump = self._check.pumps.get(name)
        if pump is None or not pump.open_lines:
            return
        if self._start is not None and name in self._start.altered:
            return
        others = [speaker for speaker in pump.trees if speaker != HISTORIAN]
        for speaker in (*others, HISTORIAN):
            tree = pump.trees.get(speaker, GrowingTree())
            if speaker != HISTORIAN and self._written.get((name, speaker)) == tree.size:
                continue
            checkpoint = Checkpoint(
                pump=name,
                speaker=speaker,
                size=tree.size,
                root=tree.root(),
                lines=pump.position,
                lines_root=pump.lines.root(),
            )
            failpoint("checkpoint_before")
            files.add(
                checkpoint,
                public=bytes(key.verify_key),
                sign=lambda text: bytes(key.sign(text).signature),
            )
            failpoint("checkpoint_after")
            self._written[name, speaker] = tree.size
        sizes = {speaker: tree.size for speaker, tree in pump.trees.items()}
        pump.signed = Signed(pump.position, sizes)


def _kept(files: CheckpointFiles, public: bytes) -> tuple[Checkpoints, Sequence[str]]:
    """Read the newest checkpoints, and say what is wrong with the others."""
    try:
        found, broken = files.readable(public=public, newest=NOTES_AT_START)
    except OSError as error:
        return {}, [f"they cannot be read: {error}"]
    return found, [str(error) for error in broken]
