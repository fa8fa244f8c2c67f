"""Questions to a person at a terminal."""

import signal
import sys
import threading


def says_yes(question: str) -> bool:
    """Ask, and wait; whatever is no yes is a no.

    Ctrl-C ends the waiting at once, also inside an event loop, which would keep it for later.
    """
    is_main = threading.current_thread() is threading.main_thread()
    # Before the question is seen: whoever answers it at once with Ctrl-C is heard as well.
    before = signal.signal(signal.SIGINT, signal.default_int_handler) if is_main else None
    try:
        print(f"{question} [y/N] ", end="", flush=True)
        return sys.stdin.readline().strip().lower() in ("y", "yes")
    finally:
        if is_main:
            signal.signal(signal.SIGINT, before)
