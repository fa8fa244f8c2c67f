"""Keeps snapshots of a service's own state, and holds what a start skipped against its chain."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from services.runtime.decider_host.state_snapshot import Unusable, write_snapshot
from services.runtime.journal.hash_chain import verify_next
from services.runtime.platform.errors import JournalAltered, StoreBroken
from services.runtime.platform.logs import get_logger
from services.runtime.platform.shutdown import is_running
from services.runtime.ports import Store
from services.runtime.process.loop import Loop, Put

LINES_BETWEEN: Final = 5_000
"""[-] of a journal from one snapshot to the next: what a start folds at most, some 0.2 s."""

LOOK_S: Final = 30.0
"""[s] of real time between two looks whether one is due."""

LINES_AT_ONCE: Final = 100
"""[-] of the journal that are held against the chain before others get their turn: some 2 ms."""

PAUSE_S: Final = 0.01
"""[s] of real time between two such turns."""

log = get_logger()


class StateKeeper:
    """Snapshots off the hot path: while nothing else is done, and at a clean stop."""

    def __init__(self, loop: Callable[[], Loop[Any]], store: Store, *, path: Path | None) -> None:
        """Write nothing yet.

        Args:
            loop: gives the service's loop, which is made later.
            store: its journal.
            path: of the file; none: no snapshots are made.
        """
        self._loop = loop
        self._store = store
        self._path = path
        self._written = 0

    async def keep(self, put: Put) -> None:
        """Hold what the start skipped against its chain, then make a snapshot when one is due."""
        del put
        if self._path is None:
            return
        await self._verify_skipped()
        while is_running():
            await asyncio.sleep(LOOK_S)
            await self._write_if_due()

    async def finish(self) -> None:
        """Make a last one if it spares the next start something worth while."""
        await self._write_if_due()

    async def _write_if_due(self) -> None:
        work = self._loop().processor.unit_of_work
        before = sum(tip.position for tip in work.verified_from.values())
        lines = sum(one.position for one in work.pump_streams.values())
        if self._path is None or lines - max(before, self._written) < LINES_BETWEEN:
            return
        try:
            data = work.snapshot()
            if data is not None:
                await asyncio.to_thread(write_snapshot, self._path, data)
        except (Unusable, OSError, StoreBroken) as error:
            # The journal is all that is needed; the next start takes longer.
            log.error("state.not_kept", path=str(self._path), reason=str(error))
        self._written = lines

    async def _verify_skipped(self) -> None:
        """Read the lines that the start did not read; what does not fit is told, as at a start."""
        loop = self._loop()
        for pump, tip in sorted(loop.processor.unit_of_work.verified_from.items()):
            link, position = "", 0
            try:
                while position < tip.position:
                    count = min(LINES_AT_ONCE, tip.position - position)
                    rows = self._store.rows_from(pump, position + 1, count=count)
                    if not rows:
                        raise JournalAltered(pump, position + 1, "it is not there")
                    for row in rows:
                        link = verify_next(link, row, after=position)
                        position = row.position
                    await asyncio.sleep(PAUSE_S)
                if link != tip.link:
                    raise JournalAltered(pump, position, "it is not what was written there")
            except (JournalAltered, StoreBroken) as error:
                loop.tell_of_fault(str(error), fault="journal_altered")
                continue
            log.info("journal.verified", pump=pump, lines=position)
