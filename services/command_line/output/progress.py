"""How far long reading has come: one line on standard error, on a terminal alone."""

import sys
from collections.abc import Iterator
from typing import Any, Final, TextIO, cast

from schemas.units import PumpId
from services.runtime.ports import Row, Store

SHOWN_AFTER_ROWS: Final = 20_000
"""[-] lines read before anything is shown: what is done at once needs no bar."""

SHOWN_EACH_ROWS: Final = 5_000
"""[-] lines from one showing to the next."""

BAR_CHARACTERS: Final = 30
"""[-] of a full bar."""

_CLEAR: Final = "\r\x1b[K"


def watched(store: Store, *, name: str, screen: TextIO | None = None) -> Store:
    """Give a journal that shows how far it was read; the same one where nobody would see it.

    Args:
        store: the journal.
        name: what it is called on the screen.
        screen: where to; standard error.
    """
    out = sys.stderr if screen is None else screen
    return cast(Store, _Watched(store, name, out)) if out.isatty() else store


def show(name: str, done: int, *, total: int, screen: TextIO) -> None:
    """Draw a bar in place of the one before; without a total (0) the count alone."""
    part = min(1.0, done / total) if total else 0.0
    filled = round(BAR_CHARACTERS * part)
    bar = f" [{'#' * filled}{'-' * (BAR_CHARACTERS - filled)}] {part:.0%}" if total else ""
    print(f"{_CLEAR}{name}:{bar} line {done:,}", end="", file=screen, flush=True)


def clear(screen: TextIO) -> None:
    """Leave nothing of a bar behind."""
    print(_CLEAR, end="", file=screen, flush=True)


class _Watched:
    """A journal whose lines are counted while they are read from its begin."""

    def __init__(self, store: Store, name: str, screen: TextIO) -> None:
        self._store = store
        self._name = name
        self._screen = screen
        self._is_shown = False

    def rows(
        self, *, pump: PumpId | None = None, after_row: int = 0, newest_first: bool = False
    ) -> Iterator[tuple[int, Row]]:
        """Stream lines, and show how many of them there were."""
        found = self._store.rows(pump=pump, after_row=after_row, newest_first=newest_first)
        if newest_first or after_row:
            return found
        return self._counted(found, pump)

    def _counted(
        self, found: Iterator[tuple[int, Row]], pump: PumpId | None
    ) -> Iterator[tuple[int, Row]]:
        ends = self._store.ends()
        total = sum(end.position for of, end in ends.items() if pump in (None, of))
        for done, row in enumerate(found, start=1):
            yield row
            if done >= SHOWN_AFTER_ROWS and done % SHOWN_EACH_ROWS == 0:
                self._is_shown = True
                show(self._name, done, total=total, screen=self._screen)
        self._clear()

    def close(self) -> None:
        """Leave nothing on the screen, whatever ended the reading, and close the journal."""
        self._clear()
        self._store.close()

    def _clear(self) -> None:
        if self._is_shown:
            clear(self._screen)
            self._is_shown = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)
