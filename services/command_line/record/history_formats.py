"""Answers of `basalt history` for people and programs: table, CSV, JSON lines, Parquet."""

import csv
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from core.record.glucose_metrics import MAGE_VARIANT
from schemas.units import UtcMillis
from schemas.wire import codec
from services.command_line.files.output_files import whole
from services.command_line.output.exit_codes import wrong_input
from services.command_line.output.tables import print_table
from services.command_line.record.parquet_files import need_pyarrow, write_parquet

PARQUET: Final = "parquet"
"""[-] the format that needs a file, and an optional extra."""

TABLE: Final = "table"
"""[-] the format for people."""

_FOR_PROGRAMS: Final = frozenset({"kind", "cause"})
"""[-] columns that a table for people does without."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Row = dict[str, Any]
"""[-] one line of an answer: its columns by name, raw values; an instant is a datetime in UTC."""


def instant(at: UtcMillis) -> datetime:
    """Give an instant [ms] as a row holds it, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=at)


def is_streamed(form: str, *, output: Path | None) -> bool:
    """Say whether rows appear on a terminal while the record is read."""
    return output is None and form != TABLE and sys.stdout.isatty()


def give(rows: Iterable[Row], *, form: str, what: str, output: Path | None) -> None:
    """Print an answer, or write it into a file that is there whole or not at all.

    Args:
        rows: of the answer.
        form: a key of `PRINTED`, or `PARQUET`.
        what: the question.
        output: where to; None for the screen.

    Raises:
        CommandFailed: that format does not go there, or the file cannot be written.
    """
    if (form == PARQUET) > (output is not None):
        raise wrong_input("--format parquet needs --output FILE")
    if output is None:
        PRINTED[form](rows)
        return
    if form == TABLE:
        raise wrong_input("--output FILE needs --format csv, jsonl or parquet; a table is for eyes")
    if form == PARQUET:
        need_pyarrow()
    with whole(output) as draft:
        if form == PARQUET:
            write_parquet(rows, draft, what=what)
            return
        with draft.open("w", encoding="utf-8", newline="") as file, redirect_stdout(file):
            PRINTED[form](rows)


def _print_table(rows: Iterable[Row]) -> None:
    found = [_plain(row) for row in rows]
    if not found:
        print("nothing on record")
        return
    said = [name for name in found[0] if any(row[name] is not None for row in found)]
    columns = [name for name in said if name not in _FOR_PROGRAMS]
    cells = [["" if row[name] is None else str(row[name]) for name in columns] for row in found]
    numbers = {n for n, name in enumerate(columns) if isinstance(found[0][name], int | float)}
    print_table([name.replace("_", " ") for name in columns], cells, right=frozenset(numbers))
    if "mage" in columns:
        print(f"glucose in mg/dL, shares in % of readings; MAGE: {MAGE_VARIANT}")


def _print_csv(rows: Iterable[Row]) -> None:
    writer: Any = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(sys.stdout, fieldnames=list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(_plain(row))


def _print_lines(rows: Iterable[Row]) -> None:
    for row in rows:
        print(codec.encode(_plain(row)).decode())


def _plain(row: Row) -> Row:
    """Write instants as a person can read them and `--from` takes them back."""
    return {
        name: f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value
        for name, value in row.items()
    }


PRINTED: Final[dict[str, Callable[[Iterable[Row]], None]]] = {
    TABLE: _print_table,
    "csv": _print_csv,
    "jsonl": _print_lines,
}
"""[-] formats that go to the screen."""
