"""Checkpoints on a disk: for each speaker of a pump one file to which signed notes are added."""

import os
from collections.abc import Callable
from pathlib import Path

from core.kernel.errors import CheckpointBroken
from core.record import checkpoints
from core.record.checkpoints import LINES_MAX, Checkpoint
from schemas.units import PumpId, Speaker
from services.runtime.store_formats import folders
from services.runtime.store_formats.known import CHECKPOINTS

SUFFIX = ".notes"
"""[-] of a file of checkpoints."""


class CheckpointFiles:
    """A folder of them, best on another disk than the record."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it need not exist.

        Raises:
            StoreFormatUnknown: it is of a newer release.
        """
        folders.assert_known(folder, CHECKPOINTS)
        self._folder = folder
        self._is_numbered = False
        self._whole: dict[Path, int] = {}

    def add(self, checkpoint: Checkpoint, *, public: bytes, sign: Callable[[bytes], bytes]) -> None:
        """Add one, signed, on the disk when this returns; a half one of before is cut off.

        Raises:
            OSError: the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self._is_numbered:
            folders.prepare(self._folder, CHECKPOINTS, is_new=True)
            self._is_numbered = True
        path = self._folder / f"{checkpoint.pump}.{checkpoint.speaker}{SUFFIX}"
        whole = self._whole_bytes(path)
        note = checkpoints.signed(checkpoint, public=public, sign=sign).encode()
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.seek(whole)
            file.truncate()
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        self._whole[path] = whole + len(note)

    def _whole_bytes(self, path: Path) -> int:
        """Count the bytes of whole notes; a file that nobody else wrote to is not read again."""
        known = self._whole.get(path)
        if known is not None and path.exists() and path.stat().st_size == known:
            return known
        return sum(len(note) for note in _raw_notes(path))

    def newest(self, pump: PumpId, speaker: Speaker) -> str | None:
        """Give the newest note about a speaker, as it was written; None without one."""
        notes = self.notes(pump, speaker)
        return notes[-1] if notes else None

    def notes(self, pump: PumpId, speaker: Speaker) -> list[str]:
        """Give all notes about a speaker as they were written."""
        return _notes(self._folder / f"{pump}.{speaker}{SUFFIX}")

    def read(
        self, *, public: bytes, newest: int | None = None
    ) -> dict[tuple[PumpId, Speaker], list[Checkpoint]]:
        """Read all of them, in the order of writing.

        Args:
            public: [-] the record's Ed25519 key, 32 bytes.
            newest: [-] so many of each file at most, those written last.

        Raises:
            CheckpointBroken: one is not what the record signed; the file and its place are named.
        """
        found, broken = self.readable(public=public, newest=newest)
        if broken:
            raise broken[0]
        return found

    def readable(
        self, *, public: bytes, newest: int | None = None
    ) -> tuple[dict[tuple[PumpId, Speaker], list[Checkpoint]], list[CheckpointBroken]]:
        """Read those that the record's key signed, as `read` does, and say which it did not."""
        found: dict[tuple[PumpId, Speaker], list[Checkpoint]] = {}
        broken: list[CheckpointBroken] = []
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            notes = _notes(path)
            first = 0 if newest is None else max(0, len(notes) - newest)
            for number, note in enumerate(notes[first:], start=first + 1):
                try:
                    one = _read_in(path, note, public=public)
                except CheckpointBroken as error:
                    broken.append(CheckpointBroken(f"{path}, checkpoint {number}: {error}"))
                else:
                    found.setdefault((one.pump, one.speaker), []).append(one)
        return found, broken


def _read_in(path: Path, note: str, *, public: bytes) -> Checkpoint:
    one = checkpoints.read(note, public=public)
    if path.name != f"{one.pump}.{one.speaker}{SUFFIX}":
        raise CheckpointBroken(f"it is of {one.pump} and {one.speaker}")
    return one


def _notes(path: Path) -> list[str]:
    """Read the whole notes of a file."""
    return [note.decode(errors="replace") for note in _raw_notes(path)]


def _raw_notes(path: Path) -> list[bytes]:
    """Read the whole notes of a file; what a death left of one at its end is none.

    The line after an empty one ends a note. What goes on for longer is none either, and is given
    as one all the same: nobody but a stranger wrote it.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # behind the last end of a line is no whole one
    except FileNotFoundError:
        return []
    notes, first = list[bytes](), 0
    for at, _ in enumerate(lines):
        is_after_empty = at > first and not lines[at - 1]
        if is_after_empty or at + 1 - first == LINES_MAX:
            notes.append(b"\n".join(lines[first : at + 1]) + b"\n")
            first = at + 1
    return notes
