"""The historian keeps snapshots of the record while it grows, so that any instant is near."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from schemas.wire import codec
from services.runtime.platform.logs import get_logger
from services.runtime.platform.shutdown import is_running
from services.runtime.ports import Store
from services.runtime.process.loop import Put
from services.runtime.replay.snapshots import SnapshotMaker, Snapshots
from services.runtime.store_formats import sqlite_files
from services.runtime.store_formats.known import SNAPSHOTS

LINES_AT_ONCE = 100
"""[-] of the record that are folded before others get their turn: some 3 ms."""

PAUSE_S = 2.0
"""[s] of real time until the record is looked at again."""

log = get_logger()


class SnapshotKeeper:
    """Makes snapshots as long as they can be written: the record does without them."""

    def __init__(self, store: Store, *, path: Path | None) -> None:
        """Open nothing yet.

        Args:
            store: the historian's journal.
            path: of the file; none: no snapshots are made.

        Raises:
            StoreFormatUnknown: it is of a newer release.
        """
        if path is not None:
            sqlite_files.assert_known(path, SNAPSHOTS)
        self._store = store
        self._path = path

    async def keep(self, put: Put) -> None:
        """Follow the record; a file that cannot be read is begun anew, once."""
        del put
        if self._path is None:
            return
        for _ in range(2):
            try:
                await self._follow(self._path)
            except (sqlite3.DatabaseError, OSError) as error:
                log.error("snapshots.unwritable", path=str(self._path), error=str(error))
                if type(error) is not sqlite3.DatabaseError:
                    return
                for part in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + part).unlink(missing_ok=True)
            except codec.DECODE_ERRORS as error:
                log.error("snapshots.record_unreadable", error=str(error))
                return
            else:
                return

    async def _follow(self, path: Path) -> None:
        with closing(Snapshots(path, is_kept=True)) as snapshots:
            maker = SnapshotMaker(snapshots, self._store)
            while is_running():
                lines = 0
                for pump in sorted({pump for pump, _ in self._store.heads()}):
                    lines += maker.grow(pump, lines=LINES_AT_ONCE)
                    await asyncio.sleep(0)
                if not lines:
                    await asyncio.sleep(PAUSE_S)
