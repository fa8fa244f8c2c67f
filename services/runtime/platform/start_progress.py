"""How far a service has read its journal at a start, for whoever waits for it.

A file beside the snapshot of its state, there only while a long journal is read: the service can
say nothing on the bus yet.
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

SUFFIX = ".reading"
"""[-] of the file."""


class Reading(NamedTuple):
    """How far one service is."""

    lines: int
    of: int


class StartProgress:
    """Tells how far the reading is; a disk that is full prevents no start."""

    def __init__(self, state: Path | None) -> None:
        """Tell beside the snapshot of the state; without one tell nothing."""
        self._path = None if state is None else state.with_suffix(SUFFIX)
        self._is_told = False

    def tell(self, lines: int, *, of: int) -> None:
        """Tell that so many lines are read."""
        if self._path is not None:
            self._is_told = True
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._path.write_text(f"{lines} {of}")

    def end(self) -> None:
        """Tell that nothing is read any more."""
        if self._path is not None and self._is_told:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def readings(states: Path) -> dict[str, Reading]:
    """Read how far each service is that reads a long journal now."""
    found: dict[str, Reading] = {}
    for path in sorted(states.glob(f"*{SUFFIX}")):
        with contextlib.suppress(OSError, ValueError):
            lines, of = path.read_text().split()
            found[path.stem] = Reading(int(lines), int(of))
    return found
