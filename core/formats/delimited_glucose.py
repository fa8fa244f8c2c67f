"""Tables of glucose: two columns, time and glucose, parted by comma, semicolon or tab."""

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from core.formats.glucose_readings import FileReading, Found, LocalToUtc
from core.formats.glucose_values import parse_glucose
from core.formats.timestamps import has_no_zone, looks_like_time, parse_instants, settle
from core.kernel.errors import GlucoseFileError, GlucoseTextError
from schemas.glucose import GlucoseSource, GlucoseUnit
from schemas.units import UtcMillis

MMOL_L_LOOKS_BELOW = 30
"""[-] a file all of whose numbers are below it is hardly in mg/dL; 30 mmol/L are 540 mg/dL."""

MMOL_L_HARDLY_ABOVE = 40
"""[-] a file all of whose numbers are above it is hardly in mmol/L; 40 mmol/L are 721 mg/dL."""

_LETTERS = re.compile(r"[^a-z0-9]")
_TIMES = frozenset(
    ("time", "timestamp", "datetime", "date", "dateandtime", "displaytime", "localtime", "utctime")
)
_GLUCOSES = frozenset(("glucose", "glucosevalue", "bloodglucose", "value", "sgv", "bg", "gl"))
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)?")


class Columns(NamedTuple):
    """Where a table has what."""

    delimiter: str
    width: int
    time: int
    glucose: int
    unit: GlucoseUnit | None
    header_lines: int


class Row(NamedTuple):
    """A line of a table that has the right number of columns."""

    line: int
    shown: str
    time: str
    glucose: str


def read_table(
    text: str,
    *,
    name: str,
    unit: GlucoseUnit | None,
    kind: GlucoseSource,
    local_to_utc: LocalToUtc | None,
) -> tuple[Found, str, GlucoseUnit]:
    """Read a table with or without a header.

    Args:
        text: of the file, lines ended by a line feed.
        name: of the file, for the error.
        unit: as the caller states it; None leaves it to the header.
        kind: [-] what all readings of the file are.
        local_to_utc: what a local time names; None if no zone is stated.

    Returns:
        What was found, the delimiter, and the unit.

    Raises:
        GlucoseFileError: columns, unit or zone cannot be known, or the numbers contradict the unit.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    columns = _columns(lines[0][1], name=name)
    found = Found()
    rows = _rows(lines[columns.header_lines :], columns=columns, found=found)
    known = _known_unit([row.glucose for row in rows], columns=columns, stated=unit, name=name)
    timed: list[tuple[Row, tuple[UtcMillis, ...]]] = []
    for row in rows:
        try:
            timed.append((row, parse_instants(row.time, local_to_utc=local_to_utc)))
        except GlucoseTextError as error:
            found.fault(line=row.line, text=row.shown, reason=str(error))
    if not timed and local_to_utc is None and any(has_no_zone(row.time) for row in rows):
        raise GlucoseFileError(name=name, reason="its times have no zone; state it with --zone")
    instants = settle([both for _, both in timed])
    for (row, _), at in zip(timed, instants, strict=True):
        reading = FileReading(
            at=at,
            kind=kind,
            received=row.glucose,
            decimal_comma="," in row.glucose and columns.delimiter != ",",
            unit=known,
            line=row.line,
        )
        found.take(reading, text=row.shown)
    return found, columns.delimiter, known


def _columns(first: str, *, name: str) -> Columns:
    delimiter = next((mark for mark in "\t;" if mark in first), ",")
    try:
        cells = _cells(first, delimiter=delimiter)
    except GlucoseTextError as error:
        raise GlucoseFileError(name=name, reason=f"its first line: {error}") from error
    names = [_LETTERS.sub("", cell.lower()) for cell in cells]
    times = [i for i, text in enumerate(names) if text in _TIMES or text.startswith("timestamp")]
    units: list[GlucoseUnit | None] = [_unit_of(text) for text in names]
    glucoses = [i for i, text in enumerate(names) if units[i] or text in _GLUCOSES]
    if len(times) == 1 and len(glucoses) == 1:
        at = glucoses[0]
        return Columns(delimiter, len(cells), times[0], at, units[at], header_lines=1)
    is_row = looks_like_time(cells[0]) or _is_glucose(cells[-1])
    if len(cells) == 2 and is_row:
        return Columns(delimiter, 2, 0, 1, None, header_lines=0)
    reason = "no header that names one column of time and one of glucose, such as time,mg_dl"
    if is_row and delimiter == ",":
        reason += "; a decimal comma needs semicolons or tabs between the columns"
    raise GlucoseFileError(name=name, reason=reason)


def _unit_of(text: str) -> GlucoseUnit | None:
    if "mgdl" in text:
        return "mg/dL"
    return "mmol/L" if "mmol" in text else None


def _is_glucose(text: str) -> bool:
    try:
        parse_glucose(text, unit="mg/dL", decimal_comma=True)
    except GlucoseTextError:
        return False
    return True


def _rows(lines: Sequence[tuple[int, str]], *, columns: Columns, found: Found) -> list[Row]:
    rows: list[Row] = []
    for number, line in lines:
        try:
            cells = _cells(line, delimiter=columns.delimiter)
            if len(cells) != columns.width:
                raise GlucoseTextError(
                    reason=f"{len(cells)} columns and not {columns.width}", text=line[:80]
                )
            rows.append(Row(number, line, cells[columns.time], cells[columns.glucose]))
        except GlucoseTextError as error:
            found.fault(line=number, text=line, reason=error.reason)
    return rows


def _cells(line: str, *, delimiter: str) -> list[str]:
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True))]
    except csv.Error as error:
        raise GlucoseTextError(reason=f"broken quotes ({error})", text=line[:80]) from error


def _known_unit(
    glucoses: Sequence[str], *, columns: Columns, stated: GlucoseUnit | None, name: str
) -> GlucoseUnit:
    """Take the unit from header or caller; the numbers may contradict it, never choose it."""
    numbers = [_whole_part(text) for text in glucoses if _NUMBER.fullmatch(text)]
    looks_mmol = bool(numbers) and max(numbers) < MMOL_L_LOOKS_BELOW
    if stated is not None and columns.unit not in (None, stated):
        reason = f"its header says {columns.unit}, and {stated} was stated"
        raise GlucoseFileError(name=name, reason=reason)
    unit = stated or columns.unit
    if unit is None:
        guess = "mmol/L" if looks_mmol else "mg/dL"
        reason = f"it does not say its unit; it looks like {guess}; state it with --unit"
        raise GlucoseFileError(name=name, reason=reason)
    if unit == "mg/dL" and looks_mmol:
        reason = f"every number is below {MMOL_L_LOOKS_BELOW}: that is mmol/L and not mg/dL"
        raise GlucoseFileError(name=name, reason=reason)
    if unit == "mmol/L" and numbers and min(numbers) >= MMOL_L_HARDLY_ABOVE:
        reason = f"every number is {MMOL_L_HARDLY_ABOVE} or above: that is mg/dL and not mmol/L"
        raise GlucoseFileError(name=name, reason=reason)
    return unit


def _whole_part(text: str) -> int:
    return int(text.replace(",", ".").partition(".")[0][:12])
