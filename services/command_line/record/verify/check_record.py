"""`basalt verify record`: has anybody changed it, cut it short, or put an older copy back?"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from core.kernel.errors import CheckpointBroken
from services.command_line.journals import journal
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.output.tables import print_table
from services.command_line.record.which_record import record_file
from services.command_line.session import print_json
from services.runtime.audit.checkpoint_files import CheckpointFiles
from services.runtime.audit.record_check import Checkpoints, check_record
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import OrderKeyBroken
from services.runtime.platform.signing_keys import public_path, read_public

FAULTS_SHOWN = 10
"""[-] of a record that is wrong."""


def verify_record(arguments: argparse.Namespace) -> int:
    """Check the record line by line, and hold it against the checkpoints."""
    folder = DataFolder(choices(arguments).data)
    kept = _checkpoints(arguments, folder)
    with journal(record_file(arguments.store, folder)) as store:
        report = check_record(store, checkpoints=kept)
    if choices(arguments).json:
        print_json(report)
    else:
        row = (report.lines, report.events, report.checkpoints, len(report.faults))
        columns = ("lines", "events", "checkpoints compared", "wrong")
        print_table(columns, [[str(cell) for cell in row]], right=frozenset(range(4)))
    faults = [f"{one.pump}, line {one.position}: {one.text}" for one in report.faults]
    tell_first(faults, most=FAULTS_SHOWN)
    if not kept:
        text = "no checkpoint to hold it against: what was put back or cut short whole is not seen"
        print(f"basalt: {text}", file=sys.stderr)
    return REFUSED if report.faults else DONE


def checkpoint_folder(arguments: argparse.Namespace, folder: DataFolder) -> Path:
    """Name where checkpoints are kept."""
    said: Path | None = arguments.checkpoints
    return folder.checkpoints if said is None else said


def record_public(arguments: argparse.Namespace, folder: DataFolder) -> bytes:
    """Read the public key of the record.

    Raises:
        CommandFailed: there is none.
    """
    said: Path | None = arguments.key
    try:
        return bytes.fromhex(read_public(public_path(folder.record_key) if said is None else said))
    except OrderKeyBroken as error:
        raise wrong_input(f"the public key of the record: {error}; say --key FILE") from error


def _checkpoints(arguments: argparse.Namespace, folder: DataFolder) -> Checkpoints:
    place = checkpoint_folder(arguments, folder)
    if not place.is_dir():
        if arguments.checkpoints is not None:
            raise wrong_input(f"{place} is no folder")
        return {}
    try:
        return CheckpointFiles(place).read(public=record_public(arguments, folder))
    except CheckpointBroken as error:
        raise CommandFailed(str(error), REFUSED) from error


def tell_first(faults: Sequence[str], *, most: int, of: str = "") -> None:
    """Say the first faults, and how many more there are."""
    for text in faults[:most]:
        print(f"basalt: {text}", file=sys.stderr)
    if len(faults) > most:
        print(f"basalt: {of}{len(faults) - most} more", file=sys.stderr)
