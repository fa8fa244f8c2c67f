"""The newest instant that journals and the pump's memory have seen: therapy time begins no earlier.

The files of the clock can be lost; what was decided and what the pump did cannot lie in the future.
"""

import contextlib
import sqlite3
from collections.abc import Iterator

import msgspec

from core.deciders.registry import DECIDERS
from schemas.message import Now
from schemas.units import PumpId, UtcMillis
from services.runtime.journal.entries import split
from services.runtime.journal.open_store import store_to_read
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import BasaltError
from services.runtime.platform.logs import get_logger

NOT_READ = (BasaltError, OSError, msgspec.DecodeError, ValueError)
"""[-] what a journal can raise that is not there or damaged; its own service says so."""

log = get_logger()


class _Registers(msgspec.Struct):
    """Of the pump's registers only until when it knows that it was on."""

    on_at: UtcMillis


def newest_instant(folder: DataFolder, pump: PumpId) -> Now | None:
    """Find the newest instant of all journals and the pump; None in a folder that has none."""
    seen = [*_of_journals(folder)]
    newest = max(seen, key=lambda now: now.therapy, default=None)
    on_at = _of_pump(folder, pump)
    if newest is None or on_at is None:
        return newest
    return Now(
        therapy=max(newest.therapy, on_at),
        real=max(now.real for now in seen),
        speed=newest.speed,
    )


def _of_journals(folder: DataFolder) -> Iterator[Now]:
    """Read the last line of each journal that can be read."""
    for name in DECIDERS:
        with contextlib.suppress(*NOT_READ):
            store = store_to_read(folder.store_of(name), service=name)
            try:
                for _, row in store.rows(newest_first=True):
                    head, _ = split(row.state)
                    yield Now(therapy=head.therapy, real=head.real, speed=head.speed)
                    break
            finally:
                store.close()


def _of_pump(folder: DataFolder, pump: PumpId) -> UtcMillis | None:
    """Read the virtual pump's registers; nothing is locked, and nothing of them changed."""
    path = folder.pump_memory(pump)
    if not path.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            row = file.execute("SELECT body FROM registers").fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=_Registers).on_at
    except (sqlite3.Error, msgspec.DecodeError, TypeError) as error:
        log.warning("clock.pump_not_read", path=str(path), reason=str(error))
        return None
