"""`basalt verify snapshots`: is each kept state what the record folds to?"""

import argparse
import sys

from services.command_line.journals import journal
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed
from services.command_line.output.options import choices
from services.command_line.output.tables import print_table
from services.command_line.record.verify.check_record import FAULTS_SHOWN, tell_first
from services.command_line.record.which_record import record_file, snapshots_of
from services.command_line.session import print_json
from services.runtime.replay.replay import pumps_in
from services.runtime.replay.snapshots import differing
from services.runtime.store_formats.folders import known_folder

REMEDY = "delete the file while nothing runs: the historian makes it anew"
"""[-] what helps where snapshots are wrong."""


def _warn(text: str) -> None:
    print(f"basalt: {text}", file=sys.stderr)


def verify_snapshots(arguments: argparse.Namespace) -> int:
    """Fold the whole record and hold each snapshot against it."""
    folder = known_folder(choices(arguments).data)
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
