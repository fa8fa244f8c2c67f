"""Reading journals on the disk, whether the system runs or not; nothing here writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.deciders import DECIDERS
from schemas import codec
from schemas.message import Event, tag_of
from schemas.units import EventId, PumpId, Speaker
from services.command_line.choices import Choices
from services.command_line.exits import (
    REFUSED,
    UNKNOWN,
    CommandFailed,
    unreachable,
    wrong_input,
)
from services.runtime.data_folder import DataFolder, NotRunning
from services.runtime.entries import read_row, tag_in_topic
from services.runtime.errors import StoreBroken
from services.runtime.hearing import UNKNOWN_PUMP
from services.runtime.ports import Store
from services.runtime.replay import pumps_in
from services.runtime.sqlite_store import SqliteStore

STORE_PREFIX = "sqlite:"
"""[-] how a store in a file is named."""


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


def record_file(url: str | None, folder: DataFolder) -> Path:
    """Give the file of the historian's journal: the one said, or that of the data folder.

    Raises:
        CommandFailed: what was said names no file.
    """
    if url is None:
        return folder.journal("historian")
    if not url.startswith(STORE_PREFIX) or url == STORE_PREFIX:
        raise wrong_input(f"--store {url!r} is not of the form sqlite:FILE")
    return Path(url.removeprefix(STORE_PREFIX))


def known_service(name: str) -> Speaker:
    """Read the name of a service that keeps a journal.

    Raises:
        CommandFailed: none is called so.
    """
    if name not in DECIDERS:
        raise wrong_input(f"no service {name!r} keeps a journal; known: {', '.join(DECIDERS)}")
    return Speaker(name)


def recorded_pump(chosen: Choices, folder: DataFolder, record: Store) -> PumpId:
    """Name the pump: the one said, the one that runs, or the only one that the record knows.

    Raises:
        CommandFailed: there is no telling, or the record does not know it.
    """
    known = tuple(name for name in pumps_in(record) if name != UNKNOWN_PUMP)
    names = ", ".join(known) or "none"
    pump = chosen.pump or _pump_at_hand(folder, known)
    if pump is None:
        raise unreachable(f"which pump? say --pump ID; the record knows {names}")
    if pump not in known:
        raise CommandFailed(f"the record knows no pump {pump!r}; known: {names}", REFUSED)
    return pump


def _pump_at_hand(folder: DataFolder, known: tuple[PumpId, ...]) -> PumpId | None:
    try:
        return folder.read_running().pump
    except NotRunning:
        return known[0] if len(known) == 1 else None
