"""Checkpoints on a disk: for each speaker of a pump one file to which signed notes are added."""

import os
from collections.abc import Callable
from pathlib import Path

from core.kernel.errors import CheckpointBroken
from core.record import checkpoints
from core.record.checkpoints import LINES, Checkpoint
from schemas.units import PumpId, Speaker

SUFFIX = ".notes"
"""[-] of a file of checkpoints."""


class CheckpointFiles:
    """A folder of them, best on another disk than the record."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it need not exist."""
        self._folder = folder

    def add(self, checkpoint: Checkpoint, *, public: bytes, sign: Callable[[bytes], bytes]) -> None:
        """Add one, signed, on the disk when this returns; a half one of before is cut off.

        Raises:
            OSError: the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{checkpoint.pump}.{checkpoint.speaker}{SUFFIX}"
        whole = sum(len(note.encode()) for note in _notes(path))
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.seek(whole)
            file.truncate()
            file.write(checkpoints.signed(checkpoint, public=public, sign=sign).encode())
            file.flush()
            os.fsync(file.fileno())

    def newest(self, pump: PumpId, speaker: Speaker) -> str | None:
        """Give the newest note about a speaker, as it was written; None without one."""
        notes = self.notes(pump, speaker)
        return notes[-1] if notes else None

    def notes(self, pump: PumpId, speaker: Speaker) -> list[str]:
        """Give all notes about a speaker as they were written."""
        return _notes(self._folder / f"{pump}.{speaker}{SUFFIX}")

    def read(self, *, public: bytes) -> dict[tuple[PumpId, Speaker], list[Checkpoint]]:
        """Read all of them, in the order of writing.

        Raises:
            CheckpointBroken: one is not what the record signed; the file and its place are named.
        """
        found: dict[tuple[PumpId, Speaker], list[Checkpoint]] = {}
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            for number, note in enumerate(_notes(path), start=1):
                try:
                    one = checkpoints.read(note, public=public)
                except CheckpointBroken as error:
                    raise CheckpointBroken(f"{path}, checkpoint {number}: {error}") from error
                if path.name != f"{one.pump}.{one.speaker}{SUFFIX}":
                    text = f"{path}, checkpoint {number}: it is of {one.pump} and {one.speaker}"
                    raise CheckpointBroken(text)
                found.setdefault((one.pump, one.speaker), []).append(one)
        return found


def _notes(path: Path) -> list[str]:
    """Read the whole notes of a file; what a death left of one at its end is none."""
    try:
        lines = path.read_bytes().split(b"\n")[
            :-1
        ]  # behind the last end of a line nothing is whole
    except FileNotFoundError:
        return []
    whole = len(lines) // LINES * LINES
    notes = [b"\n".join(lines[first : first + LINES]) for first in range(0, whole, LINES)]
    return [f"{note.decode(errors='replace')}\n" for note in notes]
