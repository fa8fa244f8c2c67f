"""Archives as files: JSON lines, packed where the name ends in .gz; whole or not there."""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

import msgspec

from services.runtime.platform.atomic_files import whole
from services.runtime.platform.errors import ArchiveBroken

LINE_BYTES_MAX = 8_000_000
"""[B] of one line; more is no archive."""

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
    """
    decoder = msgspec.json.Decoder(kind)
    number = 0
    with path.open("rb") as plain, _packed(plain, path) as file:
        try:
            while line := file.readline(LINE_BYTES_MAX):
                number += 1
                if not line.endswith(b"\n"):
                    raise ArchiveBroken(f"line {number} of {path} is cut short")
                yield line, decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
            raise ArchiveBroken(f"line {number} of {path} is no part of it: {error}") from error
    if not number:
        raise ArchiveBroken(f"{path} is empty")


def _packed(plain: IO[bytes], path: Path) -> AbstractContextManager[Any]:
    """Pack or unpack where the name says so; without a name or time in it."""
    if path.suffix != ".gz":
        return nullcontext(plain)
    return gzip.GzipFile(filename="", mode=plain.mode, fileobj=plain, mtime=0)
