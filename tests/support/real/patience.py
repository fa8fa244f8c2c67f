"""How long a test waits for what other processes do: for the fact, with a generous limit."""

import time
from collections.abc import Callable
from typing import Any, Final

PATIENCE_S: Final = 180.0
"""[s] on a machine that is busy with other work; only a test that fails waits it out."""

POLL_S: Final = 0.1
"""[s] between two looks at least."""

PAUSES_PER_LOOK: Final = 3
"""[-] times as long as a look took: looking must not slow down what is seen."""

PAUSE_S_MAX: Final = 0.6
"""[s] between two looks, however long a look takes."""


def until(
    holds: Callable[[], Any], *, s: float = PATIENCE_S, first: Callable[[], None] = lambda: None
) -> bool:
    """Look again and again whether something has become true; say whether it has.

    Args:
        holds: gives something true when it is so.
        s: [s] at least, after which nothing is expected any more.
        first: is called before each look, to fail where waiting is in vain.
    """
    for _ in range(round(s / POLL_S)):
        first()
        before = time.perf_counter()
        if holds():
            return True
        took = time.perf_counter() - before
        time.sleep(max(POLL_S, min(PAUSES_PER_LOOK * took, PAUSE_S_MAX)))
    return False
