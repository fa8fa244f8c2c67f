"""Reading journals where they are, whether the system runs or not; nothing here writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.deciders.names import HISTORIAN, SPEAKERS
from schemas.message import Event, tag_of
from schemas.units import EventId, PumpId, Speaker
from schemas.wire import codec
from schemas.wire.upcasts import tags_read_as
from services.command_line.output.exit_codes import (
    UNKNOWN,
    CommandFailed,
    unreachable,
    wrong_input,
)
from services.command_line.output.options import Choices
from services.command_line.output.progress import watched
from services.runtime.journal.entries import read_row, tag_in_topic
from services.runtime.journal.open_store import (
    SQLITE_PREFIX,
    is_postgres,
    sqlite_path,
    store_to_read,
    without_password,
)
from services.runtime.platform.data_folder import DataFolder, NotRunning
from services.runtime.platform.errors import StoreBroken, StoreUnreachable, StoreUrlWrong
from services.runtime.ports import Store
from services.runtime.store_formats.folders import known_folder


@dataclass(frozen=True, slots=True)
class Place:
    """Where one journal is, and those of the other services beside it."""

    url: str
    """[-] of the store: a file, or a database with a schema for each service."""
    service: str = HISTORIAN
    """[-] whose journal it is."""

    def of(self, service: str) -> "Place":
        """Name the journal of another service beside this one."""
        if is_postgres(self.url):
            return Place(self.url, service)
        beside = sqlite_path(self.url).with_name(f"{service}.db")
        return Place(f"{SQLITE_PREFIX}{beside}", service)

    def is_there(self) -> bool:
        """Say whether the file is there; a database says so when it is opened."""
        return is_postgres(self.url) or sqlite_path(self.url).is_file()

    def __str__(self) -> str:
        """Name it without a password."""
        if is_postgres(self.url):
            return f"{without_password(self.url)} ({self.service})"
        return str(sqlite_path(self.url))


@contextmanager
def journal(place: Place, *, shows: bool = True) -> Iterator[Store]:
    """Open a journal that exists.

    Args:
        place: where it is.
        shows: how far it was read, on a terminal; not beside an answer that is written meanwhile.

    Raises:
        CommandFailed: there is none, or it cannot be read.
    """
    if not place.is_there():
        raise CommandFailed(f"there is no journal {place}; has this system ever run?", UNKNOWN)
    try:
        store = store_to_read(place.url, service=place.service)
        store = watched(store, name=place.service) if shows else store
    except (StoreBroken, StoreUnreachable) as error:
        raise CommandFailed(f"{place} cannot be read: {error.reason}", UNKNOWN) from error
    except StoreUrlWrong as error:
        raise wrong_input(str(error)) from error
    try:
        yield store
    except StoreUnreachable as error:
        raise CommandFailed(f"{place} cannot be read: {error.reason}", UNKNOWN) from error
    except codec.DECODE_ERRORS as error:
        text = f"{place} holds a line that this release cannot read: {error}"
        raise CommandFailed(text, UNKNOWN) from error
    finally:
        store.close()


def all_of(
    store: Store, *, pump: PumpId, kinds: tuple[type[Event], ...]
) -> Iterator[tuple[EventId, Event]]:
    """Stream the events of some kinds that a journal has of a pump, heard or said, in its order."""
    tags = {tag for kind in kinds for tag in tags_read_as(tag_of(kind))}
    for _, row in store.rows(pump=pump):
        if tag_in_topic(row.topic) not in tags:
            continue
        entry = read_row(row).entry
        if isinstance(entry.body, kinds):
            yield EventId(entry.id), entry.body


def said_by(
    service: Speaker, chosen: Choices, *, kinds: tuple[type[Event], ...]
) -> list[tuple[EventId, Event]]:
    """Read what a service has said of the pump, out of its own journal in the data folder."""
    folder = known_folder(chosen.data)
    with journal(kept_journal(folder, service)) as store:
        return list(all_of(store, pump=chosen.pump or running_pump(folder), kinds=kinds))


def running_pump(folder: DataFolder) -> PumpId:
    """Name the pump of the system that runs.

    Raises:
        CommandFailed: none runs.
    """
    try:
        return folder.read_running().pump
    except NotRunning as error:
        raise unreachable("nothing runs here that would name the pump; say --pump ID") from error


def kept_journal(folder: DataFolder, service: str) -> Place:
    """Say where the journal of a service is by the data folder."""
    return Place(folder.store_of(service), service)


def known_service(name: str) -> Speaker:
    """Read the name of a service that keeps a journal.

    Raises:
        CommandFailed: none is called so.
    """
    if name not in SPEAKERS:
        raise wrong_input(f"no service {name!r} keeps a journal; known: {', '.join(SPEAKERS)}")
    return Speaker(name)
