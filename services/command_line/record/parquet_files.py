"""Answers of `basalt history` as Parquet: typed columns with their units, instants in UTC."""

import importlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from services.command_line.output.exit_codes import wrong_input

ROWS_AT_ONCE: Final = 10_000
"""[-] rows of one group of the file; so many are held in memory."""

Kind = Literal["instant", "day", "text", "count", "number"]
Column = tuple[str, str, Kind]
"""[-] name in the answer, name in the file, and what it holds."""

_EVENTS: Final[Sequence[Column]] = (
    ("at", "at", "instant"),
    ("event", "event", "text"),
    ("kind", "kind", "text"),
    ("cause", "cause", "text"),
    ("actor", "actor", "text"),
    ("text", "text", "text"),
    ("because", "because", "text"),
)
_DAYS: Final[Sequence[Column]] = (
    ("day", "day", "day"),
    ("basal_u", "basal_u", "number"),
    ("bolus_u", "bolus_u", "number"),
    ("unknown_u", "unknown_u", "number"),
    ("pen_u", "pen_u", "number"),
    ("primed_u", "primed_u", "number"),
    ("carbs", "carbs_g", "count"),
    ("temporary_rates", "temporary_rates", "count"),
    ("gaps", "gaps", "count"),
)
_GLUCOSE: Final[Sequence[Column]] = (
    ("time", "time", "text"),
    ("readings", "readings", "count"),
    ("mean", "mean_mg_dl", "number"),
    ("sd", "sd_mg_dl", "number"),
    ("cv", "cv_percent", "number"),
    ("gmi", "gmi_percent", "number"),
    ("very_low", "very_low_percent", "number"),
    ("low", "low_percent", "number"),
    ("in_range", "in_range_percent", "number"),
    ("high", "high_percent", "number"),
    ("very_high", "very_high_percent", "number"),
    ("lbgi", "lbgi", "number"),
    ("hbgi", "hbgi", "number"),
    ("mage", "mage_mg_dl", "number"),
)

COLUMNS: Final[dict[str, Sequence[Column]]] = {
    "events": _EVENTS,
    "changes": _EVENTS,
    "gaps": _EVENTS,
    "days": _DAYS,
    "glucose": _GLUCOSE,
}
"""[-] the columns of each question, all of them, whether a row says something or not."""


def need_pyarrow() -> tuple[Any, Any]:
    """Load what writes Parquet.

    Raises:
        CommandFailed: the optional extra is not installed.
    """
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise wrong_input(
            f"--format parquet needs the extra 'parquet': pip install 'basalt[parquet]' ({error})"
        ) from error


def write_parquet(rows: Iterable[dict[str, Any]], path: Path, *, what: str) -> None:
    """Write an answer, group by group; without rows the file has its columns alone.

    Args:
        rows: of the answer.
        path: where to.
        what: the question, a key of `COLUMNS`.

    Raises:
        CommandFailed: the optional extra is not installed.
        OSError: the file cannot be written.
    """
    arrow, parquet = need_pyarrow()
    columns = COLUMNS[what]
    types = {
        "instant": arrow.timestamp("ms", tz="UTC"),
        "day": arrow.date32(),
        "text": arrow.string(),
        "count": arrow.int64(),
        "number": arrow.float64(),
    }
    schema = arrow.schema([(name, types[kind]) for _, name, kind in columns])
    with parquet.ParquetWriter(path, schema) as writer:
        for group in _groups(rows):
            values = {name: [_value(row[of], kind) for row in group] for of, name, kind in columns}
            writer.write_table(arrow.table(values, schema=schema))


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    for row in rows:
        group.append(row)
        if len(group) == ROWS_AT_ONCE:
            yield group
            group = []
    if group:
        yield group


def _value(value: Any, kind: Kind) -> Any:
    return date.fromisoformat(value) if kind == "day" else value
