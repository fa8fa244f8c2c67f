"""The format number of a store in a file of SQLite: its user_version, and beside it the release."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from services.runtime.platform.release import version
from services.runtime.store_formats.known import UNNUMBERED, Step, StoreFormat
from services.runtime.store_formats.stamp import Stamp, Upgraded, known_number

RELEASE: Final = "SELECT release FROM made_by"
"""[-] who made this format of the file."""

_MADE_BY: Final = "CREATE TABLE IF NOT EXISTS made_by (release TEXT NOT NULL)"

RELEASE_MAX: Final = 20
"""[-] characters of a release; more is none."""


def stamp_in(path: Path, kind: StoreFormat) -> Stamp | None:
    """Read the number of a file without changing a byte of it.

    Returns:
        None where there is no file, nothing in it, or none of this kind: its owner tells of that.
    """
    if not path.is_file() or not path.stat().st_size:
        return None
    # A file without a log beside it is open nowhere; to lock it would make one.
    mode = "ro" if path.with_name(f"{path.name}-wal").exists() else "ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as file:
            (application,) = file.execute("PRAGMA application_id").fetchone()
            is_other = kind.application not in (None, application)
            return None if is_other else _stamp(file)
    except sqlite3.Error:
        return None


def assert_known(path: Path, kind: StoreFormat) -> None:
    """Refuse a file of a format that is not known; nothing of it is changed.

    Raises:
        StoreFormatUnknown: it is of a newer release, or its number is none.
    """
    stamp = stamp_in(path, kind)
    if stamp is not None:
        known_number(path, stamp, kind)


def is_older(path: Path, kind: StoreFormat) -> bool:
    """Say whether a file is of an older format.

    Raises:
        StoreFormatUnknown: it is of a newer release, or its number is none.
    """
    stamp = stamp_in(path, kind)
    return stamp is not None and known_number(path, stamp, kind) < kind.newest


def prepare(path: Path, kind: StoreFormat) -> Upgraded | None:
    """Number a file that is to be made, and upgrade an older one; its owner alone calls this.

    All steps and the new number are one transaction: a death leaves the format of before.

    Returns:
        What was upgraded; None for a new file or one of the newest format.

    Raises:
        StoreFormatUnknown: it is of a newer release, or its number is none.
        sqlite3.Error: it cannot be written, or is damaged.
    """
    stamp = stamp_in(path, kind)
    if stamp is not None and known_number(path, stamp, kind) == kind.newest:
        return None
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        return upgrade(file, path, kind)


def upgrade(file: sqlite3.Connection, path: Path, kind: StoreFormat) -> Upgraded | None:
    """Do the same over an open connection that is in no transaction."""
    file.execute("BEGIN IMMEDIATE")
    (tables,) = file.execute("SELECT count(*) FROM sqlite_master").fetchone()
    before = known_number(path, _stamp(file), kind) if tables else kind.newest
    for step in kind.missing(before):
        run_step(file, step)
    write_stamp(file, kind)
    file.execute("COMMIT")
    return Upgraded(kind.what, before, kind.newest) if before < kind.newest else None


def run_step(file: sqlite3.Connection, step: Step) -> None:
    """Do one step inside a transaction."""
    for statement in step.statements:
        file.execute(statement.format("main"))


def write_stamp(file: sqlite3.Connection, kind: StoreFormat) -> None:
    """Write number and release inside a transaction."""
    file.execute(_MADE_BY)
    file.execute("DELETE FROM made_by")
    file.execute("INSERT INTO made_by VALUES (?)", (version(),))
    file.execute(f"PRAGMA user_version = {kind.newest}")


def _stamp(file: sqlite3.Connection) -> Stamp:
    (number,) = file.execute("PRAGMA user_version").fetchone()
    release = ""
    if file.execute("SELECT 1 FROM sqlite_master WHERE name='made_by'").fetchone():
        found = file.execute(RELEASE).fetchone()
        release = str(found[0])[:RELEASE_MAX] if found else ""
    return Stamp(number or UNNUMBERED, release)
