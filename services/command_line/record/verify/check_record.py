"""`basalt verify record`: has anybody changed it, cut it short, or put an older copy back?"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from core.deciders.names import HISTORIAN, SPEAKERS
from core.kernel.errors import CheckpointBroken
from services.command_line.journals import Place, journal
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import (
    DONE,
    REFUSED,
    UNSIGNED,
    CommandFailed,
    wrong_input,
)
from services.command_line.output.options import choices
from services.command_line.output.tables import print_table
from services.command_line.record.which_record import record_file
from services.command_line.session import print_json
from services.runtime.audit.checkpoint_files import CheckpointFiles
from services.runtime.audit.record_check import Checkpoints, OpenEnd
from services.runtime.audit.whole_check import Beside, check_record
from services.runtime.platform.data_folder import DataFolder, NotRunning
from services.runtime.platform.errors import OrderKeyBroken
from services.runtime.platform.signing_keys import public_path, read_public
from services.runtime.store_formats.folders import known_folder

FAULTS_SHOWN = 10
"""[-] of a record that is wrong."""

WHAT_NOW = (
    "nothing is wrong in what is signed; what stands open could be changed or cut off unseen, so "
    "count no dose by it alone. While the system runs it is signed within 5 min, and when it "
    "stops: verify again then"
)
"""[-] about a record that ends with something that nobody has signed."""


def verify_record(arguments: argparse.Namespace) -> int:
    """Check the record line by line, and hold it against the checkpoints."""
    folder = known_folder(choices(arguments).data)
    kept = checkpoints_kept(arguments, folder)
    place = record_file(arguments.store, folder)
    with journal(place) as store:
        report = check_record(
            store, checkpoints=kept, beside=_beside(place), runs=_runs(arguments, folder)
        )
    if choices(arguments).json:
        print_json(report)
    else:
        behind = sum(one.lines for one in report.open_ends)
        row = (report.lines, report.events, report.checkpoints, len(report.faults), behind)
        columns = ("lines", "events", "checkpoints compared", "wrong", "lines behind them")
        print_table(columns, [[str(cell) for cell in row]], right=frozenset(range(5)))
    faults = [f"{one.pump}, line {one.position}: {one.text}" for one in report.faults]
    tell_first(faults, most=FAULTS_SHOWN)
    for text in (text for end in report.open_ends for text in _in_words(end)):
        print(f"basalt: {text}", file=sys.stderr)
    if not kept:
        text = "no checkpoint to hold it against: what was put back or cut short whole is not seen"
        print(f"basalt: {text}", file=sys.stderr)
    if report.faults:
        return REFUSED
    if kept and not report.is_open:
        return DONE
    print(f"basalt: {WHAT_NOW}", file=sys.stderr)
    return UNSIGNED


def _runs(arguments: argparse.Namespace, folder: DataFolder) -> bool:
    """Say whether the system whose record this is runs."""
    try:
        return arguments.store is None and bool(folder.read_running())
    except NotRunning:
        return False


def _beside(place: Place) -> Beside:
    """Give the journals of the other services that are beside the record."""
    for name in SPEAKERS:
        other = place.of(name)
        if name != HISTORIAN and other.is_there():
            yield name, partial(journal, other)


def _in_words(end: OpenEnd) -> Iterator[str]:
    """Say how much stands open, for how long, whether anything else has it, and what is missing."""
    if end.lines:
        has = "nothing else has any of them"
        if end.elsewhere:
            has = f"another journal at hand has {end.elsewhere:,} of them too"
        yield (
            f"{end.pump}: {end.lines:,} lines with {end.events:,} events stand behind the last "
            f"checkpoint that agrees (line {end.after:,}), from {moment(end.since)} to "
            f"{moment(end.until)} ({_took(end.until - end.since)}); {has}"
        )
    for text in end.missing:
        yield f"{end.pump}: the record has not {text}"


def _took(ms: int) -> str:
    """Say how long something was, in hours, minutes and seconds."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


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


def checkpoints_kept(arguments: argparse.Namespace, folder: DataFolder) -> Checkpoints:
    """Read the checkpoints.

    Raises:
        CommandFailed: one is not signed by the key of the record, or there is no such folder.
    """
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
