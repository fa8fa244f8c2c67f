"""Write a closed period of the record into a file that verifies without the record.

Redacted, names and times are others and the proofs hold. Nothing is deleted.
"""

import argparse
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from nacl.signing import SigningKey

from core.kernel.errors import CheckpointBroken
from core.record.redaction import Redaction
from schemas.units import DAY_MS, Milliseconds, PumpId
from services.command_line.grammar.common_options import add_period, add_trust
from services.command_line.journals import journal
from services.command_line.output.exit_codes import DONE, REFUSED, CommandFailed, wrong_input
from services.command_line.output.options import choices
from services.command_line.output.progress import clear, show
from services.command_line.output.tables import print_table
from services.command_line.record.verify.check_record import (
    FAULTS_SHOWN,
    checkpoints_kept,
    record_public,
    tell_first,
)
from services.command_line.record.which_record import record_file, recorded_pump
from services.command_line.session import print_json
from services.runtime.audit.archive import Archived, ArchiveHead, Part, archive_of, verify_archive
from services.runtime.audit.archive_files import read_lines, write_lines
from services.runtime.audit.redacted_archive import (
    ALIAS,
    RedactedHead,
    RedactedPart,
    redacted,
    verify_redacted,
)
from services.runtime.platform.data_folder import DataFolder
from services.runtime.platform.errors import ArchiveBroken, OrderKeyBroken
from services.runtime.platform.release import version
from services.runtime.platform.signing_keys import read_record_key
from services.runtime.store_formats.folders import known_folder

EXAMPLE: Final = """
basalt archive 2026-03.jsonl.gz --from 2026-03-01T00:00:00Z \\
  --to 2026-04-01T00:00:00Z
basalt archive shared.jsonl.gz --redact
"""

WEEKS = range(26, 520)
"""[7 d] by which a redacted archive lies earlier: a random one of these."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, the period, and what is redacted and signed."""
    parser.add_argument("file", type=Path, metavar="FILE", help="made; packed when it ends in .gz")
    add_period(parser, since="recorded from then on", until="recorded before then")
    parser.add_argument(
        "--redact", action="store_true", help="other names and times, no commands and reports"
    )
    parser.add_argument(
        "--weeks", type=int, metavar="N", help="so many earlier; a random number of them"
    )
    parser.add_argument(
        "--sign-with", type=Path, metavar="FILE", help="seed of the record; DATA/keys/record.key"
    )
    add_trust(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write a period of the record into a file."""
    chosen = choices(arguments)
    folder = known_folder(chosen.data)
    path: Path = arguments.file
    if path.exists():
        raise wrong_input(f"{path} is there already; nothing is written over")
    if arguments.weeks is not None and not arguments.redact:
        raise wrong_input("--weeks is for --redact")
    public = record_public(arguments, folder)
    key = _record_key(arguments, folder, public)
    with journal(record_file(arguments.store, folder)) as store:
        pump = recorded_pump(chosen, folder, store)
        parts = archive_of(
            (row for _, row in store.rows(pump=pump)),
            pump=pump,
            release=version(),
            since=arguments.since,
            until=arguments.until,
            kept=checkpoints_kept(arguments, folder),
            public=public,
            sign=lambda text: bytes(key.sign(text).signature),
        )
        made: Iterator[Any] = _redacted(parts, arguments, pump, key) if arguments.redact else parts
        try:
            lines = write_lines(path, made)
        except (ArchiveBroken, CheckpointBroken) as error:
            raise CommandFailed(f"no archive of {pump}: {error}", REFUSED) from error
        except OSError as error:
            raise wrong_input(f"{path} cannot be written: {error.strerror}") from error
    print(
        f"wrote {path}, {lines - 2:,} lines; whoever has record.pub checks it: "
        f"basalt verify archive {path} --key record.pub"
    )
    return DONE


def _record_key(arguments: argparse.Namespace, folder: DataFolder, public: bytes) -> SigningKey:
    """Read the seed that the archive is signed with.

    Raises:
        CommandFailed: there is none, or it is not that of the record's public key.
    """
    path: Path = arguments.sign_with or folder.record_key
    try:
        key = read_record_key(path)
    except OrderKeyBroken as error:
        text = f"an archive is signed by the record: {error}; say --sign-with FILE"
        raise wrong_input(text) from error
    if bytes(key.verify_key) != public:
        raise wrong_input(f"{path} is not the seed of the record's public key; nobody could check")
    return key


def _redacted(
    parts: Iterator[Part], arguments: argparse.Namespace, pump: PumpId, key: SigningKey
) -> Iterator[Any]:
    weeks: int = secrets.choice(WEEKS) if arguments.weeks is None else arguments.weeks
    shift = Milliseconds(-7 * weeks * DAY_MS)
    print(f"{pump} is called {ALIAS}, and all lies {weeks} weeks earlier", file=sys.stderr)
    return redacted(
        parts,
        Redaction(pump=pump, alias=ALIAS, shift=shift),
        public=bytes(key.verify_key),
        sign=lambda text: bytes(key.sign(text).signature),
    )


def check_archive(arguments: argparse.Namespace) -> int:
    """Check an archive of either kind, without the record."""
    path: Path = arguments.file
    public = record_public(arguments, DataFolder(choices(arguments).data))
    try:
        _, head = next(read_lines(path, ArchiveHead | RedactedHead))
        if isinstance(head, RedactedHead):
            return _check_redacted(arguments, path, public)
        found = verify_archive(lambda: read_lines(path, Part), public=public, told=_tell_how_far)
    except (ArchiveBroken, CheckpointBroken) as error:
        raise CommandFailed(f"{path} does not verify: {error}", REFUSED) from error
    except OSError as error:
        raise wrong_input(f"{path} cannot be read: {error.strerror}") from error
    if sys.stderr.isatty():
        clear(sys.stderr)
    return _show(arguments, found)


def _show(arguments: argparse.Namespace, found: Archived) -> int:
    report = found.report
    if choices(arguments).json:
        print_json(found)
    else:
        behind = sum(found.uncovered.values())
        row = (report.lines, report.events, report.checkpoints, behind, len(report.faults))
        columns = ("lines", "events", "checkpoints compared", "events behind them", "wrong")
        print_table(columns, [[str(cell) for cell in row]], right=frozenset(range(5)))
    tell_first([f"line {one.position}: {one.text}" for one in report.faults], most=FAULTS_SHOWN)
    if not found.is_signed:
        print(f"basalt: {_unsigned(found)}", file=sys.stderr)
    return DONE if found.is_sound else REFUSED


def _unsigned(found: Archived) -> str:
    """Say what of an archive anybody could have written."""
    return (
        f"nobody has signed its end: {found.unsigned} of {found.report.events} events stand behind "
        "the last checkpoint in it, and no checkpoint in it covers commands and times; anybody "
        "could have written those: do not take them for what was given; have the archive made "
        "again by this release"
    )


def _check_redacted(arguments: argparse.Namespace, path: Path, public: bytes) -> int:
    found = verify_redacted(lambda: read_lines(path, RedactedPart), public=public)
    if choices(arguments).json:
        print_json(found)
        return DONE
    rows = [(name, str(count)) for name, count in found.events.items()]
    print_table(("service", "events signed"), rows, right=frozenset({1}))
    print(f"redacted: {found.pump} is not its name, and the times are others")
    return DONE


def _tell_how_far(lines: int) -> None:
    if sys.stderr.isatty():
        show("archive", lines, total=0, screen=sys.stderr)
