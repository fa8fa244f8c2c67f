"""Files of glucose readings: any bytes come in, readings and every fault by line come out."""

import re
from collections.abc import Sequence

from core.formats.delimited_glucose import read_table
from core.formats.glucose_readings import (
    FileProblem,
    FileReading,
    Found,
    GlucoseFile,
    LocalToUtc,
)
from core.formats.glucose_values import parse_unit
from core.formats.nightscout import read_entries
from core.kernel.errors import GlucoseFileError
from schemas.glucose import GlucoseSource

FILE_BYTES_MAX = 64 * 1_024 * 1_024
"""[B] of one file; a year of readings in JSON is about 30 MB."""

FILE_LINES_MAX = 2_000_000
"""[-] lines of one file; 19 years at one reading in 5 minutes."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f]")


def read_glucose_bytes(
    data: bytes,
    *,
    name: str,
    unit: str | None = None,
    kind: GlucoseSource = "sensor",
    local_to_utc: LocalToUtc | None = None,
) -> GlucoseFile:
    """Read Nightscout's entries.json or a table `time,glucose`; what is broken is told by line.

    Args:
        data: of the whole file.
        name: of the file, for errors and the result.
        unit: as `parse_unit` reads it, for a table that does not say; None leaves it to the file.
        kind: [-] what the readings of a table are; Nightscout's entries say it themselves.
        local_to_utc: what a local time names, for a table whose times have no zone.

    Raises:
        GlucoseFileError: too big, not text, unit or zone unknown, or no reading in it is usable.
        GlucoseTextError: `unit` is not a unit.
    """
    stated = None if unit is None else parse_unit(unit)
    text, encoding = _decode(data, name=name)
    notes: tuple[str, ...] = ()
    if text.lstrip().startswith(("[", "{")):
        if stated == "mmol/L":
            raise GlucoseFileError(name=name, reason="Nightscout's entries are in mg/dL always")
        found, notes = read_entries(text, name=name)
        delimiter, known = "", parse_unit("mg/dL")
    else:
        found, delimiter, known = read_table(
            text, name=name, unit=stated, kind=kind, local_to_utc=local_to_utc
        )
    readings = _without_doubles(found, lines=text.split("\n") if delimiter else ())
    problems = tuple(sorted(found.problems, key=lambda problem: problem.line))
    if not readings:
        raise GlucoseFileError(name=name, reason=_nothing(problems, notes))
    return GlucoseFile(
        name=name,
        kind="csv" if delimiter else "nightscout",
        encoding=encoding,
        delimiter=delimiter,
        unit=known,
        readings=readings,
        problems=problems,
        notes=notes,
    )


def _decode(data: bytes, *, name: str) -> tuple[str, str]:
    """Read the bytes as text, lines ended by a line feed, without a byte order mark."""
    if len(data) > FILE_BYTES_MAX:
        raise GlucoseFileError(name=name, reason=f"bigger than {FILE_BYTES_MAX // 2**20} MiB")
    text, encoding = _text(data, name=name)
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\x1a\n\t ")
    if _CONTROLS.search(text):
        raise GlucoseFileError(name=name, reason="not a text file")
    if not text.strip():
        raise GlucoseFileError(name=name, reason="the file is empty")
    if text.count("\n") >= FILE_LINES_MAX:
        raise GlucoseFileError(name=name, reason=f"more than {FILE_LINES_MAX} lines")
    return text, encoding


def _text(data: bytes, *, name: str) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), "utf-16"
        except UnicodeDecodeError as error:
            raise GlucoseFileError(name=name, reason="broken UTF-16 text") from error
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"


def _without_doubles(found: Found, *, lines: Sequence[str]) -> tuple[FileReading, ...]:
    """Sort by time; of two readings of one kind at one instant the first in the file stays."""
    first: dict[tuple[int, str], FileReading] = {}
    for reading in found.readings:
        kept = first.setdefault((reading.at, reading.kind), reading)
        if kept is not reading:
            shown = lines[reading.line - 1] if lines else reading.received
            same = "the same" if kept.received == reading.received else f"{kept.received!r}"
            place = f"{'entry' if found.counts_entries else 'line'} {kept.line}"
            reason = f"a second reading for one instant; {place} has {same}"
            found.fault(line=reading.line, text=shown, reason=reason)
    return tuple(sorted(first.values(), key=lambda reading: (reading.at, reading.kind)))


def _nothing(problems: Sequence[FileProblem], notes: Sequence[str]) -> str:
    first = f"; {problems[0].place}: {problems[0].reason}" if problems else ""
    return f"no usable reading in it{first}" + "".join(f"; {note}" for note in notes)
