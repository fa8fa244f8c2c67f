"""Small JSON files of a person's settings, their numbers read letter for letter.

No number passes through a float, so '.5', '1e1' and NaN are refused as they are on the command
line, and no key has a default unless it is named so.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.formats.display import of_day
from core.kernel.errors import CoreError
from services.command_line.output.exit_codes import CommandFailed, wrong_input

FILE_BYTES_MAX = 64 * 1_024
"""[B] of one file; a profile of 48 segments has 2 kB."""

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


class Blame:
    """Turns every fault of a file into one line that names it."""

    def __init__(self, path: Path) -> None:
        """Blame this file."""
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CoreError | ValueError | RecursionError):
            raise wrong_input(f"{self._path}: {error}; nothing was sent") from error


def load(path: Path) -> object:
    """Read a file whose numbers stay texts.

    Raises:
        CommandFailed: the file cannot be read.
        ValueError: it is no such JSON.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) > FILE_BYTES_MAX:
        raise ValueError(f"bigger than {FILE_BYTES_MAX // 1024} kB")
    try:
        return json.loads(
            data.decode(),
            parse_float=str,
            parse_int=str,
            parse_constant=_no_constant,
            object_pairs_hook=_no_doubles,
        )
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} in line {error.lineno}") from error


def _unreadable(path: Path, error: OSError) -> CommandFailed:
    return wrong_input(f"{path}: {error.strerror or error}")


def _no_constant(text: str) -> str:
    raise ValueError(f"{text} is not a number")


def _no_doubles(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"a key stands twice among {', '.join(key for key, _ in pairs)}")
    return found


def object_of(
    value: object, *, keys: Sequence[str], of: str, optional: Sequence[str] = ()
) -> Mapping[str, Any]:
    """Take an object with all of `keys`, perhaps some of `optional`, and no other.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{of} is not an object with {', '.join(keys)}")
    known = (*keys, *optional)
    for key in value:
        if key not in known:
            raise ValueError(f"{of} has an unknown key {key!r}; known are {', '.join(known)}")
    for key in keys:
        if key not in value:
            raise ValueError(f"{of} has no {key!r}, and nothing has a default")
    return value


def text_of(fields: Mapping[str, Any], key: str) -> str:
    """Take a number or a text, letter for letter.

    Raises:
        ValueError: it is neither.
    """
    value = fields[key]
    if not isinstance(value, str):
        raise ValueError(f"{key!r} is neither a number nor a text")
    return value


def start_of(fields: Mapping[str, Any]) -> int:
    """Read a segment's "start" [min after local midnight].

    Raises:
        ValueError: it is not HH:MM.
    """
    found = _CLOCK.fullmatch(text_of(fields, "start"))
    if found is None:
        raise ValueError(f"a segment starts at HH:MM, not {fields['start']!r}")
    return int(found[1]) * 60 + int(found[2])


def clock_text(minute: int) -> str:
    """Write a minute of the day as `start_of` reads it."""
    return of_day(minute)
