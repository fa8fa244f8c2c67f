"""The virtual pump's non-volatile memory: one SQLite file that one process at a time may hold."""

import contextlib
import fcntl
import os
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.pump.memory import PumpMemory
from schemas.delivery.device import HISTORY_PAGE_RECORDS_MAX, PumpRecord
from schemas.units import DoseId
from services.runtime.store_formats import sqlite_files
from services.runtime.store_formats.known import PUMP_MEMORY
from services.runtime.store_formats.stamp import Upgraded
from services.virtual_pump.errors import PumpMemoryError

SYNCHRONOUS_FULL = 2
"""[-] SQLite's number for a commit that is on the disk before it returns."""

SEQUENCE_MAX = 2**62
"""[-] a higher number is asked for by mistake and finds nothing."""

_LAYOUT = """
CREATE TABLE registers (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL,
                        checksum INTEGER NOT NULL);
CREATE TABLE history (sequence INTEGER PRIMARY KEY, record BLOB NOT NULL, dose TEXT);
CREATE INDEX history_dose ON history (dose) WHERE dose IS NOT NULL;
"""


class SqlitePumpStore:
    """The port PumpStore in a file; what `save` wrote survives any loss of power."""

    def __init__(self, path: Path) -> None:
        """Lock and open the memory, or make a new one where there is no file.

        Raises:
            StoreFormatUnknown: it is of a newer release.
            PumpMemoryError: the file is in use, broken, not a pump's, or cannot be written.
        """
        self._path = path
        sqlite_files.assert_known(path, PUMP_MEMORY)
        self.upgraded: Upgraded | None = None
        with contextlib.ExitStack() as held:
            held.callback(os.close, _lock(path))
            try:
                self._file = sqlite3.connect(path, isolation_level=None)
                held.callback(self._file.close)
                self._prepare()
                self._check()
            except (sqlite3.Error, msgspec.DecodeError) as error:
                raise self._broken(f"broken: {error}") from error
            self._held = held.pop_all()

    def load(self) -> PumpMemory | None:
        """Read the registers, None for a pump that has never been on.

        Raises:
            PumpMemoryError: they do not match their checksum or are not a pump's.
        """
        row = self._file.execute("SELECT body, checksum FROM registers").fetchone()
        if row is None:
            return None
        if not isinstance(row[0], bytes) or zlib.crc32(row[0]) != row[1]:
            raise self._broken("registers do not match their checksum")
        try:
            return msgspec.json.decode(row[0], type=PumpMemory)
        except msgspec.DecodeError as error:
            raise self._broken(f"registers not understood: {error}") from error

    def save(self, memory: PumpMemory, *, records: Sequence[PumpRecord]) -> None:
        """Keep registers and new history in one transaction, durable before it returns.

        Raises:
            PumpMemoryError: nothing was kept.
        """
        body = msgspec.json.encode(memory)
        rows = [(record.sequence, msgspec.json.encode(record), record.dose) for record in records]
        try:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany("INSERT INTO history VALUES (?, ?, ?)", rows)
            self._file.execute(
                "INSERT OR REPLACE INTO registers VALUES (1, ?, ?)", (body, zlib.crc32(body))
            )
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._broken(f"not written: {error}") from error

    def history(self, *, after: int) -> tuple[PumpRecord, ...]:
        """Read one page of records numbered after `after`, sorted by number.

        Raises:
            PumpMemoryError: a record cannot be read.
        """
        rows = self._file.execute(
            "SELECT record FROM history WHERE sequence > ? ORDER BY sequence LIMIT ?",
            (max(0, min(after, SEQUENCE_MAX)), HISTORY_PAGE_RECORDS_MAX),
        )
        try:
            return tuple(msgspec.json.decode(record, type=PumpRecord) for (record,) in rows)
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise self._broken(f"history not read: {error}") from error

    def executed(self, dose: DoseId, *, after: int) -> bool:
        """Tell whether the history numbered after `after` has this dose, however old."""
        asked = "SELECT 1 FROM history WHERE dose = ? AND sequence > ? LIMIT 1"
        return self._file.execute(asked, (dose, after)).fetchone() is not None

    def close(self) -> None:
        """Let go of the file and its lock."""
        self._held.close()

    def _prepare(self) -> None:
        """Set and read back the durability, and lay out a new file."""
        file = self._file
        tables = file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        (application,) = file.execute("PRAGMA application_id").fetchone()
        if tables and application != PUMP_MEMORY.application:
            raise self._broken("not a pump's memory")
        (mode,) = file.execute("PRAGMA journal_mode = WAL").fetchone()
        file.execute("PRAGMA synchronous = FULL")
        (synchronous,) = file.execute("PRAGMA synchronous").fetchone()
        if mode != "wal" or synchronous != SYNCHRONOUS_FULL:
            raise self._broken(f"not durable: journal {mode}, synchronous {synchronous}")
        if not tables:
            application_id = f"PRAGMA application_id = {PUMP_MEMORY.application}"
            file.executescript(f"BEGIN; {_LAYOUT} {application_id};")
            sqlite_files.write_stamp(file, PUMP_MEMORY)
            file.execute("COMMIT")
        elif sqlite_files.is_older(self._path, PUMP_MEMORY):
            self.upgraded = sqlite_files.upgrade(file, self._path, PUMP_MEMORY)

    def _check(self) -> None:
        """Compare the registers with the history that they were kept with."""
        (found,) = self._file.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise self._broken(f"broken: {found}")
        memory = self.load()
        newest = self._file.execute(
            "SELECT record FROM history ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        (count,) = self._file.execute("SELECT count(*) FROM history").fetchone()
        if (memory is None) != (newest is None):
            raise self._broken("registers without history, or history without registers")
        if memory is None or newest is None:
            return
        record = msgspec.json.decode(newest[0], type=PumpRecord)
        kept = (record.sequence, record.odometer, count)
        if kept != (memory.sequence, memory.odometer, memory.sequence):
            raise self._broken("registers and history disagree")

    def _broken(self, reason: str) -> PumpMemoryError:
        return PumpMemoryError(path=str(self._path), reason=reason)


def _lock(path: Path) -> int:
    """Take the lock beside the memory; the system frees it when the process ends, however it ends.

    Raises:
        PumpMemoryError: another process has it, or the folder cannot be written.
    """
    try:
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PumpMemoryError(path=str(path), reason=f"no lock: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise PumpMemoryError(path=str(path), reason="in use by another process") from error
    return descriptor
