"""Where the journals of a data folder are: in its files, or in a database; remembered in it."""

from contextlib import closing

from core.deciders.record.decider import HISTORIAN
from services.runtime.journal.open_store import FORMS, is_postgres, store_to_read, without_password
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import (
    StoreBroken,
    StoreMissing,
    StoreUnreachable,
    StoreUrlWrong,
)
from services.supervisor.errors import StartRefused
from services.supervisor.store_upgrade import assert_known_in

FILES = "sqlite"
"""[-] asked for in place of a database: the files of the data folder."""


def settle_store(folder: DataFolder, wish: str | None) -> None:
    """Take the store that is wished for, or go on with that of the last run; write it down.

    Raises:
        StoreFormatUnknown: a journal in the database is of a newer release.
        StartRefused: no server answers, the wish names no store, or the journals are elsewhere:
            services that begin anew would ask each other for a past that stands there.
    """
    before = folder.database()
    try:
        now = before if wish is None else "" if wish == FILES else _database(wish)
        if now:
            assert_known_in(now)
        is_kept = _has_journals(folder, now)
        if now != before and not is_kept and _has_journals(folder, before):
            here, there = (one or f"sqlite:{folder.path}" for one in (before, now))
            raise StartRefused(
                f"the journals are in {here}: 'basalt store copy {here} {there}' comes first"
            )
    except (StoreUrlWrong, StoreUnreachable, StoreBroken) as error:
        raise StartRefused(str(error)) from error
    if now:
        draft = folder.store.with_suffix(".draft")
        draft.write_text(f"{now}\n")
        draft.replace(folder.store)
    else:
        folder.store.unlink(missing_ok=True)


def _database(url: str) -> str:
    if not is_postgres(url):
        raise StoreUrlWrong(f"--store takes '{FILES}' or the second of {FORMS}")
    return without_password(url)


def _has_journals(folder: DataFolder, database: str) -> bool:
    """Say whether there is a record; of a database also that it answers."""
    if not database:
        return folder.journal(HISTORIAN).is_file()
    try:
        with closing(store_to_read(database, service=HISTORIAN)):
            return True
    except StoreMissing:
        return False
