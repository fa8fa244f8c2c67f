"""A journal copied from one store to another, to be gone on with, and verified.

The ends of all pumps' lines are written first and the commands that were obeyed with the last
lines: no service takes up a copy that was broken off, for its lines do not reach its ends.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Final

from schemas.units import PumpId
from services.runtime.journal.hash_chain import verify_next
from services.runtime.platform.errors import CopyRefused, JournalAltered
from services.runtime.ports import ChainTip, Commit, Row, Store

CHUNK_ROWS: Final = 2_000
"""[-] lines stored in one transaction; a copy that is broken off goes on behind the last."""

Told = Callable[[int], None]
"""[-] is told how many lines have been copied, and verified again, so far."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of a copy."""

    lines: int
    """[-] in the journal."""
    copied: int
    """[-] of them by this run; the others were there from one that was broken off."""
    pumps: int
    """[-] that the journal knows."""


def copy_journal(source: Store, target: Store, *, told: Told) -> Copied:
    """Copy all of a journal and verify it; the caller holds both so that nobody else writes.

    Raises:
        CopyRefused: the target holds something else, or the source is not what was written.
    """
    there = _lines_there(source, target)
    ends = _assert_sound(source)
    copied = 0
    if not _is_complete(source, there):
        copied = _copy(source, target, ends, after=there, told=told)
    lines = verify_copy(source, target, told=told)
    return Copied(lines, copied, len(ends))


def verify_copy(source: Store, target: Store, *, told: Told) -> int:
    """Hold each line and everything beside the lines of a copy against its source.

    Raises:
        CopyRefused: they differ.
    """
    links: dict[PumpId, ChainTip] = {}
    number = 0
    for one, other in zip_longest(source.rows(), target.rows()):
        number += 1
        if one != other:
            raise CopyRefused(f"line {number} of the copy is not that of its source")
        _follow(links, one[1])
        if number % CHUNK_ROWS == 0:
            told(number)
    for what, here, there in (
        ("the ends", links, target.ends()),
        ("the ends", source.ends(), target.ends()),
        ("the heads", source.heads(), target.heads()),
        ("the commands", set(source.commands()), set(target.commands())),
        ("the positions in streams", _positions(source), _positions(target)),
    ):
        if here != there:
            raise CopyRefused(f"{what} of the copy are not those of its source")
    return number


def _lines_there(source: Store, target: Store) -> int:
    """Count the lines that an earlier copy has brought."""
    there = 0
    ours = source.rows()
    for found in target.rows():
        if found != next(ours, None):
            raise CopyRefused(f"the target holds another line {found[0]}: it is not empty")
        there += 1
    if not there and any((target.ends(), target.heads(), target.streams())):
        raise CopyRefused("the target is not empty")
    return there


def _assert_sound(source: Store) -> dict[PumpId, ChainTip]:
    """Follow the lines of the source to their ends, which a copy is judged by."""
    links: dict[PumpId, ChainTip] = {}
    for _, row in source.rows():
        _follow(links, row)
    if links != source.ends():
        raise CopyRefused("the lines of the source do not reach its ends; nothing is copied")
    return links


def _follow(links: dict[PumpId, ChainTip], row: Row) -> None:
    last = links.get(row.pump, ChainTip(0, ""))
    try:
        link = verify_next(last.link, row, after=last.position)
    except JournalAltered as error:
        raise CopyRefused(f"line {row.position} of pump {row.pump}: {error.reason}") from error
    links[row.pump] = ChainTip(row.position, link)


def _is_complete(source: Store, there: int) -> bool:
    """Say whether a copy has come to its end: all that is beside them came with the last lines."""
    return there > 0 and next(source.rows(after_row=there), None) is None


def _copy(
    source: Store, target: Store, ends: dict[PumpId, ChainTip], *, after: int, told: Told
) -> int:
    """Store what is missing, the commands and heads in one transaction with the last lines."""
    copied = 0
    chunks = _chunks(source, after)
    chunk = next(chunks, [])
    while True:
        following = next(chunks, None)
        if following is None:
            break
        target.commit(Commit(rows=chunk, ends=ends))
        copied += len(chunk)
        told(after + copied)
        chunk = following
    *others, (stream, sequence) = sorted(_positions(source).items()) or [("", 0)]
    missing = dict(others).items() - _positions(target).items()
    for name, position in sorted(missing):
        target.commit(Commit(rows=(), stream=name, sequence=position))
    target.commit(
        Commit(
            rows=chunk,
            ends=ends,
            heads=source.heads(),
            commands={(pump, name): at for pump, name, at in source.commands()},
            stream=stream,
            sequence=sequence,
        )
    )
    return copied + len(chunk)


def _chunks(source: Store, after: int) -> Iterator[list[Row]]:
    rows = (row for _, row in source.rows(after_row=after))
    while chunk := list(islice(rows, CHUNK_ROWS)):
        yield chunk


def _positions(store: Store) -> dict[str, int]:
    return {stream: store.sequence(stream=stream) for stream in store.streams()}
