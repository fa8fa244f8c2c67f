"""What a person has set and what holds now, shown as the file that sets it."""

import json
from typing import Any, Final

from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed

SHOW: Final = "show"
"""[-] typed in place of a file."""


def show_in_force(found: dict[str, Any] | None) -> int:
    """Print it, ready to be saved and set again; give the exit code.

    Raises:
        CommandFailed: nothing is in force.
    """
    if found is None:
        raise CommandFailed("none is in force", REFUSED)
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return DONE
