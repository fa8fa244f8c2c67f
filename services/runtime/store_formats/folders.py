"""The format number of a folder: a small file in it."""

from pathlib import Path
from typing import Any, Final

import msgspec

from services.runtime.platform.atomic_files import whole
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import StoreFormatUnknown
from services.runtime.platform.release import version
from services.runtime.store_formats.known import DATA_FOLDER, UNNUMBERED, StoreFormat
from services.runtime.store_formats.sqlite_files import RELEASE_MAX
from services.runtime.store_formats.stamp import Stamp, Upgraded, known_number

NAME: Final = "format.json"
"""[-] of the file."""

BYTES_MAX: Final = 1_000
"""[B] of the file; more is none of ours."""


def stamp_in(folder: Path) -> Stamp | None:
    """Read the number of a folder; None where there is no file, or nothing in it.

    Raises:
        StoreFormatUnknown: the file cannot be read.
    """
    try:
        with (folder / NAME).open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = f"the format cannot be read: {error.strerror}"
        raise StoreFormatUnknown(str(folder / NAME), reason) from error
    if not data:
        return None
    try:
        found: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Stamp(data[:BYTES_MAX].decode(errors="replace"))
    if not isinstance(found, dict):
        return Stamp(found)
    return Stamp(found.get("format"), str(found.get("release", ""))[:RELEASE_MAX])


def assert_known(folder: Path, kind: StoreFormat) -> None:
    """Refuse a folder of a format that is not known.

    Raises:
        StoreFormatUnknown: it is of a newer release, or its number is none.
    """
    stamp = stamp_in(folder)
    if stamp is not None:
        known_number(folder / NAME, stamp, kind)


def known_folder(path: Path) -> DataFolder:
    """Name a data folder that this release can read; an older one is read as it is.

    Raises:
        StoreFormatUnknown: it is of a newer release, or its number is none.
    """
    assert_known(path, DATA_FOLDER)
    return DataFolder(path)


def prepare(folder: Path, kind: StoreFormat, *, is_new: bool) -> Upgraded | None:
    """Number a folder, last of all that is in it: a death before leaves the rest to the next start.

    Returns:
        What was upgraded; None for a new folder or one of the newest format.

    Raises:
        StoreFormatUnknown: it is of a newer release, or its number is none.
        OSError: it cannot be written.
    """
    stamp = stamp_in(folder) or Stamp(UNNUMBERED)
    before = known_number(folder / NAME, stamp, kind)
    if before == kind.newest:
        return None
    with whole(folder / NAME) as draft:
        said = {"format": kind.newest, "release": version()}
        draft.write_bytes(msgspec.json.encode(said) + b"\n")
    return None if is_new else Upgraded(kind.what, before, kind.newest)
