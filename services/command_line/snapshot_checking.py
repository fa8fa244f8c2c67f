"""`basalt verify snapshots`: is each kept state what the record folds to?"""

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

from services.command_line.choices import choices
from services.command_line.exits import DONE, REFUSED, CommandFailed
from services.command_line.journals import journal, record_file
from services.command_line.record_checking import FAULTS_SHOWN, tell_first
from services.command_line.session import print_json
from services.command_line.tables import print_table
from services.runtime.data_folder import DataFolder
from services.runtime.replay import pumps_in
from services.runtime.snapshots import Snapshots, differing

REMEDY = "delete the file while nothing runs: the historian makes it anew"
"""[-] what helps where snapshots are wrong."""


@contextmanager
def snapshots_of(folder: DataFolder) -> Iterator[Snapshots | None]:
    """Open the snapshots that a folder has; none where they cannot be read, which is said."""
    try:
        opened = Snapshots(folder.snapshots)
    except sqlite3.Error as error:
        _warn(f"{folder.snapshots} cannot be read ({error}); the whole record is folded instead")
        yield None
        return
    with closing(opened):
        yield opened


def _warn(text: str) -> None:
    print(f"basalt: {text}", file=sys.stderr)


def verify_snapshots(arguments: argparse.Namespace) -> int:
    """Fold the whole record and hold each snapshot against it."""
    folder = DataFolder(choices(arguments).data)
    if not folder.snapshots.is_file():
        raise CommandFailed(f"there are no snapshots at {folder.snapshots}", REFUSED)
    wrong: dict[str, list[int]] = {}
    counted: dict[str, int] = {}
    with journal(record_file(arguments.store, folder)) as store, snapshots_of(folder) as kept:
        if kept is None:
            return REFUSED
        if not kept.is_of_today:
            _warn("the snapshots are of other rules than today's and are not used; " + REMEDY)
            return REFUSED
        for pump in pumps_in(store):
            held = list(differing(store, kept, pump=pump))
            counted[pump] = len(held)
            wrong[pump] = [position for position, differs in held if differs]
    if choices(arguments).json:
        print_json({"snapshots": counted, "wrong": wrong})
    else:
        rows = [(pump, str(count), str(len(wrong[pump]))) for pump, count in counted.items()]
        print_table(("pump", "snapshots", "wrong"), rows, right=frozenset({1, 2}))
    faults = [
        f"{pump}, line {line}: not what the record folds to"
        for pump, lines in wrong.items()
        for line in lines
    ]
    tell_first(faults, most=FAULTS_SHOWN)
    if faults:
        _warn(REMEDY)
    return REFUSED if faults else DONE
