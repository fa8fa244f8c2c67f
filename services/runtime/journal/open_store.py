"""Journals by the URL of their store: a file of SQLite, or a schema in PostgreSQL."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from services.runtime.journal.sqlite.store import SqliteStore
from services.runtime.platform.errors import StoreBroken, StoreMissing, StoreUrlWrong
from services.runtime.ports import Store
from services.runtime.store_formats.stamp import Upgraded

if TYPE_CHECKING:
    from services.runtime.journal.postgres.store import PostgresStore

SQLITE_PREFIX = "sqlite:"
"""[-] how a store in a file is named."""

POSTGRES_PREFIXES = ("postgresql://", "postgres://")
"""[-] how a store in a database is named."""

FORMS = "sqlite:FILE or postgresql://USER@HOST:PORT/DATABASE"
"""[-] what a URL of a store looks like."""


@contextmanager
def store_to_write(url: str, *, service: str) -> Iterator[Store]:
    """Open a service's journal for the one process that writes it, and make it where it is not.

    Raises:
        StoreUrlWrong: the URL names no store.
        StoreUnreachable: no server answers.
        StoreFormatUnknown: it is of a newer release.
        StoreBroken: another process has it, it is damaged, or would not survive a power cut.
    """
    if is_postgres(url):
        with closing(_postgres(url, service=service, writes=True)) as made:
            _tell(made.upgraded, url, service=service)
            yield made
        return
    path = sqlite_path(url)
    with locked(path), closing(SqliteStore(path)) as store:
        _tell(store.upgraded, url, service=service)
        yield store


def _tell(upgraded: Upgraded | None, url: str, *, service: str) -> None:
    """Say that a journal was upgraded."""
    if upgraded is not None:
        print(f"{service}: {without_password(url)}: upgraded: {upgraded}", file=sys.stderr)


def store_to_read(url: str, *, service: str) -> Store:
    """Open a service's journal that is there; nothing is locked, and nothing of it changed.

    Raises:
        StoreUrlWrong: the URL names no store.
        StoreUnreachable: no server answers.
        StoreFormatUnknown: it is of a newer release.
        StoreBroken: there is no such journal, or it is damaged.
    """
    if is_postgres(url):
        return _postgres(url, service=service, writes=False)
    path = sqlite_path(url)
    if not path.is_file():
        raise StoreMissing(str(path), "there is no journal; has this system ever run?")
    return SqliteStore(path, writes=False)


def number_in_database(url: str, *, service: str) -> int | None:
    """Read the format number of a journal in a database; None where there is no journal.

    Raises:
        StoreUnreachable: no server answers.
        StoreFormatUnknown: it is of a newer release.
    """
    try:
        with closing(_postgres(url, service=service, writes=False)) as store:
            return store.number
    except StoreMissing:
        return None


def upgrade_in_database(url: str, *, service: str) -> Upgraded | None:
    """Bring a journal in a database to the newest format.

    Raises:
        StoreUnreachable, StoreBroken, StoreFormatUnknown: as `store_to_write` raises them.
    """
    with closing(_postgres(url, service=service, writes=True)) as store:
        return store.upgraded


def is_postgres(url: str) -> bool:
    """Say whether a URL names a database."""
    return url.startswith(POSTGRES_PREFIXES)


def sqlite_path(url: str) -> Path:
    """Read the file out of a store's URL.

    Raises:
        StoreUrlWrong: it is not 'sqlite:FILE'.
    """
    if not url.startswith(SQLITE_PREFIX) or url == SQLITE_PREFIX:
        said = "" if "@" in url else f" {url!r}"
        raise StoreUrlWrong(f"--store{said} is not of the form {FORMS}")
    return Path(url.removeprefix(SQLITE_PREFIX))


def without_password(url: str) -> str:
    """Give a URL that may be shown to all; a password goes into this process's environment."""
    if not is_postgres(url):
        return url
    _need_psycopg()
    from services.runtime.journal.postgres.address import url_without_password

    return url_without_password(url)


def _postgres(url: str, *, service: str, writes: bool) -> "PostgresStore":
    _need_psycopg()
    from services.runtime.journal.postgres.address import postgres_address
    from services.runtime.journal.postgres.store import PostgresStore

    return PostgresStore(postgres_address(url, service=service), writes=writes)


def _need_psycopg() -> None:
    """Look for the optional extra.

    Raises:
        StoreUrlWrong: it is not installed.
    """
    try:
        import psycopg  # noqa: F401  # looked for, not used
        import psycopg_pool  # noqa: F401  # looked for, not used
    except ImportError as error:
        raise StoreUrlWrong(
            f"journals in PostgreSQL need the extra 'postgres': pip install 'basalt[postgres]' "
            f"({error})"
        ) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file's journal for one process.

    Raises:
        StoreBroken: another process holds it.
    """
    lock = path.with_suffix(".lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreBroken(str(lock), "another process has this journal open") from error
        yield
