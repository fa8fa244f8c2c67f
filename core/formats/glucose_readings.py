"""What a file of glucose readings comes to: the readings, and every line that was not taken."""

from collections.abc import Callable
from typing import Literal

import msgspec

from core.formats.glucose_values import parse_glucose
from core.kernel.errors import GlucoseTextError
from schemas.glucose import GlucoseSource, GlucoseUnit
from schemas.units import UtcMillis

TEXT_SHOWN_MAX = 80
"""[-] characters of a faulty line that are shown."""

LocalToUtc = Callable[[int, int, int, int, int, int], tuple[UtcMillis, ...]]
"""Year, month, day, hour, minute, second of a wall clock to the instants [ms] they name, sorted:
none where the clock was put forward over it, two where it was put back, else one."""


class FileReading(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a file, its number as the file has it."""

    at: UtcMillis
    """[ms] when the device measured."""
    kind: GlucoseSource
    """[-] a drop of blood or a continuous sensor."""
    received: str
    """[in `unit`] the number or LOW or HIGH, letter for letter; `parse_glucose` reads it."""
    decimal_comma: bool = False
    """[-] a comma in `received` is the decimal point; `plain` writes a point in its place."""
    unit: GlucoseUnit
    """[-] the unit of `received`."""
    device: str = ""
    """[-] the device, as it names itself."""
    direction: str = ""
    """[-] the trend as Nightscout spells it, empty if the file has none."""
    line: int
    """[-] from 1; of the file, in a JSON array the number of the entry."""


class FileProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One line that was not taken, and why."""

    line: int
    """[-] from 1; of the file, in a JSON array the number of the entry."""
    text: str
    """[-] the line as it stands, at most 80 characters."""
    reason: str
    """[-] a sentence for a person."""
    is_entry: bool = False
    """[-] `line` is the number of an entry of a JSON array."""

    @property
    def place(self) -> str:
        """Say where it stands, such as 'line 3' or 'entry 3'."""
        return f"{'entry' if self.is_entry else 'line'} {self.line}"


class GlucoseFile(msgspec.Struct, frozen=True, kw_only=True):
    """All that a file says."""

    name: str
    """[-] of the file, as the caller calls it."""
    kind: Literal["nightscout", "csv"]
    """[-] what the file looks like."""
    encoding: str
    """[-] such as 'utf-8'."""
    delimiter: str
    """[-] between columns; empty for JSON."""
    unit: GlucoseUnit
    """[-] of every reading in it."""
    readings: tuple[FileReading, ...]
    """[-] sorted by time, never empty."""
    problems: tuple[FileProblem, ...]
    """[-] sorted by line."""
    notes: tuple[str, ...] = ()
    """[-] what was left out by intent, counted."""


class Found(msgspec.Struct, kw_only=True):
    """What a reader of one kind has found so far, in the order of the file."""

    readings: list[FileReading] = []
    """[-] taken."""
    problems: list[FileProblem] = []
    """[-] not taken."""
    counts_entries: bool = False
    """[-] numbers are those of entries of a JSON array, not of lines."""

    def fault(self, *, line: int, text: str, reason: str) -> None:
        """Note a line that is not taken."""
        # An entry that is printed over several lines is shown on one.
        shown = " ".join(text.split()) if self.counts_entries else text
        self.problems.append(
            FileProblem(
                line=line,
                text=shown[:TEXT_SHOWN_MAX],
                reason=reason,
                is_entry=self.counts_entries,
            )
        )

    def take(self, reading: FileReading, *, text: str) -> None:
        """Take a reading if its number is one; else note why not."""
        try:
            parse_glucose(reading.received, unit=reading.unit, decimal_comma=reading.decimal_comma)
        except GlucoseTextError as error:
            self.fault(line=reading.line, text=text, reason=str(error))
            return
        self.readings.append(reading)


def plain(reading: FileReading) -> str:
    """Write the number with a point, as a command carries it; all else stays letter for letter."""
    return reading.received.replace(",", ".") if reading.decimal_comma else reading.received
