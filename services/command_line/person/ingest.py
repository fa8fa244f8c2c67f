"""Send the readings of a file; a second run of the same file doubles nothing."""

import argparse
import asyncio
import hashlib
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from core.deciders.glucose.decider import GLUCOSE_FUTURE_MS_MAX
from core.deciders.names import GLUCOSE_INGEST
from core.formats.glucose_files import FILE_BYTES_MAX, read_glucose_bytes
from core.formats.glucose_readings import FileReading, GlucoseFile, plain
from core.kernel.errors import GlucoseFileError, GlucoseTextError
from schemas.glucose import RecordReading
from schemas.message import Outcome
from schemas.units import HOUR_MS, CommandId, UtcMillis
from services.command_line.output.event_messages import moment
from services.command_line.output.exit_codes import (
    DONE,
    REFUSED,
    CommandFailed,
    unreachable,
    wrong_input,
)
from services.command_line.output.options import choices
from services.command_line.output.reason_messages import in_words
from services.command_line.session import Session, print_json, run_session
from services.runtime.platform.errors import ZoneError
from services.runtime.platform.zones import local_resolver

EXAMPLE: Final = """
basalt ingest entries.json
basalt ingest readings.csv --unit mmol/L --zone Europe/Berlin --dry-run
"""

IN_FLIGHT_MAX = 32
"""[-] readings sent and not yet answered."""

SENDINGS_MAX = 5
"""[-] of one reading, each under an id of its own."""

HASH_DIGITS = 24
"""[-] hex digits of the file's hash in a command's id."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file."""

    file: str
    readings: int
    """[-] read in the file."""
    bad_lines: int
    """[-] that were no readings."""
    taken: int
    """[-] by glucose_ingest, now or in an earlier run."""
    refused: dict[str, int]
    """[-] by reason."""
    is_dry_run: bool
    """[-] nothing was sent."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, and what it does not say of itself."""
    parser.add_argument("file", type=Path, metavar="FILE", help="Nightscout JSON or time,glucose")
    parser.add_argument("--unit", metavar="mg/dL|mmol/L", help="of a table that does not say")
    parser.add_argument("--zone", metavar="ZONE", help="of local times: Europe/Berlin")
    parser.add_argument(
        "--source", choices=("meter", "sensor"), default="sensor", help="of a table; sensor"
    )
    parser.add_argument("--dry-run", action="store_true", help="read and report, send nothing")


def run(arguments: argparse.Namespace) -> int:
    """Read a file, report what is wrong with it, send the rest."""
    data = _read(arguments.file)
    found = _understand(data, arguments)
    for problem in found.problems:
        at = f" {problem.place}" if problem.is_entry else f"{problem.line}"
        print(f"{found.name}:{at}: {problem.reason}: {problem.text}", file=sys.stderr)
    for note in found.notes:
        print(f"{found.name}: {note}", file=sys.stderr)
    if arguments.dry_run:
        return _finish(found, Counter(), 0, arguments)
    name = _name_of(data, arguments)

    async def work(session: Session) -> int:
        reasons, taken = await _send_all(session, found, name)
        return _finish(found, reasons, taken, arguments)

    return run_session(choices(arguments), work)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise wrong_input(f"{path}: {error.strerror or error}") from error


def _understand(data: bytes, arguments: argparse.Namespace) -> GlucoseFile:
    try:
        return read_glucose_bytes(
            data,
            name=str(arguments.file),
            unit=arguments.unit,
            kind=arguments.source,
            local_to_utc=local_resolver(arguments.zone) if arguments.zone else None,
        )
    except (GlucoseFileError, GlucoseTextError, ZoneError) as error:
        raise wrong_input(str(error)) from error


def _name_of(data: bytes, arguments: argparse.Namespace) -> str:
    """Name a file by its bytes and by how they are understood."""
    how = f"{arguments.unit}|{arguments.zone}|{arguments.source}|".encode()
    return hashlib.sha256(how + data).hexdigest()[:HASH_DIGITS]


async def _send_all(session: Session, found: GlucoseFile, name: str) -> tuple[Counter[str], int]:
    """Send every reading in order, some at a time; count the refusals by reason, and the rest."""
    reasons: Counter[str] = Counter()
    taken = 0
    queue = iter(found.readings)

    with _progress(len(found.readings)) as advance:

        async def worker() -> None:
            nonlocal taken
            for reading in queue:
                outcome = await _send(session, reading, name)
                taken += outcome.accepted
                if not outcome.accepted:
                    reasons[outcome.reason] += 1
                advance()

        tasks = [asyncio.create_task(worker()) for _ in range(IN_FLIGHT_MAX)]
        try:
            await asyncio.gather(*tasks)
        except CommandFailed as error:
            done = taken + sum(reasons.values())
            raise unreachable(
                f"glucose_ingest stopped answering after {done} of {len(found.readings)} readings; "
                "run the same command again, nothing is doubled"
            ) from error
        finally:
            for task in tasks:
                task.cancel()
    return reasons, taken


async def _send(session: Session, reading: FileReading, name: str) -> Outcome:
    """Send a reading under its own id; one that expired unread was never obeyed, and goes again."""
    command = RecordReading(
        measured_at=reading.at,
        source=reading.kind,
        unit=reading.unit,
        received=plain(reading),
        device=reading.device,
    )
    first = _command_id(name, reading, now=session.clock.now().therapy)
    outcome = await session.send(command, to=GLUCOSE_INGEST, command_id=first)
    for number in range(1, SENDINGS_MAX):
        if outcome.accepted or outcome.reason != "expired":
            break
        again = CommandId(f"{first}-again{number}")
        outcome = await session.send(command, to=GLUCOSE_INGEST, command_id=again)
    return outcome


def _command_id(name: str, reading: FileReading, *, now: UtcMillis) -> CommandId:
    """Make the same id for the same line of the same file, so that it is obeyed once.

    A reading that lies ahead of the clock will be refused; the hour in its id lets a later run
    ask again, when its time has come.
    """
    ahead = reading.at > now + GLUCOSE_FUTURE_MS_MAX
    return CommandId(f"file-{name}-{reading.line}" + (f"-{now // HOUR_MS}" if ahead else ""))


class _Advance:
    """Moves the bar on by one, where there is a bar."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("readings", total=total) if progress else None

    def __call__(self) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)


@contextmanager
def _progress(total: int) -> Iterator[_Advance]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Advance(None, total)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Advance(progress, total)


def _finish(
    found: GlucoseFile, reasons: Counter[str], taken: int, arguments: argparse.Namespace
) -> int:
    summary = Summary(
        file=found.name,
        readings=len(found.readings),
        bad_lines=len(found.problems),
        taken=taken,
        refused=dict(sorted(reasons.items())),
        is_dry_run=arguments.dry_run,
    )
    if choices(arguments).json:
        print_json(summary)
    else:
        _print(summary, found)
    return REFUSED if reasons or found.problems else DONE


def _print(summary: Summary, found: GlucoseFile) -> None:
    first, last = moment(found.readings[0].at), moment(found.readings[-1].at)
    readings = "reading" if summary.readings == 1 else "readings"
    head = f"{summary.file}: {summary.readings} {readings} from {first} to {last}"
    bad = f"{summary.bad_lines} bad line{'' if summary.bad_lines == 1 else 's'}"
    if summary.is_dry_run:
        print(f"{head}, {bad}; nothing was sent")
        return
    print(f"{head}; {summary.taken} taken, {sum(summary.refused.values())} refused, {bad}")
    for reason, count in summary.refused.items():
        print(f"  {count} refused: {in_words(reason, tag='reading_rejected.v1')}")
