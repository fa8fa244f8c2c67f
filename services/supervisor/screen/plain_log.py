"""The screen for want of a terminal: one line for each notable change."""

import os
import signal
import sys

from services.runtime.platform.zones import local_time
from services.supervisor.screen.event_lines import Line


class PlainLines:
    """Prints lines with the wall clock of therapy time."""

    def __init__(self, *, zone: str) -> None:
        """Print times of this zone."""
        self._zone = zone

    def tell(self, line: Line) -> None:
        """Print one line at once, even into a pipe."""
        at = local_time(line.at, zone=self._zone).strftime("%Y-%m-%d %H:%M:%S")
        say(f"{at} {line.text}")


def say(text: str) -> None:
    """Print a line; when nobody reads them any more, stop the system."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        os.kill(os.getpid(), signal.SIGTERM)


def complain(text: str) -> None:
    """Print the one line that says why there is no system."""
    print(f"basalt up: {text}", file=sys.stderr, flush=True)
