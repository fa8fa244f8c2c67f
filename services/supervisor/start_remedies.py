"""What a person can do about a file of the data folder that prevents a start."""

import re
from pathlib import Path
from typing import Final

REMEDIES: Final = (
    (
        r"/journals/[^/\s']+\.db",
        "move this file and those beside it whose names begin alike out of the folder and start "
        "again: this service takes its past over from the others",
    ),
    (
        r"/(up|[^\s']*)\.lock",
        "remove it and start again: a lock holds nothing but the place",
    ),
    (
        r"/keys/[^/\s']+",
        "put back a copy of it; without one remove it and start again: a new key is made, and what "
        "was signed with the old one is not confirmed any more",
    ),
    (
        r"/pump/[^/\s']+",
        "put back the newest copy of it and of those beside it whose names begin alike; without "
        "one move them out of the folder and start again: a new pump begins, which gives no bolus "
        "until somebody has compared its count with what was accounted",
    ),
    (
        r"/begun\.json",
        "put back a copy of it; without one remove it and start again with the --glucose, --zone "
        "and --pump that the folder was begun with: therapy settings stand in the journals",
    ),
    (
        r"/clock(_seen)?\.json",
        "put back a copy of it, or remove it and start again: time goes on where the journals are",
    ),
    (
        r"/broker\b",
        "move the folder 'broker' out of the data folder and start again: the journals have every "
        "event",
    ),
    (
        r"/(snapshots\.db|logs/|running\.json)",
        "remove it and start again: it is made anew and is no record",
    ),
    (
        r"/checkpoints\b",
        "put back a copy of it, or move it out of the folder and start again: the record is signed "
        "anew, and an alarm tells of it",
    ),
    (r"/[\w.-]", "put back a copy of it, or move it out of the folder, and start again"),
)
"""[-] where in the data folder a file is, and what can be done; the first that fits."""


def with_remedy(why: str, *, folder: Path) -> str:
    """Give a refused start's reason as one line, with what to do about the file that it names.

    Args:
        why: the reason; where it names no file of the folder, nothing is added.
        folder: the data folder, as it is spelled in the reason.
    """
    line = " ".join(why.split())
    _, found, rest = line.partition(str(folder))
    if not found:
        return line
    fits = (remedy for where, remedy in REMEDIES if re.match(where, rest))
    remedy = next(fits, "")
    return f"{line}; {remedy}" if remedy else line
