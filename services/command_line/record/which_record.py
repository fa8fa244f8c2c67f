"""Which record is read, of which pump, and the states kept of it."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

from core.deciders.names import HISTORIAN
from schemas.units import PumpId
from services.command_line.journals import Place, kept_journal
from services.command_line.output.exit_codes import (
    REFUSED,
    CommandFailed,
    unreachable,
    wrong_input,
)
from services.command_line.output.options import Choices
from services.runtime.decider_host.inbox import UNKNOWN_PUMP
from services.runtime.journal.open_store import is_postgres, sqlite_path, without_password
from services.runtime.platform.data_folder import DataFolder, NotRunning
from services.runtime.platform.errors import StoreFormatUnknown, StoreUrlWrong
from services.runtime.ports import Store
from services.runtime.replay.replay import pumps_in
from services.runtime.replay.snapshots import Snapshots


def record_file(url: str | None, folder: DataFolder) -> Place:
    """Say where the historian's journal is: where one said, or where the data folder has it.

    Raises:
        CommandFailed: what was said names no store.
    """
    if url is None:
        return kept_journal(folder, HISTORIAN)
    try:
        if not is_postgres(url):
            sqlite_path(url)
        return Place(without_password(url))
    except StoreUrlWrong as error:
        raise wrong_input(str(error)) from error


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


@contextmanager
def snapshots_of(folder: DataFolder) -> Iterator[Snapshots | None]:
    """Open the snapshots that a folder has; none where they cannot be read, which is said."""
    try:
        opened = Snapshots(folder.snapshots)
    except (sqlite3.Error, StoreFormatUnknown) as error:
        text = f"{folder.snapshots} cannot be read ({error}); the whole record is folded instead"
        print(f"basalt: {text}", file=sys.stderr)
        yield None
        return
    with closing(opened):
        yield opened
