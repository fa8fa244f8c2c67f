"""The socket of the virtual pump: its name, and whether the pump is on."""

import asyncio
import os

from services.runtime.platform.data_folder import DataFolder
from services.supervisor.children import Child
from services.supervisor.errors import StartRefused

SOCKET_PATH_BYTES_MAX = 103
"""[B] of a Unix socket's path; source: sun_path of macOS, 104 with its end; Linux has 108."""

LOOK_S = 0.02
"""[s] between two looks whether it listens."""

LOOKS_MAX = 250
"""[-] looks, 5 s at least; after that the services start, and the actuator waits for the pump."""


def socket_path(folder: DataFolder) -> str:
    """Name the pump's socket by its shorter path: children stand where the supervisor stands.

    Raises:
        StartRefused: the system takes no path of this length.
    """
    path = folder.pump / "line.sock"
    shown = min(str(path.absolute()), os.path.relpath(path), key=len)
    if len(os.fsencode(shown)) > SOCKET_PATH_BYTES_MAX:
        raise StartRefused(
            f"the path of the data folder {folder.path} is too long for the pump's socket: "
            f"{len(os.fsencode(shown))} bytes, {SOCKET_PATH_BYTES_MAX} at most"
        )
    return shown


async def until_it_listens(pump: Child, *, path: str) -> None:
    """Wait until the pump is on, has ended, or LOOKS_MAX are over."""
    for _ in range(LOOKS_MAX):
        if pump.ended.is_set() or await _listens(path):
            return
        await asyncio.sleep(LOOK_S)


async def _listens(path: str) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        # No socket yet, or one that a killed pump left.
        return False
    writer.transport.abort()
    return True
