"""How a command ends: its exit code, and the one line that says why."""

from dataclasses import dataclass

DONE = 0
"""[-] what was asked was done."""

REFUSED = 1
"""[-] the system answered no, or a check found a difference."""

WRONG_INPUT = 2
"""[-] the command line or a file is wrong; nothing was sent."""

UNKNOWN = 3
"""[-] the system is not reachable, or what came of the command is not known."""

UNSIGNED = 4
"""[-] a check found nothing wrong, and a part that nothing proves."""

INTERRUPTED = 130
"""[-] stopped by Ctrl-C, as shells count it."""


@dataclass(eq=False)
class CommandFailed(Exception):
    """A command that ends early, with its exit code."""

    text: str
    code: int

    def __str__(self) -> str:
        """Say why."""
        return self.text


def wrong_input(text: str) -> CommandFailed:
    """Make the end of a command whose input is wrong."""
    return CommandFailed(text, WRONG_INPUT)


def unreachable(text: str) -> CommandFailed:
    """Make the end of a command that nobody answered."""
    return CommandFailed(text, UNKNOWN)
