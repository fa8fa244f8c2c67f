"""Ends a task for certain, tells a loop that it is to end, and says how a process ended."""

import asyncio
from typing import Any

EXIT_DONE = 0
"""[-] of a process that was told to end."""

EXIT_USAGE = 2
"""[-] of one whose command line or files are wrong: to start it again would not help."""

EXIT_FAILED = 3
"""[-] of one that was stopped by an error that it names."""

CANCEL_AGAIN_S = 0.5
"""[s] until a task that is still there is cancelled once more."""


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it is over; what it raised is left for whoever asks it.

    In Python 3.11 `asyncio.wait_for`, which nats-py uses for every request, swallows a
    cancellation that comes in the same turn as the answer (cpython issue 86296): a loop around it
    would then run on for ever, and so would whoever waits for its end.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=CANCEL_AGAIN_S)


def is_running() -> bool:
    """Say whether the current task was not told to end; a swallowed cancellation counts as told.

    A task group cancels its children once only: a loop in one asks this at every turn.
    """
    task = asyncio.current_task()
    return task is None or not task.cancelling()
