"""Files that are there whole or not at all, or a sentence that says why."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.command_line.output.exit_codes import wrong_input
from services.runtime.platform import atomic_files


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give another name to write under; the file gets its own when all is written.

    Raises:
        CommandFailed: the file cannot be written.
    """
    try:
        with atomic_files.whole(path) as draft:
            yield draft
    except OSError as error:
        raise wrong_input(f"{path}: {error.strerror or error}") from error
