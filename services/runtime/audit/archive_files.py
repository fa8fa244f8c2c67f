"""Archives as files: JSON lines, packed where the name ends in .gz; whole or not there."""

import gzip
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from services.runtime.platform.atomic_files import whole
from services.runtime.platform.errors import ArchiveBroken
from services.runtime.store_formats.known import ARCHIVE
from services.runtime.store_formats.stamp import Stamp, known_number

LINE_BYTES_MAX = 8_000_000
"""[B] of one line; more is no archive."""

_TAG: Final = re.compile(r"basalt_[a-z]+\.v([0-9]{1,4})", re.ASCII)
"""[-] of the first line, with the number of its format."""

_encoder = msgspec.json.Encoder(order="deterministic")


def write_lines(path: Path, parts: Iterable[msgspec.Struct]) -> int:
    """Write all parts into a file that is there whole or not at all; the same parts give the same
    bytes.

    Returns:
        [-] lines written.

    Raises:
        OSError: it cannot be written.
    """
    number = 0
    with whole(path) as draft, draft.open("wb") as plain, _packed(plain, path) as file:
        for part in parts:
            file.write(encoded(part))
            number += 1
    return number


def encoded(part: msgspec.Struct) -> bytes:
    """Give a part as it stands in a file."""
    return _encoder.encode(part) + b"\n"


def read_lines(path: Path, kind: Any) -> Iterator[tuple[bytes, Any]]:
    """Read the lines of a file, each with the part that it is.

    Args:
        path: of the file.
        kind: the union of what its lines may be.

    Raises:
        OSError: it cannot be read.
        ArchiveBroken: a line is none of them; the line is named.
        StoreFormatUnknown: it is of a newer release.
    """
    decoder = msgspec.json.Decoder(kind)
    number, line = 0, b""
    with path.open("rb") as plain, _packed(plain, path) as file:
        try:
            while line := file.readline(LINE_BYTES_MAX):
                number += 1
                if not line.endswith(b"\n"):
                    raise ArchiveBroken(f"line {number} of {path} is cut short")
                yield line, decoder.decode(line)
        except msgspec.ValidationError as error:
            _refuse_newer(path, line)
            raise ArchiveBroken(f"line {number} of {path} is no part of it: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
            raise ArchiveBroken(f"line {number} of {path} is no part of it: {error}") from error
    if not number:
        raise ArchiveBroken(f"{path} is empty")


class _Head(msgspec.Struct):
    """What the first line of an archive of any format says."""

    type: str
    release: str = ""


def _refuse_newer(path: Path, line: bytes) -> None:
    """Refuse an archive of a newer release by name.

    Raises:
        StoreFormatUnknown: the line is its first.
    """
    try:
        head = msgspec.json.decode(line, type=_Head)
    except msgspec.DecodeError:
        return
    if found := _TAG.fullmatch(head.type):
        known_number(path, Stamp(int(found[1]), head.release), ARCHIVE)


def _packed(plain: IO[bytes], path: Path) -> AbstractContextManager[Any]:
    """Pack or unpack where the name says so; without a name or time in it."""
    if path.suffix != ".gz":
        return nullcontext(plain)
    return gzip.GzipFile(filename="", mode=plain.mode, fileobj=plain, mtime=0)
