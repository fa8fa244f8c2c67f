"""A journal read as turns: what was heard, and what was said because of it."""

from collections.abc import Iterator

from core.whatif.shapes import Turn
from schemas.units import PumpId
from services.runtime.journal.entries import ReadEntry, read_row
from services.runtime.ports import Store


def turns_of(store: Store, *, pump: PumpId) -> Iterator[Turn]:
    """Stream the turns of a pump in a service's own journal, in its order.

    What was taken over from others without deciding is a turn of its own, with nothing heard.
    """
    heard: ReadEntry | None = None
    said: list[ReadEntry] = []
    for _, row in store.rows(pump=pump):
        read = read_row(row)
        if not read.is_heard and read.head.entry and heard is not None:
            said.append(read)
            continue
        yield from _turn(heard, said)
        heard, said = (read, []) if read.is_heard else (None, [])
        if not read.is_heard:
            yield Turn(now=read.now, said=(read.entry,))
    yield from _turn(heard, said)


def _turn(heard: ReadEntry | None, said: list[ReadEntry]) -> Iterator[Turn]:
    if heard is not None:
        entries = tuple(one.entry for one in said)
        yield Turn(heard=heard.entry, now=heard.now, said=entries)
