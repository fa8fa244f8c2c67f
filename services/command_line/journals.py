"""Reading journals on the disk, whether the system runs or not; nothing here writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas import codec
from schemas.message import Event, tag_of
from schemas.units import EventId, PumpId
from services.command_line.exits import UNKNOWN, CommandFailed, unreachable
from services.runtime.data_folder import DataFolder, NotRunning
from services.runtime.entries import read_row, tag_in_topic
from services.runtime.errors import StoreBroken
from services.runtime.sqlite_store import SqliteStore


@contextmanager
def journal(path: Path) -> Iterator[SqliteStore]:
    """Open a journal that exists.

    Raises:
        CommandFailed: there is none, or it cannot be read.
    """
    if not path.is_file():
        raise CommandFailed(f"there is no journal {path}; has this system ever run?", UNKNOWN)
    try:
        store = SqliteStore(path)
    except StoreBroken as error:
        raise CommandFailed(f"{path} cannot be read: {error.reason}", UNKNOWN) from error
    try:
        yield store
    except codec.DECODE_ERRORS as error:
        text = f"{path} holds a line that this release cannot read: {error}"
        raise CommandFailed(text, UNKNOWN) from error
    finally:
        store.close()


def all_of(
    store: SqliteStore, *, pump: PumpId, kinds: tuple[type[Event], ...]
) -> Iterator[tuple[EventId, Event]]:
    """Stream the events of some kinds that a journal has of a pump, heard or said, in its order."""
    tags = {tag_of(kind) for kind in kinds}
    for _, row in store.rows(pump=pump):
        if tag_in_topic(row.topic) not in tags:
            continue
        entry = read_row(row).entry
        if isinstance(entry.body, kinds):
            yield EventId(entry.id), entry.body


def running_pump(folder: DataFolder) -> PumpId:
    """Name the pump of the system that runs.

    Raises:
        CommandFailed: none runs.
    """
    try:
        return folder.read_running().pump
    except NotRunning as error:
        raise unreachable("nothing runs here that would name the pump; say --pump ID") from error
