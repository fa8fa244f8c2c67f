"""Formats of all stores of a data folder: checked before anything is written, then upgraded."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from core.deciders.registry import DECIDERS
from services.runtime.journal.open_store import (
    locked,
    number_in_database,
    upgrade_in_database,
)
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.release import version
from services.runtime.store_formats import folders, sqlite_files
from services.runtime.store_formats.known import (
    CHECKPOINTS,
    DATA_FOLDER,
    JOURNAL,
    PUMP_MEMORY,
    SNAPSHOTS,
    WORLD_LEDGER,
    StoreFormat,
)
from services.runtime.store_formats.stamp import Upgraded
from services.supervisor.errors import StartRefused
from services.supervisor.trace_choice import begun_path
from services.virtual_pump.physical_ledger import WORLD_SUFFIX


def assert_known(folder: DataFolder) -> None:
    """Refuse a folder of which one store is of a format that is not known; changes nothing.

    Raises:
        StoreFormatUnknown: it names the store.
    """
    folders.assert_known(folder.path, DATA_FOLDER)
    for path, kind in _files(folder):
        sqlite_files.assert_known(path, kind)
    folders.assert_known(folder.checkpoints, CHECKPOINTS)


def assert_known_in(database: str) -> None:
    """Refuse a database in which one journal is of a format that is not known; changes nothing.

    Raises:
        StoreFormatUnknown: it names the journal.
        StoreUnreachable: no server answers.
        StoreBroken: a journal is damaged.
    """
    for name in DECIDERS:
        number_in_database(database, service=name)


def upgrade(folder: DataFolder) -> str:
    """Bring every store of a folder to the newest format, the folder's own number last.

    Each store is one transaction: who dies in between goes on at the next start.

    Args:
        folder: nothing else runs on it.

    Returns:
        What was upgraded, in one line; empty for nothing.

    Raises:
        StoreFormatUnknown: one is of a newer release; the others before it are upgraded by then.
        StartRefused: one is damaged.
        OSError, StoreBroken, StoreUnreachable: one cannot be written.
    """
    done = Counter(str(one) for one in _upgraded(folder))
    if not done:
        return ""
    texts = (f"{text} ({count} of them)" if count > 1 else text for text, count in done.items())
    return (
        f"{folder.path} was upgraded for Basalt {version()}: {', '.join(texts)}; "
        "start no older release on it from now on"
    )


def _upgraded(folder: DataFolder) -> Iterator[Upgraded]:
    is_new = not begun_path(folder).is_file()
    for path, kind in _files(folder):
        if sqlite_files.is_older(path, kind):
            yield from _there(_upgrade_file(path, kind))
    if database := folder.database():
        for name in DECIDERS:
            if number_in_database(database, service=name) not in (None, JOURNAL.newest):
                yield from _there(upgrade_in_database(database, service=name))
    if folder.checkpoints.is_dir():
        yield from _there(folders.prepare(folder.checkpoints, CHECKPOINTS, is_new=is_new))
    yield from _there(folders.prepare(folder.path, DATA_FOLDER, is_new=is_new))


def _upgrade_file(path: Path, kind: StoreFormat) -> Upgraded | None:
    try:
        if kind is not JOURNAL:
            return sqlite_files.prepare(path, kind)
        with locked(path):
            return sqlite_files.prepare(path, kind)
    except sqlite3.Error as error:
        raise StartRefused(f"{path} cannot be upgraded: {error}") from error


def _there(upgraded: Upgraded | None) -> Iterator[Upgraded]:
    if upgraded is not None:
        yield upgraded


def _files(folder: DataFolder) -> Iterator[tuple[Path, StoreFormat]]:
    """Give every store of the folder that is a file."""
    for path in sorted(folder.journals.glob("*.db")):
        yield path, JOURNAL
    for path in sorted(folder.pump.glob("*.nvm")):
        yield path, PUMP_MEMORY
    for path in sorted(folder.pump.glob(f"*{WORLD_SUFFIX}")):
        yield path, WORLD_LEDGER
    yield folder.snapshots, SNAPSHOTS
