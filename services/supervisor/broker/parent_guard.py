"""Ends nats-server when the supervisor ends, however that ends.

nats-server cannot watch its parent, and the kernel's own way (PR_SET_PDEATHSIG) exists on Linux
alone and follows the thread that forked. This is a process of its own beside the broker, so that
each of the three (supervisor, guard, broker) can be killed alone and nothing stays behind: it
reads its standard input, which the supervisor holds open, and stops the broker when that ends. It
holds a lock so that the next start can wait until the old broker has let go of its files.

It is run as a file and imports nothing of ours, so that it is up in 20 ms and costs 8 MB.
"""

import fcntl
import os
import signal
import sys
import time

STEPS_MAX = 200
"""[-] looks at a broker that was told to stop before it is killed."""

STEP_S = 0.01
"""[s] between two looks."""


def main() -> int:
    """Wait for the end of standard input, then stop the process named on the command line."""
    broker, lock = int(sys.argv[1]), sys.argv[2]
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    while os.read(sys.stdin.fileno(), 4_096):
        pass
    try:
        os.kill(broker, signal.SIGTERM)
        for _ in range(STEPS_MAX):
            time.sleep(STEP_S)
            os.kill(broker, 0)
        os.kill(broker, signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
