"""A second pair of eyes in the pump: if the first stops being fed the pump ends at once (R82)."""

import os
import sys
import threading

from schemas.units import Milliseconds

LOOK_MS = Milliseconds(100)
"""[ms] real time between two looks."""

HUNGER_MS_MAX = Milliseconds(2_000)
"""[ms] without food until the motor is cut off; source: R82."""

EXIT_WATCHDOG = 86
"""[-] exit code of a pump that its watchdog ended."""


class Watchdog:
    """Counts its own looks, not a clock: a machine that stands still lets both stand still."""

    def __init__(self) -> None:
        """Begin fed; nothing is watched before `start`."""
        self._fed = threading.Event()
        self._hungry_looks = 0
        self._over = threading.Event()

    def start(self) -> None:
        """Watch from now on, beside everything else."""
        threading.Thread(target=self._watch, daemon=True).start()

    def feed(self) -> None:
        """Say that the pump's own work goes on."""
        self._fed.set()

    def stop(self) -> None:
        """End in good order."""
        self._over.set()

    def look(self) -> bool:
        """Look once; False when the pump must end."""
        if self._fed.is_set():
            self._fed.clear()
            self._hungry_looks = 0
        else:
            self._hungry_looks += 1
        return self._hungry_looks * LOOK_MS < HUNGER_MS_MAX

    def _watch(self) -> None:
        while not self._over.wait(LOOK_MS / 1_000):
            if not self.look():
                print("virtual_pump: watchdog: not fed for 2 s, motor off", file=sys.stderr)
                sys.stderr.flush()
                os._exit(EXIT_WATCHDOG)
