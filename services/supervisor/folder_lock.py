"""One system for one data folder, and none while an earlier one still lets go of it."""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

from services.runtime.platform.data_folder import DataFolder
from services.supervisor.broker.server import guard_lock
from services.supervisor.errors import StartRefused

LETS_GO_LOOKS_MAX = 100
"""[-] looks at the locks of processes that a killed supervisor left; they end with their parent."""

LOOK_S = 0.05
"""[s] between two looks."""


class FolderLock:
    """Holds the folder; the system frees it when the process ends, however it ends."""

    def __init__(self, folder: DataFolder) -> None:
        """Prepare to hold this folder."""
        self._folder = folder
        self._held: int | None = None

    def __enter__(self) -> Self:
        """Make and take the folder.

        Raises:
            StartRefused: it cannot be made, or another system runs on it.
        """
        folder = self._folder
        try:
            folder.make()
            self._held = os.open(folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            name = error.filename or folder.path
            raise StartRefused(
                f"the data folder {folder.path} cannot be used: {name}: {error.strerror}"
            ) from error
        if not _take(self._held):
            os.close(self._held)
            raise StartRefused(f"a system runs on {folder.path} already; stop it with Ctrl-C there")
        self._wait_for_the_last()
        return self

    def __exit__(self, *_: object) -> None:
        """Let go."""
        if self._held is not None:
            os.close(self._held)

    def _wait_for_the_last(self) -> None:
        """Wait until no process of an earlier run holds a file.

        Raises:
            StartRefused: one still does.
        """
        folder = self._folder
        locks = (
            guard_lock(folder),
            *sorted(folder.journals.glob("*.lock")),
            *sorted(folder.pump.glob("*.lock")),
        )
        for lock in locks:
            if not any(_is_free(lock, wait=number > 0) for number in range(LETS_GO_LOOKS_MAX)):
                raise StartRefused(f"a process of an earlier run still holds {lock}")


def _is_free(path: Path, *, wait: bool) -> bool:
    if wait:
        time.sleep(LOOK_S)
    if not path.exists():
        return True
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return _take(handle)
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
