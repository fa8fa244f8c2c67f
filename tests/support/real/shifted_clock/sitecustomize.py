# ruff: noqa: TID251, PTH123
"""Python's own start-up hook: shifts the clocks of a process by what a test wrote into a folder.

The wall clock of one machine cannot be moved for a test; the call by which a process reads it can.
"""

import os
import sys
import time

_FOLDER = os.environ.get("BASALT_TEST_CLOCKS", "")
_ME = next((word for word in sys.orig_argv if word.startswith("services.")), "supervisor")
_wall, _gettime = time.time_ns, time.clock_gettime_ns


def _shift_ns(kind: str) -> int:
    for name in (f"{kind}.{_ME}", kind):
        try:
            with open(f"{_FOLDER}/{name}") as file:
                return int(float(file.read()) * 1_000_000_000)
        except (FileNotFoundError, ValueError):
            continue
    return 0


if _FOLDER:
    time.time_ns = lambda: _wall() + _shift_ns("wall")
    time.time = lambda: time.time_ns() / 1e9
    time.clock_gettime_ns = lambda which: _gettime(which) + _shift_ns("boot")
